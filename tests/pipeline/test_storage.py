import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import storage
from pipeline.storage import TEMPORARY, FsspecTarget, join


@pytest.fixture(params=["local", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    storage.forget_all()
    return str(tmp_path / "root") if request.param == "local" else f"memory://{tmp_path.name}"


def test_a_written_file_is_there_and_whole(root: str) -> None:
    target = FsspecTarget(join(root, "stage"), "video/file.json")
    assert not target.exists()
    target.write(b"content")
    assert target.exists()
    assert target.read() == b"content"
    assert storage.read_bytes(target.url, 3, 5) == b"te"
    assert storage.names(join(root, "stage")) == {"video/file.json"}
    assert storage.names(join(root, "stage"), "video") == {"file.json"}


def test_a_file_that_another_process_wrote_is_found(tmp_path: Path) -> None:
    stage = str(tmp_path / "stage")
    target = FsspecTarget(stage, "late.json")
    assert not target.exists()
    process = os.fork()
    if process == 0:  # as in a forked task: the listing of the parent says no, the storage says yes
        (tmp_path / "stage").mkdir()
        (tmp_path / "stage" / "late.json").write_bytes(b"x")
        os._exit(0 if target.exists() else 1)
    assert os.waitpid(process, 0)[1] == 0
    storage.forget_all()
    assert target.exists()


def test_an_interrupted_write_leaves_no_name(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), storage._appearing(tmp_path / "file") as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_killed_write_leaves_only_a_leftover_that_is_never_listed(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from pipeline import storage\n"
        "with storage._appearing(Path(sys.argv[1]) / 'file') as temporary:\n"
        "    temporary.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    finished = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert finished.returncode == -9
    assert [path.name.startswith(TEMPORARY) for path in tmp_path.iterdir()] == [True]
    storage.forget_all()
    assert storage.names(str(tmp_path)) == set()
    assert list(storage.leftovers(str(tmp_path), time.time() - 3600)) == []
    assert len(list(storage.leftovers(str(tmp_path), time.time() + 1))) == 1


def test_put_moves_a_file_and_remove_removes_it(root: str, tmp_path: Path) -> None:
    local = tmp_path / "made"
    local.write_bytes(b"made")
    target = FsspecTarget(join(root, "stage"), "put/made")
    target.put(local)
    assert target.exists() and target.read() == b"made" and not local.exists()
    with storage.local_copy(target.url) as copy:
        assert copy.read_bytes() == b"made"
    storage.remove(join(root, "stage", "put"))
    assert not target.exists()
    storage.remove(join(root, "stage", "put"))  # nothing to remove is no error


def test_a_detailed_listing_tells_size_and_age_of_unfinished_files_too(root: str) -> None:
    begun = time.time()
    storage.write_bytes(join(root, "stage", "file"), b"four")
    storage.write_bytes(join(root, "stage", "deep", f"{TEMPORARY}half"), b"ha")
    found = storage.stored(join(root, "stage"))
    assert {name: file.size for name, file in found.items()} == {"file": 4, f"deep/{TEMPORARY}half": 2}
    assert all(begun - 2 <= file.changed <= time.time() + 2 for file in found.values())
    assert [Path(url).name for url in storage.leftovers(root, time.time() + 2)] == [f"{TEMPORARY}half"]
    assert list(storage.leftovers(root, begun - 3600)) == []


def test_children_are_the_names_in_a_folder(root: str) -> None:
    FsspecTarget(join(root, "stage"), "b/file").write(b"")
    FsspecTarget(join(root, "stage"), "a").write(b"")
    assert storage.children(join(root, "stage")) == ["a", "b"]
    assert storage.children(join(root, "absent")) == []


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that were listed."""
    listed: list[str] = []
    walk = storage._walk
    monkeypatch.setattr(storage, "_walk", lambda folder: listed.append(folder) or walk(folder))
    storage.forget_all()
    return listed


def test_many_versions_of_a_stage_are_found_in_few_listings(root: str, listings: list[str]) -> None:
    versions = [join(root, "labels", f"{number:03d}") for number in range(40)]
    for version in versions[:30]:
        FsspecTarget(version, "video/chunk").write(b"")
    storage.forget_all()
    assert [FsspecTarget(version, "video/chunk").exists() for version in versions] == [True] * 30 + [False] * 10
    assert len(listings) < 20 and listings.count(join(root, "labels")) >= 1
    late = FsspecTarget(join(root, "labels", "late"), "video/chunk")
    late.write(b"")
    assert late.exists()


def test_within_one_view_nothing_is_listed_twice(
    root: str, listings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = join(root, "stage")
    with storage.one_view():
        assert storage.names(stage) == set()
        later = time.monotonic() + 3600
        monkeypatch.setattr(time, "monotonic", lambda: later)
        assert storage.names(stage) == set() and len(listings) == 1
    storage.write_bytes(join(stage, "late"), b"")
    assert storage.names(stage) == {"late"} and len(listings) == 2


def test_a_forked_process_that_asks_much_lists_once(tmp_path: Path, listings: list[str]) -> None:
    stage = str(tmp_path)
    assert storage.names(stage) == set()
    process = os.fork()
    if process == 0:
        for number in range(100):
            FsspecTarget(stage, f"{number}").exists()
        os._exit(len(listings) - 1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 1
