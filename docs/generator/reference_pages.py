"""Writes the reference before Sphinx reads it: a page a module from docstrings, and one a command from ``--help``.

The sources are read and not imported, so that neither torch nor compiled kernels stand in the way; docstrings are
Markdown like the other pages.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import griffe
from command_help import command_pages
from public_names import ROOMS, modules, public_members
from sphinx.application import Sphinx

FENCE = "`" * 5


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / "reference"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write(folder: Path) -> None:
    """Fills ``folder/api`` and ``folder/commands``, both anew."""
    pages = {f"commands/{name}": text for name, text in command_pages().items()}
    pages |= {f"api/{module.path}": module_page(module) for room in ROOMS for module in modules(room)}
    for place in ("api", "commands"):
        shutil.rmtree(folder / place, ignore_errors=True)
        (folder / place).mkdir(parents=True)
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text)


def module_page(module: griffe.Module) -> str:
    """A page of a module: what it says of itself, its public names, and links to the modules within.

    Only rooms stand in the navigation: with all modules in it, each page would carry three hundred links.
    """
    orphan = "---\norphan: true\n---\n\n" if module.parent else ""
    title = f"{orphan}# {module.path}\n\n{FENCE}{{py:module}} {module.path}\n{FENCE}\n"
    within = [f"| [{each.path}]({each.path}.md) | {_summary(each)} |" for each in _modules_within(module)]
    if within:
        within = ["| module | what it has |", "|---|---|", *within]
    parts = [title, _text(module), "\n".join(within), *(_entry(member) for member in public_members(module))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _modules_within(module: griffe.Module) -> list[griffe.Module]:
    return [each for name, each in sorted(module.modules.items()) if not each.is_alias]


def _summary(module: griffe.Module) -> str:
    return _text(module).split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def _entry(member: griffe.Class | griffe.Function | griffe.Attribute) -> str:
    """A class, function, method or property as a directive of Sphinx's Python domain, its members within."""
    fence = FENCE + "`" * (3 if isinstance(member, griffe.Class) else 0)
    lines = [f"{fence}{{py:{_kind(member)}}} {_signature(member)}", *_options(member), "", _text(member)]
    if isinstance(member, griffe.Class):
        lines += ["", _fields(member), *(_entry(inner) for inner in public_members(member))]
    return "\n".join([*lines, fence, ""])


def _kind(member: griffe.Class | griffe.Function | griffe.Attribute) -> str:
    if isinstance(member, griffe.Class):
        return "class"
    if isinstance(member, griffe.Attribute):
        return "property"
    return "method" if isinstance(member.parent, griffe.Class) else "function"


def _signature(member: griffe.Class | griffe.Function | griffe.Attribute) -> str:
    """Name, parameters and result; types in full, as several rooms have a ``Camera``."""
    if not isinstance(member, griffe.Function):
        return member.name
    signature = " ".join(member.signature().split())
    annotations = [each.annotation for each in member.parameters] + [member.returns]
    for name, full in {pair for each in annotations for pair in _full_names(each)}:
        signature = re.sub(rf"(?<![\w.]){name}(?![\w=:])", full, signature)
    return signature


def _full_names(annotation: str | griffe.Expr | None) -> Iterator[tuple[str, str]]:
    if isinstance(annotation, griffe.Expr):
        for part in annotation.iterate(flat=True):
            if isinstance(part, griffe.ExprName) and "." in part.canonical_path:
                yield part.name, part.canonical_path


def _options(member: griffe.Class | griffe.Function | griffe.Attribute) -> list[str]:
    if isinstance(member, griffe.Attribute) and member.annotation is not None:
        return [f":type: {member.annotation}"]
    return [f":{name}:" for name in ("staticmethod", "classmethod") if name in member.labels]


def _text(member: griffe.Object) -> str:
    return member.docstring.value if member.docstring else ""


def _fields(owner: griffe.Class) -> str:
    """The fields of a dataclass as the source has them: comments behind them tell units and ranges."""
    if "dataclass" not in owner.labels:
        return ""
    methods = [member.lineno for member in owner.members.values() if member.is_function]
    before = min((line - 1 for line in methods if line), default=owner.endlineno or 0)
    start = owner.docstring.endlineno if owner.docstring else owner.lineno
    lines = owner.source.splitlines()[(start or 0) - (owner.lineno or 0) + 1 : before - (owner.lineno or 0) + 1]
    kept = [line.removeprefix("    ") for line in lines if not line.strip().startswith("@")]
    body = "\n".join(kept).strip()
    return f"```python\n{body}\n```" if body else ""
