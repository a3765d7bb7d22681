import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.dataset import open_dataset
from pipeline.errors import UserError
from pipeline.lint import lint


@pytest.fixture
def copy(built: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built.folder, tmp_path / "copy"))


def first_tar(folder: Path) -> Path:
    return min(folder.glob("*.tar"))


def flip_a_byte(folder: Path) -> None:
    content = bytearray(first_tar(folder).read_bytes())
    content[1000] ^= 255
    first_tar(folder).write_bytes(content)


def cut(folder: Path) -> None:
    first_tar(folder).write_bytes(first_tar(folder).read_bytes()[:-5000])


def swap_members(folder: Path) -> None:
    """Move the first member of the first sample behind all others."""
    content = first_tar(folder).read_bytes()
    size = 512 + -(-int(content[124:135], 8) // 512) * 512
    first_tar(folder).write_bytes(content[size:-1024] + content[:size] + bytes(1024))


def drop_a_shard(folder: Path) -> None:
    first_tar(folder).unlink()


def miscount(folder: Path) -> None:
    record = json.loads((folder / "dataset.json").read_text())
    record["shards"][0]["count"] += 1
    (folder / "dataset.json").write_text(json.dumps(record))


def test_a_sound_dataset_has_no_problems(built: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(lint(open_dataset(str(built.root)))) == []
    assert main(["lint", str(built.folder)]) == 0
    assert "no problems" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (flip_a_byte, "sha256"),
        (cut, "bytes, dataset.json says"),
        (swap_members, "twice"),
        (drop_a_shard, "missing"),
        (miscount, "samples, dataset.json says"),
    ],
)
def test_damage_is_found(
    copy: Path, damage: Callable[[Path], None], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(copy)
    assert main(["lint", str(copy)]) == 1
    assert words in capsys.readouterr().out


def test_a_folder_without_a_dataset_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="holds no finished dataset"):
        open_dataset(str(tmp_path))
    assert main(["lint", str(tmp_path)]) == 2
    assert "holds no finished dataset" in capsys.readouterr().err
