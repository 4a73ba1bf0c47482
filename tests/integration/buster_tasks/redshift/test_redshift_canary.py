"""A password of Redshift is in nothing that a source leaves behind, whether it gets in or not."""

from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.doubles.footprint import Footprint

pytestmark = pytest.mark.anyio

CANARY = "canary-7f3a\"é'%2\\"


@pytest.mark.parametrize("given", [CANARY, "wrong-canary-5e1f"])
async def test_a_password(
    redshift: Any, admin: psycopg.Connection[Any], footprint: Footprint, given: str
) -> None:
    role = sql.Identifier("canary_role")
    admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(CANARY)))
    try:
        known = redshift.credentials(username="canary_role", password=given)
        output = await footprint.of(known)
    finally:
        admin.execute(sql.SQL("DROP ROLE {}").format(role))
    assert output.success is (given == CANARY)
    assert footprint.found("canary_role")  # it does look
    assert footprint.found(given, "canary-7f3a", "canary-5e1f") == []
