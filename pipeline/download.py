"""Downloads a file over HTTP: resumed where it was cut, bounded in size and patience."""

import dataclasses
import json
import time
from dataclasses import dataclass
from http.cookiejar import LoadError, MozillaCookieJar
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from pipeline import answer
from pipeline.answer import PageFoundError
from pipeline.fetched import FAILED, Arrived, FetchError, FetchParameters, Progress, failed
from pipeline.patience import Gauge, patient
from pipeline.source import HTTP_SCHEMES, without_secrets

USER_AGENT = "relative-depth (research on depth from driving video)"
_OVERLAP = 64 * 2**10  # bytes fetched again on resuming, to see that they are the same file's
_CHUNK = 256 * 2**10


@dataclass(frozen=True)
class _Note:
    """What the bytes of a part are the beginning of."""

    url: str
    total: int | None  # bytes of the whole file
    validator: str  # for If-Range


class _Part:
    """The bytes so far, and a note beside them."""

    def __init__(self, work: Path) -> None:
        self.file, self.note = work / "http.part", work / "http.json"

    def size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    def noted(self, url: str) -> _Note | None:
        """The note, if there are bytes of this URL to go on from."""
        try:
            note = _Note(**json.loads(self.note.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return note if note.url == url and self.size() > 0 else None

    def begin(self, note: _Note) -> None:
        """Forget all bytes and note what comes now."""
        self.drop()
        self.note.write_text(json.dumps(dataclasses.asdict(note)))
        self.file.touch()

    def drop(self) -> None:
        self.file.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def download(url: str, work: Path, limits: FetchParameters, progress: Progress | None = None) -> Arrived:
    """Download ``url`` to a file in ``work``, from where an earlier attempt there was cut.

    Raises ``FetchError``, or ``PageFoundError`` where the answer is a page. ``OSError`` tells of the local disk.
    """
    deadline = time.monotonic() + limits.max_seconds
    with _Session() as session:
        session.headers.update({"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"})
        if limits.cookie_file:
            session.cookies.update(_cookies(limits.cookie_file))
        return patient(limits, deadline)(_Attempt(session, url, _Part(work), limits, deadline, progress).run)


class _Session(requests.Session):
    def get_redirect_target(self, _resp: requests.Response) -> None:
        """Nowhere: we follow redirects ourselves, and requests would first read their bodies, however long."""


def _cookies(file: str) -> MozillaCookieJar:
    jar = MozillaCookieJar(file)
    try:
        jar.load(ignore_discard=True, ignore_expires=True)
    except (OSError, LoadError) as error:
        raise failed("cookie_file", f"the cookie file {file} cannot be read: {error}") from error
    return jar


@dataclass(frozen=True)
class _Attempt:
    session: requests.Session
    url: str
    part: _Part
    limits: FetchParameters
    deadline: float
    progress: Progress | None

    def run(self) -> Arrived:
        """One request and all that comes of it. The part stays if another request could go on from it."""
        had = self.part.size()
        try:
            return self._run()
        except PageFoundError:
            self.part.drop()
            raise
        except FetchError as error:
            if error.status != FAILED or error.reason == "changed":
                self.part.drop()
            error.gained = self.part.size() - had
            raise

    def _run(self) -> Arrived:
        note = self.part.noted(self.url)
        start = max(0, self.part.size() - _OVERLAP)
        with self._open(_range_headers(note, start)) as response:
            answer.check_status(response, self.limits)
            answer.refuse_pages(response)
            if response.status_code == 206:
                note = _continued(response, note, start)
                offset = start + _match(response, self.part, start)
            else:
                note, offset = _Note(self.url, answer.length(response), answer.validator(response)), 0
                self.part.begin(note)
            gauge = Gauge(self.limits, self.deadline, offset, note.total)
            gauge.check_room(self.part.file.parent)
            with self.part.file.open("r+b") as file:
                file.seek(offset)
                self._receive(response, file, gauge)
            return Arrived(
                file=self.part.file,
                suffix=answer.suffix(response),
                tool="requests",
                tool_version=requests.__version__,
                content_type=answer.content_type(response),
                final_url=without_secrets(response.url),
            )

    def _open(self, headers: dict[str, str]) -> requests.Response:
        """The answer at the end of all redirects."""
        url, timeout = self.url, (self.limits.connect_s, self.limits.stall_s)
        for _ in range(self.limits.max_redirects + 1):
            try:
                response = self.session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=timeout)
            except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
                raise answer.of_request(error, url) from error
            if not response.is_redirect:
                return response
            response.close()
            url = _redirected(url, response.headers["Location"])
        raise failed(
            "redirect_loop", f"more than {self.limits.max_redirects} redirects, last to {without_secrets(url)}"
        )

    def _receive(self, response: requests.Response, file: BinaryIO, gauge: Gauge) -> None:
        """Append the body to the part, as long as it comes fast enough and is not too large."""
        while piece := _read(response, _CHUNK):
            file.write(piece)
            gauge.add(len(piece))
            if self.progress:
                self.progress(gauge.size, gauge.total)
        gauge.check_whole()


def _range_headers(note: _Note | None, start: int) -> dict[str, str]:
    if note is None:
        return {}
    return {"Range": f"bytes={start}-"} | ({"If-Range": note.validator} if note.validator else {})


def _redirected(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        allowed = urlsplit(target).scheme in HTTP_SCHEMES
    except ValueError:
        allowed, target = False, location
    if not allowed:
        raise failed("redirect_refused", f"a redirect to {target[:100]!r}; only http and https are followed")
    return target


def _continued(response: requests.Response, note: _Note | None, start: int) -> _Note:
    """The note of the part that an answer continues; raises a retryable ``FetchError`` if it does not."""
    unit, _, place = response.headers.get("Content-Range", "").partition(" ")
    span, _, stated = place.partition("/")
    total = int(stated) if stated.isdecimal() and stated.isascii() else None
    same_length = note is not None and (note.total is None or total is None or note.total == total)
    if note is None or not same_length or unit != "bytes" or not span.startswith(f"{start}-"):
        raise _changed()
    return dataclasses.replace(note, total=note.total if total is None else total)


def _match(response: requests.Response, part: _Part, start: int) -> int:
    """Read what the part already has from ``start`` on; its length, if it is the same."""
    with part.file.open("rb") as file:
        file.seek(start)
        known = file.read()
    again = b""
    while len(again) < len(known) and (piece := _read(response, len(known) - len(again))):
        again += piece
    if again != known[: len(again)]:
        raise _changed()
    if len(again) < len(known):
        raise failed("cut", "cut before anything new came", retryable=True)
    return len(known)


def _changed() -> FetchError:
    return failed("changed", "the file is another one than when its download began", retryable=True)


def _read(response: requests.Response, size: int) -> bytes:
    """The next bytes, as many as are there; none at the end."""
    try:
        # read1, not read: read waits for all of them, and a slow drip would never be noticed
        piece: bytes = response.raw.read1(size, decode_content=False)
    except urllib3.exceptions.TimeoutError as error:
        raise failed("stall", "the host sent nothing in time", retryable=True) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise failed("cut", f"the connection was cut: {error}", retryable=True) from error
    return piece
