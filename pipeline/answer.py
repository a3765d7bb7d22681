"""What an HTTP answer, or the lack of one, says about a source."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests

from pipeline.fetched import FetchError, FetchParameters, failed, gone
from pipeline.source import VIDEO_SUFFIXES, without_secrets

_PAGE_TYPES = ("text/html", "application/xhtml+xml", "mpegurl", "dash+xml")
_SUFFIX_OF_TYPE = {"video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov", "video/x-matroska": ".mkv"}
_GONE_CODES = (404, 410, 451)
_RETRYABLE_CODES = (408, 425, 429, 500, 502, 503, 504)


class PageFoundError(Exception):
    """The URL leads to a page or a stream list, not to a file."""


def of_request(error: Exception, url: str) -> FetchError:
    """The ``FetchError`` that a request without an answer amounts to."""
    host = urlsplit(url).hostname
    if isinstance(error, requests.exceptions.SSLError):
        return failed("tls", f"no secure connection to {host}: {_why(error)}")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return failed("connect", f"{host} did not answer in time", retryable=True)
    if isinstance(error, requests.exceptions.Timeout):
        return failed("stall", f"{host} sent nothing in time", retryable=True)
    if isinstance(error, requests.exceptions.ConnectionError):
        reason = "dns" if "NameResolution" in repr(error) else "connect"
        return failed(reason, f"no connection to {host}: {_why(error)}", retryable=True)
    return failed("request", f"no request to {host} is possible: {type(error).__name__}")


def _why(error: Exception) -> str:
    """The innermost reason, without the URL and the object addresses around it."""
    reason = getattr(error.args[0], "reason", error.args[0]) if error.args else error
    return str(reason).rpartition(": ")[2]


def check_status(response: requests.Response, limits: FetchParameters) -> None:
    """Raise the ``FetchError`` that an answer without content amounts to."""
    code, place = response.status_code, without_secrets(response.url)
    if code == 416:
        raise failed("changed", f"{place} is shorter than the part that was there", retryable=True)
    if code not in (200, 206):
        raise of_code(code, f"{place} answers {code} {response.reason}", retry_after(response.headers), limits)


def of_code(code: int, detail: str, wait_s: float, limits: FetchParameters) -> FetchError:
    """The ``FetchError`` for a status code: gone for good, failed for now, worth another attempt or not."""
    if code in _GONE_CODES:
        return gone(f"http_{code}", detail)
    if wait_s > 0:
        detail += f", retry after {wait_s:.0f} s"
    soon = wait_s <= limits.max_backoff_s
    return failed(f"http_{code}", detail, retryable=code in _RETRYABLE_CODES and soon, wait_s=wait_s if soon else 0.0)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the host asks to wait: the header holds seconds or a date."""
    text = (headers.get("Retry-After") or "").strip()
    if text.isdecimal() and text.isascii():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0


def refuse_pages(response: requests.Response) -> None:
    """Raise ``PageFoundError`` for what yt-dlp has to read, ``FetchError`` for what is no plain file."""
    if any(content_type(response).endswith(page) for page in _PAGE_TYPES):
        raise PageFoundError
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("", "identity"):
        raise failed("encoded", f"{without_secrets(response.url)} sends the file {encoding}-encoded, unasked")


def content_type(response: requests.Response) -> str:
    """The media type without its parameters, in lower case."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()[:100]


def length(response: requests.Response) -> int | None:
    """The declared length of the body in bytes."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and text.isascii() else None


def validator(response: requests.Response) -> str:
    """What If-Range may hold: a strong ETag, else the date of the last change."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def suffix(response: requests.Response) -> str:
    """What the file's name should end in, ``.bin`` where nobody says."""
    stated = Path(urlsplit(response.url).path).suffix.lower()
    return stated if stated in VIDEO_SUFFIXES else _SUFFIX_OF_TYPE.get(content_type(response), ".bin")
