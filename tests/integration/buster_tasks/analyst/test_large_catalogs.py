"""Thousands of tables and columns: what is wanted is found, and no request holds more than its share of the schema."""

import contextlib
import random
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from buster_tasks.analyst.flow import Surroundings, analyze
from buster_tasks.analyst.models import AnalystAgentTaskInput, AnalystResult
from buster_tasks.catalog import CatalogStore
from buster_tasks.language_model import ModelRequest, ToolCall
from buster_tasks.sources.schema import Column, Database, Introspection, Schema, Table
from buster_tasks.testing import FakeModel
from tests.integration.buster_tasks.analyst.conftest import PLAN, run_sql

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

TABLES, COLUMNS = 5_000, 12
MOST_CHARACTERS = 60_000
"""Of a request as JSON, tools and all: some 20,000 tokens, of a catalog that has a hundred times as many."""

WORDS = [
    "account", "batch", "claim", "device", "event", "fund", "grade", "hotel", "index", "job", "kit", "ledger", "member",
    "node", "offer", "parcel", "quota", "route", "seat", "task", "unit", "visit", "wage", "zone",
]  # fmt: skip
WANTED = """
CREATE TABLE freight_run (id INTEGER PRIMARY KEY, hauler_id INTEGER, weight_kg NUMERIC);
CREATE TABLE x17 (id INTEGER PRIMARY KEY, label TEXT);
INSERT INTO x17 VALUES (1, 'Zebrafish Logistics'), (2, 'Quokka Cargo');
INSERT INTO freight_run VALUES (1, 1, 10), (2, 1, 15), (3, 2, 5);
"""
PLACE: dict[str, Any] = {"schema": "main", "database": "wanted"}


def columns_of(table: str, names: list[str], **more: Any) -> list[Column]:
    return [
        Column(
            name=name,
            table=table,
            position=at,
            data_type="TEXT",
            normalized_type="text",
            **PLACE,
            **more,
        )
        for at, name in enumerate(names, 1)
    ]


