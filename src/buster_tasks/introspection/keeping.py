"""What becomes of a result: kept in the catalog, and made to fit into a run's output."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio.to_thread

from buster_tasks.errors import CatalogError, ResultTooLargeError
from buster_tasks.introspection.flow import Outcome, failed
from buster_tasks.introspection.models import IntrospectDataInput, IntrospectDataOutput
from buster_tasks.introspection.streaming import stream
from buster_tasks.sources.schema import Introspection, Issue
from taskkit import Context
from taskkit.runtime.scope import need_scope

if TYPE_CHECKING:
    from buster_tasks.catalog import CatalogStore

_log = logging.getLogger("buster_tasks.introspection")


async def kept(payload: IntrospectDataInput, outcome: Outcome) -> Outcome:
    """The outcome with the id of its snapshot, or with an issue that says why there is none; it fails for nothing."""
    found = outcome.output.introspection
    if found is None or (payload.options is not None and not payload.options.snapshot):
        return outcome
    snapshot_id, issue = await keep(found)
    output = outcome.output.with_issue(issue)
    return Outcome(output.model_copy(update={"snapshot_id": snapshot_id}), outcome.error)


async def keep(
    found: Introspection, store: CatalogStore | None = None
) -> tuple[str | None, Issue | None]:
    """The id that the catalog (this one, else that of the configuration) has it under, or why it has none.

    Neither where the catalog is switched off. Whoever is cancelled does not wait for the disk.
    """
    try:
        stored = await anyio.to_thread.run_sync(_put, found, store, abandon_on_cancel=True)
    except CatalogError as error:
        return None, _not_kept(found.data_source_name, error.message, error.fix)
    except (
        Exception
    ) as error:  # whatever is wrong with the store, what was found is not lost for it
        _log.exception("The catalog failed in a way that it should not")
        return None, _not_kept(found.data_source_name, f"{type(error).__name__}: {error}", "")
    return stored, None


def _put(found: Introspection, store: CatalogStore | None) -> str | None:
    if store is None:
        from buster_tasks.catalog import CatalogStore, catalog_path  # needs SQLite, now only

        if catalog_path() is None:
            return None
        store = CatalogStore()
    return store.put(found)


def _not_kept(name: str, why: str, fix: str) -> Issue:
    return Issue(
        scope="source",
        object=name,
        code="SNAPSHOT_NOT_KEPT",
        message=f"The introspection is not in the catalog. {why}",
        fix=fix,
    )


async def fitting(payload: IntrospectDataInput, outcome: Outcome, ctx: Context) -> Outcome:
    """The outcome as a run's output can hold it.

    What is too large is left in the catalog and sent to a stream of the run, and the output says where; where neither
    takes it, an error says what to do.
    """
    output = outcome.output
    found = output.introspection
    if found is None:
        return outcome
    most = need_scope("introspect_data").home.output_limit
    size = await anyio.to_thread.run_sync(_size_of, found)
    if size + _size_without(output) <= most:
        return outcome
    what = (
        f"The structure of {payload.data_source_name!r} takes {size / 2**20:.1f} MiB "
        f"({len(found.tables)} tables, {len(found.columns)} columns), "
        f"and a run's output holds {most / 2**20:.3g} MiB here."
    )
    key = await stream(found, size, ctx.attempt.number)
    issue = _elsewhere(payload.data_source_name, what, output.snapshot_id, key)
    if issue is not None:
        changes = {"introspection": None, "stream": key}
        return Outcome(output.with_issue(issue).model_copy(update=changes), outcome.error)
    error = ResultTooLargeError(
        what,
        fix="Let the catalog keep it, or introspect it in parts, with the options schemas or tables.",
    )
    return failed(payload, error, connection=output.connection, issues=output.issues)


def _elsewhere(name: str, what: str, snapshot_id: str | None, key: str | None) -> Issue | None:
    """The issue that says where to read what the output does not hold; None where it is nowhere."""
    read_stream = f"the parts of the run's stream {key!r} are its JSON"
    if snapshot_id is not None:
        code, message = "RESULT_IN_CATALOG", f"{what} It is in the catalog."
        fix = f"Read it with CatalogStore().get({snapshot_id!r})"
        fix += f"; {read_stream}." if key else "."
    elif key is not None:
        code, message = "RESULT_IN_STREAM", f"{what} It is in a stream of the run."
        fix = f"Put it together with streams.read(run_id, {key!r}): {read_stream}."
    else:
        return None
    return Issue(scope="source", object=name, code=code, message=message, fix=fix)


def _size_of(found: Introspection) -> int:
    return sum(map(len, found.json_chunks()))


def _size_without(output: IntrospectDataOutput) -> int:
    rest = output.model_copy(update={"introspection": None})
    return len(rest.model_dump_json(by_alias=True).encode())
