"""Against a real SQL Server, where one is given: what no double can show is that its T-SQL is right."""

import json
import os
from collections.abc import AsyncIterator

import pytest

from buster_tasks.sources import SqlserverCredentials
from buster_tasks.sources.sqlserver import SqlserverSource

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        "SQLSERVER_CREDENTIALS" not in os.environ,
        reason="opt-in: SQLSERVER_CREDENTIALS has the credentials of a real server as JSON",
    ),
]


@pytest.fixture
async def real() -> AsyncIterator[SqlserverSource]:
    known = json.loads(os.environ["SQLSERVER_CREDENTIALS"])
    async with SqlserverSource(SqlserverCredentials.model_validate(known)) as source:
        yield source


async def test_its_catalog_can_be_read(real: SqlserverSource) -> None:
    found = await real.introspect(statistics="catalog")
    unread = [issue for issue in found.issues if issue.code == "CATALOG_UNREADABLE"]
    assert unread == []
    assert found.databases


async def test_its_values_have_their_types(real: SqlserverSource) -> None:
    result = await real.execute(
        "SELECT CAST(1 AS bit) AS a, CAST('2024-02-29 01:02:03 +02:00' AS datetimeoffset) AS b, NEWID() AS c, "
        "CAST(1.5 AS sql_variant) AS d, CAST('é' AS varchar(5)) AS e, geography::Point(1, 2, 4326) AS f, "
        "CAST('<a/>' AS xml) AS g"
    )
    kinds = [type(value).__name__ for value in result.rows[0]]
    assert kinds == ["bool", "datetime", "UUID", "Decimal", "str", "bytes", "str"]
