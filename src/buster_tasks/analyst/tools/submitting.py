"""Tools that say what was found, and that mend it in the review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.claims import render_finding
from buster_tasks.analyst.claims.template import fill
from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.findings import CellRef, Finding, NamedValue, ValueFormat
from buster_tasks.analyst.state import State
from buster_tasks.analyst.tools.base import Answer, Arguments, Tool

_REVIEWING = frozenset({State.REVIEWING})


class GivenValue(Arguments):
    """A value by its name: a cell of a result, or an expression over other values."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    result: Annotated[str | None, Field(description="The id of a result, such as r1.")] = None
    row: Annotated[int, Field(ge=0)] = 0
    column: str | None = None
    expression: Annotated[
        str | None, Field(description="Such as (now - before) / before, over names of values.")
    ] = None
    format: ValueFormat = "auto"
    decimals: Annotated[int | None, Field(ge=0, le=10)] = None
    unit: str = ""

    def value(self) -> NamedValue:
        """The same as a finding holds it."""
        cell = None
        if self.result is not None and self.column is not None:
            cell = CellRef(result=self.result, row=self.row, column=self.column)
        return NamedValue(
            name=self.name,
            cell=cell,
            expression=self.expression,
            format=self.format,
            decimals=self.decimals,
            unit=self.unit,
        )


class GivenFinding(Arguments):
    """A claim in one or two sentences, each number of it as a place: {{name}}."""

    claim: Annotated[str, Field(min_length=1)]
    values: tuple[GivenValue, ...] = ()
    evidence: Annotated[
        tuple[str, ...], Field(description="Ids of the results that it stands on.")
    ] = ()


class FindingsArguments(Arguments):
    findings: Annotated[list[GivenFinding], Field(min_length=1, max_length=20)]
    summary: Annotated[
        str, Field(description="The answer in a few sentences; numbers as places of the findings.")
    ] = ""


class SubmitFindings(Tool[FindingsArguments]):
    """Say what was found. Every number of a claim is a place {{name}} for a value that names a cell of a result, or an
    expression over values; never write a digit yourself. Ends the analysis.
    """

    name = "submit_findings"
    states = frozenset({State.ANALYZING})
    arguments = FindingsArguments

    async def run(self, arguments: FindingsArguments, analysis: Analysis) -> Answer:
        """Take them, if their values can be read; what else is wrong is for the review."""
        made = [
            rendered(f"f{at}", given, analysis) for at, given in enumerate(arguments.findings, 1)
        ]
        broken = [
            f"{finding.id}: {check.message}"
            for finding in made
            for check in finding.checks
            if check.severity == "error"
        ]
        broken += _places_without_value(arguments.summary, made)
        if broken:
            raise ToolRefusedError(
                " ".join(broken[:6]), fix="Correct these and submit all findings again."
            )
        analysis.findings, analysis.summary = made, arguments.summary
        return Answer("Taken.", None, f"{len(made)} findings", State.REVIEWING)


class ReviseArguments(Arguments):
    id: Annotated[str, Field(description="The id of the finding, such as f1.")]
    finding: GivenFinding


class ReviseFinding(Tool[ReviseArguments]):
    """Put another claim in the place of a finding that did not hold."""

    name = "revise_finding"
    states = _REVIEWING
    arguments = ReviseArguments

    async def run(self, arguments: ReviseArguments, analysis: Analysis) -> Answer:
        """The new one is reviewed like the others."""
        at = _at(arguments.id, analysis)
        made = rendered(arguments.id, arguments.finding, analysis)
        broken = [check.message for check in made.checks if check.severity == "error"]
        if broken:
            raise ToolRefusedError(" ".join(broken[:6]), fix="Correct it.")
        analysis.findings[at] = made
        return Answer(f"{arguments.id} now reads: {made.text}", None, f"revised {arguments.id}")


class DropArguments(Arguments):
    id: str
    reason: str = ""


class DropFinding(Tool[DropArguments]):
    """Leave a finding out that cannot be shown."""

    name = "drop_finding"
    states = _REVIEWING
    arguments = DropArguments

    async def run(self, arguments: DropArguments, analysis: Analysis) -> Answer:
        """Drop it, and tell the reader that something was left out."""
        dropped = analysis.findings.pop(_at(arguments.id, analysis))
        analysis.warn(
            "FINDING_DROPPED", f"A finding did not hold and was left out: {dropped.claim}"
        )
        return Answer("Dropped.", None, f"dropped {arguments.id}")


class ReviewArguments(Arguments):
    summary: str = ""


class SubmitReview(Tool[ReviewArguments]):
    """Say that the findings are mended as far as they can be; with a new summary, if it has to change."""

    name = "submit_review"
    states = _REVIEWING
    arguments = ReviewArguments

    async def run(self, arguments: ReviewArguments, analysis: Analysis) -> Answer:
        """End this round of repair."""
        if arguments.summary:
            analysis.summary = arguments.summary
        return Answer("Taken.", None, "repaired", State.REVIEWING)


def rendered(id_: str, given: GivenFinding, analysis: Analysis) -> Finding:
    """The finding with its values read and its text filled in."""
    values = [value.value() for value in given.values]
    named = {value.cell.result for value in values if value.cell is not None}
    finding = Finding(
        id=id_,
        claim=given.claim,
        values=values,
        evidence=list(dict.fromkeys([*given.evidence, *sorted(named)])),
    )
    results = list(analysis.desk.results.values())
    return render_finding(finding, results, question=analysis.question)


def _places_without_value(summary: str, findings: Sequence[Finding]) -> list[str]:
    """What is wrong with the places of a summary: no finding has such a value, or two have different ones."""
    texts: dict[str, set[str]] = {}
    for finding in findings:
        for value in finding.values:
            texts.setdefault(value.name, set()).add(value.text)
    one_each = {name: next(iter(found)) for name, found in texts.items() if len(found) == 1}
    return [
        f"summary: {{{{{name}}}}} stands for different values in several findings."
        if name in texts
        else f"summary: no finding has a value {{{{{name}}}}}."
        for name in fill(summary, one_each).unknown
    ]


def _at(id_: str, analysis: Analysis) -> int:
    for at, finding in enumerate(analysis.findings):
        if finding.id == id_:
            return at
    known = ", ".join(finding.id for finding in analysis.findings) or "none"
    raise ToolRefusedError(f"There is no finding {id_!r}.", fix=f"There are: {known}.")
