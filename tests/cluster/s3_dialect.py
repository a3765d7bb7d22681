"""A filter for Swift's proxy, where Debian's Swift 2.30 and the S3 clients of today misunderstand each other.

Answers to HEAD have no body: where nothing is there, its server sends an empty chunk after the head, which clients that
keep a connection take for the next answer. And it wants the MD5 of a list of names to delete, where clients now send
another checksum.
"""

import base64
import hashlib
import io
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def factory(settings: dict[str, Any], **_: Any) -> Callable[[Application], Application]:
    """What ``paste.filter_factory`` asks for."""

    def wrap(app: Application) -> Application:
        def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] == "POST" and environ.get("QUERY_STRING", "").startswith("delete"):
                _add_digest(environ)
            content = app(environ, start)
            if environ["REQUEST_METHOD"] != "HEAD":
                return content
            for _ in content:
                pass
            return [b""]

        return answer

    return wrap


def _add_digest(environ: dict[str, Any]) -> None:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    environ["HTTP_CONTENT_MD5"] = base64.b64encode(hashlib.md5(body).digest()).decode()
