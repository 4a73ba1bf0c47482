"""What the SQL guard has written anew gives the same rows as what was asked."""

from typing import Protocol

from buster_tasks.sql_guard import Allowed, check
from tests.doubles.analysis_data import queries, script


class Database(Protocol):
    def run(self, *statements: str) -> list[tuple[object, ...]]: ...


def test_same_rows(account: Database) -> None:
    account.run(*(statement.replace("\\", "\\\\") for statement in script()))
    for sql in queries("mysql"):
        allowed = check(sql, "mysql")
        assert isinstance(allowed, Allowed), (sql, allowed)
        asked, written = account.run(sql), account.run(allowed.sql)
        assert sorted(written, key=repr) == sorted(asked, key=repr), (sql, allowed.sql)
