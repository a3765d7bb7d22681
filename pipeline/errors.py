"""Errors that a user can cause: one sentence, no traceback."""

import logging

from luigi.parameter import ParameterException

from pipeline.outcome import printable
from pipeline.source import redacted


class UserError(ValueError):
    """A mistake in what the user gave: what is wrong, where, and what to do instead, in one sentence."""


class PlainUserErrors(logging.Filter):
    """Cuts the traceback off log records that carry a ``UserError``; Luigi logs both its own way and as text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the record in place; every record passes."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, UserError | ParameterException):
            record.exc_info, record.exc_text = None, None
            record.msg, record.args = f"{type(error).__name__}: {error}", None
            return True
        message = record.getMessage()
        if "\nTraceback (most recent call last):" in message:
            # after the last traceback: "module.Class: message", the message of one line or more
            lines = message.rpartition("\nTraceback (most recent call last):")[2].strip().splitlines()
            names = {f"{kind.__module__}.{kind.__qualname__}" for kind in _kinds(UserError)}
            start = next((place for place, line in enumerate(lines) if line.partition(":")[0] in names), None)
            if start is not None:
                lines[start] = lines[start].removeprefix(lines[start].partition(":")[0].rpartition(".")[0] + ".")
                record.msg, record.args = "\n".join(lines[start:]), None
        return True


class PlainLog(logging.Filter):
    """Takes secrets of URLs and control characters out of log records: parameters and errors may hold both."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record in place; every record passes."""
        record.msg, record.args = _plain(record.getMessage()), None
        if record.exc_info:
            record.exc_text = _plain(logging.Formatter().formatException(record.exc_info))
        return True


def _plain(text: str) -> str:
    lines = redacted(text).expandtabs().split("\n")
    return "\n".join(printable(line, len(line)) for line in lines)


def install_filter() -> None:
    """Make Luigi's log show user errors as one line, and no secret or control character."""
    for cleaner in (PlainUserErrors(), PlainLog()):
        logging.getLogger("luigi-interface").addFilter(cleaner)


def _kinds(kind: type) -> list[type]:
    children: list[type] = kind.__subclasses__()
    return [kind] + [inner for child in children for inner in _kinds(child)]
