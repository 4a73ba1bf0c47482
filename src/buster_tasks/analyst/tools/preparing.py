"""Tools that end the preparing states: the tables that matter, the plan, an answer without data, a question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.claims import mentions
from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.findings import Plan, PlanStep
from buster_tasks.analyst.state import State
from buster_tasks.analyst.tools.base import Answer, Arguments, Tool

_PREPARING = frozenset({State.SEARCHING, State.PLANNING})
_MOST_COUNTED = 200


class ChosenTable(Arguments):
    table: str
    source: str | None = None


class ContextArguments(Arguments):
    tables: Annotated[list[ChosenTable], Field(min_length=1, max_length=20)]
    notes: Annotated[
        tuple[str, ...], Field(description="Definitions and spellings of values that matter.")
    ] = ()


class SubmitContext(Tool[ContextArguments]):
    """Say which tables the question is about, and what was learnt of their values. Ends the search."""

    name = "submit_context"
    states = frozenset({State.SEARCHING})
    arguments = ContextArguments

    async def run(self, arguments: ContextArguments, analysis: Analysis) -> Answer:
        """Remember them, if all of them exist."""
        chosen = [
            (known.name, known.tables.find(one.table))
            for one in arguments.tables
            for known in (analysis.desk.known(one.source),)
        ]
        analysis.tables = list(dict.fromkeys(chosen))
        analysis.notes = list(arguments.notes)
        names = ", ".join(place[2] for _, place in analysis.tables)
        return Answer("Taken.", None, names, State.PLANNING)


class PlanArguments(Arguments):
    steps: Annotated[
        list[str], Field(min_length=1, max_length=12, description="One question each.")
    ]
    assumptions: Annotated[
        tuple[str, ...],
        Field(description="What the question leaves open and you take for granted."),
    ] = ()


class SubmitPlan(Tool[PlanArguments]):
    """Say what will be computed, step by step, and what is taken for granted. Ends the planning."""

    name = "submit_plan"
    states = frozenset({State.PLANNING})
    arguments = PlanArguments

    async def run(self, arguments: PlanArguments, analysis: Analysis) -> Answer:
        """Remember it."""
        analysis.plan = Plan(
            steps=[PlanStep(question=step) for step in arguments.steps],
            assumptions=list(arguments.assumptions),
        )
        analysis.assumptions = list(arguments.assumptions)
        return Answer("Taken.", None, f"{len(arguments.steps)} steps", State.ANALYZING)


class SearchAgainArguments(Arguments):
    reason: str


class SearchAgain(Tool[SearchAgainArguments]):
    """Go back to the search, because the chosen tables cannot answer the question."""

    name = "search_again"
    states = frozenset({State.PLANNING})
    arguments = SearchAgainArguments

    async def run(self, arguments: SearchAgainArguments, analysis: Analysis) -> Answer:
        """Go back, once."""
        if analysis.states.count(State.SEARCHING) > 1:
            raise ToolRefusedError(
                "The search was repeated already.", fix="Plan with what there is."
            )
        return Answer("Search on.", None, arguments.reason, State.SEARCHING)


class AnswerArguments(Arguments):
    text: Annotated[str, Field(min_length=1)]


class AnswerWithoutData(Tool[AnswerArguments]):
    """Answer a question that needs no data, such as which tables there are, or say that the data cannot answer it."""

    name = "answer_without_data"
    states = _PREPARING
    arguments = AnswerArguments

    async def run(self, arguments: AnswerArguments, analysis: Analysis) -> Answer:
        """End with the text, if each number of it is one of the question, of earlier answers, or of the catalog."""
        known = " ".join([analysis.question, *_said_before(analysis), *_counted(analysis)])
        missing = _not_in(known, arguments.text)
        if missing:
            raise ToolRefusedError(
                f"No data has shown {', '.join(missing[:5])}.",
                fix="Leave it out, or submit_context and have it computed.",
            )
        analysis.answer = arguments.text
        return Answer("Taken.", None, "answered without data", State.COMPLETED)


def _not_in(known: str, text: str) -> list[str]:
    """The numbers and dates of a text that are none of what is known."""
    there = list(mentions(known))
    values = {one.value for one in there}
    periods = {one.periods for one in there}
    return [
        one.text
        for one in mentions(text)
        if one.kind not in {"entity", "ordinal"} and not one.weak
        if (one.periods or None) not in periods and (one.value is None or one.value not in values)
    ]


def _said_before(analysis: Analysis) -> Iterator[str]:
    for finding in analysis.context.previous_findings:
        if finding.verdict == "verified":
            yield finding.text


def _counted(analysis: Analysis) -> Iterator[str]:
    """Names and numbers of the catalog; of a large one how many tables there are."""
    for known in analysis.desk.sources:
        yield f"{known.name} {len(known.tables.places)}"
        found = known.tables.introspection
        yield f"{len(found.tables)} {len(found.views)} {len(found.columns)}"
        if len(known.tables.places) > _MOST_COUNTED:
            continue
        for place in known.tables.places:
            yield f"{place[2]} {len(known.tables.columns(place))}"
        for table in found.tables:
            yield "" if table.row_count is None else str(table.row_count)


class AskArguments(Arguments):
    question: Annotated[str, Field(min_length=1)]


class AskUser(Tool[AskArguments]):
    """Ask the user one question, only where the answer would be another analysis altogether. Ends this one."""

    name = "ask_user"
    states = _PREPARING
    arguments = AskArguments

    async def run(self, arguments: AskArguments, analysis: Analysis) -> Answer:
        """End with the question, where asking is allowed."""
        if not analysis.may_ask:
            raise ToolRefusedError(
                "Nobody can be asked here.",
                fix="Choose the most likely meaning, and name it as an assumption.",
            )
        analysis.clarification = arguments.question
        return Answer("Asked.", None, "asked the user", State.COMPLETED)
