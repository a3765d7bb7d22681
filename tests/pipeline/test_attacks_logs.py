"""What Luigi logs of tasks and errors: no secret of a URL, nothing that a terminal would obey."""

import io
import logging
from collections.abc import Iterator

import pytest

import pipeline
from pipeline.errors import UserError

SECRET = "https://me:hush@example.org/list?token=hush"
assert pipeline.__all__  # importing it installs the filters


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """Luigi's logger, and what it writes."""
    written, logger = io.StringIO(), logging.getLogger("luigi-interface")
    handler = logging.StreamHandler(written)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)  # a build before, in this process, may have silenced it
    yield logger, written
    logger.setLevel(level)
    logger.removeHandler(handler)


def test_parameters_of_tasks(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    logger.error("task %s has failed\nand %s waits", f"ExpandPlaylist(url={SECRET}, to=x.csv)", "another")
    assert "https://example.org/list" in written.getvalue() and "another waits" in written.getvalue()
    assert "hush" not in written.getvalue()


@pytest.mark.parametrize("kind", [RuntimeError, UserError])
def test_errors_and_their_tracebacks(log: tuple[logging.Logger, io.StringIO], kind: type[Exception]) -> None:
    logger, written = log
    try:
        raise kind(f"cannot read {SECRET} \x1b[31m\x07")
    except kind:
        logger.exception("[pid 1] Worker failed")
    assert "cannot read https://example.org/list" in written.getvalue()
    assert "hush" not in written.getvalue()
    assert all(letter.isprintable() or letter == "\n" for letter in written.getvalue())
    assert ("Traceback" in written.getvalue()) == (kind is RuntimeError)
