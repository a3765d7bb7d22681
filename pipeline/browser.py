"""A dataset in a web browser: a read-only local application over ``samples.parquet`` and the tars."""

import argparse
import logging
import math
import sys
from typing import Any

import cv2
import flask
import numpy as np
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.serving import make_server

from pipeline import html_page
from pipeline.catalogue import PAGE, Catalogue, Query, catalogue
from pipeline.dataset import open_dataset
from pipeline.errors import UserError
from pipeline.sample_images import NO_LABEL, colour, contents, decoded, jpeg
from pipeline.source_frame import source_frame

LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]
KINDS = {"frame": "jpg", "depth": "depth.png", "confidence": "confidence.png"}
_NOTHING = np.full((9, 16, 3), NO_LABEL, np.uint8)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; script-src 'self'; "
    "style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def add_command(commands: Any, place: dict[str, Any]) -> None:
    """Add ``browse`` to the commands of ``python -m pipeline``; ``place`` describes the argument with the dataset."""
    browse = commands.add_parser("browse", help="look through a dataset in a web browser, on this machine alone")
    browse.add_argument("dataset", **place)
    browse.add_argument("--against", metavar="OTHER", help="another version of it, to compare the labels with")
    browse.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, loopback)")
    browse.add_argument("--port", type=int, default=8008, help="port to listen at; 0 takes a free one (default: 8008)")
    browse.set_defaults(command=_serve)


def _serve(options: argparse.Namespace) -> int:
    if not 0 <= options.port <= 65535:
        raise UserError(f"--port {options.port} is none; allowed: 0 to 65535")
    places = [options.dataset, *([options.against] if options.against else [])]
    app = application([catalogue(open_dataset(place)) for place in places], _hosts(options.host))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    try:
        server = make_server(options.host, options.port, app, threaded=True)
    except SystemExit as end:  # it has printed the system's words
        raise UserError(f"cannot listen at {options.host}:{options.port}; give another --host or --port") from end
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"browse at http://{host}:{server.server_port}/ (Ctrl-C ends)", file=sys.stderr)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
    return 0


def _hosts(host: str) -> list[str] | None:
    """Names under which a browser may ask: a page elsewhere must not reach this one through a name of its own."""
    return LOOPBACK if host in ("127.0.0.1", "localhost", "::1") else None


def application(catalogues: list[Catalogue], hosts: list[str] | None = None) -> flask.Flask:
    """The application over a dataset and, where there are two, the version to compare it with."""
    app = flask.Flask(__name__, static_folder=None)
    app.config["TRUSTED_HOSTS"] = hosts or None
    pages = _Pages(catalogues)
    app.add_url_rule("/", "list", pages.list)
    app.add_url_rule("/sample/<key>", "sample", pages.sample)
    app.add_url_rule("/image/<version>/<key>/<kind>", "image", pages.image)
    app.add_url_rule("/dropped/<key>", "dropped", pages.dropped)
    app.add_url_rule("/slider.js", "slider", pages.slider)
    app.register_error_handler(HTTPException, _problem)
    app.register_error_handler(UserError, lambda error: _problem(NotFound(str(error))))
    app.register_error_handler(ValueError, lambda error: _problem(NotFound(str(error))))
    app.after_request(_guarded)
    return app


class _Pages:
    """What is answered at each address."""

    def __init__(self, catalogues: list[Catalogue]) -> None:
        self.own, self.other = catalogues[0], catalogues[1] if len(catalogues) > 1 else None
        self.by_version = {each.version: each for each in reversed(catalogues)}

    def list(self) -> str:
        """A page of samples, or of frames without a label."""
        query, number = _query(), _integer("page", 1)
        places = self.own.select(query)
        pages = max(1, math.ceil(len(places) / PAGE))
        number = min(max(number, 1), pages)
        rows = self.own.rows(query, places[(number - 1) * PAGE : number * PAGE])
        return self._page("browse.html", query, rows=rows, total=len(places), page=number, pages=pages)

    def sample(self, key: str) -> str:
        """One sample, with the one before and after it in the list it was found in."""
        row = self.own.row(key)
        if row is None:
            flask.abort(404, f"there is no sample {key}")
        query = _query()
        before, after = self._neighbours(query, key)
        theirs = self.other.row(key) if self.other else None
        return self._page("browse_sample.html", query, row=row, theirs=theirs, before=before, after=after)

    def image(self, version: str, key: str, kind: str) -> flask.Response:
        """An image of a sample: the frame and the confidence as they are, the depth in colour."""
        source = self.by_version.get(version)
        row = source.row(key) if source else None
        if source is None or row is None or kind not in KINDS:
            flask.abort(404, "there is no such image")
        held = contents(source.dataset.read(row)).get(KINDS[kind])
        if held is None:
            flask.abort(404, f"{key} has no {kind}")
        if kind == "depth":
            held = cv2.imencode(".png", colour(decoded(held, cv2.IMREAD_GRAYSCALE)))[1].tobytes()
        answer = flask.Response(held, mimetype="image/jpeg" if kind == "frame" else "image/png")
        answer.headers["Cache-Control"] = "private, max-age=3600"
        return answer

    def dropped(self, key: str) -> flask.Response:
        """The frame that got no label, from its video; plain grey where that is not at hand."""
        row = self.own.dropped_row(key)
        if row is None:
            flask.abort(404, "there is no such frame")
        picture = source_frame(self.own.build, row["video_id"], row["pts"]) or jpeg(_NOTHING, 16)
        answer = flask.Response(picture, mimetype="image/jpeg")
        answer.headers["Cache-Control"] = "private, max-age=3600"
        return answer

    def slider(self) -> flask.Response:
        """The script that moves the edge between two images."""
        return flask.Response((html_page.TEMPLATES / "slider.js").read_text(), mimetype="text/javascript")

    def _neighbours(self, query: Query, key: str) -> tuple[str, str]:
        if query.reason:
            return "", ""
        keys, places = self.own.samples.column("key"), self.own.select(query)
        found = np.flatnonzero(places == self.own.place(key))
        if not found.size:
            return "", ""
        at = int(found[0])
        before = keys[int(places[at - 1])].as_py() if at else ""
        return before, keys[int(places[at + 1])].as_py() if at + 1 < len(places) else ""

    def _page(self, template: str, query: Query, **content: Any) -> str:
        given = {name: value for name, value in flask.request.args.items() if name != "page" and value}
        return html_page.render(
            template,
            record=self.own.dataset.record,
            catalogue=self.own,
            other=self.other,
            query=query,
            given=given,
            link=flask.url_for,
            **content,
        )


def _query() -> Query:
    given = flask.request.args
    order = given.get("order", "key")
    return Query(
        video=given.get("video", ""),
        reason=given.get("reason", ""),
        score=given.get("score", ""),
        low=_bound("low"),
        high=_bound("high"),
        order=order if order in ("rising", "falling") else "key",
    )


def _bound(name: str) -> float | None:
    text = flask.request.args.get(name, "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        flask.abort(400, f"{name} {text!r} is no number")


def _integer(name: str, usual: int) -> int:
    text = flask.request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else usual


def _problem(error: HTTPException) -> tuple[str, int]:
    code = error.code or 500
    return html_page.render("browse_problem.html", code=code, problem=error.description or "", home="/"), code


def _guarded(answer: flask.Response) -> flask.Response:
    answer.headers.update(HEADERS)
    return answer
