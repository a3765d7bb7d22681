"""Two workers that do not know of each other, as when a scheduler has lost its memory, at the same tasks."""

import subprocess
from typing import Any

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
def test_two_workers_at_the_same_tasks_leave_the_same_bytes(built: Any, start: Any) -> None:
    build = start()
    words = build.command("--local-scheduler")
    pipe = subprocess.PIPE
    twice = [subprocess.Popen(words, cwd=ROOT, stdout=pipe, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    told = [process.communicate(timeout=500)[0] for process in twice]
    assert [process.returncode for process in twice] == [0, 0], told
    assert build.hashes() == built.hashes()
    assert [path for path in build.root.rglob(".tmp-*") if path.is_file()] == []
