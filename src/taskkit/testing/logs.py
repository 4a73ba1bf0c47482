"""What `taskkit.logger` was told."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

_LOGGER: Final = "taskkit.task"
_WORDS: Final = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
}


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """A record of `taskkit.logger`: `level` is debug, info, warn or error; `run_id` None outside of a run."""

    level: str
    message: str
    properties: Mapping[str, Any]
    run_id: str | None


@contextmanager
def capture_logs() -> Generator[list[LoggedRecord]]:
    """Collects what `taskkit.logger` is told inside, in runs and outside, in order.

        with capture_logs() as logs:
            ...
        assert logs[0].message == "fetched"
        assert logs[0].properties == {"rows": 120}

    `log_level` of the configuration counts: debug records come only with "debug". `logger.log` is an info.
    """
    records: list[LoggedRecord] = []
    handler = _Collector(records)
    logger = logging.getLogger(_LOGGER)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield records
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


class _Collector(logging.Handler):
    def __init__(self, records: list[LoggedRecord]) -> None:
        super().__init__(logging.DEBUG)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        fields = cast("Mapping[str, Any]", getattr(record, "taskkit", {}))
        level = _WORDS.get(record.levelno, record.levelname.lower())
        properties = fields.get("properties", {})
        logged = LoggedRecord(level, record.getMessage(), properties, fields.get("run_id"))
        self._records.append(logged)
