"""Fetching a video: whatever its source, a file or images on the local disk and a record of how that went."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from pipeline import local_source, remote, source, storage
from pipeline.answer import PageFoundError
from pipeline.download import download
from pipeline.fetched import DONE, FAILED, Arrived, Fetched, FetchError, FetchParameters, Progress, failed
from pipeline.manifest import Video
from pipeline.outcome import printable
from pipeline.public_addresses import public_only
from pipeline.workplace import clear, workplace

__all__ = ["FetchParameters", "Fetched", "fetch", "host"]

_Get = Callable[[str, Path, FetchParameters, Progress | None], Arrived]


def fetch(video: Video, folder: Path, limits: FetchParameters, progress: Progress | None = None) -> Fetched:
    """Fetch a video into ``folder``, its own, as ``source.<ext>``; what is on a local disk stays where it is.

    What an interrupted or failed fetch left in ``folder`` is resumed. Two processes may do this at once. Never raises
    for what a source does; ``OSError`` tells of the local disk.
    """
    started = time.monotonic()
    try:
        fetched = _fetch(video, folder, limits, progress)
    except FetchError as error:
        fetched = Fetched(status=error.status, reason=error.reason, detail=error.detail)
    fetched = dataclasses.replace(  # what a host says ends up on terminals and in reports
        fetched,
        detail=printable(source.redacted(fetched.detail)),
        content_type=printable(fetched.content_type),
        final_url=printable(fetched.final_url, longest=2000),
        title=printable(fetched.title),
        licence=printable(fetched.licence),
    )
    return dataclasses.replace(fetched, seconds=round(time.monotonic() - started, 3))


def host(video: Video) -> str:
    """Whose server fetching the video burdens, such as ``www.youtube.com``; empty for none."""
    return source.host(video.source)


def _fetch(video: Video, folder: Path, limits: FetchParameters, progress: Progress | None) -> Fetched:
    kind = source.kind(video.source)
    if kind in ("video", "frames"):
        look = local_source.look_at_video if kind == "video" else local_source.look_at_frames
        fetched = look(video.source)
        _check_sha256(video, fetched.sha256)
        return dataclasses.replace(fetched, licence=video.licence)
    get: _Get = {"http": _get_http, "remote": remote.copy, "simulated": _render}[kind]
    with workplace(folder) as work:
        try:
            fetched = _take(video, folder, get(video.source, work, limits, progress))
        except FetchError as error:
            if error.status != FAILED:
                clear(work)
            raise
        clear(work)
        return fetched


def _take(video: Video, folder: Path, arrived: Arrived) -> Fetched:
    """Give an arrived file its name, if it is what the manifest says."""
    size = arrived.file.stat().st_size
    if size == 0:
        arrived.file.unlink()
        raise failed("empty", "the source has no bytes")
    digest = local_source.sha256(arrived.file)
    try:
        _check_sha256(video, digest)
    except FetchError:
        arrived.file.unlink()
        raise
    target = folder / f"source{arrived.suffix}"
    storage.put_file(arrived.file, str(target))
    for other in folder.glob("source.*"):
        if other != target:
            other.unlink()
    return Fetched(
        status=DONE,
        path=target.name,
        bytes=size,
        sha256=digest,
        tool=arrived.tool,
        tool_version=arrived.tool_version,
        content_type=arrived.content_type,
        final_url=arrived.final_url,
        title=arrived.title,
        licence=video.licence or arrived.licence,
    )


def _check_sha256(video: Video, digest: str) -> None:
    if video.sha256 and video.sha256 != digest:
        raise failed("sha256", f"the sha256 is {digest}, the manifest says {video.sha256}")


def _get_http(url: str, work: Path, limits: FetchParameters, progress: Progress | None) -> Arrived:
    """A file is downloaded; of a page, yt-dlp finds the video."""
    from pipeline.page import download_page  # takes a second to import: only where needed
    from pipeline.yt_dlp_session import is_known

    time.sleep(limits.pause_s)
    names_a_file = Path(urlsplit(url).path).suffix.lower() in source.VIDEO_SUFFIXES
    with public_only(limits.networks()):
        try:
            if names_a_file or not is_known(url):
                return download(url, work, limits, progress)
        except PageFoundError:
            pass
        return download_page(url, work, limits, progress)


def _render(url: str, work: Path, limits: FetchParameters, progress: Progress | None) -> Arrived:
    import simulation  # imports numba: only where a drive is simulated

    file = work / "simulated.mp4"
    simulation.write_video(file, simulation.from_source(url.partition(":")[2]))
    return Arrived(file=file, suffix=".mp4", tool="simulation", tool_version="")
