"""Issues that are the same for every kind of source."""

from __future__ import annotations

from buster_tasks.sources.schema import Issue, StatisticsLevel


def level_not_available(source: str, level: StatisticsLevel) -> list[Issue]:
    """The level of statistics is one that the reader of this source cannot deliver."""
    if level in ("none", "catalog"):
        return []
    return [
        Issue(
            scope="source",
            object="statistics",
            code="STATISTICS_LEVEL_NOT_AVAILABLE",
            message=f"{source} has no {level!r} statistics in this version; 'catalog' was used instead.",
            fix="Ask for 'none' or 'catalog'.",
        )
    ]
