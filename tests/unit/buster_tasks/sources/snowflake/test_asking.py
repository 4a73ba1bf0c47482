"""Rows of SHOW as Snowflake gives them, which the stand-in cannot: by name, in pages, and cut at 10,000."""

import re
from typing import Any, cast

import pytest

from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.snowflake import asking, catalog
from buster_tasks.sources.snowflake.catalog import MOST_SHOWN
from buster_tasks.sources.snowflake.session import SnowflakeSession

KEYS = ["created_on", "database_name", "schema_name", "table_name", "column_name", "key_sequence",
        "constraint_name", "rely", "comment"]  # fmt: skip
IMPORTED = ["created_on", "pk_database_name", "pk_schema_name", "pk_table_name", "pk_column_name",
            "fk_database_name", "fk_schema_name", "fk_table_name", "fk_column_name", "key_sequence", "update_rule",
            "delete_rule", "fk_name", "pk_name", "deferrability", "rely", "comment"]  # fmt: skip


class Shown:
    """A session that knows the answers to some statements."""

    def __init__(self, names: list[str], answers: dict[str, list[tuple[Any, ...]]]) -> None:
        self._names, self._answers = names, answers
        self.asked: list[str] = []

    def rows(self, sql: str, parameters: object = (), *, budget: Budget) -> Any:
        self.asked.append(sql)
        return self._names, self._answers[sql]


def session(shown: Shown) -> SnowflakeSession:
    return cast("SnowflakeSession", shown)


def key(schema: str = "APP", table: str = "T", column: str = "ID", at: int = 1) -> tuple[Any, ...]:
    return (None, "DB", schema, table, column, at, "SYS_CONSTRAINT_1", "false", None)


def test_keys_by_the_names_of_the_columns() -> None:
    shown = Shown(KEYS, {'SHOW PRIMARY KEYS IN DATABASE "DB"': [key(), key(column="B", at=2)]})
    rows, cut = asking.read_keys(
        session(shown), catalog.PRIMARY_KEYS, "DB", ["APP", "MORE"], Budget(None)
    )
    assert [(row.place, row.column, row.position, row.is_relied_on) for row in rows] == [
        (("DB", "APP", "T"), "ID", 1, False), (("DB", "APP", "T"), "B", 2, False),
    ]  # fmt: skip
    assert cut == []


def test_the_only_schema_is_asked_alone() -> None:
    shown = Shown(KEYS, {'SHOW UNIQUE KEYS IN SCHEMA "DB"."a""b"': []})
    assert asking.read_keys(session(shown), catalog.UNIQUE_KEYS, "DB", ['a"b'], Budget(None)) == (
        [],
        [],
    )


def test_more_than_show_gives_is_asked_schema_by_schema_and_told_where_it_is_cut() -> None:
    full = [key("BIG", f"T{at}") for at in range(MOST_SHOWN)]
    shown = Shown(KEYS, {
        'SHOW PRIMARY KEYS IN DATABASE "DB"': full,
        'SHOW PRIMARY KEYS IN SCHEMA "DB"."APP"': [key()],
        'SHOW PRIMARY KEYS IN SCHEMA "DB"."BIG"': full,
    })  # fmt: skip
    rows, cut = asking.read_keys(
        session(shown), catalog.PRIMARY_KEYS, "DB", ["APP", "BIG"], Budget(None)
    )
    assert (len(rows), cut) == (MOST_SHOWN + 1, ["BIG"])
    one = Shown(KEYS, {'SHOW PRIMARY KEYS IN SCHEMA "DB"."BIG"': full})
    assert asking.read_keys(session(one), catalog.PRIMARY_KEYS, "DB", ["BIG"], Budget(None))[1] == [
        "BIG"
    ]


def test_references_lead_from_the_foreign_table_to_the_primary_one() -> None:
    row = (None, "REF", "MAIN", "COUNTRY", "CODE", "DB", "APP", "CITY", "COUNTRY_CODE", 1, "CASCADE",
           "SET NULL", "FK_1", "PK_1", "NOT DEFERRABLE", "true", "why")  # fmt: skip
    shown = Shown(IMPORTED, {'SHOW IMPORTED KEYS IN SCHEMA "DB"."APP"': [row]})
    ((found,), cut) = asking.read_references(session(shown), "DB", ["APP"], Budget(None))
    assert (found.place, found.column) == (("DB", "APP", "CITY"), "COUNTRY_CODE")
    assert (found.target_database, found.target_schema, found.target_table, found.target_column) == (
        "REF", "MAIN", "COUNTRY", "CODE",
    )  # fmt: skip
    assert (found.on_update, found.on_delete, found.is_relied_on) == ("CASCADE", "SET NULL", True)
    assert cut == []


def test_references_without_a_target_are_left_out() -> None:
    row = (
        None,
        "",
        "",
        "",
        "",
        "DB",
        "APP",
        "CITY",
        "ID",
        1,
        None,
        None,
        "PK",
        "PK",
        "",
        "false",
        None,
    )
    shown = Shown(IMPORTED, {'SHOW IMPORTED KEYS IN SCHEMA "DB"."APP"': [row]})
    assert asking.read_references(session(shown), "DB", ["APP"], Budget(None)) == ([], [])


def test_databases_come_in_pages() -> None:
    first = [(f"DB_{at}", "ADMIN", "", "STANDARD") for at in range(MOST_SHOWN - 1)]
    first.append(("it's \\", "ADMIN", "", "STANDARD"))
    more = "SHOW DATABASES LIMIT 10000 FROM 'it''s \\\\'"
    last = [("SHARED", "", "theirs", "IMPORTED DATABASE")]
    shown = Shown(["name", "owner", "comment", "kind"], {"SHOW DATABASES": first, more: last})
    rows = asking.read_databases(session(shown), Budget(None))
    assert (len(rows), shown.asked) == (MOST_SHOWN + 1, ["SHOW DATABASES", more])
    assert (rows[-1].kind, rows[-1].owner, rows[-1].comment) == (
        "IMPORTED DATABASE",
        None,
        "theirs",
    )


@pytest.mark.parametrize(("told", "secure"), [("true", "YES"), ("false", "NO"), (None, "NO")])
def test_materialized_views_have_their_text(told: str | None, secure: str) -> None:
    names = [
        "created_on",
        "name",
        "database_name",
        "schema_name",
        "cluster_by",
        "text",
        "is_secure",
    ]
    row = (None, "MV", "DB", "APP", "", "create materialized view MV as select 1", told)
    shown = Shown(names, {'SHOW MATERIALIZED VIEWS IN SCHEMA "DB"."APP"': [row]})
    ((view,), _cut) = asking.read_materialized(session(shown), "DB", ["APP"], Budget(None))
    assert (view.place, view.is_secure) == (("DB", "APP", "MV"), secure)
    assert re.search("select 1$", view.text or "")
