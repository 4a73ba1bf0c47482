"""Several data sources in one analysis, a model for each role, and what every request of a role begins with."""

import contextlib
import re
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from buster_tasks.analyst.flow import Surroundings, analyze
from buster_tasks.analyst.journal import PlainJournal
from buster_tasks.analyst.models import AnalystAgentTaskInput, AnalystAgentTaskOutput, AnalystResult
from buster_tasks.analyst.state import State
from buster_tasks.language_model import LanguageModel, ModelRequest, ToolCall
from buster_tasks.language_model.errors import ModelAuthenticationError
from buster_tasks.testing import FakeModel
from taskkit.errors import LeaseLostError
from tests.integration.buster_tasks.analyst.conftest import (
    BY_COUNTRY,
    CONTEXT,
    FOUND,
    PLAN,
    Ask,
    run_sql,
)

pytestmark = pytest.mark.anyio

AskAll = Callable[..., Any]
SUPPORT = """
CREATE TABLE tickets (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, topic TEXT NOT NULL);
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
INSERT INTO customers VALUES (1, 'ada@example.org'), (2, 'ben@example.org');
INSERT INTO tickets VALUES (1, 1, 'late delivery'), (2, 1, 'refund'), (3, 2, 'late delivery');
"""


@pytest.fixture
def support(tmp_path: Path) -> Path:
    """The file of a second database, which has a table of the same name as the shop."""
    path = tmp_path / "support.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(SUPPORT)
    return path


@pytest.fixture
def ask_all(tmp_path: Path) -> AskAll:
    """Asks several sources, files by their names, with models by theirs."""

    async def asked(
        models: Mapping[str, LanguageModel], files: Mapping[str, Path], **more: Any
    ) -> AnalystAgentTaskOutput:
        sources = [
            {"name": name, "credentials": {"type": "sqlite", "path": str(path)}}
            for name, path in files.items()
        ]
        payload = AnalystAgentTaskInput.model_validate(
            {
                "session_id": "s1",
                "user_id": "u1",
                "query": "Which country brings the most revenue?",
                "data_sources": sources,
                **more,
            }
        )
        around = Surroundings(
            make_model=models.__getitem__, catalog=tmp_path / "catalog.db", secret="run_77"
        )
        return await analyze(payload, around)

    return asked


def result_of(output: AnalystAgentTaskOutput) -> AnalystResult:
    assert output.result is not None
    return output.result


def answers(model: FakeModel) -> Iterator[str]:
    """What tools answered, once each."""
    seen: set[str] = set()
    for request in model.requests:
        for message in request.messages:
            if message.role == "tool" and message.tool_call_id not in seen:
                seen.add(message.tool_call_id or "")
                yield message.content


async def test_two_databases_in_one_analysis(ask_all: AskAll, shop: Path, support: Path) -> None:
    found = ToolCall.of(
        "submit_findings",
        findings=[
            {
                "claim": "There are {{orders}} orders and {{tickets}} tickets, {{rate}} tickets for each order.",
                "values": [
                    {"name": "orders", "result": "r1", "column": "orders"},
                    {"name": "tickets", "result": "r2", "column": "tickets"},
                    {"name": "rate", "expression": "tickets / orders", "decimals": 1},
                ],
            }
        ],
    )
    model = FakeModel(
        [
            ToolCall.of("search_schema", text="customers"),
            ToolCall.of("describe_table", tables=["customers"]),
            ToolCall.of("describe_table", tables=["customers"], source="elsewhere"),
            ToolCall.of(
                "submit_context",
                tables=[
                    {"table": "orders", "source": "shop"},
                    {"table": "tickets", "source": "support"},
                ],
            ),
            PLAN,
            run_sql("SELECT COUNT(*) AS orders FROM orders"),
            run_sql("SELECT COUNT(*) AS tickets FROM tickets", source="shop"),
            run_sql("SELECT COUNT(*) AS orders FROM orders", source="shop"),
            run_sql("SELECT COUNT(*) AS tickets FROM tickets", source="support"),
            found,
        ]
    )
    output = await ask_all({"m": model}, {"shop": shop, "support": support}, options={"model": "m"})
    told = list(answers(model))
    assert '"source":"shop"' in told[0]
    assert '"source":"support"' in told[0]
    assert "Several data sources are open. Name one of: shop, support." in told[1]
    assert "There is no data source 'elsewhere'. Name one of: shop, support." in told[2]
    assert "Several data sources are open." in told[3]
    assert "tickets is not among the tables" in told[4]
    result = result_of(output)
    [finding] = result.findings
    assert finding.verdict == "verified"
    assert finding.text == "There are 5 orders and 3 tickets, 0.6 tickets for each order."
    assert result.used_data_sources == ["shop", "support"]


