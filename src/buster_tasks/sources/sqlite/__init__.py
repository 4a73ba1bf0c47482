"""SQLite files as a data source; the standard library is all they need."""

from __future__ import annotations

from buster_tasks.sources.sqlite.source import SqliteSource

__all__ = ["SqliteSource"]
