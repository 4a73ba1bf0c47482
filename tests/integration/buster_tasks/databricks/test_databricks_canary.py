"""Secrets of Databricks are in nothing that a source leaves behind, whether it gets in or not."""

from typing import Any

import pytest

from tests.doubles.footprint import Footprint

pytestmark = pytest.mark.anyio

CANARY, WRONG = "dapi-canary-7f3a", "wrong-canary-5e1f"


@pytest.mark.parametrize("given", [CANARY, WRONG])
async def test_a_token(server: Any, account: Any, footprint: Footprint, given: str) -> None:
    server.user(account.name, CANARY)
    known = {"access_token": given, "catalog": account.name}
    output = await footprint.of(server.credentials(**known))
    assert output.success is (given == CANARY)
    assert footprint.found(account.name)  # it does look
    assert footprint.found(CANARY, WRONG) == []
    await account.until_alone()


@pytest.mark.parametrize("given", [CANARY, WRONG])
async def test_a_secret_of_a_principal(server: Any, footprint: Footprint, given: str) -> None:
    server.ask("client", name="c0ffee-canaries", secret=CANARY)
    known = {"access_token": None, "client_id": "c0ffee-canaries", "client_secret": given}
    output = await footprint.of(server.credentials(**known))
    assert output.success is (given == CANARY)
    assert footprint.found("c0ffee-canaries")  # it does look
    assert footprint.found(CANARY, WRONG) == []
