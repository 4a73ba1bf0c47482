"""SQL Server and Azure SQL as a data source, through pyodbc (the extra `sqlserver`)."""

from __future__ import annotations

from buster_tasks.sources.sqlserver.source import SqlserverSource

__all__ = ["SqlserverSource"]
