"""The statements of the catalog are BigQuery's SQL, and few; filters are bound."""

import re

import pytest
import sqlglot
from sqlglot import exp

from buster_tasks.sources.bigquery import catalog, narrowing
from buster_tasks.sources.bigquery.asking import COLUMNS, NUMBERS, parts
from buster_tasks.sources.bigquery.catalog import DATASETS_AT_ONCE, Scope, quote
from buster_tasks.sources.bigquery.reading import Reading
from buster_tasks.sources.schema import Filters

SCOPES = [
    Scope("my-project", "europe-west1", ("a", "b")),
    Scope("my-project", "US", ("a", "b"), is_split=True),
]
FILTERS = Filters(tables=["x*", "a.b?"])


def statements(scope: Scope) -> list[str]:
    tables = narrowing.of_tables(FILTERS, scope.project, scope.datasets).sql
    kept = narrowing.of_kept([("a", "x")], scope.datasets, all_of_them=False).sql
    named = {"of_tables": tables, "of_kept": kept, "of_datasets": narrowing.OF_DATASETS}
    texts = [
        catalog.TABLES, catalog.NAMES, catalog.COLUMNS, catalog.FIELDS, catalog.VIEWS,
        catalog.STORAGE, catalog.DETAILS, catalog.OPTIONS,
        catalog.OPTIONS + catalog.OPTIONS_OF_DATASETS,
    ]  # fmt: skip
    return [scope.statement(text, **named) for text in texts] + scope.key_statements()


@pytest.mark.parametrize("scope", SCOPES)
def test_every_statement_parses(scope: Scope) -> None:
    for sql in statements(scope):
        parsed = sqlglot.parse_one(sql, read="bigquery")
        assert isinstance(parsed, (exp.Select, exp.Union))
        assert "{" not in sql
        assert "INFORMATION_SCHEMA" in sql


def test_a_whole_location_is_asked_by_its_own_name() -> None:
    assert (
        "`my-project`.`region-europe-west1`.INFORMATION_SCHEMA.COLUMNS" in statements(SCOPES[0])[2]
    )
    split = statements(SCOPES[1])[2]
    assert "region-us" not in split
    assert split.count("INFORMATION_SCHEMA.COLUMNS") == 2


def test_keys_of_very_many_datasets_are_asked_in_parts() -> None:
    names = tuple(f"d{number}" for number in range(DATASETS_AT_ONCE + 1))
    counts = [sql.count("KEY_COLUMN_USAGE") for sql in Scope("p", "US", names).key_statements()]
    assert counts == [DATASETS_AT_ONCE, 1]


@pytest.mark.parametrize("tables", [1, 5_000])
def test_how_many_are_asked_does_not_depend_on_how_many_there_are(tables: int) -> None:
    row = {"table_type": "BASE TABLE", "creation_time": None}
    reading = Reading("p", {"a": "US"})
    for number in range(tables):
        place = {"table_schema": "a", "table_name": f"t{number}"}
        reading.relations["a", f"t{number}"] = {**row, **place}
    reading.relations["a", "v"] = {**row, "table_schema": "a", "table_name": "v", "table_type": "VIEW"}  # fmt: skip
    reading.relations["a", "m"] = {**row, "table_schema": "a", "table_name": "m", "table_type": "EXTERNAL"}  # fmt: skip
    names = [part.name for part in parts(Scope("p", "US", ("a",)), reading, is_whole=True)]
    assert len(names) == 7  # and one before, for the tables
    assert (names[0], names[-1]) == (COLUMNS, NUMBERS)


def test_names_are_bound_and_never_written() -> None:
    nasty = Filters(tables=["x' OR 1=1 --", "`; DROP TABLE t"])
    condition = narrowing.of_tables(nasty, "p", ["d'x"])
    assert "DROP" not in condition.sql
    assert "d'x" not in condition.sql
    assert condition.parameters["datasets"] == ["d'x"]
    assert set(re.findall(r"@(\w+)", condition.sql)) == set(condition.parameters)


@pytest.mark.parametrize(
    ("glob", "name", "matches"),
    [
        ("ev*", "events", True),
        ("c?ty", "city", True),
        ("c?ty", "ciity", False),
        ("a.b", "axb", False),
        ("t[0-9]", "t7", True),
        ("t[0-9]", "t[0-9]", True),
        ("ünï+x", "ünï+x", True),
    ],
)
def test_globs_as_regular_expressions(glob: str, name: str, *, matches: bool) -> None:
    assert bool(re.fullmatch(f"(?s:{narrowing.regular(glob)})", name)) is matches


def test_identifiers_are_quoted_with_escapes() -> None:
    assert quote("a`b\\c\nd") == "`a\\`b\\\\c\\nd`"
