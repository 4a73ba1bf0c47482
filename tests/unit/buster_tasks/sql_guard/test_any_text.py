"""Whatever the text is, there is a verdict; what is allowed can be parsed, and is allowed again as it is."""

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from buster_tasks.sql_guard import Allowed, Refused, check

STATEMENTS = Path(__file__).parent / "statements"
LINES = {
    dialect: [
        line
        for path in sorted(STATEMENTS.glob(f"{dialect}.*.sql"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("##")
    ]
    for dialect in sorted({path.name.split(".")[0] for path in STATEMENTS.glob("*.sql")})
}
PIECES = [
    "SELECT", "FROM", "WHERE", "UNION", "WITH", "AS", "(", ")", "[", "]", "{", "}", ";", ",", ".", "*", "'", '"', "`",
    "--", "/*", "*/", "/*!", "#", "$", "$$", "@", "@@", ":", "::", "->", "?", "\\", "\n", "0x", "1", "e'", "N'", "U&'",
    "CASE", "END", "NOT", "OVER", "PIVOT", "LATERAL", "INTERVAL", "CAST", "ARRAY", "STRUCT", "VALUES", "INTO", "FOR",
    "SHUTDOWN", "pg_sleep", "sleep", "\u00a0", "\u200b", "\uff1b", "\u2019", "\u017f", "\U0001f600",
]  # fmt: skip


def judged(sql: str, dialect: str) -> None:
    verdict = check(sql, dialect)
    if isinstance(verdict, Allowed):
        assert check(verdict.sql, dialect) == verdict
    else:
        assert isinstance(verdict, Refused)
        assert verdict.reason
        assert verdict.fix


@given(st.text(max_size=200))
@settings(max_examples=60)
def test_any_text(dialect: str, sql: str) -> None:
    judged(sql, dialect)
    judged("SELECT " + sql, dialect)


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_any_pieces_of_sql(dialect: str, pieces: list[str]) -> None:
    judged("SELECT " + " ".join(pieces), dialect)


@given(st.data())
def test_statements_that_were_changed(dialect: str, data: st.DataObject) -> None:
    sql = data.draw(st.sampled_from(LINES[dialect]))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(sql)))
        length = data.draw(st.integers(0, 5))
        sql = sql[:at] + data.draw(st.sampled_from(PIECES)) + sql[at + length :]
    judged(sql, dialect)


@given(st.data())
def test_two_statements_joined(dialect: str, data: st.DataObject) -> None:
    one, two = (data.draw(st.sampled_from(LINES[dialect])) for _ in range(2))
    cut = data.draw(st.integers(0, len(one)))
    judged(one[:cut] + data.draw(st.sampled_from(["", " ", "; ", "\n", " UNION "])) + two, dialect)


@pytest.mark.parametrize("depth", [5, 10, 20, 24])
@given(data=st.data())
@settings(max_examples=20)
def test_any_nesting(dialect: str, depth: int, data: st.DataObject) -> None:
    shapes = ["({})", "f({})", "abs({})", "ARRAY[{}]", "CAST({} AS INT)", "CASE WHEN {} THEN 1 END", "(SELECT {})",
              "{{'a': {}}}", "[{}]", "INTERVAL {} DAY", "x -> {}", "STRUCT({})", "DATE({})", "NOT {}"]  # fmt: skip
    sql = "1"
    for shape in data.draw(st.lists(st.sampled_from(shapes), min_size=depth, max_size=depth)):
        sql = shape.format(sql)
    judged("SELECT " + sql, dialect)
