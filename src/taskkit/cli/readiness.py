"""Whether a worker can do its work, answered over HTTP for whoever restarts or rolls it out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from taskkit.cli.problem import TROUBLE, Problem
from taskkit.cli.screen import plain
from taskkit.errors import UnsupportedByBackendError
from taskkit.model.exchange import WorkerHealth
from taskkit.session import Worker

Answer = tuple[int, dict[str, Any]]

_OK, _UNAVAILABLE = 200, 503
_SHORTEST_BOUND = 5.0
_LONGEST_HEAD = 16_384
_PATIENCE = 5.0
_REASONS = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable",
}  # fmt: skip


def stale_after(lease: float) -> float:
    """How old the last look for work may be, in seconds: a worker looks three times in each lease."""
    return max(lease, _SHORTEST_BOUND)


def readiness(worker: Worker, *, bound: float, now: datetime) -> Answer:
    """Whether it works, as status and body: 200 only while it finds its store and looks for work.

    A process that is up and does neither answers 503.
    """
    try:
        health = worker.health() if worker.is_serving else None
    except UnsupportedByBackendError:  # an engine of its own, which tells nothing
        return _OK, {"status": "ready", "store": "unknown"}
    if health is None:
        return _UNAVAILABLE, {"status": "not serving", "store": "unknown"}
    status = _status(health, bound, now)
    code = _OK if status == "ready" else _UNAVAILABLE
    return code, {"status": status, **_facts(health), "stale_after": bound}


def _status(health: WorkerHealth, bound: float, now: datetime) -> str:
    if health.is_stopping:
        return "stopping"
    if health.unavailable_since is not None:
        return "store unavailable"
    if health.last_claim is None:
        return "starting"
    return "stale" if now - health.last_claim > timedelta(seconds=bound) else "ready"


def _facts(health: WorkerHealth) -> dict[str, Any]:
    return {
        "worker": health.worker,
        "store": "ok" if health.unavailable_since is None else "unavailable",
        "unavailable_since": health.unavailable_since,
        "last_claim": health.last_claim,
        "last_beat": health.last_beat,
        "running": health.running,
        "waiting": health.waiting,
        "concurrency": health.concurrency,
    }


def place_of(text: str) -> tuple[str, int]:
    """Host and port of `8080`, `0.0.0.0:8080` or `[::1]:8080`; a Problem for anything else."""
    host, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65_536) or (colon and not host):
        raise Problem(
            f"--health {text} is neither a port nor HOST:PORT.",
            fix="Write --health 8080, or --health 0.0.0.0:8080 where others than this machine ask.",
        )
    return host.strip("[]") or "127.0.0.1", int(port)


@asynccontextmanager
async def answering(place: str | None, ask: Callable[[], Answer]) -> AsyncGenerator[str | None]:
    """In this block GET /ready gives what `ask` says, and GET /live that the process answers; gives its address."""
    if place is None:
        yield None
        return
    host, port = place_of(place)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                writer.write(_response(await _head(reader), ask))
                await writer.drain()
        except (TimeoutError, OSError):
            pass  # who asked has gone, or says nothing
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(handle, host, port, limit=_LONGEST_HEAD)
    except OSError as error:
        raise Problem(
            f"Nothing can be served at {host}:{port}.",
            where=f"--health {place}",
            why=str(error),
            fix="Give a port that is free, or the name of this machine.",
            status=TROUBLE,
        ) from error
    async with server:
        found = server.sockets[0].getsockname()
        shown = f"[{found[0]}]" if ":" in found[0] else found[0]
        yield f"http://{shown}:{found[1]}"


async def _head(reader: asyncio.StreamReader) -> bytes:
    """The first line of a request, once all its headers have come."""
    try:
        return (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0]
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return b""


def _response(line: bytes, ask: Callable[[], Answer]) -> bytes:
    parts = line.split(b" ")
    if len(parts) != 3:
        return _written(400, {"status": "not understood"})
    method, path = parts[0], parts[1].partition(b"?")[0]
    if method not in (b"GET", b"HEAD"):
        return _written(405, {"status": "only GET is answered"})
    if path == b"/ready":
        code, body = ask()
    elif path == b"/live":
        code, body = _OK, {"status": "live"}
    else:
        code, body = 404, {"status": "there is only /live and /ready"}
    return _written(code, body, with_body=method == b"GET")


def _written(code: int, body: dict[str, Any], *, with_body: bool = True) -> bytes:
    content = json.dumps(plain(body)).encode() + b"\n"
    head = (
        f"HTTP/1.1 {code} {_REASONS[code]}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (content if with_body else b"")
