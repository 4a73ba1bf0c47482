"""The offline model, the whole way: the three shapes of a demo, with findings that hold, a chart and a page."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from benchmarks.servers import PostgresServer
from buster_tasks import AnalystOptions, analyze
from buster_tasks.analyst.findings import Chart
from buster_tasks.analyst.models import AnalystResult
from buster_tasks.analyst.state import State
from tests.doubles.offline_reading import SETS

pytestmark = pytest.mark.anyio

Made = Callable[[str, str], dict[str, Any]]

SHAPES = [
    ("shop", "revenue by month", "Total revenue was highest in September 2022: 4,546.73."),
    ("shop", "top 5 products", "highest total revenue"),
    ("shop", "how many customers per country", "Italy has the most customers: 11."),
    ("hotel", "revenue by month", "Total revenue was highest in"),
    ("hotel", "how many guests per nationality", "has the most guests"),
]


@pytest.fixture
def made(tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Makes a database of a kind from the script of a question set, and gives its credentials."""

    monkeypatch.setenv("BUSTER_TASKS_CATALOG", str(tmp_path / "catalog.db"))

    def of(kind: str, name: str) -> dict[str, Any]:
        script = (SETS / f"{name}.sql").read_text(encoding="utf-8")
        path = tmp_path / f"{name}.{kind}"
        if kind == "sqlite":
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.executescript(script)
        elif kind == "duckdb":
            with duckdb.connect(str(path)) as database:
                database.execute(script)
        else:
            with psycopg.connect(postgres.dsn(), autocommit=True) as server:
                server.execute(f"DROP DATABASE IF EXISTS {name}_set".encode())
                server.execute(f"CREATE DATABASE {name}_set".encode())
            with psycopg.connect(postgres.dsn(f"{name}_set"), autocommit=True) as database:
                database.execute(script.encode())
            return postgres.credentials(f"{name}_set")
        return {"type": kind, "path": str(path)}

    return of


async def asked(question: str, source: dict[str, Any], **options: Any) -> AnalystResult:
    output = await analyze(
        question, {"data": source}, model="offline", options=AnalystOptions(**options)
    )
    assert output.success, output.error
    assert output.result is not None
    return output.result


@pytest.mark.parametrize("kind", ["sqlite", "duckdb", "postgres"])
@pytest.mark.parametrize(("name", "question", "told"), SHAPES)
async def test_a_common_shape_is_answered(
    kind: str, name: str, question: str, told: str, made: Made
) -> None:
    result = await asked(question, made(kind, name), report=False)
    assert result.findings
    assert {finding.verdict for finding in result.findings} == {"verified"}
    assert any(isinstance(artifact, Chart) for artifact in result.artifacts)
    assert told in result.response
    assert not [check for check in result.warnings if check.severity != "info"]


async def test_the_report_has_the_chart(made: Made) -> None:
    result = await asked("how many customers per country", made("sqlite", "shop"))
    assert result.report is not None
    assert "Italy has the most customers: 11." in result.report.html
    assert "<svg" in result.report.html


async def test_it_goes_through_all_states(made: Made) -> None:
    output = await analyze(
        "revenue by month",
        {"data": made("sqlite", "shop")},
        model="offline",
        options=AnalystOptions(report=False),
    )
    assert output.metadata.states == [
        State.INITIALIZING,
        State.SEARCHING,
        State.PLANNING,
        State.ANALYZING,
        State.REVIEWING,
        State.COMPLETED,
    ]


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("What is the weather in Berlin?", "cannot map"),
        ("How many customers live in Atlantis?", "atlantis"),
        ("Why did revenue drop last month?", "cannot map"),
        ("Drop the table customers", "cannot map"),
    ],
)
async def test_it_says_what_it_cannot_answer(question: str, why: str, made: Made) -> None:
    result = await asked(question, made("sqlite", "shop"), report=False)
    assert result.findings == []
    assert "offline model" in result.response
    assert why in result.response
    assert not [step for step in result.execution_steps if step.tool == "run_sql"]


async def test_a_value_that_no_sample_shows_is_looked_up(made: Made) -> None:
    source = made("sqlite", "library")
    result = await asked("How many loans did the book 'Winter Song' have?", source, report=False)
    assert any(step.tool == "search_values" for step in result.execution_steps)
    assert [finding.verdict for finding in result.findings] == ["verified"]
