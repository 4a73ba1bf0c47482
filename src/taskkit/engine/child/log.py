"""Log records of a child process, handled by its parent as if they had been logged there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

_log = logging.getLogger("taskkit.worker")
_PLAIN = (str, int, float, bool, type(None))


class ForwardingHandler(logging.Handler):
    """Hands each record to `send`, as plain data.

    It stands at the root before any module of the user's is imported, so that a `logging.basicConfig` there
    does nothing, as it does in the parent when logging was set up already.
    """

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._send(_plain(record))
        except Exception:  # as every handler: what cannot be logged must not end the code that logs
            self.handleError(record)


def _plain(record: logging.LogRecord) -> dict[str, Any]:
    fields = dict(record.__dict__)
    fields["msg"], fields["args"] = record.getMessage(), None
    if record.exc_info and not record.exc_text:
        fields["exc_text"] = logging.Formatter().formatException(record.exc_info)
    fields["exc_info"] = None
    return {
        name: value if isinstance(value, _PLAIN) or name == "taskkit" else repr(value)
        for name, value in fields.items()
    }


def install(levels: Mapping[str, int], send: Callable[[dict[str, Any]], None]) -> None:
    """Log in this process to its parent, at the levels that are set there."""
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger().addHandler(ForwardingHandler(send))


def handle(fields: dict[str, Any]) -> None:
    """Log a record of a child here."""
    record = logging.makeLogRecord(fields)
    logger = logging.getLogger(record.name)
    try:
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)
    except Exception as error:  # a filter's, which in the child would have been the body's
        _log.error("a log record of a child process could not be handled: %r", error)
