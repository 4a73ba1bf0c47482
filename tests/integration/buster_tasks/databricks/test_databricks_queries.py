"""Reading statements: values by type, exact rows, what is left on the server."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from buster_tasks.errors import QueryCanceledError, QueryFailedError, SourceTimeoutError
from buster_tasks.sources.databricks import DatabricksSource

pytestmark = pytest.mark.anyio

ENDLESS = "SELECT sum(a.id * b.id % 7) FROM range(10000000) a(id), range(10000000) b(id)"


async def test_values_are_by_type_and_not_by_their_shape(source: DatabricksSource) -> None:
    result = await source.execute(
        "SELECT CAST('2024-01-02 03:04:05+00:00' AS timestamp) AS z, timestamp_ntz'2024-01-02 03:04:05' AS n, "
        "'[1, 2]' AS t, array(1, 2) AS a, named_struct('x', 1, 'y', 'b') AS s, map('k', 1) AS m, "
        "CAST(1.5 AS decimal(10,2)) AS d"
    )
    (row,) = result.rows
    assert row == (
        datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2024, 1, 2, 3, 4, 5),  # noqa: DTZ001 - it has no zone
        "[1, 2]",
        [1, 2],
        {"x": 1, "y": "b"},
        {"k": 1},
        Decimal("1.50"),
    )
    assert [one.data_type for one in result.columns][:4] == [
        "timestamp", "timestamp_ntz", "string", "array<int>",
    ]  # fmt: skip


@pytest.mark.parametrize("most", [4_999, 5_000, 5_001, 10_000, 10_001])
async def test_max_rows_is_exact_around_the_page(source: DatabricksSource, most: int) -> None:
    result = await source.execute("SELECT id FROM range(10001) AS t(id) ORDER BY id", max_rows=most)
    assert [row[0] for row in result.rows] == list(range(most))
    assert result.truncated == (most < 10_001)


async def test_nothing_is_left_behind_on_the_server(account: Any, source: DatabricksSource) -> None:
    await source.execute("SELECT 1", max_rows=0)
    with pytest.raises(QueryFailedError):
        await source.execute("SELECT * FROM nowhere")
    with pytest.raises(SourceTimeoutError):
        await source.execute(ENDLESS, timeout=0.1)
    await source.execute("SELECT 1")
    assert account.told()["operations"] == []
    assert account.told()["sessions"] == 1


async def test_a_cancel_reaches_the_server_while_it_lets_us_wait(
    account: Any, source: DatabricksSource
) -> None:
    running = asyncio.ensure_future(source.execute(ENDLESS, timeout=60))
    await account.until_running(running)
    await source.cancel()
    with pytest.raises(QueryCanceledError):
        await running
    assert (await source.execute("SELECT 1")).rows == [(1,)]
    assert account.told()["running"] == []
