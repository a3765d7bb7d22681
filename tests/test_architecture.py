"""Holds the import arrows of the house: which room may import which."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# room -> what it may import of ours; every other arrow is a fault
ALLOWED = {
    "labels": set(),
    "simulation": set(),
    "data_manifests": set(),
    "evaluation": {"labels.codec"},
    "training": {"evaluation", "labels.codec"},
    "pipeline": {"labels", "simulation", "data_manifests"},
    "benchmarks": {"labels", "pipeline", "simulation", "evaluation", "training", "data_manifests"},
}
# third-party libraries that must stay out of a room
FORBIDDEN = {
    "labels": {"torch", "luigi", "fsspec", "av", "pyarrow"},
    "simulation": {"torch", "luigi"},
    "evaluation": {"torch", "luigi"},
    "pipeline": {"torch"},
}


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the whole name"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(name: str, places: set[str]) -> bool:
    return any(name == place or name.startswith(place + ".") for place in places)


@pytest.mark.parametrize("room", sorted(room for room in ALLOWED if (ROOT / room).is_dir()))
def test_a_room_imports_only_what_the_house_allows(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files, f"{room} is empty"
    for path in files:
        for name in imported_names(path):
            top = name.split(".")[0]
            if top in ALLOWED and top != room:
                # `from labels import codec` names both the package and the module: the longer name decides
                allowed = within(name, ALLOWED[room]) or any(place.startswith(name + ".") for place in ALLOWED[room])
                assert allowed, f"{path.relative_to(ROOT)} imports {name}"
            assert top not in FORBIDDEN.get(room, set()), f"{path.relative_to(ROOT)} imports {name}"


def test_every_room_is_known() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert rooms <= set(ALLOWED) | {"tests"}, f"unknown rooms: {rooms - set(ALLOWED)}"
