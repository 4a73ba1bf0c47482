"""The fake source keeps the contract, with answers that come from SQLite."""

from pathlib import Path

import pytest

from buster_tasks.errors import AuthenticationError
from buster_tasks.testing import DataSourceSuite, FakeSource, Refusal
from tests.conformance.buster_tasks.shops import FAKE, Shop, make_shop


class TestFake(DataSourceSuite):
    dialect = FAKE

    @pytest.fixture(autouse=True)
    async def _shop(self, tmp_path: Path) -> None:
        self.shop: Shop = await make_shop(tmp_path)

    def make_source(self) -> FakeSource:
        return self.shop.source()

    def refusals(self) -> list[Refusal]:
        source = FakeSource(self.shop.found)
        error = AuthenticationError("The password is wrong.", fix="Give another.")
        source.fail("open", error)
        source.fail("test", error)
        return [Refusal(source, AuthenticationError, ("hunter2",))]
