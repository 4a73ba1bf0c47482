"""The task `introspect-data`: the flow, with progress in the run's metadata, logs, and retries."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic.alias_generators import to_camel

from buster_tasks.errors import SourceError
from buster_tasks.introspection.flow import introspect
from buster_tasks.introspection.keeping import fitting, kept
from buster_tasks.introspection.measuring import Children, can_share_out
from buster_tasks.introspection.models import IntrospectDataInput, IntrospectDataOutput
from taskkit import Context, logger, metadata, task

_MESSAGES = {
    "connecting": "Connecting to the data source",
    "testing": "Testing the data source connection",
    "introspecting": "Running full introspection",
    "measuring": "Measuring what the columns hold",
    "finishing": "Closing the connection",
}
_LOGGED_ISSUES = 20
_RESERVE_SHARE, _RESERVE_SECONDS = 0.1, 5.0
_LAST_SECONDS = 3.0


@task(
    id="introspect-data",
    description="Tests the connection to a data source and reads its structure.",
    max_duration=300,
)
async def introspect_data(payload: IntrospectDataInput, ctx: Context) -> IntrospectDataOutput:
    """What the data source holds, or why that could not be read.

    An error that may pass is raised while attempts are left, so that the retry policy applies. The connection is
    closed in any case, also when the run is canceled or out of time.
    """
    named = {"data_source_name": payload.data_source_name, "type": payload.credentials.type}
    logger.info("Starting data source introspection", named, attempt=ctx.attempt.number)
    outcome = await introspect(
        payload,
        _Reporter(),
        time_limit=_time_for_counting(ctx),
        at_most=_time_at_the_source(ctx),
        share_out=Children(payload) if can_share_out() else None,
    )
    outcome = await fitting(payload, await kept(payload, outcome), ctx)
    if outcome.error is not None:
        _log_failure(outcome.error, named)
        if outcome.error.transient and ctx.attempt.number < ctx.run.max_attempts:
            raise outcome.error
    else:
        _log_success(outcome.output, named)
    return outcome.output


class _Reporter:
    """Progress as metadata of the run, and a log record when a phase begins."""

    def __init__(self) -> None:
        self._phase = ""

    async def __call__(self, phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        metadata.set("progress", round(fraction, 3))
        for name, count in counts.items():
            metadata.set(to_camel(name), count)
        if phase != self._phase:
            self._phase = phase
            metadata.set("phase", phase)
            if phase in _MESSAGES:
                logger.info(_MESSAGES[phase])
            # A phase is shown when it begins, not with the next second's flush.
            await metadata.flush()


def _time_for_counting(ctx: Context) -> float | None:
    """Seconds after which what is optional is left out, so that the rest ends before the task's limit."""
    left = ctx.time_left()
    if left is None:
        return None
    return max(0.0, left - max(_RESERVE_SECONDS, left * _RESERVE_SHARE))


def _time_at_the_source(ctx: Context) -> float | None:
    """Seconds after which the run says itself that its source was too slow; None where they would be too few."""
    left = ctx.time_left()
    return None if left is None or left < 2 * _LAST_SECONDS else left - _LAST_SECONDS


def _log_success(output: IntrospectDataOutput, named: Mapping[str, str]) -> None:
    counts = {to_camel(kind): count for kind, count in (output.counts or {}).items()}
    logger.info("Introspection completed", named, complete=output.complete, **counts)
    for issue in output.issues[:_LOGGED_ISSUES]:
        logger.warn(issue.message, code=issue.code, object=issue.object)


def _log_failure(error: SourceError, named: Mapping[str, str]) -> None:
    logger.error(
        "Introspection failed",
        named,
        code=error.code,
        reason=error.message,
        fix=error.fix,
        transient=error.transient,
    )
