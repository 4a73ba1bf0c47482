"""Against a real cluster or workgroup, where one is given: no double can show that its catalog is as we think."""

import json
import os
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from buster_tasks.errors import PermissionDeniedError, SourceTimeoutError
from buster_tasks.sources import connect
from buster_tasks.sources.redshift import RedshiftSource

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        "REDSHIFT_CREDENTIALS" not in os.environ,
        reason="opt-in: REDSHIFT_CREDENTIALS has the credentials of a real cluster as JSON",
    ),
]


@pytest.fixture
async def real() -> AsyncIterator[RedshiftSource]:
    source = connect({"type": "redshift", **json.loads(os.environ["REDSHIFT_CREDENTIALS"])})
    assert isinstance(source, RedshiftSource)
    async with source:
        yield source


async def test_its_catalog_can_be_read(real: RedshiftSource) -> None:
    found = await real.introspect(statistics="catalog")
    assert [issue for issue in found.issues if issue.code == "CATALOG_UNREADABLE"] == []
    assert found.schemas
    assert real.statements <= 10


async def test_its_values_have_their_types(real: RedshiftSource) -> None:
    result = await real.execute(
        "SELECT 1.50::numeric(9,2) AS a, json_parse('{\"x\": [1]}') AS b, 'ab'::varbyte AS c"
    )
    assert result.rows == [(Decimal("1.50"), {"x": [1]}, b"ab")]


async def test_no_more_rows_come_than_are_wanted(real: RedshiftSource) -> None:
    result = await real.execute("SELECT * FROM svv_all_columns", max_rows=3)
    assert (result.row_count, result.truncated) == (3, True)


async def test_it_only_reads(real: RedshiftSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buster_tasks.sources.redshift.session.refuse_writes", lambda _sql: None)
    with pytest.raises(PermissionDeniedError):
        await real.execute("CREATE TABLE taskkit_must_not_be (a int)")


async def test_a_statement_is_stopped(real: RedshiftSource) -> None:
    slow = "SELECT count(*) FROM svv_all_columns a, svv_all_columns b, svv_all_columns c"
    with pytest.raises(SourceTimeoutError):
        await real.execute(slow, timeout=1)
    assert (await real.execute("SELECT 1")).rows == [(1,)]
