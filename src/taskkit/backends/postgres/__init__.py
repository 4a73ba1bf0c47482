"""Runs in a PostgreSQL database, for any number of processes and machines."""

from taskkit.backends.postgres.backend import PostgresBackend

__all__ = ["PostgresBackend"]
