"""How Sphinx builds these pages: ``sphinx-build -W docs docs/_build``, without a network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "generator"))

project = "Relative Depth"
author = "the authors of Relative Depth"
extensions = ["myst_parser", "reference_pages"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = project
html_show_copyright = False
html_copy_source = False
html_static_path = ["drawings"]
html_theme_options = {"navigation_with_keys": True}

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
python_use_unqualified_type_names = True
maximum_signature_line_length = 90
add_module_names = False
suppress_warnings = ["ref.python"]  # several rooms have a Camera
toc_object_entries = False
