"""Snowflake as a data source, through snowflake-connector-python (the extra `snowflake`)."""

from __future__ import annotations

from buster_tasks.sources.snowflake.source import SnowflakeSource

__all__ = ["SnowflakeSource"]
