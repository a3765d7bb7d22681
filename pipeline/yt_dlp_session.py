"""yt-dlp as a library that reads pages of strangers: nothing of the user's is read, nothing is executed."""

import io
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yt_dlp
from yt_dlp.networking.exceptions import HTTPError, TransportError

from pipeline import answer, outcome
from pipeline.fetched import FetchError, FetchParameters, failed, filtered, gone

_MAX_PAGE = 64 * 2**20  # bytes of a page or stream list, which is read at once
_NOWHERE = Path("/nonexistent")
# Ours are the only protocols: no rtmp and the like, which would call other programs.
_PROTOCOLS = "[protocol~='^(https?|m3u8|m3u8_native|http_dash_segments)$']"

# What yt-dlp says, in the order of the questions asked.
_SAID = (
    (gone, "private", r"private video|video is private|this video is protected|members[- ]only|join this channel"),
    (gone, "removed", r"has been (removed|deleted|terminated)|no longer (available|exists)|account .*terminated"),
    (failed, "bot_check", r"confirm you.re not a bot|captcha"),
    (failed, "login", r"log ?in|sign in|registered users|cookies"),
    (failed, "not_here", r"(not available|blocked) .*(country|region|location)|geo.?restrict"),
    (failed, "no_video_found", r"unsupported url|no video formats|requested format is not available|no video could"),
    (gone, "unavailable", r"video (is )?(unavailable|not available|does not exist)|is not available"),
    (filtered, "drm", r"\bdrm\b"),
    (filtered, "live", r"live event|premieres? in|live ?stream"),
)


class Session(yt_dlp.YoutubeDL):
    """A ``YoutubeDL`` that names files after us, bounds pages and follows nothing but http and https."""

    def __init__(self, limits: FetchParameters, work: Path = _NOWHERE, **more: Any) -> None:
        # No plugins: they are code, and would be looked for in the current folder too.
        yt_dlp.globals.plugin_dirs.value = []
        self.work = work
        super().__init__(_options(limits) | more)

    def prepare_filename(self, info_dict: dict[str, Any], *_: Any, **__: Any) -> str:
        """The working name of a file; a format has its own, so that parts of two are never mixed."""
        stated = f"{info_dict.get('id')} {info_dict.get('format_id')} {info_dict.get('filesize')}"
        extension = re.sub(r"[^a-z0-9]", "", str(info_dict.get("ext", "")).lower())[:10] or "bin"
        return str(self.work / f"page-{re.sub(r'[^A-Za-z0-9_-]', '_', stated)[:120]}.{extension}")

    def urlopen(self, req: Any) -> Any:
        """As yt-dlp has it, but only http and https, and no page without end."""
        response = super().urlopen(req)
        if urlsplit(response.url).scheme not in ("http", "https", "data"):
            response.close()
            raise failed("redirect_refused", f"a redirect to {response.url[:100]!r}; only http and https are followed")
        read = response.read

        def bounded(amount: int | None = None) -> bytes:
            content: bytes = read(_MAX_PAGE + 1 if amount is None else amount)
            if amount is None and len(content) > _MAX_PAGE:
                raise failed("page_too_large", f"a page of more than {_MAX_PAGE} bytes")
            return content

        response.read = bounded
        return response


def _options(limits: FetchParameters) -> dict[str, Any]:
    height = limits.max_height
    options: dict[str, Any] = {
        # One file with a picture: sound is not needed, and joining streams would call ffmpeg.
        "format": f"bv*[height<=?{height}]{_PROTOCOLS}/wv*{_PROTOCOLS}",
        "format_sort": ["res", "vbr", "br"],
        "noplaylist": True,
        "extract_flat": "in_playlist",
        "external_downloader": {"default": "native"},
        "ffmpeg_location": str(_NOWHERE),
        "fixup": "never",
        "cachedir": False,
        "enable_file_urls": False,
        "allowed_extractors": ["default"],
        "default_search": "error",
        "socket_timeout": limits.stall_s,
        "retries": 0,  # we try again ourselves, with a fresh look at the page
        "extractor_retries": 0,
        "fragment_retries": limits.retries,
        "skip_unavailable_fragments": False,
        "retry_sleep_functions": {"fragment": lambda n: min(limits.backoff_s * 2**n, limits.max_backoff_s)},
        "continuedl": True,
        "updatetime": False,
        "restrictfilenames": True,
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "color": "never",
        "logger": _Silent(),
    }
    if limits.cookie_file:
        options["cookiefile"] = _cookies(limits.cookie_file)
    return options


def _cookies(file: str) -> io.StringIO:
    """The cookies as a stream: a file would be written back, by many processes at once."""
    try:
        return io.StringIO(Path(file).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise failed("cookie_file", f"the cookie file {file} cannot be read: {error}") from error


class _Silent:
    def debug(self, message: str) -> None:
        """Nothing: the errors come as exceptions."""

    info = warning = error = debug


def is_known(url: str) -> bool:
    """Whether yt-dlp has an extractor for just this site, so that nobody need ask the host what the URL is."""
    kinds = yt_dlp.extractor.gen_extractor_classes()
    return any(kind.suitable(url) and kind.IE_NAME != "generic" for kind in kinds)


def of_yt_dlp(error: Exception, limits: FetchParameters) -> FetchError:
    """The ``FetchError`` that an exception out of yt-dlp amounts to; raises what tells of this machine's disk."""
    causes = _causes(error)
    for cause in causes:
        if isinstance(cause, FetchError):
            return cause
        outcome.of_error(cause)
    transfer = "[download] Got error: "  # what yt-dlp's downloader says instead of naming a cause
    detail = re.sub(r"^ERROR:\s*", "", str(error)).split("; please report", maxsplit=1)[0]
    for cause in causes:
        if isinstance(cause, HTTPError):
            return answer.of_code(cause.status, detail, answer.retry_after(cause.response.headers), limits)
    code = re.search(r"HTTP Error ([45][0-9]{2})", detail)
    if transfer in detail and code:
        return answer.of_code(int(code.group(1)), detail, 0.0, limits)
    for kind, reason, pattern in _SAID:
        if re.search(pattern, detail, re.IGNORECASE):
            return kind(reason, detail)
    if transfer in detail or any(isinstance(cause, TransportError) for cause in causes):
        return failed("cut", detail, retryable=True)
    aged = f"yt-dlp {yt_dlp.version.__version__} stumbled (sites change; a newer one may help)"
    return failed("yt_dlp", f"{aged}: {type(error).__name__}: {detail}")


def _causes(error: BaseException | None) -> list[Exception]:
    """An exception and all that stand behind it, in yt-dlp's several ways of saying so."""
    found: list[Exception] = []
    while isinstance(error, Exception) and error not in found:
        found.append(error)
        behind = getattr(error, "exc_info", None)
        nested = behind[1] if behind and behind[1] is not error else None
        nested = nested or next(iter(getattr(error, "unexpected_errors", ())), None)
        error = nested or getattr(error, "cause", None) or error.__cause__ or error.__context__
    return found
