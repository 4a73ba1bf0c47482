"""An output as a run can hold it: what is too large is left out, the least needed first, and the answer says so."""

from __future__ import annotations

from collections.abc import Callable

from buster_tasks.analyst.findings import Check
from buster_tasks.analyst.models import AnalystAgentTaskOutput, AnalystResult

_Smaller = Callable[[AnalystResult], AnalystResult]


def fitting(output: AnalystAgentTaskOutput, most: int) -> AnalystAgentTaskOutput:
    """The output within so many bytes of JSON: without report, charts, sample rows, steps, as far as needed."""
    for what, smaller in _STEPS:
        if output.result is None or size_of(output) <= most:
            return output
        said = f"The answer was larger than a run's output may be here, and {what} left out."
        check = Check(code="LEFT_OUT", severity="warning", message=said)
        result = smaller(output.result)
        result = result.model_copy(update={"warnings": [*result.warnings, check]})
        output = output.model_copy(update={"result": result})
    return output


def size_of(output: AnalystAgentTaskOutput) -> int:
    """How many bytes it takes as JSON."""
    return len(output.model_dump_json(by_alias=True).encode())


def _without_report(result: AnalystResult) -> AnalystResult:
    return result.model_copy(update={"report": None})


def _without_charts(result: AnalystResult) -> AnalystResult:
    kept = [one for one in result.artifacts if one.type not in ("chart", "dashboard")]
    return result.model_copy(update={"artifacts": kept})


def _without_samples(result: AnalystResult) -> AnalystResult:
    artifacts = [
        one.model_copy(update={"evidence": one.evidence.model_copy(update={"sample": []})})
        if one.type == "query"
        else one
        for one in result.artifacts
    ]
    return result.model_copy(update={"artifacts": artifacts})


def _without_steps(result: AnalystResult) -> AnalystResult:
    return result.model_copy(update={"execution_steps": [], "artifacts": []})


_STEPS: tuple[tuple[str, _Smaller], ...] = (
    ("its report is", _without_report),
    ("its charts and dashboards are", _without_charts),
    ("the sample rows of its statements are", _without_samples),
    ("its steps and statements are", _without_steps),
)
