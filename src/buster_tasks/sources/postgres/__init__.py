"""PostgreSQL as a data source, by psycopg (extra `postgres`)."""

from __future__ import annotations

from buster_tasks.sources.postgres.source import PostgresSource

__all__ = ["PostgresSource"]
