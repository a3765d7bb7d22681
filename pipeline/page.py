"""Fetches the one video of a page, with yt-dlp."""

import time
from pathlib import Path
from typing import Any

import yt_dlp

from pipeline.fetched import Arrived, FetchParameters, Progress, failed, filtered
from pipeline.patience import Gauge, patient
from pipeline.source import without_secrets
from pipeline.yt_dlp_session import Session, of_yt_dlp


def download_page(url: str, work: Path, limits: FetchParameters, progress: Progress | None = None) -> Arrived:
    """Fetch the video that the page ``url`` shows to a file in ``work``.

    A page with several videos is refused: they would all be one ``video_id``. Raises ``FetchError``; ``OSError`` tells
    of the local disk.
    """
    deadline = time.monotonic() + limits.max_seconds
    return patient(limits, deadline)(_attempt, url, work, limits, deadline, progress)


def _attempt(url: str, work: Path, limits: FetchParameters, deadline: float, progress: Progress | None) -> Arrived:
    had = _size(work)
    try:
        with Session(limits, work, playlist_items="1:2", progress_hooks=[_hook(limits, deadline, progress)]) as session:
            info = session.extract_info(url, download=False)
            _check(info, limits)
            info = session.process_ie_result(info, download=True)
    except Exception as error:  # extractors read what strangers write, and fail in every way there is
        ended = of_yt_dlp(error, limits)
        ended.gained = _size(work) - had
        raise ended from error
    return _arrived(info, work)


def _size(work: Path) -> int:
    return sum(file.stat().st_size for file in work.glob("page-*"))


def _hook(limits: FetchParameters, deadline: float, progress: Progress | None) -> Any:
    gauge = Gauge(limits, deadline)

    def hook(state: dict[str, Any]) -> None:
        size = state.get("downloaded_bytes")
        if state.get("status") != "downloading" or size is None:
            return
        gauge.total = state.get("total_bytes")
        gauge.check_room(Path(state["tmpfilename"]).parent)
        gauge.reach(size)
        if progress:
            progress(size, gauge.total)

    return hook


def _check(info: dict[str, Any] | None, limits: FetchParameters) -> None:
    """Raise the ``FetchError`` of a page that has no video for us."""
    if not info:
        raise failed("no_video_found", "the page shows no video")
    if info.get("_type", "video") != "video":
        raise failed("playlist", "the page lists several videos; turn it into manifest rows with ExpandPlaylist")
    if info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming"):
        raise filtered("live", "a live stream has no end")
    duration = info.get("duration") or 0
    if duration > limits.max_duration_s:
        raise filtered("too_long", f"{duration:.0f} s, the limit is {limits.max_duration_s:.0f} s")
    size = info.get("filesize") or 0
    if size > limits.max_bytes:
        raise filtered("too_large", f"{size} bytes, the limit is {limits.max_bytes}")


def _arrived(info: dict[str, Any], work: Path) -> Arrived:
    downloads = info.get("requested_downloads") or [{}]
    file = Path(downloads[0].get("filepath") or "")
    if file.parent != work or not file.is_file():
        raise failed("yt_dlp", "yt-dlp left no file")
    return Arrived(
        file=file,
        suffix=file.suffix,
        tool=f"yt-dlp:{info.get('extractor')}",
        tool_version=yt_dlp.version.__version__,
        final_url=without_secrets(str(info.get("webpage_url") or "")),
        title=str(info.get("title") or ""),
        licence=str(info.get("license") or ""),
    )
