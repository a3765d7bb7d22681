"""Disks that are full or read-only, stores that answer with errors, and what the user is told of it."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from pipeline import build, outcome, storage
from pipeline.errors import UserError
from pipeline.storage import StorageError, join

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to mount a small file system")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts an empty file system of 1 MiB, or mounts it again, with other options."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str = "size=1m") -> Path:
        if os.system(f"mount -t tmpfs -o {options} tmpfs {place} 2>/dev/null") != 0:
            pytest.skip("mounting is not allowed here")
        return place

    yield mount
    os.system(f"umount {place} 2>/dev/null")


@AS_ROOT
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(mounted: Callable[[str], Path], tmp_path: Path) -> None:
    disk = mounted("size=1m")
    storage.write_bytes(str(disk / "file"), b"old")
    with pytest.raises(StorageError) as told:
        storage.write_bytes(str(disk / "file"), bytes(2**21))
    assert str(told.value) == (
        f"{disk}/file cannot be written: No space left on device; free some room, "
        "then run the same command again: what is finished stays"
    )
    assert [(path.name, path.read_bytes()) for path in disk.iterdir()] == [("file", b"old")]
    os.system(f"mount -o remount,size=4m {disk}")
    storage.write_bytes(str(disk / "file"), bytes(2**21))
    assert (disk / "file").stat().st_size == 2**21


@AS_ROOT
def test_a_read_only_disk_is_one_sentence(mounted: Callable[[str], Path]) -> None:
    disk = mounted("ro,size=1m")
    with pytest.raises(StorageError, match="cannot be written: Read-only file system; make it writable, or choose an"):
        storage.write_bytes(str(disk / "file"), b"new")
    with pytest.raises(UserError, match=f"cannot write to the root {disk}/root: .*Read-only.*choose another --root"):
        build.open_root(str(disk / "root"))


def test_a_disk_that_fails_is_never_held_against_a_video() -> None:
    for code in (errno.ENOSPC, errno.EROFS, errno.EIO):
        with pytest.raises(StorageError):
            outcome.of_error(StorageError(code, "cannot be read", "s3://box/file"))


class Moody(fsspec.AbstractFileSystem):
    """A store whose library raises what it likes, with its password in it."""

    protocol = "memory"

    def fail(self, *_: object, **__: object) -> None:
        raise RuntimeError("no answer from https://me:hush@store/box?sig=hush \x1b[31m")

    cat_file = pipe_file = put_file = get_file = find = exists = rm = rm_file = fail


DOORS: dict[str, Callable[[str, Path], object]] = {
    "read": lambda url, _: storage.read_bytes(url),
    "written": lambda url, _: storage.write_bytes(url, b"x"),
    "put": lambda url, local: storage.put_file(local, url),
    "copied": lambda url, _: storage.local_copy(url).__enter__(),
    "looked at": lambda url, _: storage.exists(url),
    "listed": lambda url, _: storage.names(url),
    "listed whole": lambda url, _: storage.stored(url),
    "removed": lambda url, _: storage.remove(url),
    "one removed": lambda url, _: storage.remove_file(url),
}


@pytest.mark.parametrize("use", DOORS.values(), ids=DOORS)
def test_a_store_that_does_not_answer_is_one_sentence_without_secrets(
    use: Callable[[str, Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "filesystem", lambda url: (Moody(), "box/stage"))
    storage.forget_all()
    (tmp_path / "local").write_bytes(b"x")
    with pytest.raises(StorageError, match="see that the storage answers, then run the same command again") as told:
        use("s3://key:hush@box/stage", tmp_path / "local")
    assert str(told.value).startswith("s3://box/stage cannot be ") and told.value.errno == errno.EIO
    assert "hush" not in str(told.value) and str(told.value).isprintable()
    assert (tmp_path / "local").exists()


def test_what_is_missing_stays_what_is_missing(tmp_path: Path) -> None:
    for root in (str(tmp_path), f"memory://{tmp_path.name}"):
        with pytest.raises(FileNotFoundError):
            storage.read_bytes(join(root, "absent"))


def test_a_write_is_flushed_to_the_disk_before_its_name_and_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor: int) -> None:
        done.append("folder" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "file")
        fsync(descriptor)

    def note_replace(path: Path, target: Path) -> Path:
        done.append("name")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    storage.write_bytes(str(tmp_path / "file"), b"x")
    assert done == ["file", "name", "folder"]
    done.clear()
    (tmp_path / "local").write_bytes(b"x")
    storage.put_file(tmp_path / "local", str(tmp_path / "put"))
    assert done == ["file", "name", "folder"]
