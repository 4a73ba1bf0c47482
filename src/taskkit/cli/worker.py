"""`taskkit worker`: work on the runs of a backend, in a process of its own."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import Parameter

import taskkit
from taskkit import config
from taskkit.cli.interrupt import Interruption, end_soon, gently
from taskkit.cli.loading import load, no_tasks_hint
from taskkit.cli.options import NOTHING_SAID, Shared, seconds_of
from taskkit.cli.problem import OK, TROUBLE, Problem
from taskkit.cli.readiness import answering, place_of, readiness, stale_after
from taskkit.cli.screen import (
    console,
    duration,
    limit,
    note,
    on_stdout,
    prints_kept_apart,
    write_json_line,
)
from taskkit.cli.where import reached, shared_home, without_password
from taskkit.definition.registry import REGISTRY
from taskkit.errors import UnsupportedByBackendError
from taskkit.model.exchange import WorkerHealth
from taskkit.runtime.home import Home
from taskkit.session import Worker

_IDS_SHOWN = 5
_LOOKS, _PAUSE = 100, 0.01
_Duration = Annotated[str, Parameter(help="Seconds, or a text such as `30s` or `2m`.")]


def worker(
    *,
    queue: Annotated[
        tuple[str, ...], Parameter(help="Only runs of this queue; may be repeated.")
    ] = (),
    concurrency: Annotated[int, Parameter(help="How many runs at a time; otherwise 10.")] = 10,
    lease: _Duration = "30s",
    drain: _Duration = "25s",
    health: Annotated[
        str | None, Parameter(help="A port, or HOST:PORT, that answers GET /live and /ready.")
    ] = None,
    shared: Shared = NOTHING_SAID,
) -> int:
    """Work on the runs of a backend, until SIGTERM or Ctrl-C.

    Then it claims nothing more, waits up to `--drain` for what runs, and gives the rest back: others go on with it at
    once, in the same attempt. A second signal gives it back without waiting, a third ends the process.
    What a worker holds and does not renew for `--lease`, because it died, others take.

    Exit status: 0 it was asked to stop · 2 something typed is wrong · 3 trouble with configuration, tasks or backend.

    For example:

        taskkit worker --app shop/tasks.py --backend sqlite:///runs.db
        taskkit worker --queue emails --concurrency 50 --health 8080
    """
    with prints_kept_apart():
        load(shared)
        if health is not None:
            place_of(health)
        home = _home()
        _check_tasks(queue)
        held, waits = seconds_of(lease, "--lease"), seconds_of(drain, "--drain")
        made = taskkit.worker(
            queues=queue or None, concurrency=concurrency, lease=held, drain=waits
        )
        teller = _Teller(made, home, shared, queue, waits)
        return asyncio.run(_work(home, made, teller, health, stale_after(held)))


async def _work(home: Home, made: Worker, teller: _Teller, health: str | None, bound: float) -> int:
    asked = asyncio.Event()
    with gently(asked.set, second=made.release) as signals:
        async with (
            answering(health, lambda: readiness(made, bound=bound, now=datetime.now(UTC))) as url,
            reached(home),
        ):
            async with made:
                await _begun(made)
                teller.started(url)
                await _asked_or_ended(asked, made)
                teller.stopping(signals)
            teller.stopped()
        end_soon(OK, signaled=True)
    return OK


async def _begun(made: Worker) -> None:
    """Return once it tells its name and its slots, or long enough after: an engine of its own tells neither."""
    for _ in range(_LOOKS):
        try:
            made.health()
        except UnsupportedByBackendError:
            await asyncio.sleep(_PAUSE)
        else:
            return


async def _asked_or_ended(asked: asyncio.Event, made: Worker) -> None:
    asking, ending = asyncio.ensure_future(asked.wait()), asyncio.ensure_future(made.ended())
    try:
        await asyncio.wait((asking, ending), return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            ending.result()  # raises what it died of
    finally:
        asking.cancel()
        ending.cancel()


class _Teller:
    """Says when the worker starts, begins to stop, and has stopped: a line for people, or one of JSON."""

    def __init__(
        self, made: Worker, home: Home, shared: Shared, queues: tuple[str, ...], drain: float
    ) -> None:
        self._made = made
        self._backend = without_password(home.name)
        self._as_json = shared.is_json
        self._queues = sorted(set(queues))
        self._drain = drain
        self._began = time.monotonic()
        self._stopping = self._began

    def started(self, url: str | None) -> None:
        tasks = sorted(REGISTRY.ids())
        health = self._health()
        self._say(
            "started",
            lambda: _started_line(health, self._backend, tasks, self._queues, url),
            backend=self._backend,
            tasks=tasks,
            queues=self._queues or None,
            concurrency=None if health is None else health.concurrency,
            health=url,
        )

    def stopping(self, signals: Interruption) -> None:
        self._stopping = time.monotonic()
        health = self._health()
        running = 0 if health is None else health.running
        name = "" if signals.number is None else signal.Signals(signals.number).name
        self._say(
            "stopping",
            lambda: (
                f"{name}: claims nothing more; waits up to {limit(self._drain)} for {_runs(running)}"
                if running
                else f"{name}: claims nothing more, and has no run in hand"
            ),
            signal=name or None,
            running=running,
        )

    def stopped(self) -> None:
        health = self._health()
        given_back = 0 if health is None else health.given_back
        took = time.monotonic() - self._stopping
        self._say(
            "stopped",
            lambda: f"stopped after {duration(took)}; {_runs(given_back)} given back",
            given_back=given_back,
            seconds=round(took, 3),
        )

    def _health(self) -> WorkerHealth | None:
        try:
            return self._made.health()
        except UnsupportedByBackendError:
            return None

    def _say(self, event: str, line: Callable[[], str], **facts: Any) -> None:
        health = self._health()
        with on_stdout():
            if self._as_json:
                name = None if health is None else health.worker
                write_json_line({"event": event, "at": datetime.now(UTC), "worker": name, **facts})
                return
            who = "worker" if health is None else health.worker
            console().print(f"{datetime.now():%H:%M:%S}  {who} {line()}", soft_wrap=True)  # noqa: DTZ005 - for the eye


def _started_line(
    health: WorkerHealth | None, backend: str, tasks: list[str], queues: list[str], url: str | None
) -> str:
    shown = ", ".join(tasks[:_IDS_SHOWN]) + (", ..." if len(tasks) > _IDS_SHOWN else "")
    of = f"queues {', '.join(queues)}" if queues else "every queue"
    at_a_time = "" if health is None else f", {_runs(health.concurrency)} at a time"
    noun = "task" if len(tasks) == 1 else "tasks"
    ready = "" if url is None else f"; {url}/ready says whether it works"
    return f"works on {backend}: {len(tasks)} {noun} ({shown}), {of}{at_a_time}{ready}"


def _runs(number: int) -> str:
    return f"{number} run" if number == 1 else f"{number} runs"


def _home() -> Home:
    home = shared_home()
    if home is not None:
        return home
    given = config.current().backend
    raise Problem(
        "There is no backend to work on." if given is None else f"No worker can serve {given}.",
        why=(
            ""
            if given is None
            else "Runs in memory live in the process that triggers them: a worker of its own would never see one."
        ),
        fix="Name one that keeps runs: --backend sqlite:///runs.db, TASKKIT_BACKEND, or backend under [tool.taskkit]. "
        "Within one process, write `async with taskkit.local():` instead.",
        status=TROUBLE,
    )


def _check_tasks(queues: tuple[str, ...]) -> None:
    if not REGISTRY.ids():
        raise Problem("There is no task to work on.", fix=no_tasks_hint(()), status=TROUBLE)
    known = REGISTRY.queues()
    for name in queues:
        if name not in known:
            note(
                f"No task here declares queue {name!r}: only what is triggered into it by name is worked on."
            )
