"""What the rooms offer: their modules, and the classes, functions and methods whose names begin with no underscore."""

from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parent.parent.parent
ROOMS = {
    "pipeline": "from videos to shards",
    "labels": "the numerics of a label",
    "training": "networks that learn from shards",
    "evaluation": "scores, as the benchmarks count them",
    "simulation": "rendered drives with exact ground truth",
    "benchmarks": "one script a claim",
}


def modules(room: str) -> Iterator[griffe.Module]:
    """The package of a room and all modules within, by name; read, never imported."""
    found = griffe.load(room, search_paths=[str(ROOT)], allow_inspection=False)
    assert isinstance(found, griffe.Module)
    yield from _within(found)


def _within(module: griffe.Module) -> Iterator[griffe.Module]:
    yield module
    for name in sorted(module.modules):
        if not module.modules[name].is_alias:
            yield from _within(module.modules[name])


def public_members(owner: griffe.Module | griffe.Class) -> list[griffe.Class | griffe.Function | griffe.Attribute]:
    """Classes, functions, methods and properties that are defined there, in the order of the file."""
    own = [
        member
        for member in owner.members.values()
        if not member.is_alias
        and not member.name.startswith("_")
        and (member.is_class or member.is_function or "property" in member.labels)
    ]
    return sorted(own, key=lambda member: member.lineno or 0)  # type: ignore[arg-type, return-value]


def undocumented(room: str) -> Iterator[str]:
    """The public names of a room that have no docstring, with the file and line of each."""
    for module in modules(room):
        if not module.has_docstring:
            yield f"{module.path}: the module"
        for member in public_members(module):
            yield from _undocumented(member)


def _undocumented(member: griffe.Class | griffe.Function | griffe.Attribute) -> Iterator[str]:
    if not member.has_docstring:
        yield f"{member.path}, line {member.lineno}"
    if isinstance(member, griffe.Class):
        for inner in public_members(member):
            yield from _undocumented(inner)
