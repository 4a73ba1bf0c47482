"""From a payload to an output: open the desk, run the agent, review, report; the work of the task without the task."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from buster_tasks.analyst.agent import Agent, Reporter
from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.answer import result_of
from buster_tasks.analyst.clarifying import Asked, asked_by
from buster_tasks.analyst.deadline import REVIEW_SHARE, Deadline
from buster_tasks.analyst.desk import Desk
from buster_tasks.analyst.errors import AnalystError
from buster_tasks.analyst.journal import Journal, JournaledModel, PlainJournal
from buster_tasks.analyst.known_sources import credentials_of
from buster_tasks.analyst.models import (
    OFFLINE,
    AnalystAgentTaskInput,
    AnalystAgentTaskOutput,
    AnalystContext,
    AnalystErrorDetail,
    AnalystMetadata,
    AnalystOptions,
    AnalystResult,
    AnalystUsage,
    ErrorCode,
    ExecutionStep,
)
from buster_tasks.analyst.offline import OfflineModel
from buster_tasks.analyst.quoting import Blocks
from buster_tasks.analyst.report import report_of
from buster_tasks.analyst.roles.role import RoleName
from buster_tasks.analyst.state import State
from buster_tasks.analyst.team import Team
from buster_tasks.errors import SourceError
from buster_tasks.language_model import (
    LanguageModel,
    LitellmModel,
    ModelBudget,
    ScrubbedModel,
)
from buster_tasks.language_model.errors import LanguageModelError
from buster_tasks.settings import find_setting
from buster_tasks.sources.secrets import remembering_secrets
from taskkit.errors import TaskkitError
from taskkit.model.clock import SYSTEM_CLOCK, Clock
from taskkit.model.redaction import Redaction

_log = logging.getLogger("buster_tasks.analyst")

_FAILED: ErrorCode = "AGENT_EXECUTION_ERROR"
_CODES: dict[str, ErrorCode] = {
    "DATA_SOURCE_ERROR": "DATA_SOURCE_ERROR",
    "INVALID_INPUT": "INVALID_INPUT",
}

MakeModel = Callable[[str], LanguageModel]


class SilentReporter:
    """A `Reporter` that nobody looks at."""

    async def state(self, analysis: Analysis) -> None:
        """See `Reporter`."""

    async def step(self, analysis: Analysis, step: ExecutionStep) -> None:
        """See `Reporter`."""


def model_named(name: str) -> LanguageModel:
    """The model of this name: `offline`, or any string of litellm."""
    return OfflineModel() if name == OFFLINE else LitellmModel(name)


def configured_model() -> str:
    """`BUSTER_TASKS_MODEL`, else `model` in `[tool.buster-tasks]`, else `offline`."""
    setting = find_setting("BUSTER_TASKS_MODEL", "model")
    return OFFLINE if setting is None else str(setting.value).strip() or OFFLINE


@dataclass(slots=True)
class Surroundings:
    """What an analysis needs from where it runs: a run, a test, plain code. `seconds` is all the time there is."""

    journal: Journal = field(default_factory=PlainJournal)
    reporter: Reporter = field(default_factory=SilentReporter)
    secret: str = ""
    seconds: float | None = None
    make_model: MakeModel = model_named
    catalog: Path | None = None
    clock: Clock = SYSTEM_CLOCK


async def analyze(payload: AnalystAgentTaskInput, around: Surroundings) -> AnalystAgentTaskOutput:
    """The answer, or why there is none; no SourceError, LanguageModelError or AnalystError leaves here.

    Past the time limit the output has what was found until then. When the caller is cancelled the sources are closed
    before the cancellation goes on.
    """
    work = _Work(payload, around)
    with remembering_secrets() as secrets:
        try:
            await work.run(secrets)
        except SourceError as error:
            return await work.failed("DATA_SOURCE_ERROR", error, secrets)
        except LanguageModelError as error:
            return await work.failed(_FAILED, error, secrets)
        except AnalystError as error:
            code = _CODES.get(error.code, _FAILED)
            return await work.failed(code, error, secrets)
        except TaskkitError:  # of the run that this is part of: its lease, its journal
            raise
        except Exception as error:
            # a fault of ours: what was found is worth more than the traceback alone
            _log.exception("The analysis failed in a way that it should not")
            unexpected = AnalystError(f"{type(error).__name__}: {error}", fix="Please report it.")
            return await work.failed(_FAILED, unexpected, secrets)
        return await work.output()


class _Work:
    """One analysis with all that surrounds it."""

    def __init__(self, payload: AnalystAgentTaskInput, around: Surroundings) -> None:
        self._payload, self._around = payload, around
        self._options = payload.options or AnalystOptions()
        self._deadline = Deadline(self._seconds(), clock=around.clock)
        self._name = self._options.model or ""
        self._analysis: Analysis | None = None
        self._team: Team | None = None
        self._cut_short: str | None = None

    def _seconds(self) -> float | None:
        asked = self._options.timeout_ms
        given = [self._around.seconds, None if asked is None else asked / 1_000]
        known = [seconds for seconds in given if seconds is not None]
        return min(known) if known else None

    async def run(self, secrets: Redaction) -> None:
        """Do it all; what was found stays here whatever happens."""
        payload, around = self._payload, self._around
        self._name = self._name or configured_model()
        sources = {one.name: credentials_of(one) for one in payload.data_sources}
        desk = Desk(
            sources,
            around.journal,
            self._options.limits,
            catalog=around.catalog,
            seconds_left=self._deadline.left,
            secrets=secrets,
        )
        self._analysis = analysis = Analysis(
            question=self._question(),
            desk=desk,
            blocks=Blocks(around.secret or payload.session_id),
            limits=self._options.limits,
            context=payload.context or AnalystContext(),
            may_ask=self._options.allow_clarification,
        )
        await around.reporter.state(analysis)
        async with desk:
            self._team = team = self._made_team(secrets)
            analysis.usage = lambda: team.usage
            agent = Agent(
                analysis,
                self._team,
                around.reporter,
                self._deadline,
                max_steps=self._options.max_steps,
            )
            try:
                await agent.run()
            finally:
                self._cut_short = agent.cut_short

    def _question(self) -> str:
        """The query, or what was asked before, with the query as the answer to what was asked back."""
        context = self._payload.context
        if context is None or context.resume_token is None:
            return self._payload.query
        return asked_by(context.resume_token).answered(self._payload.query)

    def _made_team(self, secrets: Redaction) -> Team:
        chosen = self._options.models
        names: dict[RoleName, str] = {
            "prepare": chosen.prepare or self._name,
            "analyse": chosen.analyse or self._name,
            "review": chosen.review or self._name,
        }
        made = {
            name: JournaledModel(
                ScrubbedModel(self._around.make_model(name), secrets), self._around.journal, name
            )
            for name in dict.fromkeys(names.values())
        }
        limits = self._options.limits
        budget = ModelBudget(
            calls=self._options.max_steps,
            tokens=limits.tokens,
            cost_usd=limits.cost_usd,
            reserve=REVIEW_SHARE,
        )
        return Team({role: made[name] for role, name in names.items()}, budget, OfflineModel())

    async def output(self) -> AnalystAgentTaskOutput:
        """The answer, whole or cut short."""
        assert self._analysis is not None  # it ended without an error
        result = await self._result(self._analysis)
        error = None
        if self._cut_short is not None and self._deadline.left() == 0:
            error = AnalystErrorDetail(
                code="TIMEOUT",
                message=self._cut_short,
                fix="Allow more time, or ask for less at once.",
            )
        return self._whole(success=error is None, result=result, error=error)

    async def failed(
        self,
        code: ErrorCode,
        error: SourceError | LanguageModelError | AnalystError,
        secrets: Redaction,
    ) -> AnalystAgentTaskOutput:
        """Why there is no answer, and what was found all the same."""
        detail = AnalystErrorDetail(
            code=code,
            message=secrets.text(error.message),
            fix=secrets.text(error.fix),
            details={"code": error.code},
        )
        analysis, result = self._analysis, None
        if analysis is not None:
            was_begun = analysis.state is not State.INITIALIZING
            if not analysis.state.is_final:
                analysis.move(State.FAILED)
                await self._around.reporter.state(analysis)
            if was_begun:
                result = await self._result(analysis)
                result = result.model_copy(update={"status": "failed"})
        return self._whole(success=False, result=result, error=detail)

    async def _result(self, analysis: Analysis) -> AnalystResult:
        result = result_of(analysis)
        if analysis.clarification is not None:
            asked = Asked(question=analysis.question, asked=analysis.clarification)
            result = result.model_copy(update={"resume_token": asked.token()})
        if not self._options.report or analysis.clarification is not None:
            return result
        report = await report_of(result, self._payload.query, metadata=self._metadata())
        return result.model_copy(update={"report": report})

    def _whole(
        self, *, success: bool, result: AnalystResult | None, error: AnalystErrorDetail | None
    ) -> AnalystAgentTaskOutput:
        return AnalystAgentTaskOutput(
            success=success,
            session_id=self._payload.session_id,
            result=result,
            error=error,
            metadata=self._metadata(),
        )

    def _metadata(self) -> AnalystMetadata:
        analysis, team = self._analysis, self._team
        spent = team.usage if team is not None else AnalystUsage()
        usage = spent.model_copy(
            update={
                "statements": 0 if analysis is None else analysis.desk.statements,
                "seconds": {"total": round(self._deadline.elapsed, 3)},
            }
        )
        is_offline = team is not None and team.is_fallen_back
        return AnalystMetadata(
            states=[] if analysis is None else analysis.states,
            model=f"{self._name}, then {OFFLINE}" if is_offline else self._name,
            usage=usage,
        )
