"""Every public name of every room says what it is."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

GENERATOR = Path(__file__).parent.parent.parent / "docs" / "generator"


def load(name: str) -> ModuleType:
    """A module of the documentation's generator, which is no package."""
    spec = importlib.util.spec_from_file_location(name, GENERATOR / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


public_names = load("public_names")


@pytest.mark.parametrize("room", public_names.ROOMS)
def test_every_public_name_is_documented(room: str) -> None:
    assert len(list(public_names.modules(room))) > 5
    assert list(public_names.undocumented(room)) == []


def test_a_name_without_a_docstring_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / "room" / "wall.py").write_text(
        "from dataclasses import dataclass\n\n\n"
        'class Door:\n    """Opens."""\n\n    def open(self): ...\n\n    def _lock(self): ...\n\n'
        "    @property\n    def width(self): ...\n\n\ndef paint(): ...\n"
    )
    monkeypatch.setattr(public_names, "ROOT", tmp_path)
    assert [each.split(",")[0] for each in public_names.undocumented("room")] == [
        "room.wall: the module",
        "room.wall.Door.open",
        "room.wall.Door.width",
        "room.wall.paint",
    ]
