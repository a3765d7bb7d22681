"""A web server on this machine that misbehaves on demand."""

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest


@dataclass
class Seen:
    """A request, and how many bytes of a body were sent for it."""

    path: str
    headers: dict[str, str]
    sent: int = 0


Answer = Callable[["Handler"], None]


@dataclass
class Web:
    """The server: ``answers`` by path; a list is used up from the front, its last answer stays."""

    url: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def serve(self, path: str, *answers: Answer) -> str:
        """Answer requests for a path; its URL."""
        self.answers[path] = list(answers)
        return self.url + path

    def requests(self, path: str) -> list[Seen]:
        """The requests for a path so far."""
        return [seen for seen in self.seen if seen.path == path]


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    web: Web
    seen: Seen

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.seen = Seen(path, {name.lower(): value for name, value in self.headers.items()})
        self.web.seen.append(self.seen)
        answers = self.web.answers.get(path)
        if not answers:
            self.status(404)
            return
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def start(self, code: int, **headers: object) -> None:
        """Send the head; ``content_length=3`` becomes ``content-length: 3``."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def status(self, code: int, **headers: object) -> None:
        """An answer without a body."""
        self.start(code, content_length=0, **headers)

    def body(self, content: bytes) -> None:
        """Send bytes of the body."""
        self.wfile.write(content)
        self.wfile.flush()
        self.seen.sent += len(content)

    def cut(self) -> None:
        """Close the connection in the middle."""
        self.close_connection = True

    def range_start(self) -> int | None:
        """Where the asked range begins."""
        asked = self.seen.headers.get("range", "")
        return int(asked.removeprefix("bytes=").partition("-")[0]) if asked else None

    def log_message(self, *_: object) -> None:
        pass


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: clients that leave early are the point."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A running server on 127.0.0.1."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    served = Web()
    handler = type("BoundHandler", (Handler,), {"web": served})
    server = QuietServer(("127.0.0.1", 0), handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield served
    served.closing.set()
    server.shutdown()
    server.server_close()
