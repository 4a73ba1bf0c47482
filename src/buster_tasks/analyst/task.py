"""The task `analyst-agent-task`: the flow, with its states, steps and cost in the run's metadata and streams."""

from __future__ import annotations

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.fitting import fitting
from buster_tasks.analyst.flow import Surroundings, analyze
from buster_tasks.analyst.journal import Journal, PlainJournal, RunJournal
from buster_tasks.analyst.models import (
    AnalystAgentTaskInput,
    AnalystAgentTaskOutput,
    ExecutionStep,
)
from buster_tasks.analyst.state import State
from taskkit import Context, Queue, Retry, logger, metadata, streams, task
from taskkit.errors import UnsupportedByBackendError
from taskkit.runtime.scope import need_scope

_PROGRESS = {
    State.INITIALIZING: 0.0,
    State.SEARCHING: 0.1,
    State.PLANNING: 0.25,
    State.ANALYZING: 0.35,
    State.REVIEWING: 0.85,
    State.COMPLETED: 1.0,
    State.FAILED: 1.0,
}
_RESERVE_SECONDS, _RESERVE_SHARE = 20.0, 0.05


@task(
    id="analyst-agent-task",
    description="Answers a question with data: searches, plans, analyzes, and reviews what it found.",
    max_duration=1800,
    machine="small-2x",
    retry=Retry(max_attempts=3),
    # one analysis at a time for a session, and sessions side by side
    queue=Queue("analyst-agent-task", concurrency_limit=1),
    concurrency_key=lambda payload: payload.session_id[:512],
)
async def analyst_agent_task(
    payload: AnalystAgentTaskInput, ctx: Context
) -> AnalystAgentTaskOutput:
    """The answer to the question, every number of it verified, or why there is none.

    After a crash the next attempt goes on where the last one was: what a model said and what statements gave is kept
    with the run. Near the time limit it ends with what was found until then.
    """
    logger.info("Starting the analysis", session_id=payload.session_id, attempt=ctx.attempt.number)
    around = Surroundings(
        journal=await _journal(),
        reporter=_RunReporter(streams=payload.options is None or payload.options.enable_streaming),
        secret=ctx.run.id,
        seconds=_seconds(ctx),
    )
    output = await analyze(payload, around)
    if output.error is not None:
        logger.error(
            "The analysis failed",
            code=output.error.code,
            reason=output.error.message,
            fix=output.error.fix,
        )
    elif output.result is not None:
        logger.info("The analysis is completed", status=output.result.status)
    metadata.set("cost_usd", output.metadata.usage.cost_usd)
    metadata.set("model_calls", output.metadata.usage.model_calls)
    return fitting(output, need_scope("analyst_agent_task").home.output_limit)


class _RunReporter:
    """States and steps as metadata and logs of the run, and as parts of its streams, if there are to be any."""

    def __init__(self, *, streams: bool) -> None:
        self._streams = streams

    async def state(self, analysis: Analysis) -> None:
        state = analysis.state
        logger.info(f"The analysis is {state.value}")
        metadata.set("state", state.value).set("progress", _PROGRESS[state])
        metadata.set("current_step", state.value)
        await metadata.flush()
        if state is State.COMPLETED and analysis.summary:
            await self._streamed("answer", analysis.summary)

    async def step(self, analysis: Analysis, step: ExecutionStep) -> None:
        metadata.set("current_step", f"{step.tool}: {step.summary}"[:200])
        metadata.set("steps", len(analysis.steps)).set("statements", analysis.desk.statements)
        metadata.set("findings", len(analysis.findings)).set("charts", len(analysis.charts))
        usage = analysis.usage()
        metadata.set("model_calls", usage.model_calls).set("cost_usd", usage.cost_usd)
        if step.state is State.ANALYZING:
            metadata.set("progress", _within(analysis))
        await self._streamed("steps", step.model_dump(mode="json", by_alias=True))

    async def _streamed(self, key: str, part: object) -> None:
        if not self._streams:
            return
        try:
            await streams.pipe(key, [part])
        except UnsupportedByBackendError:
            return  # the same is in the output


def _within(analysis: Analysis) -> float:
    """Progress within the analyzing: nobody knows how many steps there are, so each goes a part of what is left."""
    begin, end = _PROGRESS[State.ANALYZING], _PROGRESS[State.REVIEWING]
    done = sum(step.state is State.ANALYZING for step in analysis.steps)
    return round(end - (end - begin) * 0.85**done, 3)


async def _journal() -> Journal:
    """Kept with the run where the backend can."""
    journal = RunJournal()
    try:
        await journal.keep("begun", _true)
    except UnsupportedByBackendError:
        return PlainJournal()
    return journal


async def _true() -> bool:
    return True


def _seconds(ctx: Context) -> float | None:
    """All the time there is, but for what it takes to end in an orderly way."""
    left = ctx.time_left()
    if left is None:
        return None
    return max(1.0, left - max(_RESERVE_SECONDS, left * _RESERVE_SHARE))
