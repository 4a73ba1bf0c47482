"""Runs in one SQLite file, for one or several processes of one machine."""

from taskkit.backends.sqlite.backend import SqliteBackend

__all__ = ["SqliteBackend"]
