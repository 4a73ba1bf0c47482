"""A finding with its claim written out and looked through."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from buster_tasks.analyst.claims.index import Table
from buster_tasks.analyst.claims.support import MentionVerdict, judge_text
from buster_tasks.analyst.claims.template import Filled, fill
from buster_tasks.analyst.claims.values import resolve
from buster_tasks.analyst.evidence import ResultSet
from buster_tasks.analyst.findings import Check, Finding, NamedValue

_WHAT: Final = {
    "date": "the date",
    "time": "the time",
    "entity": "the leading name",
    "comparison": "the comparison",
    "ordinal": "the rank",
}
CODES: Final = frozenset({"UNSUPPORTED_NUMBER", "UNKNOWN_PLACE", "UNUSED_VALUE"})
"""The codes of the checks on a claim's text; those on its values are told in `values.py`."""


def review_text(
    text: str, values: Sequence[NamedValue], results: Sequence[ResultSet], *, question: str = ""
) -> list[MentionVerdict]:
    """A verdict for each number, date, rank, leading name and comparison of a text, in order. Never raises.

    `values` are read again from the results, which are those of the finding.
    """
    resolved, _ = resolve(values, results)
    return judge_text(text, resolved, [Table.of(result) for result in results], question)


def render_finding(
    finding: Finding, results: Sequence[ResultSet], *, question: str = ""
) -> Finding:
    """The finding with its values read, its text filled in, and a check for all that does not hold; the verdict stays.

    The results are those that the finding names as evidence, or all where it names none.
    """
    own = [result for result in results if result.id in finding.evidence] or list(results)
    cited = {value.cell.result for value in finding.values if value.cell is not None}
    own += [result for result in results if result.id in cited and result not in own]
    resolved, checks = resolve(finding.values, own)
    filled = fill(finding.claim, {one.named.name: one.named.text for one in resolved})
    verdicts = judge_text(filled.text, resolved, [Table.of(result) for result in own], question)
    return finding.model_copy(
        update={
            "text": filled.text,
            "values": [one.named for one in resolved],
            "checks": [*checks, *_of_places(filled, finding), *_of_mentions(verdicts)],
        }
    )


def _of_places(filled: Filled, finding: Finding) -> Iterable[Check]:
    for name in filled.unknown:
        yield Check(
            code="UNKNOWN_PLACE",
            severity="error",
            message=f"The claim has a place {{{{{name}}}}}, and there is no value of that name.",
        )
    expressions = " ".join(value.expression or "" for value in finding.values)
    used = set(re.findall(r"\w+", expressions))
    for name in filled.unused:
        if name not in used:
            yield Check(
                code="UNUSED_VALUE", severity="info", message=f"The claim does not use {name!r}."
            )


def _of_mentions(verdicts: Iterable[MentionVerdict]) -> Iterable[Check]:
    for verdict in verdicts:
        if not verdict.supported:
            what = _WHAT.get(verdict.mention.kind, "the number")
            yield Check(
                code="UNSUPPORTED_NUMBER",
                severity="error",
                message=f"Nothing in the evidence has {what} {verdict.mention.text!r}.",
            )
