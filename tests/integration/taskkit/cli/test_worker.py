"""`taskkit worker`: what it refuses, and what it answers to whoever asks whether it works."""

import http.client
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AWAY = '''
"""A store that others see too, and that does not answer while there is a file `away` beside it; `broken` breaks it."""

from pathlib import Path

from taskkit.backends.base import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import StoreUnavailableError


class Away(MemoryBackend):
    capabilities = MemoryBackend.capabilities | {Capability.SHARED}

    @classmethod
    def from_url(cls, url):
        return cls()

    async def advance(self, **options):
        if Path("away").exists():
            raise StoreUnavailableError("the cable was pulled")
        if Path("broken").exists():
            raise RuntimeError("the wheels came off")
        return await super().advance(**options)
'''


@pytest.fixture
def away(shop: Path) -> str:
    (shop / "away_store.py").write_text(AWAY, encoding="utf-8")
    installed = shop / "away-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: away\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[taskkit.backends]\naway = away_store:Away\n")
    return "away://user:secret@here"


@pytest.fixture
def start_worker(
    cli_process: Callable[..., "subprocess.Popen[str]"],
) -> Callable[..., "subprocess.Popen[str]"]:
    return lambda *more: cli_process("worker", "--app", "shop", *more)


def event(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    return dict(json.loads(process.stdout.readline()))


def asked(url: str, path: str, method: str = "GET") -> tuple[int, Any]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else None


def test_readiness_follows_the_store(start_worker, away: str, shop: Path) -> None:
    process = start_worker("--backend", away, "--health", "0", "--lease", "0.6", "-o", "json")
    started = event(process)
    assert started["event"] == "started"
    assert started["backend"] == "away://user:***@here"
    assert "greet" in started["tasks"]
    url = started["health"]
    while (found := asked(url, "/ready"))[0] != 200:
        assert found[1]["status"] == "starting"
    assert (found[1]["worker"], found[1]["store"]) == (started["worker"], "ok")
    (shop / "away").touch()
    while (found := asked(url, "/ready"))[0] == 200:  # a worker looks three times in each lease
        pass
    status, body = found
    assert (status, body["status"], body["store"]) == (503, "store unavailable", "unavailable")
    assert body["unavailable_since"] > body["last_claim"]
    assert asked(url, "/live") == (200, {"status": "live"})  # nothing to restart it for
    (shop / "away").unlink()
    while asked(url, "/ready")[0] != 200:
        pass
    process.send_signal(signal.SIGTERM)
    assert [event(process)["event"], event(process)["event"]] == ["stopping", "stopped"]
    assert process.wait(20) == 0
    assert process.stderr is not None
    said = process.stderr.read()
    assert said.count("the store cannot be reached") == said.count("the store is back") == 1
    assert "Traceback" not in said


def test_a_worker_that_dies_says_of_what(start_worker, away: str, shop: Path) -> None:
    (shop / "broken").touch()
    process = start_worker("--backend", away, "--health", "0")
    _, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "error: RuntimeError: the wheels came off" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/ready?x=1", "GET", 200),
        ("/live", "HEAD", 200),
        ("/", "GET", 404),
        ("/ready", "POST", 405),
    ],
)
def test_what_is_answered(start_worker, away: str, path: str, method: str, status: int) -> None:
    process = start_worker("--backend", away, "--health", "127.0.0.1:0", "-o", "json")
    url = event(process)["health"]
    while asked(url, "/ready")[0] != 200:
        pass
    assert asked(url, path, method)[0] == status


def test_a_worker_tells_people_what_it_does(start_worker, away: str) -> None:
    process = start_worker("--backend", away, "--queue", "imports", "--concurrency", "3")
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "works on away://user:***@here: " in line
    assert "queues imports, 3 runs at a time" in line
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    first, last = out.splitlines()
    assert first.endswith("SIGINT: claims nothing more, and has no run in hand")
    assert last.endswith("; 0 runs given back")
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "app", "status", "said"),
    [
        (["--backend", "memory://"], "shop.py", 3, "No worker can serve memory://."),
        ([], "shop.py", 3, "There is no backend to work on."),
        (["--backend", "shelf://here"], None, 3, "There is no task to work on."),
        (["--backend", "shelf://here", "--health", "x:y"], "shop.py", 2, "neither a port nor HOST:PORT"),
        (["--backend", "shelf://here", "--health", "99999"], "shop.py", 2, "neither a port nor HOST:PORT"),
        (["--backend", "shelf://here", "--health", "192.0.2.1:80"], "shop.py", 3, "Nothing can be served at"),
        (["--backend", "shelf://here", "--concurrency", "0"], "shop.py", 2, "at least 1"),
        (["--backend", "shelf://here", "--lease", "soon"], "shop.py", 2, "--lease is 'soon'"),
        (["--backend", "shelf://down"], "shop.py", 3, "cannot be opened"),
    ],
)  # fmt: skip
def test_what_a_worker_refuses(
    call_cli, shelf: str, arguments: list[str], app: str | None, status: int, said: str
) -> None:
    done = call_cli("worker", *arguments, app=app)
    assert (done.status, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_queue_that_nobody_declares_is_remarked_on(call_cli, shelf: str) -> None:
    ends_soon = ("--health", "192.0.2.1:80")
    done = call_cli(
        "worker", "--backend", shelf, "--queue", "importz", "--queue", "imports", *ends_soon
    )
    remarks = [line for line in done.stderr.splitlines() if line.startswith("No task")]
    assert len(remarks) == 1
    assert "queue 'importz'" in remarks[0]
