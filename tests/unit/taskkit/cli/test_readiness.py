"""When a worker counts as ready."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskkit.cli.problem import Problem
from taskkit.cli.readiness import place_of, readiness, stale_after
from taskkit.errors import UnsupportedByBackendError
from taskkit.model.exchange import WorkerHealth

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class AWorker:
    """As far as readiness looks at one."""

    def __init__(self, *, is_serving: bool = True, tells: bool = True, **health: Any) -> None:
        self.is_serving = is_serving
        self._tells = tells
        self._health = WorkerHealth("worker_1", concurrency=4, running=2, waiting=1, **health)

    def health(self) -> WorkerHealth:
        if not self._tells:
            raise UnsupportedByBackendError("The health of a worker", backend="other")
        return self._health


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("worker", "code", "status"),
    [
        (AWorker(last_claim=ago(30)), 200, "ready"),
        (AWorker(last_claim=ago(30.1)), 503, "stale"),
        (AWorker(), 503, "starting"),
        (AWorker(last_claim=ago(1), unavailable_since=ago(0.5)), 503, "store unavailable"),
        (AWorker(last_claim=ago(1), is_stopping=True), 503, "stopping"),
        (AWorker(last_claim=ago(1), is_serving=False), 503, "not serving"),
        (AWorker(tells=False), 200, "ready"),
        (AWorker(tells=False, is_serving=False), 503, "not serving"),
    ],
)
def test_ready_is_who_looks_for_work(worker: Any, code: int, status: str) -> None:
    answered, body = readiness(worker, bound=30, now=NOW)
    assert (answered, body["status"]) == (code, status)


def test_what_is_told() -> None:
    worker: Any = AWorker(last_claim=ago(2), last_beat=ago(3))
    assert readiness(worker, bound=30, now=NOW)[1] == {
        "status": "ready", "worker": "worker_1", "store": "ok", "unavailable_since": None,
        "last_claim": ago(2), "last_beat": ago(3), "running": 2, "waiting": 1, "concurrency": 4,
        "stale_after": 30,
    }  # fmt: skip


def test_a_worker_with_short_leases_has_time_to_look() -> None:
    assert (stale_after(0.5), stale_after(60)) == (5, 60)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:0", ("::1", 0)),
        ("host:1", ("host", 1)),
    ],
)
def test_where_it_is_told(text: str, place: tuple[str, int]) -> None:
    assert place_of(text) == place


@pytest.mark.parametrize("text", ["", "x", ":80", "host:", "65536", "-1", "host:²"])
def test_a_place_that_is_none(text: str) -> None:
    with pytest.raises(Problem, match="neither a port nor HOST:PORT"):
        place_of(text)
