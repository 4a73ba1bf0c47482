"""The backend of `examples/redis_backend` does what the reference model does, on a real Redis server."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from taskkit.testing import BackendStateMachine

pytest.importorskip("redis", reason="redis is not installed")

from examples.redis_backend.redis_backend import RedisBackend  # needs it

FEW = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_redis_does_what_the_model_does(
    redis_url: str, new_redis_prefix: Callable[[], str]
) -> None:
    class Machine(BackendStateMachine):
        def make_backend(self) -> RedisBackend:
            self.prefix = new_redis_prefix()
            return RedisBackend(redis_url, prefix=self.prefix)

        def reopen_backend(self, backend: RedisBackend) -> RedisBackend:
            return RedisBackend(redis_url, prefix=self.prefix)

    run_state_machine_as_test(Machine, settings=FEW)
