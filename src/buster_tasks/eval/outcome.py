"""What came of a question, and of a whole set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from buster_tasks.eval.question import Expectation

Verdict = Literal["right", "wrong", "refused", "asked", "failed", "skipped"]


class Outcome(BaseModel):
    """What came of one question: `right` also for a refusal, or a question back, that was expected.

    `refused` and `asked` are those that were not; `wrong` is another answer than the right one, and `failed` none,
    because something broke. Seconds are for the whole analysis.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    question: str
    expect: Expectation
    verdict: Verdict
    why: str = ""
    sql: str | None = None
    findings: int = 0
    verified: int = 0
    seconds: float = 0.0
    model_calls: int = 0
    tokens: int = 0
    cost_usd: float | None = None


class Totals(BaseModel):
    """Figures of a set. Shares are None where there is nothing to take them of.

    `accuracy` is the share of right outcomes among all that were run, `execution_accuracy` among the questions that
    have an answer; `precision` is the share of right ones among the answers that were given to those. `faithfulness`
    is the share of findings that the review has verified.
    """

    model_config = ConfigDict(frozen=True)

    questions: int
    right: int
    wrong: int
    refused_rightly: int
    refused_wrongly: int
    asked: int
    failed: int
    skipped: int
    accuracy: float | None
    execution_accuracy: float | None
    precision: float | None
    faithfulness: float | None
    tokens: int
    cost_usd: float
    cost_is_known: bool
    seconds_median: float | None
    seconds_p95: float | None


def totals_of(outcomes: Sequence[Outcome]) -> Totals:
    """The figures of a set."""
    ran = [one for one in outcomes if one.verdict != "skipped"]
    answerable = [one for one in ran if one.expect == "answer"]
    right = [one for one in answerable if one.verdict == "right"]
    given = [one for one in answerable if one.verdict in ("right", "wrong")]
    seconds = sorted(one.seconds for one in ran)
    costs = [one.cost_usd for one in ran if one.cost_usd is not None]
    return Totals(
        questions=len(outcomes),
        right=sum(one.verdict == "right" for one in ran),
        wrong=sum(one.verdict == "wrong" for one in ran),
        refused_rightly=sum(one.verdict == "right" and one.expect == "refuse" for one in ran),
        refused_wrongly=sum(one.verdict == "refused" for one in ran),
        asked=sum(one.verdict == "asked" for one in ran),
        failed=sum(one.verdict == "failed" for one in ran),
        skipped=len(outcomes) - len(ran),
        accuracy=_share(sum(one.verdict == "right" for one in ran), len(ran)),
        execution_accuracy=_share(len(right), len(answerable)),
        precision=_share(len(right), len(given)),
        faithfulness=_share(sum(one.verified for one in ran), sum(one.findings for one in ran)),
        tokens=sum(one.tokens for one in ran),
        cost_usd=round(math.fsum(costs), 6),
        cost_is_known=len(costs) == len(ran),
        seconds_median=_quantile(seconds, 0.5),
        seconds_p95=_quantile(seconds, 0.95),
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The least of the values that this share of them does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
