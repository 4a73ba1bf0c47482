"""Amazon Redshift as a data source, by redshift-connector (extra `redshift`)."""

from __future__ import annotations

from buster_tasks.sources.redshift.source import RedshiftSource

__all__ = ["RedshiftSource"]
