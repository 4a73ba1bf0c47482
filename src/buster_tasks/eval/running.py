"""Runs a question set through the analyst, one question after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from buster_tasks.errors import SourceError
from buster_tasks.eval.database import Databases
from buster_tasks.eval.outcome import Outcome
from buster_tasks.eval.question import Question, QuestionSetError

if TYPE_CHECKING:
    from buster_tasks.analyst.flow import MakeModel
    from buster_tasks.analyst.models import AnalystAgentTaskInput, AnalystAgentTaskOutput
    from buster_tasks.sources.credentials import AnyCredentials

Told = Callable[[Outcome], None]

_WHY_CHARACTERS = 300


@dataclass(slots=True)
class Evaluation:
    """How a set is run: the model, what all questions may cost together in US dollars, and seconds for each."""

    model: str
    databases: Databases
    catalog: Path
    budget_usd: float | None = None
    seconds: float | None = None
    make_model: MakeModel | None = None
    spent: float = field(default=0.0, init=False)

    async def run(self, questions: Sequence[Question], told: Told) -> list[Outcome]:
        """The outcome of each question, told as it comes. What the budget does not reach is skipped.

        Raises QuestionSetError where a database cannot be reached, or a right statement does not run.
        """
        outcomes: list[Outcome] = []
        for question in questions:
            if self.budget_usd is not None and self.spent >= self.budget_usd:
                outcome = Outcome(
                    id=question.id, question=question.question, expect=question.expect, verdict="skipped",
                    why="The budget is used up.",
                )  # fmt: skip
            else:
                outcome = await self._asked(question)
                self.spent += outcome.cost_usd or 0.0
            outcomes.append(outcome)
            told(outcome)
        return outcomes

    async def _asked(self, question: Question) -> Outcome:
        from buster_tasks.eval.judging import judged
        from buster_tasks.sources import connect

        credentials = self.databases.credentials(question.database)
        began = time.perf_counter()
        output = await self._answer(question, credentials)
        seconds = time.perf_counter() - began
        try:
            async with connect(credentials) as source:
                verdict, why, sql = await judged(question, output, source)
        except SourceError as error:
            raise QuestionSetError(f"{question.database}: {error.message}") from error
        usage = output.metadata.usage
        findings = output.result.findings if output.result is not None else []
        return Outcome(
            id=question.id,
            question=question.question,
            expect=question.expect,
            verdict=verdict,
            why=why[:_WHY_CHARACTERS],
            sql=sql,
            findings=len(findings),
            verified=sum(one.verdict == "verified" for one in findings),
            seconds=round(seconds, 3),
            model_calls=usage.model_calls,
            tokens=usage.prompt_tokens + usage.completion_tokens,
            cost_usd=usage.cost_usd,
        )

    async def _answer(
        self, question: Question, credentials: AnyCredentials
    ) -> AnalystAgentTaskOutput:
        from buster_tasks.analyst.flow import Surroundings, analyze, model_named

        around = Surroundings(
            secret=question.id,
            seconds=self.seconds,
            make_model=self.make_model or model_named,
            catalog=self.catalog,
        )
        return await analyze(self._payload(question, credentials), around)

    def _payload(self, question: Question, credentials: AnyCredentials) -> AnalystAgentTaskInput:
        from buster_tasks.analyst.models import (
            AnalystAgentTaskInput,
            AnalystDataSource,
            AnalystLimits,
            AnalystOptions,
        )

        left = None if self.budget_usd is None else max(0.0, self.budget_usd - self.spent)
        options = AnalystOptions(
            model=self.model, report=False, limits=AnalystLimits(cost_usd=left)
        )
        name = _source_name(question.database)
        return AnalystAgentTaskInput(
            session_id=f"eval-{question.id}",
            user_id="eval",
            query=question.text,
            data_sources=[AnalystDataSource(name=name, credentials=credentials)],
            options=options,
        )


def _source_name(database: str) -> str:
    """A name that shows nothing of a URL but its end."""
    return database.partition("?")[0].rstrip("/").rpartition("/")[2] or "database"
