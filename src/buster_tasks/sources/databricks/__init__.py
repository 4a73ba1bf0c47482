"""Databricks SQL as a data source, through databricks-sql-connector (the extra `databricks`)."""

from __future__ import annotations

from buster_tasks.sources.databricks.source import DatabricksSource

__all__ = ["DatabricksSource"]
