"""The Temporal backend keeps the contract, on a real dev server."""

from collections.abc import Callable

import pytest

from taskkit.testing import BackendSuite

pytest.importorskip("temporalio", reason="temporalio is not installed")

from taskkit.backends.temporal import TemporalBackend  # needs it


class TestTemporalBackend(BackendSuite):
    @pytest.fixture(autouse=True)
    def _use(self, new_temporal_url: Callable[[], str]) -> None:
        self.url = new_temporal_url()

    def make_backend(self) -> TemporalBackend:
        return TemporalBackend.from_url(self.url)

    def make_another(self, backend: TemporalBackend) -> TemporalBackend:
        return TemporalBackend.from_url(self.url)
