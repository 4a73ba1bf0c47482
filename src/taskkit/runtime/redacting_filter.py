"""Secrets of the running run in stdlib log records."""

from __future__ import annotations

import logging

from taskkit.runtime.scope import current_scope


class RedactingFilter(logging.Filter):
    """Masks them in a record's text, properties and traceback; never drops a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        scope = current_scope.get()
        redaction = None if scope is None else scope.redaction
        if redaction is None:
            return True
        record.msg, record.args = redaction.text(record.getMessage()), ()
        fields = getattr(record, "taskkit", None)
        if fields is not None:
            record.taskkit = redaction.data(fields)
        if record.exc_info:
            text = logging.Formatter().formatException(record.exc_info)
            record.exc_text, record.exc_info = redaction.text(text), None
        return True


def mask_logs(*names: str) -> None:
    """Put the filter on these loggers, once."""
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(known, RedactingFilter) for known in logger.filters):
            logger.addFilter(RedactingFilter())
