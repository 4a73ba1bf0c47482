"""The answer of an analysis: what the output has of it, in words and in parts."""

from __future__ import annotations

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.claims import review_text
from buster_tasks.analyst.findings import Artifact, Finding, Query
from buster_tasks.analyst.models import AnalystResult, Status
from buster_tasks.analyst.report.taming import tamed

_SHOWN_AS = {
    "contradicted": "does not hold",
    "stale": "the data has changed since",
    "unsupported": "not shown by the data",
    "non_reproducible": "another run may give another number",
    "not_checked": "not checked",
}
_DEFINITE = ("contradicted", "unsupported")


def result_of(analysis: Analysis) -> AnalystResult:
    """The answer, without the report."""
    return AnalystResult(
        status=status_of(analysis),
        response=response_of(analysis),
        findings=analysis.findings,
        artifacts=_artifacts(analysis),
        used_data_sources=list(
            dict.fromkeys(result.source for result in analysis.desk.results.values())
        ),
        execution_steps=analysis.steps,
        plan=analysis.plan,
        assumptions=analysis.assumptions,
        warnings=[*analysis.desk.warnings, *analysis.warnings],
        clarification=analysis.clarification,
    )


def status_of(analysis: Analysis) -> Status:
    """How it ended, in a word."""
    if analysis.clarification is not None:
        return "needs_clarification"
    doubtful = any(finding.verdict != "verified" for finding in analysis.findings)
    warnings = [*analysis.desk.warnings, *analysis.warnings]
    if doubtful or any(check.severity != "info" for check in warnings):
        return "completed_with_warnings"
    return "completed"


def response_of(analysis: Analysis) -> str:
    """The answer in Markdown: the summary, each finding that holds, and those that are in doubt marked as such.

    Text of models and cells makes no link, no picture and no HTML in it.
    """
    if analysis.clarification is not None:
        return tamed(analysis.clarification)
    if analysis.answer is not None:
        return tamed(analysis.answer)
    kept = [finding for finding in analysis.findings if finding.verdict not in _DEFINITE]
    dropped = len(analysis.findings) - len(kept)
    parts = [analysis.summary] if analysis.summary else []
    if kept:
        parts.append("\n".join(_line(finding) for finding in kept))
    if dropped:
        parts.append(f"{dropped} of {len(analysis.findings)} claims did not hold and are left out.")
    if not parts:
        parts.append("Nothing was found that the data shows.")
    assumed = [text for text in analysis.assumptions if _is_shown(text, analysis)]
    if assumed:
        parts.append("Assumed: " + " ".join(assumed))
    return tamed("\n\n".join(parts))


def _is_shown(text: str, analysis: Analysis) -> bool:
    """Whether every number of a text that nobody has checked is in the evidence or in the question."""
    verdicts = review_text(
        text, [], list(analysis.desk.results.values()), question=analysis.question
    )
    return all(verdict.supported for verdict in verdicts)


def _line(finding: Finding) -> str:
    doubt = _SHOWN_AS.get(finding.verdict)
    return f"- {finding.text}" if doubt is None else f"- {finding.text} *({doubt})*"


def _artifacts(analysis: Analysis) -> list[Artifact]:
    queries: list[Query] = []
    for at, result in enumerate(analysis.desk.results.values(), 1):
        evidence = result.evidence()
        if not _is_shown(evidence.purpose, analysis):  # it is what the model says of it
            evidence = evidence.model_copy(update={"purpose": ""})
        queries.append(Query(id=f"q{at}", name=evidence.purpose or result.id, evidence=evidence))
    return [*analysis.metrics, *analysis.charts, *analysis.dashboards, *queries]