async def test_one_dead_source_of_two_is_a_warning_and_the_other_goes_on(
    ask_all: AskAll, shop: Path, tmp_path: Path
) -> None:
    model = FakeModel([CONTEXT, PLAN, run_sql(BY_COUNTRY), FOUND])
    files = {"gone": tmp_path / "gone.db", "shop": shop}
    result = result_of(await ask_all({"m": model}, files, options={"model": "m"}))
    [finding] = result.findings
    assert finding.verdict == "verified"
    [warning] = [one for one in result.warnings if "gone" in one.message]
    assert warning.severity == "warning"
    assert "The data source 'gone' cannot be used" in warning.message
    assert result.status == "completed_with_warnings"
    assert "gone" not in model.requests[0].messages[0].content


async def test_all_sources_dead_is_an_error_that_names_each(
    ask_all: AskAll, tmp_path: Path
) -> None:
    files = {"one": tmp_path / "one.db", "two": tmp_path / "two.db"}
    output = await ask_all({"m": FakeModel([])}, files, options={"model": "m"})
    assert output.error is not None
    assert output.error.code == "DATA_SOURCE_ERROR"
    assert "'one'" in output.error.message
    assert "'two'" in output.error.message
    assert output.metadata.states == [State.INITIALIZING, State.FAILED]


async def test_no_source_at_all_is_an_error(ask_all: AskAll) -> None:
    output = await ask_all({"m": FakeModel([])}, {}, options={"model": "m"})
    assert output.error is not None
    assert output.error.code == "DATA_SOURCE_ERROR"
    assert output.error.fix


async def test_a_catalog_that_cannot_be_written_is_an_error_and_no_crash(
    shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "catalog.db").write_bytes(b"this is no database, " * 100)
    credentials = {"type": "sqlite", "path": str(shop)}
    payload = AnalystAgentTaskInput.model_validate(
        {
            "session_id": "s",
            "user_id": "u",
            "query": "How many orders?",
            "data_sources": [{"name": "shop", "credentials": credentials}],
            "options": {"model": "offline"},
        }
    )
    output = await analyze(payload, Surroundings(catalog=tmp_path / "catalog.db"))
    assert output.error is not None
    assert output.error.code == "DATA_SOURCE_ERROR"
    assert "catalog" in output.error.message


def tools(request: ModelRequest) -> set[str]:
    return {tool.name for tool in request.tools}


async def test_each_role_has_its_model_and_all_share_one_budget(
    ask_all: AskAll, shop: Path
) -> None:
    bare = ToolCall.of("submit_findings", findings=[{"claim": "Sales are healthy."}])
    models = {
        "quick": FakeModel([CONTEXT, PLAN]),
        "strong": FakeModel([run_sql(BY_COUNTRY), bare]),
        "careful": FakeModel(
            [[ToolCall.of("drop_finding", id="f1"), ToolCall.of("submit_review")]]
        ),
    }
    options = {
        "model": "strong",
        "models": {"prepare": "quick", "review": "careful"},
        "report": False,
    }
    output = await ask_all(models, {"shop": shop}, options=options)
    assert [models[name].calls for name in ("quick", "strong", "careful")] == [2, 2, 1]
    assert "submit_context" in tools(models["quick"].requests[0])
    assert "run_sql" in tools(models["strong"].requests[0])
    assert "drop_finding" in tools(models["careful"].requests[0])
    assert output.metadata.usage.model_calls == 5
    prompts = {models[name].requests[0].messages[0].content for name in models}
    assert len(prompts) == 3


async def test_a_role_whose_model_fails_gets_the_offline_one(ask_all: AskAll, shop: Path) -> None:
    models = {
        "quick": FakeModel([CONTEXT, PLAN]),
        "strong": FakeModel([ModelAuthenticationError("The key is wrong.")]),
    }
    options = {"model": "strong", "models": {"prepare": "quick"}, "report": False}
    output = await ask_all(
        models, {"shop": shop}, query="How many orders are there?", options=options
    )
    assert result_of(output).findings[0].verdict == "verified"
    assert output.metadata.model == "strong, then offline"


async def test_requests_of_a_role_begin_with_the_same_bytes_which_hold_no_id_and_no_time(
    ask_all: AskAll, shop: Path
) -> None:
    """A provider caches what requests begin with: the tools of a state, and what a role is told to be."""
    names = run_sql("SELECT name FROM customers ORDER BY name")
    wrong = ToolCall.of("submit_findings", findings=[{"claim": "Sales are healthy."}])
    drop = [ToolCall.of("drop_finding", id="f1"), ToolCall.of("submit_review")]
    search = ToolCall.of("search_schema", text="revenue")
    preview = ToolCall.of("preview_table", table="orders")
    script = [search, preview, CONTEXT, PLAN, names, run_sql(BY_COUNTRY), wrong, drop]
    runs: list[list[ModelRequest]] = []
    for _ in range(2):
        model = FakeModel(script)
        await ask_all({"m": model}, {"shop": shop}, options={"model": "m", "report": False})
        runs.append(model.requests)
    states = [[0, 1, 2], [3], [4, 5, 6], [7]]
    for at in states:
        prefixes = {
            (runs[run][i].messages[0].model_dump_json(), str(runs[run][i].tools))
            for run in (0, 1)
            for i in at
        }
        assert len(prefixes) == 1
    assert runs[0][0].messages[0] == runs[0][3].messages[0]
    for requests in runs:
        for request in requests:
            begin = request.messages[0].content + str(request.tools)
            assert "run_77" not in begin
            assert not re.search(r"\d{4}-\d\d|\d\d:\d\d", begin)
    for earlier, later in ((0, 1), (1, 2), (4, 5), (5, 6)):
        before, after = runs[0][earlier].messages, runs[0][later].messages
        assert after[: len(before)] == before


class LostJournal(PlainJournal):
    """A journal whose run belongs to another worker by now."""

    async def keep(self, key: str, made: Callable[[], Awaitable[JsonValue]]) -> JsonValue:
        if key.startswith("sql/"):
            raise LeaseLostError("Another worker has the run.")
        return await super().keep(key, made)


async def test_what_the_run_itself_raises_is_not_taken_for_a_fault_of_the_analysis(
    ask: Ask,
) -> None:
    with pytest.raises(LeaseLostError):
        await ask(FakeModel([CONTEXT, PLAN, run_sql(BY_COUNTRY)]), journal=LostJournal())


async def test_a_fault_of_ours_is_logged_and_leaves_what_was_found(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    """A script that has ended stands for any fault of a program."""
    output = await ask(FakeModel([CONTEXT, PLAN, run_sql(BY_COUNTRY)]))
    assert output.error is not None
    assert (output.success, output.error.code) == (False, "AGENT_EXECUTION_ERROR")
    assert "ScriptEndedError" in output.error.message
    assert output.metadata.states[-1] is State.FAILED
    result = result_of(output)
    assert result.status == "failed"
    assert [artifact.type for artifact in result.artifacts] == ["query"]
    assert "Traceback" in caplog.text
