"""The statements of each kind are SQL of that kind, which a parser for it understands, and which reads."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, get_args

import pytest
import sqlglot
from sqlglot import exp

from buster_tasks.sources.base import QueryColumn, QueryResult
from buster_tasks.sources.bigquery import reading_only as bigquery
from buster_tasks.sources.bigquery.catalog import quote as in_bigquery
from buster_tasks.sources.bigquery.statistics import BigqueryStatistics
from buster_tasks.sources.databricks import reading_only as databricks
from buster_tasks.sources.databricks.statistics import DatabricksStatistics
from buster_tasks.sources.duckdb.statistics import DuckdbStatistics
from buster_tasks.sources.mysql import reading_only as mysql
from buster_tasks.sources.mysql.statistics import MysqlStatistics
from buster_tasks.sources.postgres.statistics import PostgresStatistics
from buster_tasks.sources.quoting import in_back_quotes, in_brackets, in_double_quotes
from buster_tasks.sources.redshift import reading_only as redshift
from buster_tasks.sources.redshift.statistics import RedshiftStatistics
from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.snowflake import reading_only as snowflake
from buster_tasks.sources.snowflake.statistics import SnowflakeStatistics
from buster_tasks.sources.sqlite.statistics import SqliteStatistics
from buster_tasks.sources.sqlserver import reading_only as sqlserver
from buster_tasks.sources.sqlserver.statistics import SqlserverStatistics
from buster_tasks.sources.statistics import (
    SampleWanted,
    Sampling,
    StatisticsDialect,
    Target,
    TargetColumn,
    measure_tables,
)

KINDS: dict[str, tuple[StatisticsDialect, Callable[[str], str], Callable[[str], object]]] = {
    "bigquery": (BigqueryStatistics(), in_bigquery, bigquery.refuse_writes),
    "databricks": (DatabricksStatistics(), in_back_quotes, databricks.refuse_writes),
    "duckdb": (DuckdbStatistics(), in_double_quotes, str),
    "mysql": (MysqlStatistics(), in_back_quotes, mysql.refuse_writes),
    "postgres": (PostgresStatistics(), in_double_quotes, str),
    "redshift": (RedshiftStatistics(), in_double_quotes, redshift.refuse_writes),
    "snowflake": (SnowflakeStatistics(), in_double_quotes, snowflake.refuse_writes),
    "sqlite": (SqliteStatistics(), in_double_quotes, str),
    "tsql": (SqlserverStatistics(), in_brackets, sqlserver.refuse_writes),
}
RANGES: dict[str, tuple[Any, Any]] = {
    "integer": (-5, 2**40),
    "decimal": (Decimal("-1.5"), Decimal("1E+20")),
    "float": (-1e300, 1e300),
    "date": (date(1969, 7, 20), date(2024, 2, 29)),
    "timestamp": (datetime(1969, 7, 20), datetime(2024, 2, 29)),  # noqa: DTZ001 - it has no zone
    "timestamptz": (datetime(1969, 7, 20, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)),
    "time": (time(0), time(1)),
}
COLUMNS = [
    TargetColumn(name=f"a_{kind}", normalized_type=kind, is_primary_key=kind == "integer")
    for kind in get_args(NormalizedType)
]
ROWS = 5_000_000


class Recording:
    """A source that parses each statement, and answers in the shape that is asked for."""

    def __init__(self, name: str) -> None:
        self.kind, self.statements = name, list[str]()
        self.statistics_dialect, self.quote, self._refuse = KINDS[name]

    def qualified(self, database: str, schema: str, name: str) -> str:
        return ".".join(map(self.quote, (schema, name)))

    async def execute(self, sql: str, **_more: Any) -> QueryResult:
        self.statements.append(sql)
        self._refuse(sql)
        tree: Any = sqlglot.parse_one(sql, read=self.kind, error_level=sqlglot.ErrorLevel.RAISE)
        if tree.is_star:  # of blocks of rows, put together
            tree = next(one.this for one in tree.find_all(exp.Subquery) if one.alias)
        names = [one.alias_or_name for one in tree.selects]
        columns = tuple(QueryColumn(name) for name in names)
        if names == ["b", "n"]:
            return QueryResult(columns, [(0, 4), (19, 6)], truncated=False)
        if names == ["v", "n"]:
            return QueryResult(columns, [(1, 7), (2, 3)], truncated=False)
        row = tuple(self._value(one) for one in tree.selects)
        is_one = isinstance(tree.selects[0].unalias(), exp.Count | exp.CountIf)
        return QueryResult(columns, [row] * (1 if is_one else 80), truncated=False)

    def _value(self, selected: Any) -> object:
        text = selected.sql()
        kind = re.search(r"a_(\w+)", text)
        low, high = RANGES.get(kind[1], (1, 1)) if kind else (1, 1)
        if re.search("COUNT|DISTINCT|AVG|HLL", text.upper()):
            return ROWS if kind is None else ROWS // 3
        if kind is not None and kind[1] == "text" and "LENGTH" not in text.upper():
            return "x"
        return high if re.search(r"\bMAX\(", text.upper()) else low


@pytest.mark.anyio
@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_every_statement_is_sql_of_its_kind(kind: str) -> None:
    source: Any = Recording(kind)
    target = Target(schema="s", database="d", name='na"me', row_count=ROWS, columns=COLUMNS)
    measured = await measure_tables([source], [target], "full", sampling=Sampling(sample_rows=100))
    assert measured.issues == []
    told = measured.tables[0].columns
    assert told.keys() == {one.name for one in COLUMNS}
    assert len(source.statements) <= 3 + 2 * len(COLUMNS)
    histograms = {name for name, one in told.items() if one.histogram}
    assert histograms == {
        "a_integer",
        "a_decimal",
        "a_float",
        "a_date",
        "a_timestamp",
        "a_timestamptz",
    }
    for name in histograms:
        assert [one.count for one in told[name].histogram or []] == [4, *[0] * 18, 6]
    is_nearly = source.statistics_dialect.approximate_distinct is not None
    assert told["a_integer"].statistics_kind == ("estimate" if is_nearly else "exact")


WANTED = SampleWanted('"t"', rows=970, of=97_000, seed=7, key=['"a"', '"b"'])
HUGE = SampleWanted('"t"', rows=970, of=970_000_000, seed=7, key=['"a"'], numbered='"a"')
SAMPLES = {
    "bigquery": 'SELECT x FROM "t" TABLESAMPLE SYSTEM (1.00000000 PERCENT)',
    "databricks": 'SELECT x FROM "t" TABLESAMPLE (1.00000000 PERCENT) REPEATABLE (7)',
    "duckdb": 'SELECT x FROM "t" WHERE hash(rowid, 7) < 184467440737095520::UBIGINT',
    "mysql": 'SELECT x FROM "t" WHERE RAND(7) < 0.01',
    "postgres": 'SELECT x FROM "t" TABLESAMPLE BERNOULLI (1.00000000) REPEATABLE (7)',
    "redshift": "SELECT x FROM \"t\" WHERE MD5(CAST(\"a\" AS VARCHAR(65535)) || '/' || CAST(\"b\" AS VARCHAR(65535)) "
    "|| '/' || '7') < '028f5c28f5c28f60'",
    "snowflake": 'SELECT x FROM "t" SAMPLE BERNOULLI (1.00000000) SEED (7)',
    "tsql": 'SELECT x FROM "t" TABLESAMPLE (1.00000000 PERCENT) REPEATABLE (8)',
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_each_kind_samples_in_its_own_way(kind: str) -> None:
    assert KINDS[kind][0].samples("x", WANTED)[0] == SAMPLES[kind]


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("postgres", "SYSTEM (0.00010000)"),
        ("snowflake", "SYSTEM (0.00010000)"),
        ("mysql", "UNION ALL"),
    ],
)
def test_not_all_of_a_huge_table_is_read(kind: str, method: str) -> None:
    [statement, *_] = KINDS[kind][0].samples("x", HUGE)
    assert method in statement
    sqlglot.parse_one(statement, read=kind, error_level=sqlglot.ErrorLevel.RAISE)


def test_a_table_without_a_key_is_sampled_by_chance_where_there_is_nothing_else() -> None:
    keyless = SampleWanted('"t"', rows=1, of=8, seed=7)
    assert RedshiftStatistics().samples("x", keyless) == [
        'SELECT x FROM "t" WHERE RANDOM() < 0.125'
    ]
