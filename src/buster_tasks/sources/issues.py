"""What the issues of all kinds of source have in common."""

from __future__ import annotations

from buster_tasks.errors import PermissionDeniedError, SourceError, SourceTimeoutError


def code_of(error: SourceError) -> str:
    """The code of an issue about a part of the catalog whose reading ended so."""
    if isinstance(error, PermissionDeniedError):
        return "PERMISSION_DENIED"
    return "TIME_LIMIT_REACHED" if isinstance(error, SourceTimeoutError) else "CATALOG_UNREADABLE"
