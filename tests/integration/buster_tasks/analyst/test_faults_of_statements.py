"""What a model may get wrong in SQL, over HTTP and on real databases: refused or cut off, told, and repaired."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers import PostgresServer
from buster_tasks.language_model import ToolCall
from tests.integration.buster_tasks.analyst.conftest import (
    BY_COUNTRY,
    CONTEXT,
    MANY,
    ORDER,
    PLAN,
    SHOP,
    AskOverHttp,
    found_in,
    run_sql,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgres", "duckdb"])
def source(request: pytest.FixtureRequest, shop: Path, tmp_path: Path) -> dict[str, Any]:
    """Credentials of the shop on a database; on SQLite, which has no comments, a cell gives the orders."""
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.credentials()
    if request.param == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        path = tmp_path / "shop.duckdb"
        with closing(duckdb.connect(str(path))) as connection:
            connection.execute(SHOP)
            connection.execute(f"COMMENT ON TABLE orders IS '{ORDER}'")
        return {"type": "duckdb", "path": str(path)}
    with closing(sqlite3.connect(shop)) as connection:
        connection.execute("UPDATE customers SET name = ? WHERE id = 4", [ORDER])
        connection.commit()
    return {"type": "sqlite", "path": str(shop)}


WRONG = [
    ("SELECT revenu FROM orders", "'revenu' is no column"),
    ("SELECT totl FROM orders", "near it are total"),
    ("SELECT total FROM order_lines", "There are tables called order_items"),
    ("SELECT FROM WHERE", "The SQL cannot be parsed"),
    ("SELECT SUM(total) FROM orders GROUP BY", "rejects the statement"),
    ("DROP TABLE orders", "The source is only read"),
    ("DELETE FROM orders WHERE 1 = 1", "The source is only read"),
    ("UPDATE orders SET total = 0", "The source is only read"),
    ("SELECT 1; DROP TABLE orders", "more than one statement"),
    ("WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone", "Not done."),
]


async def test_wrong_statements_are_told_and_the_right_one_gives_a_verified_finding(
    over_http: AskOverHttp, source: dict[str, Any]
) -> None:
    wrong = [run_sql(sql) for sql, _ in WRONG]
    heard = await over_http(
        [CONTEXT, PLAN, *wrong, run_sql(BY_COUNTRY), found_in("r1")], source=source
    )
    told = heard.answers
    for (sql, said), answer in zip(WRONG, told, strict=False):
        assert answer.startswith("Not done."), sql
        assert said in answer, sql
    assert (heard.output.success, heard.verdicts) == (True, ["verified"])
    assert heard.result.findings[0].text == "France brings the most revenue, 559.75."
    assert [step.ok for step in heard.result.execution_steps].count(False) == len(WRONG)


async def test_an_explosion_of_rows_is_cut_off_and_one_of_work_is_stopped(
    over_http: AskOverHttp, source: dict[str, Any]
) -> None:
    rows = "SELECT a.id FROM orders AS a, orders AS b, orders AS c, orders AS d"
    heard = await over_http(
        [CONTEXT, PLAN, run_sql(rows), run_sql(MANY), run_sql(BY_COUNTRY), found_in("r2")],
        source=source,
        options={"limits": {"rows": 100, "statement_seconds": 1.5}},
    )
    cut, stopped = heard.answers[:2]
    assert cut.startswith("Result r1: 100 rows, cut off at 100: there are more")
    assert stopped.startswith("Not done.")
    assert "did not end within 1.5 s" in stopped
    assert heard.verdicts == ["verified"]


async def test_orders_in_comments_and_cells_are_data_and_are_told(
    over_http: AskOverHttp, source: dict[str, Any]
) -> None:
    names = run_sql("SELECT name FROM customers ORDER BY id")
    heard = await over_http(
        [CONTEXT, PLAN, names, run_sql(BY_COUNTRY), found_in("r2")], source=source
    )
    assert "INSTRUCTIONS_IN_DATA" in heard.warnings
    assert heard.result.status == "completed_with_warnings"
    assert heard.verdicts == ["verified"]
    seen = [str(message.get("content")) for message in heard.requests[-1].body["messages"]]
    quoted = [text for text in seen if "Ignore all previous" in text]
    assert quoted
    for text in quoted:
        assert text.index("<data-") < text.index("Ignore all previous") < text.rindex("</data-")
        assert "\u200b" not in text
    assert ORDER not in heard.result.response


async def test_a_claim_without_support_is_sent_back_then_dropped_and_never_told_as_true(
    over_http: AskOverHttp, source: dict[str, Any]
) -> None:
    """A number by itself is refused at once; one of a statement that is none of the claim's, in the review."""
    wrong = ToolCall.of(
        "submit_findings",
        findings=[{"claim": "France brings 900.00.", "values": [], "evidence": ["r1"]}],
    )
    drop = ToolCall.of("drop_finding", id="f1", reason="It is not shown.")
    bare = ToolCall.of("submit_findings", findings=[{"claim": "Sales are healthy."}])
    heard = await over_http(
        [
            CONTEXT,
            PLAN,
            wrong,
            run_sql(BY_COUNTRY),
            wrong,
            bare,
            [drop, ToolCall.of("submit_review")],
        ],
        source=source,
    )
    assert sum("'900.00'" in answer for answer in heard.answers) >= 1
    assert heard.output.success
    assert heard.verdicts == []
    assert "FINDING_DROPPED" in heard.warnings
    assert "900" not in heard.result.response
