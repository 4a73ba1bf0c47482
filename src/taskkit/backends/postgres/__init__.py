"""Runs in a PostgreSQL database, for any number of processes and machines."""

from importlib import import_module

from taskkit.errors import MissingExtraError

try:
    import_module("psycopg")  # before the parts of this package, which all need it
except ImportError as error:
    raise MissingExtraError("postgres", "The PostgreSQL backend needs psycopg") from error

from taskkit.backends.postgres.backend import PostgresBackend

__all__ = ["PostgresBackend"]
