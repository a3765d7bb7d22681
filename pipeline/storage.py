"""The only door to storage: names that appear whole or not at all, on any fsspec URL (DESIGN section 2)."""

import contextlib
import datetime
import errno
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import luigi
from fsspec.implementations.local import LocalFileSystem

from pipeline.errors import UserError
from pipeline.outcome import printable
from pipeline.source import redacted, without_secrets

TEMPORARY = ".tmp-"
"""What the names of unfinished files carry; such a file is never read and ``PruneVersions`` removes it."""

_LISTING_SECONDS = 2.0


def filesystem(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a URL and the path in it; made anew after a fork, since connections do not survive one."""
    return fsspec.core.url_to_fs(url)


def join(root: str, *parts: str) -> str:
    """The URL of a name below ``root``."""
    return "/".join([root.rstrip("/"), *parts])


class StorageError(OSError, UserError):
    """Storage that cannot be used now: what, where, and what to do. It says nothing against what was worked on."""

    def __str__(self) -> str:
        return f"{self.filename} {self.strerror}"


_ADVICE = {
    errno.ENOSPC: "free some room",
    errno.EDQUOT: "free some room, or ask for a larger quota",
    errno.EROFS: "make it writable, or choose another place",
}
_AGAIN = "then run the same command again: what is finished stays"


@contextlib.contextmanager
def reported(action: str, fs: fsspec.AbstractFileSystem, url: str) -> Iterator[None]:
    """Turn what goes wrong with the storage within the block into ``StorageError``.

    Not a file that is missing, and on a local disk only a lack of room and of the right to write. Libraries of remote
    storage have retried by then, and raise whatever they like.
    """
    place, local = without_secrets(url), isinstance(fs, LocalFileSystem)
    try:
        yield
    except (FileNotFoundError, StorageError):
        raise
    except Exception as error:
        code = getattr(error, "errno", None)
        if code in _ADVICE:
            said = f"cannot be {action}: {os.strerror(code)}; {_ADVICE[code]}, {_AGAIN}"
            raise StorageError(code, said, place) from error
        if local:
            raise
        said = redacted(printable(str(error) or type(error).__name__))
        said = f"cannot be {action}: {said}; see that the storage answers, {_AGAIN}"
        raise StorageError(errno.EIO, said, place) from error


def read_bytes(url: str, start: int | None = None, end: int | None = None) -> bytes:
    """The bytes of a file, or those from ``start`` up to ``end``. Raises ``StorageError``."""
    fs, path = filesystem(url)
    with reported("read", fs, url):
        return fs.cat_file(path, start=start, end=end)


def exists(url: str) -> bool:
    """Whether a file or folder is there, asked of the storage itself. Raises ``StorageError``."""
    fs, path = filesystem(url)
    with reported("looked at", fs, url):
        return bool(fs.exists(path))


def probe_writable(folder: str) -> None:
    """Raise ``OSError`` where nothing can be written below a folder."""
    url = join(folder, f"{TEMPORARY}probe-{uuid.uuid4().hex[:8]}")
    write_bytes(url, b"probe")
    remove(url)


def write_bytes(url: str, content: bytes | bytearray) -> None:
    """Write a file so that the name appears whole: temporary name, fsync, rename, fsync of the folder.

    On object storage a single put does the same, or the completion of one in parts. It is not made conditional on the
    name being free: whoever writes a name writes the same bytes, and a put that is retried would meet itself.
    Raises ``StorageError``.
    """
    fs, path = filesystem(url)
    with reported("written", fs, url):
        if not isinstance(fs, LocalFileSystem):
            fs.pipe_file(path, bytes(content))
            return
        with _appearing(Path(path)) as temporary, temporary.open("wb") as file:
            file.write(content)


def put_file(local: Path, url: str) -> None:
    """Move a finished local file to a URL, where it appears whole. Raises ``StorageError``."""
    fs, path = filesystem(url)
    with reported("written", fs, url):
        if not isinstance(fs, LocalFileSystem):
            fs.put_file(str(local), path)
            local.unlink()
            return
        with local.open("rb+") as file:
            os.fsync(file.fileno())
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        local.replace(target)
        _fsync_folder(target.parent)


def take_over(source: str, url: str) -> None:
    """Let a finished file also have another name of the same storage, where it appears whole.

    A hard link on a local disk, or a copy where that has none; elsewhere the storage copies. Files are never changed in
    place here, so that two names of one file are as good as two files. Raises ``FileNotFoundError``, ``StorageError``.
    """
    fs, path = filesystem(url)
    old = filesystem(source)[1]
    with reported("written", fs, url):
        if not isinstance(fs, LocalFileSystem):
            fs.cp_file(old, path)
            return
        with _appearing(Path(path)) as temporary:
            try:
                temporary.hardlink_to(old)
            except FileNotFoundError:
                raise
            except OSError:  # no links here, or too many
                shutil.copyfile(old, temporary)


@contextlib.contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """A temporary name beside ``target`` that becomes it, durably, when the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{TEMPORARY}{target.name}-{uuid.uuid4().hex[:8]}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
        _fsync_folder(target.parent)
    finally:  # also where both were links to one file, which a rename leaves as they are
        temporary.unlink(missing_ok=True)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def local_folder(url: str) -> Path | None:
    """The folder as a local path, or None where the URL is on other storage."""
    fs, path = filesystem(url)
    return Path(path) if isinstance(fs, LocalFileSystem) else None


@contextlib.contextmanager
def local_copy(url: str) -> Iterator[Path]:
    """The file at ``url`` as a local file: itself where it is local, else a copy that lives as long as the block."""
    fs, path = filesystem(url)
    if isinstance(fs, LocalFileSystem):
        yield Path(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / Path(path).name
        with reported("read", fs, url):
            fs.get_file(path, str(local))
        yield local


def remove(url: str) -> None:
    """Remove a file or a folder with all that is in it; nothing happens where there is none."""
    fs, path = filesystem(url)
    with contextlib.suppress(FileNotFoundError), reported("removed", fs, url):
        fs.rm(path, recursive=True)
    forget_all()


def remove_file(url: str) -> None:
    """Remove one file that no listing tells of; nothing happens where there is none."""
    fs, path = filesystem(url)
    with contextlib.suppress(FileNotFoundError), reported("removed", fs, url):
        fs.rm_file(path)


def children(folder: str) -> list[str]:
    """The names in a folder, sorted; none where it does not exist."""
    fs, path = filesystem(folder)
    try:
        found = {Path(name.rstrip("/")).name for name in fs.ls(path, detail=False)}
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in found if not name.startswith(TEMPORARY))


def leftovers(root: str, before: float) -> Iterator[str]:
    """Temporary files and folders below ``root`` that were last changed before a time in seconds since the epoch."""
    folder = local_folder(root)
    if folder is None:
        found = sorted(stored(root).items())
        yield from (join(root, name) for name, file in found if TEMPORARY in name and file.changed <= before)
        return
    for path in sorted(folder.rglob(f"{TEMPORARY}*")):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime <= before:
                yield str(path)


@dataclass(frozen=True)
class Stored:
    """What a listing says of a file."""

    size: int  # bytes
    changed: float  # seconds since the epoch


def stored(folder: str) -> dict[str, Stored]:
    """All files below a folder, unfinished ones too, by their path relative to it: one listing, always anew."""
    fs, path = filesystem(folder)
    fs.invalidate_cache(path)
    prefix = path.rstrip("/") + "/"
    with reported("listed", fs, folder):
        found = fs.find(path, detail=True)
    return {name.removeprefix(prefix): Stored(int(info["size"]), _changed(info)) for name, info in found.items()}


def _changed(info: dict[str, Any]) -> float:
    """Seconds since the epoch, under whichever name a kind of storage tells it."""
    told = next(
        (info[name] for name in ("mtime", "LastModified", "last_modified", "updated", "created") if name in info), 0.0
    )
    if isinstance(told, str):
        told = datetime.datetime.fromisoformat(told)
    return told.timestamp() if isinstance(told, datetime.datetime) else float(told)


# -- listings ---------------------------------------------------------------------------------------------------------


class _Listing:
    """The files of a stage, as paths relative to its folder, and by the folder in it that holds them."""

    def __init__(self, found: Iterable[str], seconds: float) -> None:
        self.process, self.listed_at, self.seconds = os.getpid(), time.monotonic(), seconds
        self.missed = 0  # names that a forked process asked for in vain
        self.names: set[str] = set()
        self.by_folder: dict[str, set[str]] = {}
        for name in found:
            self.add(name)

    def add(self, name: str) -> None:
        """Note a file that is there."""
        self.names.add(name)
        folder, _, last = name.rpartition("/")
        self.by_folder.setdefault(folder, set()).add(last)

    def is_fresh(self) -> bool:
        """Young enough to say that a name is absent; a large tree, slow to list, may grow older."""
        age = (_asked_at[-1] if _asked_at else time.monotonic()) - self.listed_at
        return self.process == os.getpid() and age < max(_LISTING_SECONDS, 20 * self.seconds)


_listings: dict[str, _Listing] = {}
_with_siblings: dict[str, _Listing] = {}  # when a folder was listed for all the stages in it
_asked_at: list[float] = []  # when the views under way began
_FEW_FOLDERS, _FEW_QUESTIONS = 8, 8


@contextlib.contextmanager
def one_view() -> Iterator[None]:
    """Within the block no folder is listed twice, however long it takes: what is told is as of its beginning."""
    _asked_at.append(time.monotonic())
    try:
        yield
    finally:
        _asked_at.pop()


def names(stage: str, folder: str | None = None) -> set[str]:
    """The finished files below the URL of a stage, as paths relative to it, or the names in one ``folder`` of it.

    One listing of the stage serves thousands of questions: it is kept for some seconds.
    """
    listing = _listings.get(stage)
    if listing is None or not listing.is_fresh():
        _list(stage)
        listing = _listings[stage]
    return listing.names if folder is None else listing.by_folder.get(folder, set())


def _list(stage: str) -> None:
    """List a stage; with all its siblings where many of them are asked for, as rows of a manifest may each have one."""
    started = time.monotonic()
    parent = stage.rpartition("/")[0]
    whole = _with_siblings.get(parent)
    if whole is not None and whole.is_fresh():  # and had nothing of this stage
        _listings[stage] = _Listing((), whole.seconds)
        _listings[stage].listed_at = whole.listed_at
        return
    siblings = {stage, *(known for known in _listings if known.rpartition("/")[0] == parent)}
    if len(siblings) < _FEW_FOLDERS:
        found: dict[str, list[str]] = {stage: _walk(stage)}
    else:
        found = {sibling: [] for sibling in siblings}
        for name in _walk(parent):
            version, _, rest = name.partition("/")
            if rest:
                found.setdefault(join(parent, version), []).append(rest)
        _with_siblings[parent] = _Listing((), time.monotonic() - started)
    seconds = time.monotonic() - started
    for place, inside in found.items():
        _listings[place] = _Listing((name for name in inside if TEMPORARY not in name), seconds)


def _walk(folder: str) -> list[str]:
    fs, path = filesystem(folder)
    fs.invalidate_cache(path)
    prefix = path.rstrip("/") + "/"
    with reported("listed", fs, folder):
        return [name.removeprefix(prefix) for name in fs.find(path)]


def forget_all() -> None:
    """Make the next ``names`` of any folder list anew."""
    _listings.clear()
    _with_siblings.clear()


class FsspecTarget(luigi.Target):
    """A file as a Luigi target: it exists when its name does, and then it is whole.

    ``folder`` is the URL of a whole stage, ``name`` the path in it, so that a listing of the stage answers for the
    targets of all its tasks.
    """

    def __init__(self, folder: str, name: str) -> None:
        self.folder, self.name = folder, name

    @property
    def url(self) -> str:
        """Where the file is."""
        return join(self.folder, self.name)

    def exists(self) -> bool:
        """Whether the file is there: from the stage's listing, or by asking for it where that may be outdated."""
        listing = _listings.get(self.folder)
        if listing is not None and self.name in listing.names:
            return True
        if listing is not None and listing.process != os.getpid() and listing.missed < _FEW_QUESTIONS:
            listing.missed += 1  # a listing for each of many questions would be a storm, and so would many questions
            return exists(self.url)
        return self.name in names(self.folder)

    def read(self) -> bytes:
        """All bytes of the file."""
        return read_bytes(self.url)

    def write(self, content: bytes) -> None:
        """Write the file whole."""
        write_bytes(self.url, content)
        self.appeared()

    def put(self, local: Path) -> None:
        """Move a finished local file here."""
        put_file(local, self.url)
        self.appeared()

    def appeared(self) -> None:
        """Note in the listing at hand that the file is there now."""
        if self.folder in _listings:
            _listings[self.folder].add(self.name)
        else:
            _with_siblings.pop(self.folder.rpartition("/")[0], None)

    def __str__(self) -> str:
        return self.url
