"""Questions to twelve small schemas: what is answered is right on SQLite and DuckDB, and may run in every dialect."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from buster_tasks.analyst.offline.schema import Schema
from buster_tasks.analyst.offline.spelling import Spelling
from buster_tasks.eval.comparison import same_rows
from buster_tasks.eval.question import Question, load
from buster_tasks.sources import connect
from buster_tasks.sources.source_url import credentials_from_url
from buster_tasks.sql_guard import Allowed, check
from tests.doubles.offline_reading import SETS, described, drafted, spelt

pytestmark = pytest.mark.anyio

QUESTIONS = load(SETS / "questions.json")
DATABASES = sorted({one.database for one in QUESTIONS})
KINDS = (
    "postgres",
    "mysql",
    "sqlserver",
    "snowflake",
    "bigquery",
    "redshift",
    "databricks",
    "sqlite",
    "duckdb",
)


def made(kind: str, name: str, folder: Path) -> str:
    """The URL of a database that the script was run in."""
    script = (SETS / f"{name}.sql").read_text(encoding="utf-8")
    path = folder / f"{name}.{kind}"
    if kind == "duckdb":
        import duckdb

        with duckdb.connect(str(path)) as connection:
            connection.execute(script)
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)
    return f"{kind}:///{path}"


def of(name: str) -> list[Question]:
    return [one for one in QUESTIONS if one.database == name]


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
@pytest.mark.parametrize("name", DATABASES)
async def test_what_is_answered_is_right(kind: str, name: str, tmp_path: Path) -> None:
    gold_url = made("sqlite", name, tmp_path)
    url = gold_url if kind == "sqlite" else made(kind, name, tmp_path)
    wrong: list[str] = []
    async with (
        connect(credentials_from_url(url)) as source,
        connect(credentials_from_url(gold_url)) as right,
    ):
        tables = await described(source)
        for question in of(name):
            sql = spelt(question.question, tables, kind)
            if sql is None or question.expect != "answer":
                wrong += [f"{question.id} {sql or 'refused'}"] * (
                    (sql is None) == (question.expect == "answer")
                )
                continue
            allowed = check(sql, kind)
            assert isinstance(allowed, Allowed), sql
            answer = (await source.execute(allowed.sql)).rows
            golds = [(await right.execute(gold)).rows for gold in question.gold_sql]
            if not any(same_rows(answer, gold) for gold in golds):
                wrong.append(f"{question.id} {sql}")
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
async def test_in_every_dialect_the_guard_lets_it_through(kind: str, tmp_path: Path) -> None:
    for name in ("library",):
        async with connect(credentials_from_url(made("sqlite", name, tmp_path))) as source:
            tables = await described(source)
        for question in of(name):
            draft = drafted(question.question, tables)
            if draft is not None:
                sql = Spelling(kind, Schema.of(tables)).sql(draft)
                assert isinstance(check(sql, kind), Allowed), sql
