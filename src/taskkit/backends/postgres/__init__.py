"""Runs in a PostgreSQL database, for any number of processes and machines."""

from taskkit.errors import MissingExtraError

try:
    import psycopg  # noqa: F401 - asked for before the parts of this package are, which all need it
except ImportError as error:
    raise MissingExtraError("postgres", "The PostgreSQL backend needs psycopg") from error

from taskkit.backends.postgres.backend import PostgresBackend

__all__ = ["PostgresBackend"]
