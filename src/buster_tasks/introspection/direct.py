"""`buster_tasks.introspect`: what a data source holds, from plain code, without a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from buster_tasks.errors import SourceError
from buster_tasks.introspection.flow import Outcome, introspect as flow
from buster_tasks.introspection.keeping import keep
from buster_tasks.introspection.models import IntrospectDataInput, IntrospectDataOptions
from buster_tasks.sources.base import Progress, no_progress
from buster_tasks.sources.credentials import AnyCredentials, parse_credentials
from buster_tasks.sources.schema import Introspection, StatisticsLevel
from buster_tasks.sources.source_url import credentials_from_url
from taskkit.runtime.portal import block_on, refuse_in_event_loop

if TYPE_CHECKING:
    from buster_tasks.catalog import CatalogStore

__all__ = ["introspect"]


class _Introspect:
    """Called with `await`; `.sync` is the same for code without an event loop."""

    async def __call__(
        self,
        credentials: object,
        *,
        name: str | None = None,
        databases: Sequence[str] | None = None,
        schemas: Sequence[str] | None = None,
        tables: Sequence[str] | None = None,
        exclude_tables: Sequence[str] | None = None,
        statistics: StatisticsLevel = "none",
        sample_rows: int = 10_000,
        seed: int = 0,
        connections: int = 4,
        snapshot: bool | CatalogStore = False,
        time_limit: float | None = None,
        progress: Progress = no_progress,
    ) -> Introspection:
        """What the source holds: `credentials` are a model, a mapping or a URL; `name` is yours to give.

        The connection is closed in any case. With `snapshot` it is kept, in the configured catalog or the one given;
        that it could not be kept is an issue of the result. Past `time_limit` seconds what is optional is left out.
        `sample_rows`, `seed` and `connections` are those of `IntrospectDataOptions`.

        Raises a SourceError where nothing could be read, and pydantic's ValidationError for credentials that are not
        whole, and for options that make no sense.
        """
        known = _credentials(credentials)
        options = {
            "databases": databases,
            "schemas": schemas,
            "tables": tables,
            "exclude_tables": exclude_tables,
            "statistics": statistics,
            "sample_rows": sample_rows,
            "seed": seed,
            "connections": connections,
        }
        payload = IntrospectDataInput(
            data_source_name=name or _name_of(known),
            credentials=known,
            options=IntrospectDataOptions.model_validate(options),
        )
        outcome = await flow(payload, progress, time_limit=time_limit)
        if outcome.error is not None:
            raise _masked(outcome)
        found = outcome.output.introspection
        assert found is not None  # it is missing only with an error
        if outcome.output.issues != found.issues:  # those of the closing
            found = found.model_copy(update={"issues": outcome.output.issues})
        return found if snapshot is False else await _kept(found, snapshot)

    def sync(
        self,
        credentials: object,
        *,
        name: str | None = None,
        databases: Sequence[str] | None = None,
        schemas: Sequence[str] | None = None,
        tables: Sequence[str] | None = None,
        exclude_tables: Sequence[str] | None = None,
        statistics: StatisticsLevel = "none",
        sample_rows: int = 10_000,
        seed: int = 0,
        connections: int = 4,
        snapshot: bool | CatalogStore = False,
        time_limit: float | None = None,
        progress: Progress = no_progress,
    ) -> Introspection:
        """The same for plain code. Raises SyncInAsyncError inside a running event loop."""
        refuse_in_event_loop("buster_tasks.introspect")
        return block_on(
            lambda: self(
                credentials,
                name=name,
                databases=databases,
                schemas=schemas,
                tables=tables,
                exclude_tables=exclude_tables,
                statistics=statistics,
                sample_rows=sample_rows,
                seed=seed,
                connections=connections,
                snapshot=snapshot,
                time_limit=time_limit,
                progress=progress,
            )
        )


introspect: Final = _Introspect()


def _masked(outcome: Outcome) -> SourceError:
    """The error, with the sentences in which a secret that a driver quotes is masked."""
    error, told = outcome.error, outcome.output.error
    assert error is not None  # it is asked for only then
    assert told is not None  # each error has its detail
    if (error.message, error.fix) == (told.message, told.fix):
        return error
    masked = type(error)(told.message, fix=told.fix, transient=error.transient)
    masked.__suppress_context__ = True  # what the driver said stays out of the traceback
    return masked


def _credentials(given: object) -> AnyCredentials:
    return credentials_from_url(given) if isinstance(given, str) else parse_credentials(given)


def _name_of(credentials: AnyCredentials) -> str:
    """The database's name, else the kind of the source."""
    path = getattr(credentials, "path", None)
    if isinstance(path, str):
        return PurePath(path).stem or credentials.type
    return getattr(credentials, "database", None) or credentials.type


async def _kept(found: Introspection, snapshot: bool | CatalogStore) -> Introspection:
    _, issue = await keep(found, None if isinstance(snapshot, bool) else snapshot)
    return found if issue is None else found.model_copy(update={"issues": [issue, *found.issues]})
