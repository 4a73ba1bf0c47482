"""Reading statements on the stand-in for Snowflake: what is sent, what comes, how it ends."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from buster_tasks.errors import QueryCanceledError, QueryFailedError, SourceTimeoutError
from buster_tasks.sources.snowflake import SnowflakeSource

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., SnowflakeSource]
ENDLESS = "SELECT SUM(a.range * b.range % 7) FROM RANGE(10000000) a, RANGE(10000000) b"


async def test_values_are_of_their_types(source: SnowflakeSource) -> None:
    result = await source.execute(
        "SELECT 42 AS I, 1.50::NUMBER(12,4) AS D, PARSE_JSON('{\"a\": [1, null]}') AS V, X'00FF' AS B, "
        "'2024-02-29 12:00:00 UTC'::TIMESTAMP_TZ AS Z, '12:30:00'::TIME AS T, NULL AS N"
    )
    assert result.rows == [
        (42, Decimal("1.5000"), {"a": [1, None]}, b"\x00\xff",
         datetime(2024, 2, 29, 12, tzinfo=UTC), time(12, 30), None),
    ]  # fmt: skip
    assert [one.data_type for one in result.columns[:4]] == [
        "NUMBER(38,0)", "NUMBER(12,4)", "VARIANT", "BINARY",
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [999, 1_000, 1_001, 2_000])
async def test_max_rows_is_exact_around_the_page(source: SnowflakeSource, rows: int) -> None:
    sql = f"SELECT range FROM RANGE({rows})"
    for most in (rows - 1, rows, rows + 1):
        result = await source.execute(sql, max_rows=most)
        assert (result.row_count, result.truncated) == (min(most, rows), most < rows)


async def test_limits_go_with_the_statement(account: Any, source: SnowflakeSource) -> None:
    await source.execute("SELECT 1", max_rows=7, timeout=12.5)
    (asked,) = [one for one in account.asked() if one["sql"] == "SELECT 1"]
    wanted = {"ROWS_PER_RESULTSET": 8, "STATEMENT_TIMEOUT_IN_SECONDS": 14}
    assert {name: int(asked["parameters"][name]) for name in wanted} == wanted


async def test_the_session_takes_no_secondary_roles_and_sends_no_telemetry(
    account: Any, source: SnowflakeSource
) -> None:
    with pytest.raises(QueryFailedError):
        await source.execute("SELECT * FROM nowhere")
    await source.close()
    asked = account.server.state()["asked"]
    mine = [one["sql"] for one in asked if one["user"] == account.name]
    assert mine[0] == "USE SECONDARY ROLES NONE"
    assert not [one for one in asked if one["sql"] == "TELEMETRY"]


async def test_a_timeout_stops_the_statement_in_snowflake(
    account: Any, source: SnowflakeSource
) -> None:
    with pytest.raises(SourceTimeoutError):
        await source.execute(f"{ENDLESS} /* late */", timeout=0.3)
    await account.until_nothing_runs("late")
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_a_cancel_stops_the_statement_in_snowflake(
    account: Any, source: SnowflakeSource
) -> None:
    running = asyncio.ensure_future(source.execute(f"{ENDLESS} /* unwanted */", timeout=600))
    await account.until_running("unwanted")
    await source.cancel()
    with pytest.raises(QueryCanceledError):
        await running
    await account.until_nothing_runs("unwanted")


async def test_closing_stops_the_statement_and_logs_out(
    account: Any, open_source: OpenSource
) -> None:
    source = open_source()
    running = asyncio.ensure_future(source.execute(f"{ENDLESS} /* closed */", timeout=600))
    await account.until_running("closed")
    await source.close()
    with pytest.raises(QueryCanceledError):
        await running
    await account.until_nothing_runs("closed")
    await account.until_alone()
