"""Google BigQuery as a data source; it takes the package google-cloud-bigquery, the extra `bigquery`."""

from __future__ import annotations

from buster_tasks.sources.bigquery.source import BigquerySource

__all__ = ["BigquerySource"]
