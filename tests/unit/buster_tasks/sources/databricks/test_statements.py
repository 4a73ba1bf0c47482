"""The catalog's statements: read by a parser of Databricks' SQL, with every name bound."""

import pytest
import sqlglot
from sqlglot import exp

from buster_tasks.sources.databricks import catalog
from buster_tasks.sources.databricks.narrowing import of_catalogs, of_schemas, of_tables
from buster_tasks.sources.quoting import in_back_quotes
from buster_tasks.sources.schema import Filters

STATEMENTS = (
    "PLACES",
    "RELATIONS",
    "NAMES",
    "COLUMNS",
    "PARTITIONS",
    "VIEWS",
    "KEYS",
    "REFERENCES",
)
FILTERS = Filters(schemas=["it's", "a*"], tables=["x", "y.z"])


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("filters", [Filters(), FILTERS])
def test_a_statement_is_databricks_sql(name: str, filters: Filters) -> None:
    catalogs = ["main", "o'x"]
    text = getattr(catalog, name).format(
        place=in_back_quotes("my `catalog`"),
        of_catalogs=of_catalogs(catalogs).sql,
        of_schemas=of_schemas(catalogs, filters).sql,
        of_tables=of_tables(catalogs, filters).sql,
        of_keys=of_tables(catalogs, filters, "k.").sql,
    )
    found = sqlglot.parse_one(text, read="databricks")
    assert isinstance(found, (exp.Select, exp.Union))
    assert "'s" not in text
    assert {one.catalog for one in found.find_all(exp.Table)} == {"my `catalog`"}
    bound = {one.name for one in found.find_all(exp.Placeholder)}
    known = {**of_catalogs(catalogs).parameters, **of_tables(catalogs, filters).parameters}
    assert bound <= set(known)


@pytest.mark.parametrize("text", [catalog.FACTS, catalog.SET_UP, "SELECT 1"])
def test_what_sets_up_the_session_is_databricks_sql(text: str) -> None:
    assert sqlglot.parse_one(text, read="databricks")


def test_a_pattern_is_bound_in_small_letters() -> None:
    found = of_tables(["main"], Filters(schemas=["Shop"], tables=["A_*", "b.%"]))
    assert found.parameters == {"c0": "main", "s0": "shop", "t0": "a|_%", "t1": "b.|%"}
    assert "lower(table_name) LIKE :t0 ESCAPE '|'" in found.sql


def test_too_many_names_are_sorted_out_afterwards() -> None:
    found = of_tables(["main"], Filters(tables=[f"t{at}" for at in range(500)]))
    assert found.parameters == {"c0": "main"}
    assert of_catalogs([str(at) for at in range(500)]).sql == "TRUE"
