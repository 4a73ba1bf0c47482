"""A real account, where `SNOWFLAKE_TEST_CREDENTIALS` names one: it is only read."""

import asyncio
import json
import os
from collections.abc import AsyncIterator

import pytest

from buster_tasks.errors import PermissionDeniedError, QueryFailedError, SourceTimeoutError
from buster_tasks.sources import SnowflakeCredentials
from buster_tasks.sources.secrets import resolve_secret
from buster_tasks.sources.snowflake import SnowflakeSource

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        "SNOWFLAKE_TEST_CREDENTIALS" not in os.environ,
        reason="NOT TESTED against a real account: set SNOWFLAKE_TEST_CREDENTIALS (docs/sources/snowflake.md)",
    ),
]
ENDLESS = "SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 1000000000)) a, TABLE(GENERATOR(ROWCOUNT => 1000000)) b"


@pytest.fixture
async def real() -> AsyncIterator[SnowflakeSource]:
    known = json.loads(resolve_secret(os.environ["SNOWFLAKE_TEST_CREDENTIALS"]))
    async with SnowflakeSource(SnowflakeCredentials.model_validate(known)) as source:
        yield source


async def test_it_is_introspected(real: SnowflakeSource) -> None:
    assert (await real.test()).ok
    before = real.statements
    found = await real.introspect()
    assert real.statements - before <= 9
    assert found.columns or not found.tables
    assert not [one for one in found.issues if one.code == "CATALOG_UNREADABLE"]


async def test_statements_are_read_and_stopped(real: SnowflakeSource) -> None:
    result = await real.execute(
        "SELECT SEQ4() AS N FROM TABLE(GENERATOR(ROWCOUNT => 5))", max_rows=4
    )
    assert (result.row_count, result.truncated) == (4, True)
    with pytest.raises(QueryFailedError):
        await real.execute("SELECT * FROM there_is_no_such_table")
    with pytest.raises(PermissionDeniedError):
        await real.execute("CREATE TABLE made_by_a_test (a INT)")
    with pytest.raises(SourceTimeoutError):
        await real.execute(ENDLESS, timeout=3)
    running = asyncio.ensure_future(real.execute(ENDLESS, timeout=60))
    await asyncio.wait([running], timeout=2)
    await real.cancel()
    with pytest.raises(Exception, match="cancel"):
        await running
