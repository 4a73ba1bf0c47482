"""The backend of `examples/redis_backend` keeps the contract, on a real Redis server."""

from collections.abc import Callable

import pytest

from taskkit.testing import BackendSuite

pytest.importorskip("redis", reason="redis is not installed")

from examples.redis_backend.redis_backend import RedisBackend  # needs it


class TestRedisBackend(BackendSuite):
    @pytest.fixture(autouse=True)
    def _use(self, redis_url: str, new_redis_prefix: Callable[[], str]) -> None:
        self.url, self.prefix = redis_url, new_redis_prefix()

    def make_backend(self) -> RedisBackend:
        return RedisBackend(self.url, prefix=self.prefix)

    def make_another(self, backend: RedisBackend) -> RedisBackend:
        return RedisBackend(self.url, prefix=self.prefix)
