"""Compiled code that is older than any source file of the room is not used again."""

import os
from pathlib import Path

from simulation.kernel_cache import forget_stale_kernels


def test_indices_older_than_a_source_file_are_removed(tmp_path: Path) -> None:
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    times = {"a.py": 100, "b.py": 200, "__pycache__/old.nbi": 150, "__pycache__/new.nbi": 201, "__pycache__/a.pyc": 50}
    for name, time in times.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time, time))
    forget_stale_kernels(tmp_path)
    assert sorted(path.name for path in cache.iterdir()) == ["a.pyc", "new.nbi"]


def test_without_a_cache_there_is_nothing_to_forget(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    forget_stale_kernels(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.py"]
