"""MySQL and MariaDB as a data source, through PyMySQL (the extra `mysql`)."""

from __future__ import annotations

from buster_tasks.sources.mysql.source import MysqlSource

__all__ = ["MysqlSource"]
