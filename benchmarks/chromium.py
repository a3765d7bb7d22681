"""Chromium without a window, and a server on the loopback for it: to measure, test and draw our own pages."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import flask
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""The browser of this machine; None where there is none but, perhaps, the one that Playwright downloads."""


class Silent(WSGIRequestHandler):
    """Answers without a line a request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@contextmanager
def started() -> Iterator[Browser]:
    """The browser. Raises ``playwright.sync_api.Error``, which says what to do, where there is none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(app: flask.Flask) -> Iterator[str]:
    """The address at which an application answers meanwhile, without a slash at its end."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
