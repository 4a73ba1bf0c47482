"""The kinds of data source by their name: Buster's own, and those that packages add.

A package adds one through the entry-point group `buster_tasks.sources`: the name is the `type` of the credentials, the
value the class of the source, with its `credentials_model`. Entry points are read for a name that is none of our own.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from buster_tasks.errors import SourceNotSupportedError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from buster_tasks.sources.base import DataSource

GROUP: Final = "buster_tasks.sources"

_OWN: Final = {
    "snowflake": "buster_tasks.sources.snowflake:SnowflakeSource",
    "postgres": "buster_tasks.sources.postgres:PostgresSource",
    "mysql": "buster_tasks.sources.mysql:MysqlSource",
    "bigquery": "buster_tasks.sources.bigquery:BigquerySource",
    "sqlserver": "buster_tasks.sources.sqlserver:SqlserverSource",
    "redshift": "buster_tasks.sources.redshift:RedshiftSource",
    "databricks": "buster_tasks.sources.databricks:DatabricksSource",
    "sqlite": "buster_tasks.sources.sqlite:SqliteSource",
    "duckdb": "buster_tasks.sources.duckdb:DuckdbSource",
}

KINDS: Final = tuple(_OWN)
"""Buster's own kinds, by the `type` of their credentials; `postgresql` is another spelling of `postgres`."""


class SourceClass(Protocol):
    """Makes a source of its credentials."""

    def __call__(self, credentials: Any, /) -> DataSource: ...


def source_class(kind: str) -> SourceClass:
    """The class for the kind. Raises SourceNotSupportedError for one that nobody has, or that cannot be imported."""
    if kind not in _OWN:
        return _added(kind)
    module, _, name = _OWN[kind].partition(":")
    return cast("SourceClass", getattr(import_module(module), name))


def known_kinds() -> list[str]:
    """The names of all kinds that are installed, our own first."""
    return [*KINDS, *sorted(set(_entries()) - set(KINDS))]


@cache
def _added(kind: str) -> SourceClass:
    entry = _entries().get(kind)
    if entry is None:
        raise SourceNotSupportedError(
            f"{kind!r} is no kind of data source.", fix=_what_there_is(kind)
        )
    try:
        return cast("SourceClass", entry.load())
    except Exception as error:  # the code is somebody else's, and may fail in any way
        raise SourceNotSupportedError(
            f"The kind {kind!r} is {entry.value}, which cannot be imported: {type(error).__name__}: {error}.",
            fix="Mend or update the package that brings it.",
        ) from error


def _what_there_is(kind: str) -> str:
    known = known_kinds()
    near = get_close_matches(kind, known, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}There are {', '.join(known)}. A package adds one through the entry-point group {GROUP!r}."


def _entries() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # reads the disk, and only other kinds need it

    return {entry.name: entry for entry in entry_points(group=GROUP)}
