"""Asking for the catalog, location by location: what must be read, and what may fail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from buster_tasks.errors import PermissionDeniedError, QueryFailedError
from buster_tasks.sources.bigquery import catalog, narrowing
from buster_tasks.sources.bigquery.catalog import Scope
from buster_tasks.sources.bigquery.narrowing import Condition
from buster_tasks.sources.bigquery.reading import VIEW, Reading, Row, place_of
from buster_tasks.sources.bigquery.session import BigquerySession, Dataset, Parameters
from buster_tasks.sources.bigquery.shards import Place
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.schema import Filters

Ask = Callable[[BigquerySession, Budget], None]

COLUMNS, NUMBERS = "columns", "row counts and sizes"


class Part(NamedTuple):
    """One statement; all but the columns may fail, and the numbers may be left out."""

    name: str
    location: str
    ask: Ask


def scopes(project: str, datasets: Sequence[Dataset]) -> list[Scope]:
    """The datasets by location."""
    by_location: dict[str, list[str]] = defaultdict(list)
    for dataset in datasets:
        by_location[dataset.location].append(dataset.name)
    return [Scope(project, place, tuple(names)) for place, names in sorted(by_location.items())]


def read_tables(
    session: BigquerySession, scope: Scope, filters: Filters, reading: Reading, budget: Budget
) -> tuple[Scope, list[Row]]:
    """What is in the datasets, and over what the rest is to be asked.

    Where we may not see the whole location the datasets are asked one by one, and those that we may not see noted.
    """
    try:
        return scope, _tables(session, scope, filters, budget)
    except PermissionDeniedError:
        allowed: list[str] = []
        rows: list[Row] = []
        for dataset in scope.datasets:
            one = Scope(scope.project, scope.location, (dataset,), is_split=True)
            try:
                rows += _tables(session, one, filters, budget)
            except (PermissionDeniedError, QueryFailedError) as error:
                reading.denied.append((dataset, error))
            else:
                allowed.append(dataset)
        return Scope(scope.project, scope.location, tuple(allowed), is_split=True), rows


def read_names(session: BigquerySession, scope: Scope, budget: Budget) -> list[Place]:
    """Tables by name alone, also those that a filter leaves out."""
    whole = narrowing.of_datasets(scope.datasets)
    sql = scope.statement(catalog.NAMES, of_datasets=whole.sql)
    return [place_of(row) for row in session.rows(sql, whole.parameters, scope.location, budget)]


def parts(scope: Scope, reading: Reading, *, is_whole: bool) -> Iterator[Part]:
    """What is asked of these datasets next; `is_whole` where the filters keep all that there is."""
    told = [place for place in reading.told() if place[0] in scope.datasets]
    if not told:
        return
    every = [place for place in reading.relations if place[0] in scope.datasets]
    kept = narrowing.of_kept(told, scope.datasets, all_of_them=is_whole)
    members = narrowing.of_kept(every, scope.datasets, all_of_them=is_whole)
    kinds = {reading.kind(place) for place in told}

    def part(name: str, found: list[Row], sql: str, condition: Condition = kept) -> Part:
        text = scope.statement(sql, of_kept=condition.sql)
        return Part(name, scope.location, _asking(scope, found, text, condition.parameters))

    yield part(COLUMNS, reading.columns, catalog.COLUMNS)
    yield part("descriptions and fields", reading.fields, catalog.FIELDS)
    more = "" if scope.is_split else catalog.OPTIONS_OF_DATASETS
    yield part("options", reading.options, catalog.OPTIONS + more)
    if VIEW in kinds:
        yield part("views", reading.views, catalog.VIEWS)
    for sql in scope.key_statements():
        yield Part("keys", scope.location, _asking(scope, reading.keys, sql, {}))
    if kinds - {VIEW, "BASE TABLE"}:
        yield part("details of what is no plain table", reading.details, catalog.DETAILS)
    yield part(NUMBERS, reading.storage, catalog.STORAGE, members)


def _asking(scope: Scope, found: list[Row], sql: str, parameters: Parameters) -> Ask:
    def ask(session: BigquerySession, budget: Budget) -> None:
        found.extend(session.rows(sql, parameters, scope.location, budget))

    return ask


def _tables(session: BigquerySession, scope: Scope, filters: Filters, budget: Budget) -> list[Row]:
    condition = narrowing.of_tables(filters, scope.project, scope.datasets)
    sql = scope.statement(catalog.TABLES, of_tables=condition.sql)
    return list[Row](session.rows(sql, condition.parameters, scope.location, budget))
