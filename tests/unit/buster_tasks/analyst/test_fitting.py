"""Outputs that are too large for a run."""

import pytest

from buster_tasks.analyst.findings import Chart, Evidence, Finding, Query
from buster_tasks.analyst.fitting import fitting, size_of
from buster_tasks.analyst.models import (
    AnalystAgentTaskOutput,
    AnalystResult,
    ExecutionStep,
    Report,
)
from buster_tasks.analyst.state import State

EVIDENCE = Evidence(
    id="r1",
    source="shop",
    sql="SELECT 1",
    columns=[],
    row_count=1,
    truncated=False,
    digest="d",
    sample=[["x" * 5_000]],
)
OUTPUT = AnalystAgentTaskOutput(
    success=True,
    session_id="s",
    result=AnalystResult(
        status="completed",
        response="The answer.",
        findings=[Finding(id="f1", claim="c", text="A finding.")],
        artifacts=[
            Chart(id="c1", title="t", kind="bar", evidence="r1", spec={"data": "y" * 20_000}),
            Query(id="q1", name="n", evidence=EVIDENCE),
        ],
        execution_steps=[
            ExecutionStep(number=1, state=State.ANALYZING, tool="run_sql", summary="z" * 2_000)
        ],
        report=Report(markdown="m", html="h" * 100_000),
    ),
)


def test_what_fits_is_left_as_it_is() -> None:
    assert fitting(OUTPUT, size_of(OUTPUT)) is OUTPUT


@pytest.mark.parametrize(("most", "left_out"), [(120_000, 1), (20_000, 2), (5_500, 3), (2_500, 4)])
def test_the_least_needed_is_left_out_first_and_the_answer_stays(most: int, left_out: int) -> None:
    output = fitting(OUTPUT, most)
    result = output.result
    assert result is not None
    assert size_of(output) <= most
    assert [check.code for check in result.warnings] == ["LEFT_OUT"] * left_out
    assert (result.response, result.findings[0].text) == ("The answer.", "A finding.")
    assert result.report is None
    kinds = [artifact.type for artifact in result.artifacts]
    assert kinds == {1: ["chart", "query"], 2: ["query"], 3: ["query"], 4: []}[left_out]
    assert bool(result.execution_steps) == (left_out < 4)


def test_an_output_without_a_result_has_nothing_to_leave_out() -> None:
    output = AnalystAgentTaskOutput(success=False, session_id="s" * 1_000)
    assert fitting(output, 10) is output
