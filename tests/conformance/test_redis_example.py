"""The backend of `examples/redis_backend` keeps the contract, on a real Redis server."""

from collections.abc import Callable
from pathlib import Path

import pytest

from taskkit.testing import BackendSuite

pytest.importorskip("redis", reason="redis is not installed")

from examples.redis_backend.redis_backend import RedisBackend  # needs it

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "redis_backend" / "redis_backend.py"


class TestRedisBackend(BackendSuite):
    @pytest.fixture(autouse=True)
    def _use(self, redis_url: str, new_redis_prefix: Callable[[], str]) -> None:
        self.url, self.prefix = redis_url, new_redis_prefix()

    def make_backend(self) -> RedisBackend:
        return RedisBackend(self.url, prefix=self.prefix)

    def make_another(self, backend: RedisBackend) -> RedisBackend:
        return RedisBackend(self.url, prefix=self.prefix)


def test_the_example_stays_short_enough_to_be_read() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 250
