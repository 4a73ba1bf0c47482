"""The loop: states in order, each a talk with the model of its role; code moves on, also when a model does not."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Protocol

from pydantic import JsonValue

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.conversation import Conversation, Ended
from buster_tasks.analyst.deadline import Deadline
from buster_tasks.analyst.findings import Plan, PlanStep
from buster_tasks.analyst.models import ExecutionStep
from buster_tasks.analyst.quoting import cut
from buster_tasks.analyst.review import Review
from buster_tasks.analyst.roles import Role, role_of
from buster_tasks.analyst.state import State
from buster_tasks.analyst.team import Team
from buster_tasks.language_model import Message
from buster_tasks.language_model.errors import BudgetExceededError, LanguageModelError

_log = logging.getLogger("buster_tasks.analyst")

_MOST_REQUESTS = {State.SEARCHING: 8, State.PLANNING: 6, State.REVIEWING: 8}
_REPAIR_ROUNDS = 2
_SMALL_CATALOG = 40
_MOST_DESCRIBED = 12
_DESCRIBED_CHARACTERS = 24_000
_MOST_FOUND = 6
_PREVIOUS_MESSAGES = 12
_MESSAGE_CHARACTERS = 4_000


class Reporter(Protocol):
    """Told how the analysis goes, for those who follow it. Should be quick."""

    async def state(self, analysis: Analysis) -> None:
        """A state begins."""
        ...

    async def step(self, analysis: Analysis, step: ExecutionStep) -> None:
        """Something was done."""
        ...


class Agent:
    """Takes an analysis from its question to reviewed findings."""

    def __init__(
        self,
        analysis: Analysis,
        team: Team,
        reporter: Reporter,
        deadline: Deadline,
        *,
        max_steps: int,
    ) -> None:
        self._analysis, self._team, self._reporter = analysis, team, reporter
        self._deadline, self._max_steps = deadline, max_steps
        self.cut_short: str | None = None

    async def run(self) -> None:
        """Search, plan, analyze, review; the analysis is in a final state afterwards.

        `cut_short` says why it ended before the model said so. Of the model's errors only those leave here that came
        before there was anything to show.
        """
        analysis = self._analysis
        await self._enter(State.SEARCHING)
        while not analysis.state.is_final:
            state = analysis.state
            if state is State.REVIEWING:
                await self._review()
                return
            ended = await self._talk(state)
            await self._enter(ended.moved_to or await self._go_on(state, ended.why))

    async def _enter(self, state: State) -> None:
        self._analysis.move(state)
        await self._reporter.state(self._analysis)

    async def _go_on(self, state: State, why: str) -> State:
        """What comes after a state that the model did not end: chosen by code from what there is."""
        analysis = self._analysis
        _log.info("The state %s ended by itself: %s", state.value, why)
        if state is State.SEARCHING:
            await self._choose_tables()
            return State.PLANNING
        if state is State.PLANNING:
            analysis.plan = Plan(steps=[PlanStep(question=analysis.question)])
            return State.ANALYZING
        self.cut_short = why
        analysis.warn("CUT_SHORT", f"The analysis ended before it was done. {why}")
        return State.REVIEWING

    async def _choose_tables(self) -> None:
        """The tables that fit the words of the question best."""
        analysis = self._analysis
        if analysis.tables:
            return
        for hit in await analysis.desk.search(analysis.question, limit=30):
            place = (hit.data_source_name, (hit.database, hit.schema, hit.table))
            if place not in analysis.tables and len(analysis.tables) < _MOST_FOUND:
                analysis.tables.append(place)

    async def _talk(self, state: State, more: str = "") -> Ended:
        """One state's conversation. A model that fails is replaced by the offline one, once."""
        role = role_of(state)
        conversation = Conversation(
            self._analysis,
            self._team.model_of(role),
            self._messages(role, state, more),
            limits=_Until(self._deadline, is_review=state is State.REVIEWING),
            most_requests=_MOST_REQUESTS.get(state, self._max_steps),
            on_step=lambda step: self._reporter.step(self._analysis, step),
        )
        try:
            return await conversation.run()
        except BudgetExceededError as error:
            return Ended(None, error.message)
        except LanguageModelError as error:
            if self._team.is_fallen_back:
                raise
            self._team.fall_back()
            self._analysis.warn(
                "MODEL_FAILED",
                f"The model could not be used, and `offline` went on without it. {error.message}",
            )
            return await self._talk(state, more)

    async def _review(self) -> None:
        """Verdicts by code; what did not hold may be mended by the model, twice, and is then marked."""
        analysis, review = self._analysis, Review(self._analysis, self._deadline)
        self._team.open_reserve()
        await review.look()
        for _ in range(_REPAIR_ROUNDS):
            faults = review.faults()
            if not faults or not analysis.findings or self._deadline.left(for_review=True) == 0:
                break
            try:
                await self._talk(State.REVIEWING, faults)
            except LanguageModelError as error:
                _log.warning("Findings were not mended: %s", error.message)
                break
            await review.look()
        review.conclude()
        await self._enter(State.COMPLETED)

    # --- what a state's model is told -------------------------------------------------------------

    def _messages(self, role: Role, state: State, more: str) -> list[Message]:
        analysis = self._analysis
        sources = "; ".join(
            f"{known.name} ({known.dialect}, {len(known.tables.places)} tables)"
            for known in analysis.desk.sources
        )
        parts = [f"Question: {analysis.question}"]
        if state is State.SEARCHING:
            parts += self._overview()
        else:
            parts += self._chosen()
        if state is State.ANALYZING and analysis.plan is not None:
            steps = "\n".join(f"- {step.question}" for step in analysis.plan.steps)
            parts.append(f"Plan:\n{steps}")
        if state is State.REVIEWING:
            parts.append(more)
        rule = analysis.blocks.rule
        return [
            Message.system(role.instructions(rule=rule, sources=sources)),
            *self._history(),
            Message.user("\n\n".join(parts)),
        ]

    def _history(self) -> list[Message]:
        """The conversation up to now, its last messages, and what earlier answers found."""
        context = self._analysis.context
        told = [
            Message.user(cut(message.content, _MESSAGE_CHARACTERS))
            if message.role == "user"
            else Message.assistant(cut(message.content, _MESSAGE_CHARACTERS))
            for message in context.previous_messages[-_PREVIOUS_MESSAGES:]
            if message.content.strip()
        ]
        if context.previous_findings:
            found: list[JsonValue] = [
                {"finding": finding.text, "verdict": finding.verdict}
                for finding in context.previous_findings[-20:]
            ]
            told.append(Message.user(f"Found before:\n{self._analysis.quoted(found)}"))
        return told

    def _overview(self) -> list[str]:
        """The names of all tables where they are few; of more, nothing: there is a search."""
        told: list[str] = []
        for known in self._analysis.desk.sources:
            places = known.tables.places
            if len(places) <= _SMALL_CATALOG:
                names = sorted(".".join(place[1:]) for place in places)
                block = self._analysis.quoted(list[JsonValue](names))
                told.append(f"Tables of {known.name}:\n{block}")
        return told

    def _chosen(self) -> Sequence[str]:
        """The chosen tables, as far as they fit, and what was noted."""
        analysis = self._analysis
        described: list[JsonValue] = [
            {"source": name, **analysis.desk.known(name).tables.described(place)}
            for name, place in analysis.tables[:_MOST_DESCRIBED]
        ]
        parts = (
            [f"Tables:\n{analysis.quoted(described, most=_DESCRIBED_CHARACTERS)}"]
            if described
            else []
        )
        if analysis.notes:
            parts.append("Notes:\n" + "\n".join(f"- {note}" for note in analysis.notes))
        return parts


class _Until:
    """The deadline as a conversation's limit."""

    def __init__(self, deadline: Deadline, *, is_review: bool) -> None:
        self._deadline, self._is_review = deadline, is_review

    def has_ended(self) -> str | None:
        if self._deadline.left(for_review=self._is_review) > 0:
            return None
        return "The time for it is over."

    def seconds_left(self) -> float:
        left = self._deadline.left(for_review=self._is_review)
        return 600.0 if math.isinf(left) else max(0.1, left)
