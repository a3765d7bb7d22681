"""Copies a file from object storage (any allowed fsspec URL) to the local disk."""

import time
from pathlib import Path

import fsspec

from pipeline.fetched import Arrived, FetchError, FetchParameters, Progress, failed, gone
from pipeline.patience import Gauge, patient
from pipeline.source import VIDEO_SUFFIXES, scheme, without_secrets

_CHUNK = 2**20


def copy(url: str, work: Path, limits: FetchParameters, progress: Progress | None = None) -> Arrived:
    """Copy ``url`` to a file in ``work``. Raises ``FetchError``; ``OSError`` tells of the local disk."""
    deadline = time.monotonic() + limits.max_seconds
    file = work / "remote.part"
    patient(limits, deadline)(_attempt, url, file, limits, deadline, progress)
    suffix = Path(url).suffix.lower()
    return Arrived(
        file=file,
        suffix=suffix if suffix in VIDEO_SUFFIXES else ".bin",
        tool=f"fsspec:{scheme(url)}",
        tool_version=fsspec.__version__,
        final_url=without_secrets(url),
    )


def _attempt(url: str, file: Path, limits: FetchParameters, deadline: float, progress: Progress | None) -> None:
    with file.open("wb") as local:
        try:
            fs, path = fsspec.core.url_to_fs(url)
            info = fs.info(path)
            if info["type"] != "file":
                raise failed("remote_folder", f"{url} is a folder; mount or copy it, and name the local folder")
            source = fs.open(path, "rb")
        except Exception as error:
            raise _of_storage(error, url) from error
        gauge = Gauge(limits, deadline, total=info.get("size"))
        gauge.check_room(file.parent)
        with source:
            while piece := _read(source, url):
                local.write(piece)
                gauge.add(len(piece))
                if progress:
                    progress(gauge.size, gauge.total)
        gauge.check_whole()


def _read(source: fsspec.spec.AbstractBufferedFile, url: str) -> bytes:
    try:
        piece: bytes = source.read(_CHUNK)
    except Exception as error:
        raise _of_storage(error, url) from error
    return piece


def _of_storage(error: Exception, url: str) -> FetchError:
    """What an exception of a storage library amounts to; they raise whatever they like."""
    if isinstance(error, FetchError):
        return error
    if isinstance(error, FileNotFoundError):
        return gone("missing", f"{url} is not there")
    if isinstance(error, PermissionError):
        return failed("denied", f"{url} may not be read: {error}")
    if isinstance(error, ImportError):
        return failed("library", f"{scheme(url)} needs a library that is not installed: {error}")
    return failed("storage", f"{url} cannot be read: {error}", retryable=True)
