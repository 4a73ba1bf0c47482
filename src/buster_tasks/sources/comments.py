"""Where comments end that may hold other comments, as PostgreSQL's and SQL Server's may."""

from __future__ import annotations

import re

from buster_tasks.errors import QueryFailedError

_EDGE = re.compile(r"/\*|\*/")


def end_of_comment(sql: str, at: int) -> int:
    """The place behind a comment whose `/*` ends at this one. Raises QueryFailedError where it has no end."""
    depth = 1
    while depth:
        match = _EDGE.search(sql, at)
        if match is None:
            raise QueryFailedError("A comment has no end.", fix="Correct the SQL.")
        depth += 1 if match[0] == "/*" else -1
        at = match.end()
    return at