def large() -> Introspection:
    """The two tables that are wanted among thousands, with comments and sample values everywhere."""
    chance = random.Random(1)
    names = [f"{chance.choice(WORDS)}_{chance.choice(WORDS)}_{at}" for at in range(TABLES - 2)]
    tables = [Table(name=name, comment=f"Each {name} of the group", **PLACE) for name in names]
    columns: list[Column] = []
    for name in names:
        own = [f"{chance.choice(WORDS)}_{at}" for at in range(COLUMNS)]
        columns += columns_of(
            name,
            own,
            comment="As the ledger has it, one for each member",
            sample_values=chance.choices(WORDS, k=3),
        )
    tables += [
        Table(name="freight_run", **PLACE),
        Table(name="x17", comment="Companies that haul", **PLACE),
    ]
    columns += columns_of("freight_run", ["id", "hauler_id", "weight_kg"])
    columns += columns_of(
        "x17", ["id", "label"], sample_values=["Zebrafish Logistics", "Quokka Cargo"]
    )
    return Introspection(
        data_source_name="wanted",
        data_source_type="sqlite",
        databases=[Database(name="wanted")],
        schemas=[Schema(name="main", database="wanted")],
        tables=tables,
        columns=columns,
        introspected_at=datetime.now(UTC),
    )


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A catalog that has the large snapshot, fresh."""
    path = tmp_path_factory.mktemp("large") / "catalog.db"
    CatalogStore(path).put(large())
    yield path
    path.unlink()


async def asked(model: FakeModel, file: Path, catalog: Path) -> AnalystResult:
    payload = AnalystAgentTaskInput.model_validate(
        {
            "session_id": "s",
            "user_id": "u",
            "query": "How much weight did Zebrafish haul?",
            "data_sources": [
                {"name": "wanted", "credentials": {"type": "sqlite", "path": str(file)}}
            ],
            "options": {"model": "m", "report": False},
        }
    )
    output = await analyze(
        payload, Surroundings(make_model=lambda _: model, catalog=catalog, secret="r")
    )
    assert output.result is not None
    return output.result


def size(request: ModelRequest) -> int:
    return len(request.model_dump_json())


def answers(model: FakeModel) -> list[str]:
    told = {
        message.tool_call_id: message.content
        for request in model.requests
        for message in request.messages
        if message.role == "tool"
    }
    return list(told.values())


async def test_among_5_000_tables_the_wanted_ones_are_found_and_requests_stay_small(
    catalog: Path, tmp_path: Path
) -> None:
    file = tmp_path / "wanted.db"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript(WANTED)
    total = run_sql(
        "SELECT x.label AS name, SUM(f.weight_kg) AS weight FROM freight_run AS f "
        "JOIN x17 AS x ON x.id = f.hauler_id WHERE x.label LIKE 'Zebra%' GROUP BY x.label"
    )
    found = ToolCall.of(
        "submit_findings",
        findings=[
            {
                "claim": "{{name}} hauled {{weight}} kg.",
                "values": [
                    {"name": "name", "result": "r1", "column": "name"},
                    {"name": "weight", "result": "r1", "column": "weight"},
                ],
            }
        ],
    )
    by_name, by_comment, by_value, everywhere, listed = (
        ToolCall.of("search_schema", text="freight weight"),
        ToolCall.of("search_schema", text="companies that haul"),
        ToolCall.of("search_schema", text="Zebrafish"),
        ToolCall.of("search_schema", text="account member ledger", limit=50),
        ToolCall.of("list_tables"),
    )
    tables = [table.name for table in large().tables[:8]]
    described = ToolCall.of("describe_table", tables=tables)
    values = ToolCall.of("search_values", text="zebra", table="x17")
    context = ToolCall.of("submit_context", tables=[{"table": "freight_run"}, {"table": "x17"}])
    looking = [by_name, by_comment, by_value, everywhere, listed, described, values]
    model = FakeModel([looking, context, PLAN, total, found])
    result = await asked(model, file, catalog)
    assert result.findings[0].text == "Zebrafish Logistics hauled 25 kg."
    assert result.findings[0].verdict == "verified"
    told = answers(model)
    assert '"table":"main.freight_run"' in told[0].split("\n")[2][:200]
    assert '"table":"main.x17"' in told[1].split("\n")[2][:200]
    assert '"column":"label"' in told[2]
    assert told[3].startswith("50 fit.")
    assert told[4].startswith(f"{TABLES} tables and views in all. For more, give after=")
    assert '"values":["Zebrafish Logistics"]' in told[6]
    assert "freight_run" not in "".join(message.content for message in model.requests[0].messages)
    assert max(map(size, model.requests)) <= MOST_CHARACTERS
    assert size(model.requests[0]) < 10_000
    assert sum(step.seconds for step in result.execution_steps) < 10


async def test_every_look_up_at_once_stays_within_the_bound(catalog: Path, tmp_path: Path) -> None:
    """A model that wants to see all of it sees its share, request after request."""
    file = tmp_path / "wanted.db"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript(WANTED)
    names = [table.name for table in large().tables]

    def greedy(request: ModelRequest) -> list[ToolCall] | ToolCall:
        tools = {tool.name for tool in request.tools}
        if "submit_findings" in tools:
            return ToolCall.of("submit_findings", findings=[{"claim": "Sales are healthy."}])
        if "submit_review" in tools:
            return ToolCall.of("submit_review")
        at = len(request.messages)
        return [
            ToolCall.of("describe_table", tables=names[at * 100 + i * 8 : at * 100 + i * 8 + 8])
            for i in range(8)
        ]

    model = FakeModel(greedy)
    await asked(model, file, catalog)
    sizes = [size(request) for request in model.requests]
    # what was just asked for, eight blocks, stands beside what is kept of before
    assert max(sizes) <= 8 * 16_000 * 1.25 + MOST_CHARACTERS
    assert len(sizes) >= 14


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 1,000 columns with long texts."""
    path = tmp_path_factory.mktemp("wide") / "wide.db"
    names = ", ".join(f"measurement_of_sensor_{at:04} TEXT" for at in range(1_000))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE readings ({names})")
        places = ", ".join("?" * 1_000)
        connection.executemany(
            f"INSERT INTO readings VALUES ({places})",
            [[f"{row} " + "x" * 400] * 1_000 for row in range(30)],
        )
        connection.commit()
    return path


async def test_a_table_of_1_000_columns_is_shown_in_part_with_how_much_is_left_out(
    wide: Path, tmp_path: Path
) -> None:
    preview, described = (
        ToolCall.of("preview_table", table="readings"),
        ToolCall.of("describe_table", tables=["readings"]),
    )
    searched = ToolCall.of("search_schema", text="sensor 0777")
    context = ToolCall.of("submit_context", tables=[{"table": "readings"}])
    everything = run_sql("SELECT * FROM readings")
    found = ToolCall.of(
        "submit_findings",
        findings=[
            {
                "claim": "There are {{n}} readings.",
                "values": [{"name": "n", "result": "r2", "column": "n"}],
            }
        ],
    )
    count = run_sql("SELECT COUNT(*) AS n FROM readings")
    model = FakeModel([[preview, described, searched], context, PLAN, everything, count, found])
    began = time.perf_counter()
    result = await asked(model, wide, tmp_path / "catalog.db")
    assert time.perf_counter() - began < 60
    assert result.findings[0].text == "There are 30 readings."
    assert "0777" in answers(model)[2]
    assert max(map(size, model.requests)) <= MOST_CHARACTERS
    [told] = [text for text in answers(model) if text.startswith("Result r1")]
    assert "That was too long: lists end after" in told


async def test_the_offline_model_copes_with_what_was_cut_to_fit(wide: Path, tmp_path: Path) -> None:
    output = await analyze(
        AnalystAgentTaskInput.model_validate(
            {
                "session_id": "s",
                "user_id": "u",
                "query": "How many readings are there?",
                "data_sources": [
                    {"name": "wide", "credentials": {"type": "sqlite", "path": str(wide)}}
                ],
                "options": {"model": "offline", "report": False},
            }
        ),
        Surroundings(catalog=tmp_path / "catalog.db"),
    )
    assert output.result is not None
    [finding] = output.result.findings
    assert (finding.verdict, "30" in finding.text) == ("verified", True)
