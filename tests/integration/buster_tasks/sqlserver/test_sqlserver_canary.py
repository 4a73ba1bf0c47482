"""A password of SQL Server is in nothing that a source leaves behind, whether it gets in or not."""

from typing import Any

import pytest

from tests.doubles.footprint import Footprint

pytestmark = pytest.mark.anyio

CANARY = "canary-7f3a;é}{=%2"


@pytest.mark.parametrize("given", [CANARY, "wrong-canary-5e1f"])
async def test_a_password(account: Any, footprint: Footprint, given: str) -> None:
    account.limit(password=CANARY)
    known = {"database": account.name, "username": account.name, "password": given}
    output = await footprint.of(account.server.credentials(**known))
    assert output.success is (given == CANARY)
    assert footprint.found(account.name)  # it does look
    assert footprint.found(given, "canary-7f3a", "canary-5e1f") == []
    await account.until_alone()
