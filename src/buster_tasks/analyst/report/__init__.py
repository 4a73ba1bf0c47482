"""The whole answer to keep or pass on: as Markdown, and as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from buster_tasks.analyst.charting import SECONDS, Drawing, draw_all
from buster_tasks.analyst.findings import Chart
from buster_tasks.analyst.models import AnalystMetadata, AnalystResult, Report
from buster_tasks.analyst.report.content import Content
from buster_tasks.analyst.report.html_page import page
from buster_tasks.analyst.report.markdown_document import document

__all__ = ["html", "markdown", "report_of"]

_METADATA = AnalystMetadata()


def markdown(
    result: AnalystResult,
    question: str = "",
    *,
    metadata: AnalystMetadata = _METADATA,
    finished_at: datetime | None = None,
) -> str:
    """The answer as a Markdown document. Text of others is shown as it is, and makes no link, picture or HTML."""
    return document(Content(result, question, metadata, finished_at=finished_at))


def html(
    result: AnalystResult,
    question: str = "",
    *,
    metadata: AnalystMetadata = _METADATA,
    drawings: Mapping[str, Drawing] | None = None,
    missing: Sequence[str] = (),
    finished_at: datetime | None = None,
) -> str:
    """The answer as one HTML page, without scripts and requests; the same for the same arguments.

    `drawings` are by the charts' ids; a chart without one is shown as a table, and `missing` says why.
    """
    return page(Content(result, question, metadata, drawings or {}, missing, finished_at))


async def report_of(
    result: AnalystResult,
    question: str = "",
    *,
    metadata: AnalystMetadata = _METADATA,
    finished_at: datetime | None = None,
    timeout: float = SECONDS,
) -> Report:
    """Both, the charts drawn where the extra `charts` is installed; what is not within `timeout` seconds is a table."""
    charts = [one for one in result.artifacts if isinstance(one, Chart)]
    drawings, missing = await draw_all(charts, timeout=timeout)
    return Report(
        markdown=markdown(result, question, metadata=metadata, finished_at=finished_at),
        html=html(
            result,
            question,
            metadata=metadata,
            drawings=drawings,
            missing=missing,
            finished_at=finished_at,
        ),
    )
