"""What is asked of each kind of server."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.mysql import asking
from buster_tasks.sources.mysql.narrowing import of_kept, of_tables
from buster_tasks.sources.mysql.server import Server
from buster_tasks.sources.mysql.session import MysqlSession
from buster_tasks.sources.schema import Filters


class Session:
    """Keeps what it is asked."""

    def __init__(self, version: str) -> None:
        self.server = Server(version, user="u@%", database="d", connection=7, ignores_case=False)
        self.asked: list[tuple[str, Sequence[str]]] = []

    def rows(self, sql: str, parameters: Sequence[str] = (), *, budget: Budget) -> list[Any]:
        self.asked.append((sql, parameters))
        return []


def everything_asked(version: str) -> list[tuple[str, Sequence[str]]]:
    fake = Session(version)
    session, budget = cast("MysqlSession", fake), Budget(None)
    narrow, kept = (
        of_tables(Filters(schemas=["a*"], tables=["t", "u?"])),
        of_kept([("a", "t")], all_of_them=False),
    )
    asking.read_relations(session, narrow, narrow, budget)
    asking.read_names(session, narrow, budget)
    asking.read_columns(session, kept, budget)
    asking.read_indexes(session, kept, budget, with_distinct=True)
    asking.read_references(session, kept, budget)
    asking.read_rules(session, kept, budget)
    asking.read_views(session, kept, budget)
    asking.read_partitions(session, kept, budget)
    return fake.asked


@pytest.mark.parametrize(
    "version", ["8.0.36", "8.0.11", "5.7.44", "10.11.2-MariaDB", "10.3.39-MariaDB"]
)
def test_every_parameter_has_its_place_and_every_column_its_name(version: str) -> None:
    for sql, parameters in everything_asked(version):
        assert sql.count("%s") == len(parameters)
        assert "{" not in sql
        first = sql.partition("FROM")[0]
        names = [
            part.rsplit(" AS ", 1)[-1].strip()
            for part in first.split(",\n")[-1].split(", ")
            if " AS " in part
        ]
        assert all(name.islower() for name in names)


def test_what_only_some_have_is_asked_only_of_them() -> None:
    def text(version: str) -> str:
        return "".join(sql for sql, _parameters in everything_asked(version))

    assert "EXPRESSION AS expression, SUB_PART" in text("8.0.36")
    assert "NULL AS expression, SUB_PART" in text("8.0.11")
    assert "IS_VISIBLE AS" in text("8.0.11")
    assert "IGNORED AS" in text("10.11.2-MariaDB")
    assert "NULL AS visibility" in text("5.7.44")
    assert "CHECK_CONSTRAINTS AS c" in text("8.0.36")
    assert "CHECK_CONSTRAINTS" not in text("5.7.44")
    assert "TABLE_CONSTRAINTS" not in text("10.11.2-MariaDB")
    assert "SCHEMA_COMMENT" not in text("8.0.36")
