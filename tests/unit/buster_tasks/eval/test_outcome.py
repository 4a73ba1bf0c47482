"""The figures of a set of outcomes."""

from __future__ import annotations

from buster_tasks.eval.outcome import Outcome, Verdict, totals_of
from buster_tasks.eval.question import Expectation


def outcome(verdict: Verdict, expect: Expectation = "answer", **more: float) -> Outcome:
    return Outcome(id="x", question="?", expect=expect, verdict=verdict, **more)  # type: ignore[arg-type]  # figures


def test_figures() -> None:
    totals = totals_of(
        [
            outcome("right", findings=2, verified=2, seconds=1.0, cost_usd=0.01, tokens=10),
            outcome("wrong", findings=2, verified=1, seconds=2.0, cost_usd=0.02, tokens=5),
            outcome("refused", seconds=3.0, cost_usd=0.0),
            outcome("right", "refuse", seconds=4.0, cost_usd=0.0),
            outcome("asked", seconds=50.0, cost_usd=0.0),
            outcome("skipped"),
        ]
    )
    assert (totals.questions, totals.right, totals.wrong, totals.skipped) == (6, 2, 1, 1)
    assert (totals.refused_rightly, totals.refused_wrongly, totals.asked) == (1, 1, 1)
    assert (totals.accuracy, totals.execution_accuracy, totals.precision) == (0.4, 0.25, 0.5)
    assert totals.faithfulness == 0.75
    assert (totals.tokens, totals.cost_usd, totals.cost_is_known) == (15, 0.03, True)
    assert (totals.seconds_median, totals.seconds_p95) == (3.0, 50.0)


def test_of_nothing_there_are_no_shares() -> None:
    totals = totals_of([])
    assert totals.accuracy is None
    assert totals.precision is None
    assert totals.faithfulness is None
    assert totals.seconds_median is None


def test_a_cost_that_nobody_knows_is_not_told_as_nothing() -> None:
    assert not totals_of([outcome("right"), outcome("right", cost_usd=0.5)]).cost_is_known
