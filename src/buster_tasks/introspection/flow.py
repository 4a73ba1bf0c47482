"""Connect, test, introspect, and always close: the work of the task without the task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import anyio

from buster_tasks.errors import SourceError, SourceTimeoutError
from buster_tasks.introspection.models import (
    ErrorDetail,
    IntrospectDataInput,
    IntrospectDataOptions,
    IntrospectDataOutput,
)
from buster_tasks.sources import connect
from buster_tasks.sources.base import (
    ConnectionTest,
    DataSource,
    Progress,
    no_progress,
    share_of,
)
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.filters import check_filters
from buster_tasks.sources.schema import Introspection, Issue
from buster_tasks.sources.secrets import remembering_secrets
from buster_tasks.sources.statistics import MeasuredLevel, measure, measured_level, targets_of
from taskkit.model.redaction import Redaction
from taskkit.runtime.redacting_filter import mask_logs

_log = logging.getLogger("buster_tasks.introspection")
mask_logs("buster_tasks", "buster_tasks.introspection", "buster_tasks.sources")

Told = TypeVar("Told", ErrorDetail, Issue)

# Well under the two seconds that a task has after it was cancelled.
CLOSE_SECONDS = 1.5

_TESTED = 0.1
READ_BEFORE_MEASURING, MEASURED = 0.4, 0.95
"""How far a run is that has read the structure and looks at rows next, and one that has done that."""


@dataclass(slots=True)
class Outcome:
    """How it ended: the output, and the error behind it where there is one."""

    output: IntrospectDataOutput
    error: SourceError | None = None


@dataclass(slots=True)
class _Findings:
    """What is known up to now; a failure keeps what was known before it."""

    connection: ConnectionTest | None = None
    introspection: Introspection | None = None
    issues: list[Issue] = field(default_factory=list[Issue])


@dataclass(frozen=True, slots=True)
class _Limits:
    """Seconds after which what is optional is left out, and after which no source is waited for."""

    time_limit: float | None
    at_most: float | None


class ShareOut(Protocol):
    """Has the tables of a large catalog measured elsewhere, while no connection of ours is open."""

    def takes(self, found: Introspection) -> bool:
        """Whether it is large enough for that."""
        ...

    async def __call__(
        self, found: Introspection, level: MeasuredLevel, seconds: float | None
    ) -> Introspection:
        """The same with statistics, within so many seconds."""
        ...


async def introspect(
    payload: IntrospectDataInput,
    progress: Progress = no_progress,
    *,
    time_limit: float | None = None,
    at_most: float | None = None,
    share_out: ShareOut | None = None,
) -> Outcome:
    """The outcome for this source; no SourceError leaves here, it is in the outcome.

    Past `time_limit` seconds what is optional is left out; where that does not end it, after `at_most` seconds at the
    source there is an error in its place. When the caller is cancelled, also by a time limit of its own, the connection
    is closed before the cancellation goes on.
    """
    findings = _Findings()
    with remembering_secrets() as secrets:
        try:
            await _find(payload, findings, progress, _Limits(time_limit, at_most), share_out)
        except SourceError as error:
            known = findings.connection
            outcome = failed(payload, error, connection=known, issues=findings.issues)
        else:
            outcome = Outcome(_success(payload, findings))
        return Outcome(_without_secrets(outcome.output, secrets), outcome.error)


def failed(
    payload: IntrospectDataInput,
    error: SourceError,
    *,
    connection: ConnectionTest | None = None,
    issues: Sequence[Issue] = (),
) -> Outcome:
    """The outcome of a failure; what was known before it is kept."""
    output = IntrospectDataOutput(
        success=False,
        data_source_name=payload.data_source_name,
        error=ErrorDetail.of(error),
        connection=connection,
        issues=list(issues),
    )
    return Outcome(output, error)


def _without_secrets(output: IntrospectDataOutput, secrets: Redaction) -> IntrospectDataOutput:
    """The output with a mask for each secret in the sentences of errors and issues, which may quote a driver.

    What was found is let be: a table may be called what a password is.
    """
    changes: dict[str, object] = {"issues": [_masked(issue, secrets) for issue in output.issues]}
    if output.error is not None:
        changes["error"] = _masked(output.error, secrets)
    connection = output.connection
    if connection is not None and connection.message is not None:
        message = secrets.text(connection.message)
        changes["connection"] = connection.model_copy(update={"message": message})
    found = output.introspection
    if found is not None and found.issues:
        issues = [_masked(issue, secrets) for issue in found.issues]
        changes["introspection"] = found.model_copy(update={"issues": issues})
    return output.model_copy(update=changes)


def _masked(told: Told, secrets: Redaction) -> Told:
    texts = {"message": secrets.text(told.message), "fix": secrets.text(told.fix)}
    return told.model_copy(update=texts)


async def _find(
    payload: IntrospectDataInput,
    findings: _Findings,
    progress: Progress,
    limits: _Limits,
    share_out: ShareOut | None,
) -> None:
    options = payload.options or IntrospectDataOptions()
    filters = options.filters()
    check_filters(filters)
    ends = Budget(limits.time_limit)
    await progress("connecting", 0.0, {})
    async with _ended(limits.at_most), _opened(payload, findings) as connections:
        source = connections[0]
        await progress("testing", 0.05, {})
        findings.connection = await source.test()
        findings.connection.raise_if_failed()
        level = measured_level(options.statistics)
        until = MEASURED if level is None else READ_BEFORE_MEASURING
        found = await source.introspect(
            filters,
            share_of(progress, _TESTED, until),
            statistics=options.statistics if level is None else "catalog",
            time_limit=ends.left(),
        )
        is_shared = share_out is not None and level is not None and share_out.takes(found)
        if level is not None and not is_shared:
            found = await _measured(payload, found, level, connections, progress, ends)
        named = {"data_source_name": payload.data_source_name}
        findings.introspection = found = found.model_copy(update=named)
        await progress("finishing", until if is_shared else MEASURED, found.counts())
    if share_out is not None and level is not None and is_shared:
        await progress("measuring", until, {})
        findings.introspection = await share_out(found, level, ends.left())
    await progress("done", 1.0, findings.introspection.counts())


@asynccontextmanager
async def _ended(seconds: float | None) -> AsyncGenerator[None]:
    """A block that has so long, and is cancelled then. Raises SourceTimeoutError."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise SourceTimeoutError(
            f"The structure was not read within {seconds:.3g} s, close to the run's time limit.",
            fix="Introspect it in parts, with the options schemas or tables, or give the run a longer max_duration.",
            transient=False,
        ) from error


