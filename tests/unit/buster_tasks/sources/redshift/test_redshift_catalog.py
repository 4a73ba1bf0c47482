import pytest
import sqlglot
from sqlglot import expressions as exp

from buster_tasks.sources.redshift import catalog
from buster_tasks.sources.redshift.narrowing import Narrowing
from buster_tasks.sources.schema import Filters

STATEMENTS = {
    name: text
    for name, text in vars(catalog).items()
    if name.isupper() and isinstance(text, str) and "SELECT" in text
}
LEADER_ONLY = {"has_table_privilege", "has_schema_privilege", "pg_get_viewdef", "current_database"}


def whole(text: str) -> str:
    condition, _bound = Narrowing("db", ("a", "b"), ("x*", "s.t")).on("n.nspname", "c.relname")
    return text.replace("{kept}", condition).replace("%s", "'x'")


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_statements_are_redshift_s_sql(name: str) -> None:
    if name == "LATE_BINDING":  # sqlglot does not know that a function's columns can be declared
        text = STATEMENTS[name]
        tree = sqlglot.parse_one(text[: text.index(" AS cols")], read="redshift")
    else:
        tree = sqlglot.parse_one(whole(STATEMENTS[name]), read="redshift")
    assert isinstance(tree, exp.Query)


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_what_the_leader_node_alone_knows_is_not_joined_with_the_rest(name: str) -> None:
    text = STATEMENTS[name]
    relations = {word.strip(",()") for word in text.split() if word.startswith(("pg_", "svv_"))}
    views = {one for one in relations if one.startswith("svv_")}
    if views:
        assert relations == views
        assert not any(function in text for function in LEADER_ONLY)


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_statements_are_plain_joins(name: str) -> None:
    """The leader node is PostgreSQL 8.0."""
    text = STATEMENTS[name].lower()
    for word in (
        "lateral",
        "unnest",
        "ordinality",
        "filter (",
        "string_agg",
        "listagg",
        "array(",
        "with ",
    ):
        assert word not in text.replace("with time zone", "")


def test_filters_are_bound() -> None:
    kept = Narrowing.of(Filters(tables=["a_b*", "x"]), "db", ["s'1", "s2"])
    sql, bound = kept.on("n.nspname", "c.relname")
    assert "s'1" not in sql
    assert sql.count("%s") == len(bound)
    assert bound == ["s'1", "s2", "a|_b%", "a|_b%", "db", "a|_b%", "x", "x", "db", "x"]
    assert kept.on("n.nspname", None) == ("n.nspname IN (%s, %s)", ["s'1", "s2"])
