"""Secrets in stdlib log records: those of the running run, and others that are known."""

from __future__ import annotations

import logging

from taskkit.model.redaction import Redaction
from taskkit.runtime.scope import current_scope


class RedactingFilter(logging.Filter):
    """Masks them in a record's text, properties and traceback; never drops a record."""

    def __init__(self, known: Redaction | None = None) -> None:
        super().__init__()
        self._known = known

    def filter(self, record: logging.LogRecord) -> bool:
        scope = current_scope.get()
        for redaction in (self._known, None if scope is None else scope.redaction):
            if redaction is not None:
                self._mask(record, redaction)
        return True

    def _mask(self, record: logging.LogRecord, redaction: Redaction) -> None:
        record.msg, record.args = redaction.text(_said(record)), ()
        fields = getattr(record, "taskkit", None)
        if fields is not None:
            record.taskkit = redaction.data(fields)
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = redaction.text(record.exc_text)


def mask_logs(*names: str, known: Redaction | None = None) -> None:
    """Put the filter on these loggers, once; `known` are secrets that are masked outside of runs too."""
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(one, RedactingFilter) for one in logger.filters):
            logger.addFilter(RedactingFilter(known))


def _said(record: logging.LogRecord) -> str:
    """The message; one whose arguments do not fit would otherwise stop whoever logs it, which may be a library."""
    try:
        return record.getMessage()
    except Exception:  # as the handlers of logging see it
        return f"{record.msg} {record.args}"
