"""The catalog's statements are T-SQL, as far as sqlglot knows it, and name documented columns alone."""

import re

import pytest
import sqlglot
from sqlglot import exp

from buster_tasks.sources import Filters
from buster_tasks.sources.sqlserver import catalog, server
from buster_tasks.sources.sqlserver.narrowing import Condition, of_schemas, of_tables
from buster_tasks.sources.sqlserver.reading_only import refuse_writes

STATEMENTS = {
    name: text
    for name, text in {**vars(catalog), "FACTS": server.FACTS}.items()
    if name.isupper() and isinstance(text, str)
}
FILTERS = Filters(schemas=["d*", "shop.x"], tables=["a*", "x[ab]%_y|"])


def filled(text: str) -> str:
    return text.format(
        db="[a]]b]",
        of_schemas=of_schemas(FILTERS, "shop").sql,
        of_tables=of_tables(FILTERS, "shop").sql,
    )


@pytest.mark.parametrize("name", STATEMENTS)
def test_it_is_one_statement_of_t_sql_that_reads(name: str) -> None:
    text = filled(STATEMENTS[name])
    trees = sqlglot.parse(text, read="tsql")
    assert len(trees) == 1
    assert isinstance(trees[0], exp.Query)
    refuse_writes(text)


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_column_says_which_table_it_is_of(name: str) -> None:
    tree = sqlglot.parse_one(filled(STATEMENTS[name]), read="tsql")
    for query in tree.find_all(exp.Select):
        aliases = {table.alias for table in query.find_all(exp.Table, exp.Lateral)} | {
            apply.alias for apply in query.find_all(exp.TableAlias)
        }
        for column in query.find_all(exp.Column):
            assert column.table, column.sql()
            assert column.table in aliases or "h" in column.table, column.sql()


def test_no_name_of_a_filter_is_in_the_text() -> None:
    filters = Filters(schemas=["canary1"], tables=["canary2"])
    both = of_tables(filters, "canary3")
    assert "canary" not in both.sql
    assert both.sql.count("?") == len(both.parameters) == 7
    assert both.parameters == (
        "canary1",
        "canary3.",
        "canary1",
        "canary2",
        "canary2",
        "canary3.",
        "canary2",
    )


def test_globs_become_patterns_that_match_no_less() -> None:
    (pattern, *_rest) = of_tables(Filters(tables=["a_b%*?[xy]z[" + "|"]), "d").parameters
    assert pattern == "a|_b|%%_%z|[||"


def test_too_many_names_are_sorted_out_afterwards() -> None:
    many = Filters(tables=[f"t{at}" for at in range(1_000)])
    assert (of_tables(many, "d").parameters, "LIKE" in of_tables(many, "d").sql) == ((), False)
    assert of_tables(Filters(), "d") == Condition()


def test_at_most_eight_statements_are_there_for_a_database() -> None:
    for_one = [name for name, text in STATEMENTS.items() if "{db}" in text]
    assert set(for_one) - {"NAMES", "HISTOGRAMS", "COUNTS"} == {
        "RELATIONS", "COLUMNS", "INDEXES", "REFERENCES", "TEXTS", "SIZES", "PARTITIONS",
    }  # fmt: skip
    assert not any(
        re.search(r"ORDER BY|information_schema", text, re.IGNORECASE)
        for text in STATEMENTS.values()
    )