async def _measured(
    payload: IntrospectDataInput,
    found: Introspection,
    level: MeasuredLevel,
    connections: list[DataSource],
    progress: Progress,
    ends: Budget,
) -> Introspection:
    """The introspection with what its columns hold, over more connections."""
    options = payload.options or IntrospectDataOptions()
    wanted = min(options.connections, len(targets_of(found)))
    await _open_more(payload, connections, wanted)
    return await measure(
        connections,
        found,
        level,
        sampling=options.sampling(),
        ends=ends,
        progress=share_of(progress, READ_BEFORE_MEASURING, MEASURED),
    )


async def _open_more(
    payload: IntrospectDataInput, connections: list[DataSource], wanted: int
) -> None:
    """Open connections until there are as many; where the source gives no more, fewer have to do."""
    while len(connections) < wanted:
        source = connect(payload.credentials)
        connections.append(source)  # closed with the others, whatever happens
        try:
            await source.open()
        except SourceError as error:
            _log.info("Measuring over %d connections: %s", len(connections) - 1, error.message)
            await source.close()
            connections.remove(source)
            return


@asynccontextmanager
async def _opened(
    payload: IntrospectDataInput, findings: _Findings
) -> AsyncGenerator[list[DataSource], None]:
    """The connections, one to begin with; all of them are closed at once."""
    connections = [connect(payload.credentials)]
    try:
        try:
            await connections[0].open()
        except SourceError as error:
            findings.connection = ConnectionTest.failed(error)
            raise
        yield connections
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True) as limit:
            await asyncio.gather(*(source.close() for source in connections))
        if limit.cancelled_caught:
            issue = _not_closed(payload.data_source_name)
            _log.warning("%s", issue.message)  # nobody reads the output of a cancelled run
            findings.issues.append(issue)


def _not_closed(name: str) -> Issue:
    return Issue(
        scope="source",
        object=name,
        code="CLOSE_TIMED_OUT",
        message=f"The connection did not close within {CLOSE_SECONDS:g} s and was left alone.",
        fix="Look for a session that hangs in the data source.",
    )


def _success(payload: IntrospectDataInput, findings: _Findings) -> IntrospectDataOutput:
    found = findings.introspection
    issues = [*(found.issues if found else ()), *findings.issues]
    return IntrospectDataOutput(
        success=True,
        data_source_name=payload.data_source_name,
        connection=findings.connection,
        introspection=found,
        issues=issues,
        complete=found is not None and found.complete,
        counts={**found.counts(), "issues": len(issues)} if found is not None else None,
    )
