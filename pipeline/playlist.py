"""Turns a playlist, a channel or a page with several videos into manifest rows."""

import hashlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yt_dlp

from pipeline import source
from pipeline.errors import UserError
from pipeline.fetched import FetchParameters
from pipeline.manifest import Video
from pipeline.outcome import printable
from pipeline.public_addresses import public_only
from pipeline.yt_dlp_session import Session, of_yt_dlp

MAX_ENTRIES = 100_000
_log = logging.getLogger(__name__)


class PlaylistError(UserError):
    """A playlist that cannot be turned into rows."""


def expand_playlist(url: str, prefix: str, limits: FetchParameters) -> list[Video]:
    """A ``Video`` for each entry of the playlist at ``url``, in its order, each source once.

    Ids are ``prefix`` and the site's id in our alphabet; where two would be the same or differ only in case, the later
    gets a hash of its source, so that a playlist that grows at its end keeps the ids it had. Entries that lead anywhere
    but to http or https are left out with a warning. Raises ``PlaylistError``.
    """
    wrong = source.complaint(url) or ("" if source.kind(url) == "http" else "is no http or https URL")
    if wrong:
        raise PlaylistError(f"playlist {url[:100]!r} {wrong}; allowed: the http(s) URL of a playlist or page")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,40}", prefix):
        raise PlaylistError(f"prefix {prefix[:100]!r}; allowed: letters, digits, '_' and '-', at most 40 characters")
    found: dict[str, Video] = {}  # by id in lower case
    sources: set[str] = set()
    for number, entry in enumerate(_entries(url, limits), start=1):
        address, entry_id = _address(entry)
        wrong = source.complaint(address) or ("" if source.kind(address) == "http" else "is no http or https URL")
        if wrong:
            _log.warning("entry %d of the playlist is left out: %s %s", number, printable(repr(address), 100), wrong)
        elif address not in sources:
            sources.add(address)
            video_id = _video_id(prefix, entry_id, address, found)
            found[video_id.lower()] = Video(
                video_id, address, dataset=prefix, licence=printable(str(entry.get("license") or ""), 200)
            )
    if not found:
        raise PlaylistError(f"{source.without_secrets(url)} lists no video that http or https leads to")
    return list(found.values())


def _entries(url: str, limits: FetchParameters) -> Iterator[dict[str, Any]]:
    """The entries as yt-dlp has them, none looked at more closely; a page with one video is one entry."""
    try:
        with (
            public_only(limits.networks()),
            Session(limits, playlist_items=f"1:{MAX_ENTRIES}", ignore_no_formats_error=True) as session,
        ):
            info = session.extract_info(url, download=False)
    except Exception as error:  # extractors read what strangers write, and fail in every way there is
        detail = printable(of_yt_dlp(error, limits).detail)
        raise PlaylistError(f"cannot read the playlist {source.without_secrets(url)}: {detail}") from error
    yield from _flat(info or {})


def _flat(info: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if info.get("_type", "video") not in ("playlist", "multi_video"):
        yield info
        return
    for entry in info.get("entries") or []:
        if entry:
            yield from _flat({"playlist_page": info.get("webpage_url")} | entry)


def _address(entry: dict[str, Any]) -> tuple[str, str]:
    """Where the video of an entry is, and its id there, if it has one."""
    if entry.get("_type") in ("url", "url_transparent"):
        address, said = yt_dlp.utils.unsmuggle_url(str(entry.get("url") or ""), {})
    else:
        address, said = _own_page_or_file(entry), {}
    return address, str(entry.get("id") or said.get("force_videoid") or "")


def _own_page_or_file(entry: dict[str, Any]) -> str:
    page = entry.get("webpage_url")
    if page and page != entry.get("playlist_page"):
        return str(page)
    files = [*(entry.get("formats") or []), entry]  # several on one page: the entry's own file, or its first format
    return str(files[-1].get("url") or files[0].get("url") or "")


def _video_id(prefix: str, entry_id: str, address: str, taken: dict[str, Video]) -> str:
    tail = hashlib.sha256(address.encode()).hexdigest()[:8]
    name = entry_id or Path(unquote(urlsplit(address).path)).stem
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:50] if re.search(r"[A-Za-z0-9]", name) else tail
    video_id = f"{prefix}-{name}" if prefix else name
    return f"{video_id}-{tail}" if video_id.lower() in taken else video_id
