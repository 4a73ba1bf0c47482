"""The review: each verdict, how often the model may mend, and what the answer says of what does not hold."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.deadline import Deadline
from buster_tasks.analyst.desk import Desk
from buster_tasks.analyst.findings import Finding
from buster_tasks.analyst.journal import PlainJournal
from buster_tasks.analyst.models import AnalystLimits, AnalystResult
from buster_tasks.analyst.quoting import Blocks
from buster_tasks.analyst.review import Review, sentences
from buster_tasks.language_model import ModelRequest, ToolCall
from buster_tasks.sources.credentials import parse_credentials
from buster_tasks.testing import FakeModel
from taskkit.testing import FakeClock
from tests.integration.buster_tasks.analyst.conftest import (
    BY_COUNTRY,
    CONTEXT,
    FOUND,
    PLAN,
    Ask,
    run_sql,
)

pytestmark = pytest.mark.anyio

BARE = ToolCall.of("submit_findings", findings=[{"claim": "Sales are healthy."}])
COUNT = run_sql("SELECT COUNT(*) AS n FROM orders")
COUNTED = ToolCall.of(
    "submit_findings",
    findings=[
        {
            "claim": "There are {{n}} orders.",
            "values": [{"name": "n", "result": "r1", "column": "n"}],
        }
    ],
    summary="There are {{n}} orders.",
)


def changes(shop: Path, sql: str, then: ToolCall) -> Callable[[ModelRequest], ToolCall]:
    """A turn before which somebody else changes the data."""

    def turn(_request: ModelRequest) -> ToolCall:
        with closing(sqlite3.connect(shop)) as connection:
            connection.execute(sql)
            connection.commit()
        return then

    return turn


async def result_of(ask: Ask, *turns: Any, **more: Any) -> AnalystResult:
    output = await ask(FakeModel([CONTEXT, PLAN, *turns]), **more)
    assert output.result is not None
    return output.result


async def test_data_that_changes_before_the_review_makes_a_claim_stale(
    ask: Ask, shop: Path
) -> None:
    more = "INSERT INTO orders VALUES (6, 2, '2024-04-01', 10)"
    give_up = ToolCall.of("submit_review")
    result = await result_of(ask, COUNT, changes(shop, more, COUNTED), give_up, give_up)
    [finding] = result.findings
    assert finding.verdict == "stale"
    assert "r1 has other rows now." in [check.message for check in finding.checks]
    assert result.status == "completed_with_warnings"
    assert "There are 5 orders. *(the data has changed since)*" in result.response
    # its value holds no more, so no sentence of the summary may tell it as true
    assert "SENTENCE_LEFT_OUT" in [warning.code for warning in result.warnings]
    assert result.response.count("5 orders") == 1


async def test_a_stale_claim_is_mended_by_another_statement(ask: Ask, shop: Path) -> None:
    more = "INSERT INTO orders VALUES (6, 2, '2024-04-01', 10)"
    again = run_sql("SELECT COUNT(*) AS n FROM orders WHERE id > 0")
    revised = ToolCall.of(
        "revise_finding",
        id="f1",
        finding={
            "claim": "There are {{n}} orders.",
            "values": [{"name": "n", "result": "r2", "column": "n"}],
        },
    )
    result = await result_of(
        ask, COUNT, changes(shop, more, COUNTED), again, revised, ToolCall.of("submit_review")
    )
    assert [(one.text, one.verdict) for one in result.findings] == [
        ("There are 6 orders.", "verified")
    ]
    assert result.status == "completed"


async def test_a_change_that_the_claim_does_not_speak_of_does_not_matter(
    ask: Ask, shop: Path
) -> None:
    more = "INSERT INTO orders VALUES (6, 4, '2024-04-01', 1)"  # of India, which is the last then
    result = await result_of(ask, run_sql(BY_COUNTRY), changes(shop, more, FOUND))
    assert result.findings[0].verdict == "verified"
    assert result.findings[0].text == "France brings the most revenue, 559.75."


async def test_a_statement_that_gives_something_else_each_time_is_not_reproducible(
    ask: Ask,
) -> None:
    random = run_sql("SELECT ABS(RANDOM()) % 1000000000 AS n FROM orders LIMIT 1")
    result = await result_of(ask, random, COUNTED)
    assert result.findings[0].verdict == "non_reproducible"
    assert "*(another run may give another number)*" in result.response


async def test_without_time_nothing_is_verified_and_it_is_said(ask: Ask) -> None:
    clock = FakeClock()

    async def late(_request: ModelRequest) -> ToolCall:
        await clock.advance(60)
        return COUNTED

    result = await result_of(ask, COUNT, late, clock=clock, seconds=50.0)
    [finding] = result.findings
    assert finding.verdict == "not_checked"
    assert "There was no time to run it again." in [check.message for check in finding.checks]
    assert "*(not checked)*" in result.response
    assert result.status == "completed_with_warnings"


async def test_a_table_that_is_gone_by_the_review_leaves_the_claim_unchecked(
    ask: Ask, shop: Path
) -> None:
    gone = changes(shop, "ALTER TABLE orders RENAME TO orders_old", COUNTED)
    give_up = ToolCall.of("submit_review")
    result = await result_of(ask, COUNT, gone, give_up, give_up)
    assert result.findings[0].verdict == "not_checked"
    assert any("orders" in check.message for check in result.findings[0].checks)


async def test_the_model_may_mend_twice_and_what_still_does_not_hold_is_left_out(
    ask: Ask,
) -> None:
    give_up = ToolCall.of("submit_review")
    model = FakeModel([CONTEXT, PLAN, COUNT, BARE, give_up, give_up])
    output = await ask(model)
    result = output.result
    assert result is not None
    assert (model.calls, model.turns_left) == (6, 0)
    for request in model.requests[4:]:
        told = request.messages[-1].content
        assert "f1 (unsupported): Sales are healthy." in told
        assert "It names no result, so nothing shows it." in told
    assert [finding.verdict for finding in result.findings] == ["unsupported"]
    assert result.status == "completed_with_warnings"
    assert "healthy" not in result.response
    assert "1 of 1 claims did not hold and are left out." in result.response


async def test_a_model_that_fails_in_the_review_leaves_the_verdicts_as_they_are(ask: Ask) -> None:
    def broken(_request: ModelRequest) -> Any:
        from buster_tasks.language_model.errors import ModelUnavailableError

        return ModelUnavailableError("Gone.")

    output = await ask(FakeModel([CONTEXT, PLAN, COUNT, BARE, broken]))
    assert output.success
    assert output.result is not None
    assert [finding.verdict for finding in output.result.findings] == ["unsupported"]


async def test_a_new_summary_of_the_review_is_held_against_the_evidence_too(ask: Ask) -> None:
    found = ToolCall.of(
        "submit_findings",
        findings=[
            {
                "claim": "There are {{n}} orders.",
                "values": [{"name": "n", "result": "r1", "column": "n"}],
            },
            {"claim": "Sales are healthy."},
        ],
    )
    mended = [
        ToolCall.of("drop_finding", id="f2"),
        ToolCall.of("drop_finding", id="f9"),
        ToolCall.of("submit_review", summary="There are {{n}} orders. That is 40% more. So it is."),
    ]
    result = await result_of(ask, COUNT, found, mended)
    assert result.response.startswith("There are 5 orders. So it is.")
    assert "40" not in result.response
    assert {"SENTENCE_LEFT_OUT", "FINDING_DROPPED"} <= {one.code for one in result.warnings}


async def test_a_number_that_the_evidence_does_not_have_is_contradicted(
    shop: Path, tmp_path: Path
) -> None:
    """A model cannot submit one, as it is refused at once; who makes findings otherwise is caught here."""
    credentials = parse_credentials({"type": "sqlite", "path": str(shop)})
    limits = AnalystLimits()
    async with Desk(
        {"shop": credentials}, PlainJournal(), limits, catalog=tmp_path / "catalog.db"
    ) as desk:
        analysis = Analysis(question="How many?", desk=desk, blocks=Blocks("x"), limits=limits)
        await desk.run_sql(None, "SELECT COUNT(*) AS n FROM orders")
        analysis.findings = [
            Finding(id="f1", claim="There are 6 orders.", evidence=["r1"]),
            Finding(id="f2", claim="There are 5 orders.", evidence=["r1"]),
            Finding(id="f3", claim="There are {{n}} orders.", evidence=["r1"]),
            Finding(id="f4", claim="There are many.", evidence=["r7"]),
        ]
        review = Review(analysis, Deadline(None))
        await review.look()
        assert [finding.verdict for finding in analysis.findings] == [
            "contradicted",
            "verified",
            "contradicted",
            "unsupported",
        ]
        assert "'6'" in review.faults()
        await review.look()
        assert desk.statements == 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("One.", ["One."]),
        ("It rose by 1.5 % in 2024. So it did!", ["It rose by 1.5 % in 2024.", "So it did!"]),
        ("- a\n- b is 3.2", ["- a", "- b is 3.2"]),
        ("Really?  Yes", ["Really?", "Yes"]),
    ],
)
def test_sentences_end_where_they_do(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts
