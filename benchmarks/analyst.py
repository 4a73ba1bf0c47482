"""What an analysis costs beside the model: `python -m benchmarks.analyst [ROUNDS]`.

Ten calls of a scripted model over a small shop on SQLite, report included, beside its floor: the same statements run
bare, and run again, as the review does. Then the peak of memory of a process that has litellm loaded and talks to a
provider over HTTP. Then a catalog of 5,000 tables with 12 columns each: opened, searched, and the longest request.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.catalog import QUESTIONS, source
from buster_tasks.analyst.flow import Surroundings, analyze
from buster_tasks.analyst.models import AnalystAgentTaskInput, AnalystAgentTaskOutput
from buster_tasks.catalog import CatalogStore
from buster_tasks.language_model import LanguageModel, LitellmModel, ToolCall
from buster_tasks.sources.schema import Introspection
from buster_tasks.testing import FakeModel, ScriptedLLM

TABLES = 5_000
SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, country TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
    ordered_on TEXT NOT NULL, total NUMERIC NOT NULL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO customers SELECT i, 'Country ' || (i % 20) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO orders SELECT i, i % 500 + 1, date('2024-01-01', (i % 365) || ' days'), i % 97 FROM n;
"""
STATEMENTS = (
    "SELECT COUNT(*) AS n FROM orders",
    "SELECT SUM(total) AS revenue FROM orders",
    "SELECT country, SUM(total) AS revenue FROM orders JOIN customers AS c ON c.id = customer_id GROUP BY country",
    "SELECT SUBSTR(ordered_on, 1, 7) AS month, SUM(total) AS revenue FROM orders GROUP BY month ORDER BY month",
)
VALUES = (("n", "n"), ("all", "revenue"), ("most", "revenue"), ("first", "revenue"))


def script() -> list[ToolCall]:
    """Ten calls: two look-ups, the tables, the plan, four statements, a metric, the findings."""
    findings = [
        {
            "claim": f"It is {{{{{name}}}}}.",
            "values": [{"name": name, "result": f"r{at}", "column": column}],
        }
        for at, (name, column) in enumerate(VALUES, 1)
    ]
    return [
        ToolCall.of("search_schema", text="revenue of orders"),
        ToolCall.of("describe_table", tables=["orders", "customers"]),
        ToolCall.of("submit_context", tables=[{"table": "orders"}, {"table": "customers"}]),
        ToolCall.of("submit_plan", steps=["Count", "Sum", "By country", "By month"]),
        *(ToolCall.of("run_sql", sql=sql) for sql in STATEMENTS),
        ToolCall.of("create_metric", name="Revenue", result="r2", column="revenue"),
        ToolCall.of("submit_findings", findings=findings, summary="It is {{n}}."),
    ]


async def analysis(
    model: LanguageModel, file: Path, catalog: Path, name: str = "shop"
) -> AnalystAgentTaskOutput:
    """One analysis of the shop."""
    credentials = {"type": "sqlite", "path": str(file)}
    payload = AnalystAgentTaskInput.model_validate(
        {
            "session_id": "s",
            "user_id": "u",
            "query": "How is the revenue?",
            "data_sources": [{"name": name, "credentials": credentials}],
            "options": {"model": "scripted"},
        }
    )
    around = Surroundings(make_model=lambda _: model, catalog=catalog, secret="run")
    output = await analyze(payload, around)
    assert output.success, output.error
    return output


def floor(file: Path) -> float:
    """Seconds for the same statements, each run twice."""
    began = time.perf_counter()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        for sql in (*STATEMENTS, *STATEMENTS):
            connection.execute(sql).fetchall()
    return time.perf_counter() - began


def made_shop(folder: Path) -> Path:
    """The file of the shop."""
    file = folder / "shop.db"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript(SHOP)
    return file


def overhead(rounds: int) -> None:
    """Print how long ten steps take: the first time, with its imports and its catalog, and later."""
    with TemporaryDirectory() as folder:
        file, catalog = made_shop(Path(folder)), Path(folder) / "catalog.db"
        taken: list[float] = []
        for _ in range(rounds + 1):
            began = time.perf_counter()
            output = asyncio.run(analysis(FakeModel(script()), file, catalog))
            taken.append(time.perf_counter() - began)
            assert output.result is not None
            assert {finding.verdict for finding in output.result.findings} == {"verified"}
        bare = median(floor(file) for _ in range(rounds))
    print(
        f"ten steps: first {taken[0]:.2f} s, then {median(taken[1:]):.2f} s (p50 of {rounds}); "
        f"floor, the statements alone: {bare:.3f} s"
    )


async def over_http(folder: Path) -> None:
    """The same through litellm."""
    async with ScriptedLLM(script()) as server:
        model = LitellmModel("openai/gpt-4o-mini", api_base=server.url, api_key="none")
        await analysis(model, made_shop(folder), folder / "catalog.db")


def peak() -> float:
    """The most memory that this process has had, in MB."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / 1024 if sys.platform != "darwin" else kilobytes / 1024 / 1024


def memory(code: str) -> float:
    """The peak of a fresh process that carries this out."""
    told = f"{code}\nfrom benchmarks.analyst import peak\nprint(peak())"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True, text=True)
    return float(run.stdout.splitlines()[-1])


def one_over_http() -> None:
    """What the process that is measured does."""
    with TemporaryDirectory() as folder:
        asyncio.run(over_http(Path(folder)))


def wide(found: Introspection) -> Introspection:
    """The catalog with two more columns for each table, as one of SQLite."""
    more = [
        column.model_copy(
            update={"name": f"{column.name}_{at}", "position": column.position + at * 10}
        )
        for column in found.columns
        if column.position == 1
        for at in (1, 2)
    ]
    return found.model_copy(
        update={"columns": [*found.columns, *more], "data_source_type": "sqlite"}
    )


def greedy(names: Sequence[str]) -> list[ToolCall]:
    """Calls that want to see as much of the catalog as they can."""
    looks = [ToolCall.of("search_schema", text=text, limit=50) for text in QUESTIONS[:4]]
    described = [ToolCall.of("describe_table", tables=names[at : at + 8]) for at in (0, 8)]
    return [*looks, *described, ToolCall.of("answer_without_data", text="That is all.")]


def large_catalog(tables: int) -> None:
    """Print what a large catalog costs, and how much of it a request holds at most."""
    with TemporaryDirectory() as folder:
        file, catalog = made_shop(Path(folder)), Path(folder) / "catalog.db"
        found = wide(source(tables))
        CatalogStore(catalog).put(found)
        model = FakeModel(greedy([table.name for table in found.tables[:16]]))
        began = time.perf_counter()
        output = asyncio.run(analysis(model, file, catalog))
        whole = time.perf_counter() - began
        assert output.result is not None
        steps = output.result.execution_steps
        searches = [step.seconds for step in steps if step.tool == "search_schema"]
        opened = whole - sum(step.seconds for step in steps)
        longest = max(len(request.model_dump_json()) for request in model.requests)
        schema = len(found.model_dump_json())
    print(
        f"{tables} tables of 12 columns: opened in {opened:.2f} s, a search {median(searches) * 1000:.0f} ms (p50); "
        f"the longest request has {longest} characters, the catalog {schema}"
    )


def main() -> None:
    overhead(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
    loaded = memory("import litellm")
    whole = memory("from benchmarks.analyst import one_over_http; one_over_http()")
    print(
        f"memory: {whole:.0f} MB at its peak over HTTP; floor, `import litellm` alone: {loaded:.0f} MB"
    )
    large_catalog(TABLES)


if __name__ == "__main__":
    main()
