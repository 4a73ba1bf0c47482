"""DuckDB files as a data source; they take the package duckdb, the extra `duckdb`."""

from __future__ import annotations

from buster_tasks.sources.duckdb.source import DuckdbSource

__all__ = ["DuckdbSource"]
