"""Sources on a local disk: looked at in place, never copied."""

import glob
import hashlib
from pathlib import Path

from pipeline.fetched import DONE, Fetched, FetchError, failed
from pipeline.image_folder import SUFFIXES


def image_files(path: str) -> list[Path]:
    """The images of a folder or glob, by name; other files are passed over."""
    folder = Path(path)
    found = list(folder.iterdir()) if folder.is_dir() else [Path(name) for name in glob.glob(path)]  # noqa: PTH207
    return sorted(file for file in found if file.suffix.lower() in SUFFIXES and file.is_file())


def look_at_video(path: str) -> Fetched:
    """The record of a local video file. Raises ``FetchError``."""
    file = Path(path)
    try:
        if not file.is_file():  # a pipe or a device would never end
            raise failed("not_a_file" if file.exists() else "missing", f"{path} is {_what(file)}")
        size = file.stat().st_size
        if size == 0:
            raise failed("empty", f"{path} has no bytes")
        return Fetched(DONE, path=path, bytes=size, sha256=sha256(file), tool="local")
    except OSError as error:
        raise _unreadable(path, error) from error


def _what(file: Path) -> str:
    return "neither a file nor a folder of images" if file.exists() else "not there"


def look_at_frames(path: str) -> Fetched:
    """The record of a folder or glob of images; its sha256 is over the names and sizes. Raises ``FetchError``."""
    try:
        images = image_files(path)
        if not images:
            raise failed("no_images", f"{path} has no images; looked for {', '.join(sorted(SUFFIXES))}")
        sizes = [file.stat().st_size for file in images]
    except OSError as error:
        raise _unreadable(path, error) from error
    listing = "".join(f"{file.name}\0{size}\n" for file, size in zip(images, sizes))
    digest = hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
    return Fetched(DONE, path=path, bytes=sum(sizes), sha256=digest, images=len(images), tool="local")


def sha256(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _unreadable(path: str, error: OSError) -> FetchError:
    return failed("unreadable", f"{path} cannot be read: {error.strerror or error}")
