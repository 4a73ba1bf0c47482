"""The same table on each kind of source, and what measuring it must tell everywhere."""

from typing import Any

import pytest

from buster_tasks.sources import DataSource
from buster_tasks.sources.base import QueryResult
from buster_tasks.sources.schema import Column, Introspection
from buster_tasks.sources.statistics import Sampling, measure

MILLION = 1_000_000
DISTINCT = {"id": MILLION, "few": 7, "thousand": 750, "email": MILLION, "day": 3_000, "price": 100_000}  # fmt: skip
ONCE_MORE = ("id", "few", "thousand", "day", "price")


class Counting:
    """A source that counts the rows which it gives, and keeps its statements."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.statements: list[str] = []
        self.rows = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def execute(self, sql: str, **more: Any) -> QueryResult:
        self.statements.append(sql)
        answer: QueryResult = await self._source.execute(sql, **more)
        self.rows += answer.row_count
        return answer


async def measured(source: DataSource, level: Any, **sampling: Any) -> Introspection:
    """The introspection of an open source with these statistics."""
    found = await source.introspect(statistics="catalog")
    return await measure([source], found, level, sampling=Sampling(**sampling))


def column(found: Introspection, name: str, table: str | None = None) -> Column:
    [one] = [one for one in found.columns if one.name == name and table in (None, one.table)]
    return one


def bounds(one: Column) -> tuple[Any, Any]:
    return one.min_value, one.max_value


async def check_sample_of_a_million(source: DataSource) -> None:
    """A sample is bounded, near, and the same for the same seed."""
    counting: Any = Counting(source)
    found = await measured(counting, "sample")
    assert found.issues == []
    assert counting.rows <= 20_001  # one sample to see how many rows it gives, one of the columns
    assert {one.statistics_kind for one in found.columns} == {"estimate"}
    [looked] = {one.measured_rows for one in found.columns}
    assert looked is not None
    assert 9_000 < looked <= 10_000
    assert column(found, "few").distinct_count == 7
    assert column(found, "thousand").distinct_count == pytest.approx(750, rel=0.02)
    assert column(found, "thousand").null_count == pytest.approx(250_000, rel=0.1)
    assert column(found, "id").distinct_count == pytest.approx(MILLION, rel=0.05)
    guesses = {one.name: one.semantic_type for one in found.columns}
    assert (guesses["email"], guesses["id"], guesses["price"]) == ("email", "id", "amount")
    top = column(found, "few").top_values or []
    assert sum(one.count for one in top) == pytest.approx(MILLION, rel=0.05)
    assert (await measured(source, "sample")).columns == found.columns
    other = await measured(source, "sample", seed=1)
    assert column(other, "id").sample_values != column(found, "id").sample_values


async def check_all_of_a_million(source: DataSource, *, approximate: bool = False) -> None:
    """Everything is counted, with a bounded number of statements."""
    counting: Any = Counting(source)
    found = await measured(counting, "full")
    assert found.issues == []
    assert len(counting.statements) <= 3 + 2 * len(found.columns)
    assert {one.measured_rows for one in found.columns} == {MILLION}
    for name, distinct in DISTINCT.items():
        one = column(found, name)
        exact = not approximate or distinct <= 1_000
        assert one.statistics_kind == ("exact" if exact else "estimate")
        assert one.distinct_count == (distinct if exact else pytest.approx(distinct, rel=0.1))
        assert one.null_count == (250_000 if name == "thousand" else 0)
    assert bounds(column(found, "id")) == (1, MILLION)
    assert bounds(column(found, "day")) == ("2000-01-01", "2008-03-18")
    assert [float(one) for one in bounds(column(found, "price"))] == [0, 12499.875]
    for name in ONCE_MORE:
        one = column(found, name)
        assert one.histogram is not None
        assert sum(bucket.count for bucket in one.histogram) == MILLION - (one.null_count or 0)
        assert (one.histogram[0].low, one.histogram[-1].high) == bounds(one)
    assert [one.count for one in column(found, "id").histogram or []] == [50_000] * 20
    email = column(found, "email")
    assert (email.top_values, email.shortest_length, email.longest_length) == (None, 17, 23)
    day = column(found, "day").top_values or []
    assert (len(day), day[0].value, day[0].count) == (10, "2000-01-02", 334)
