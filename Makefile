# make figures: the pictures of the README and of the pages that are made of the demo, anew.
PYTHON ?= python

.PHONY: figures docs

figures:
	luigi --module pipeline BuildShards --workers 2
	$(PYTHON) -m pipeline inspect dataset --samples 6 --sheet docs/demo.png
	$(PYTHON) docs/generator/palette.py docs/demo.png
	$(PYTHON) docs/generator/drawings.py

docs:
	sphinx-build --fail-on-warning --keep-going --jobs 2 docs docs/_build
