"""What the issues of all kinds of source have in common."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.errors import PermissionDeniedError, SourceError, SourceTimeoutError

_MOST_NAMES = 20


def code_of(error: SourceError) -> str:
    """The code of an issue about a part of the catalog whose reading ended so."""
    if isinstance(error, PermissionDeniedError):
        return "PERMISSION_DENIED"
    return "TIME_LIMIT_REACHED" if isinstance(error, SourceTimeoutError) else "CATALOG_UNREADABLE"


def listed(names: Sequence[str]) -> str:
    """The names for a message: the first 20, and how many there are more."""
    first = ", ".join(map(repr, names[:_MOST_NAMES]))
    more = len(names) - _MOST_NAMES
    return first if more <= 0 else f"{first} and {more} more"
