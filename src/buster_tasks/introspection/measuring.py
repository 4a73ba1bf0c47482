"""Statistics of a large catalog: child runs measure a part of the tables each, several at a time for a source."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import anyio
from pydantic import AwareDatetime, Field
from pydantic.alias_generators import to_camel

from buster_tasks.errors import SourceError
from buster_tasks.introspection.flow import MEASURED, READ_BEFORE_MEASURING
from buster_tasks.introspection.models import (
    IntrospectDataInput,
    IntrospectDataOptions,
    WireModel,
)
from buster_tasks.sources import connect
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.credentials import Credentials
from buster_tasks.sources.schema import Introspection, Issue
from buster_tasks.sources.statistics import (
    Measured,
    MeasuredLevel,
    Sampling,
    Target,
    measure_tables,
    targets_of,
    with_statistics,
)
from taskkit import BatchItem, Context, Queue, Retry, RunResult, idempotency_keys, metadata, task
from taskkit.backends.base import Capability
from taskkit.runtime.current_backend import current_home

FAN_OUT_FROM = 200
"""From so many tables on the work is shared out."""

_TABLES, _COLUMNS = 100, 4_000
_AT_ONCE = 4
_CLOSE_SECONDS = 1.5


class MeasureTablesInput(WireModel):
    """A part of a source's tables, how they are to be measured, until when, and what of the whole's progress it is."""

    data_source_name: str
    credentials: Credentials
    level: MeasuredLevel
    sampling: Sampling
    targets: list[Target]
    ends_at: AwareDatetime | None = None
    share: float = Field(default=0.0, ge=0, le=1)


@task(
    id="introspect-data-measure",
    description="Measures a part of a data source's tables for introspect-data.",
    max_duration=300,
    retry=Retry(max_attempts=2),
    # so many at a time for one source, whoever asks
    queue=Queue("introspect-data-measure", concurrency_limit=_AT_ONCE),
    concurrency_key=lambda payload: source_key(payload.credentials),
)
async def introspect_data_measure(payload: MeasureTablesInput, ctx: Context) -> Measured:
    """What the tables tell; those that there was no time for, or no way to, are in `unmeasured`."""
    ends = Budget(_seconds_left(payload.ends_at, ctx))
    source = connect(payload.credentials)
    try:
        await source.open()
        measured = await measure_tables(
            [source],
            payload.targets,
            payload.level,
            sampling=payload.sampling,
            ends=ends,
            progress=_Reporter(payload.share),
        )
    except SourceError as error:
        if error.transient and ctx.attempt.number < ctx.run.max_attempts:
            raise
        return _not_measured(payload.targets, error.code, error.message, error.fix)
    finally:
        with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
            await source.close()
    columns = sum(len(table.columns) for table in measured.tables)
    metadata.parent.increment("tablesMeasured", len(measured.tables))
    metadata.parent.increment("columnsMeasured", columns)
    return measured


def can_share_out() -> bool:
    """Whether the backend of this run can limit how many children work on one source, and how long they wait."""
    needed = {Capability.QUEUE_LIMIT, Capability.KEY_LIMIT, Capability.TTL}
    return needed <= current_home().backend.capabilities


class Children:
    """Shares the tables of a large catalog out to child runs.

    Another attempt of this run meets the children of the first one. A part that fails, or that nobody begins in time,
    is told as an issue.
    """

    def __init__(self, payload: IntrospectDataInput) -> None:
        self._payload = payload

    def takes(self, found: Introspection) -> bool:
        """Whether there are enough tables for that."""
        return len(targets_of(found)) >= FAN_OUT_FROM

    async def __call__(
        self, found: Introspection, level: MeasuredLevel, seconds: float | None
    ) -> Introspection:
        """The introspection with the statistics that the children have found."""
        targets = targets_of(found)
        parts = list(parts_of(targets))
        each = (MEASURED - READ_BEFORE_MEASURING) / len(targets)
        items = [self._item(part, level, seconds, each * len(part)) for part in parts]
        done = await introspect_data_measure.batch_trigger_and_wait(items)
        results = zip(parts, done.runs, strict=True)
        return with_statistics(found, level, [_measured(part, result) for part, result in results])

    def _item(
        self, part: list[Target], level: MeasuredLevel, seconds: float | None, share: float
    ) -> BatchItem[MeasureTablesInput, Measured]:
        payload = self._payload
        sampling = (payload.options or IntrospectDataOptions()).sampling()
        ends_at = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
        return introspect_data_measure.item(
            MeasureTablesInput(
                data_source_name=payload.data_source_name,
                credentials=payload.credentials,
                level=level,
                sampling=sampling,
                targets=part,
                ends_at=ends_at,
                share=share,
            ),
            idempotency_key=idempotency_keys.create(_key(part, level, sampling)),
            ttl=None if seconds is None else max(1.0, seconds),
        )


def parts_of(targets: Sequence[Target]) -> Iterator[list[Target]]:
    """The tables in parts that a payload holds, at most 100 tables and about 4,000 columns each."""
    part: list[Target] = []
    columns = 0
    for target in targets:
        if part and (len(part) == _TABLES or columns + len(target.columns) > _COLUMNS):
            yield part
            part, columns = [], 0
        part.append(target)
        columns += len(target.columns)
    if part:
        yield part


def source_key(credentials: Credentials) -> str:
    """The same for all that reach one source as one user; tells nothing of it, and no secret goes in."""
    known = credentials.model_dump(mode="json", exclude_none=True)  # secrets are masked in it
    return sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:32]


def _key(part: Sequence[Target], level: str, sampling: Sampling) -> list[str]:
    names = json.dumps([target.place for target in part])
    return [level, sampling.model_dump_json(), sha256(names.encode()).hexdigest()]


def _measured(part: Sequence[Target], result: RunResult[Measured]) -> Measured:
    if result.ok and result.output is not None:
        return result.output
    message = result.error.message if result.error is not None else result.status.value
    return _not_measured(part, "STATISTICS_FAILED", message, "Introspect again.")


def _not_measured(part: Sequence[Target], code: str, message: str, fix: str) -> Measured:
    issue = Issue(
        scope="source",
        object="statistics",
        code=code,
        message=f"{len(part)} tables were not measured. {message}",
        fix=fix,
    )
    return Measured(issues=[issue], unmeasured=[str(target.place) for target in part])


def _seconds_left(ends_at: datetime | None, ctx: Context) -> float | None:
    """Until the end of the whole, or of this attempt less what it takes to close."""
    left = ctx.time_left()
    own = None if left is None else max(0.0, left - 2 * _CLOSE_SECONDS)
    if ends_at is None:
        return own
    whole = max(0.0, (ends_at - datetime.now(ends_at.tzinfo)) / timedelta(seconds=1))
    return whole if own is None else min(own, whole)


class _Reporter:
    """Progress as metadata of the run, and of the parent by as much as it is a share of it."""

    def __init__(self, share: float) -> None:
        self._share = share
        # what an attempt before this one has reached is in the parent's already
        self._reached = float(metadata.get("progress") or 0.0)

    async def __call__(self, phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        metadata.set("phase", phase)
        for name, count in counts.items():
            metadata.set(to_camel(name), count)
        if fraction > self._reached:
            metadata.parent.increment("progress", self._share * (fraction - self._reached))
            self._reached = fraction
            metadata.set("progress", fraction)
