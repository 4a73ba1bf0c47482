"""A worker: polls the task queues of its tasks, and carries their runs out."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from contextvars import Context
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from temporalio import activity
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from taskkit.backends.base import Runner
from taskkit.backends.temporal.answers import SecondLook, answers_of
from taskkit.backends.temporal.delivery import Delivery
from taskkit.backends.temporal.doubt import Doubt, is_given_away, why_canceled
from taskkit.backends.temporal.encoding import moment, run_of
from taskkit.backends.temporal.limit_workflow import LimitWorkflow
from taskkit.backends.temporal.record import Order, Reply
from taskkit.backends.temporal.workflow import DELIVER, RunWorkflow
from taskkit.errors import BackendError, StoreUnavailableError
from taskkit.model.clock import after
from taskkit.model.exchange import (
    Answer,
    Lease,
    Manifest,
    Signal,
    WorkerHealth,
    WorkerOptions,
)
from taskkit.model.ids import new_id
from taskkit.model.run import RunStatus

if TYPE_CHECKING:
    from taskkit.backends.temporal.backend import TemporalBackend

_log = logging.getLogger("taskkit.worker")
_LOOK_EVERY = 1.0
_MACHINES_EVERY = 5
_LOOK_LIMIT = timedelta(seconds=2)
_FIRST_BEAT, _LONGEST_BEAT = 0.2, 2.0
_BEATS_PER_LEASE = 3
_GRACE = 3600.0
_PARKED = 10_000
_LAST_TRIES = 5.0
_STICKY = timedelta(seconds=2)


class Serving:
    """One serving worker: its slots, what it carries, and what it has parked.

    One temporalio Worker for the workflows, one for its own task queue, and one for each queue; the slots are
    counted here, over all of them.
    """

    def __init__(self, backend: TemporalBackend, runner: Runner, options: WorkerOptions) -> None:
        self.backend = backend
        self.client = backend.client
        self.runner = runner
        self.options = options
        self.name = new_id("worker")
        self.own_queue = backend.place.own_queue(self.name)
        self.slots = asyncio.Semaphore(options.concurrency)
        self.held: dict[str, Delivery] = {}
        self.parked: dict[str, Delivery] = {}
        self.stopping = False
        self.failure: BaseException | None = None
        self._woken = asyncio.Event()
        self._looked: datetime | None = None
        self._away_since: datetime | None = None
        self._workers: dict[str, Worker] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopped = asyncio.Event()
        self._doubt = Doubt(self)
        self._manifest: Manifest | None = None
        self._looks = 0

    def health(self) -> WorkerHealth:
        """How it is just now."""
        return WorkerHealth(
            worker=self.name,
            concurrency=self.options.concurrency,
            running=sum(one.in_slot for one in self.held.values()),
            waiting=len(self.parked),
            last_claim=self._looked,
            unavailable_since=self._away_since,
            is_stopping=self.stopping,
        )

    # --- the loop -----------------------------------------------------------------------------------

    async def run(self) -> None:
        if self.options.announce is not None:
            self.options.announce(self.health)
        try:
            self._start_flow()
            self._start(self.own_queue, _PARKED)
            while self.failure is None:
                was_away = self._away_since is not None
                await self._look()
                if self._away_since is None:
                    await self._doubt.turn(was_away=was_away)
                    await self._start_queues()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_EVERY):
                        await self._woken.wait()
            _log.critical("worker %s stopped: %r", self.name, self.failure)
        except asyncio.CancelledError:
            _uncancel()
            await self._stop(self.options.drain)
            if self.failure is not None:
                raise self.failure from None
            raise
        await self._stop(0)
        raise self.failure

    def fail(self, error: BaseException) -> None:
        """It cannot go on, and ends with this."""
        self.failure = self.failure or error
        self._woken.set()

    def _start_flow(self) -> None:
        worker = Worker(
            self.client,
            task_queue=self.backend.place.flow_queue,
            workflows=[RunWorkflow, LimitWorkflow],
            activities=[SecondLook(self.backend).look],
            no_remote_activities=True,
            workflow_runner=UnsandboxedWorkflowRunner(),  # else all of taskkit is loaded for each run; see the tests
            sticky_queue_schedule_to_start_timeout=_STICKY,
            identity=self.name,
        )
        self._run("", worker)

    async def _start_queues(self) -> None:
        """Poll the queues of all tasks that are known by now, once their limits count."""
        manifest, spec, machines = self.runner.manifest, self.options.spec, self.backend.machines
        if manifest is not self._manifest:
            try:
                await self.backend.register(manifest)
            except StoreUnavailableError:
                return  # the next look tells
            except BackendError as error:
                self.fail(error)
                return
            self._manifest = manifest
        if spec.machines is None and self._looks % _MACHINES_EVERY == 0:
            with suppress(RPCError, TimeoutError):  # the next look tells
                async with asyncio.timeout(_LOOK_LIMIT.total_seconds()):
                    await machines.look()
        self._looks += 1
        for queue in machines.task_queues(manifest, spec):
            if queue not in self._workers:
                self._start(queue, self.options.concurrency)

    async def _look(self) -> None:
        """Ask whether the server is there, which the polls of temporalio, each tried again for ever, do not tell."""
        now = self.options.clock.now()
        service = self.backend.client.service_client
        is_there = False
        with suppress(RPCError):
            is_there = await service.check_health(timeout=_LOOK_LIMIT)
        if is_there:
            self._looked, self._away_since = now, None
        else:
            self._away_since = self._away_since or now

    def _start(self, queue: str, at_once: int) -> None:
        worker = Worker(
            self.client,
            task_queue=queue,
            activities=[self.deliver],
            max_concurrent_activities=at_once,
            max_concurrent_activity_task_polls=2,
            max_heartbeat_throttle_interval=timedelta(seconds=1),
            default_heartbeat_throttle_interval=timedelta(seconds=1),
            graceful_shutdown_timeout=timedelta(seconds=_GRACE),
            identity=self.name,
        )
        self._run(queue, worker)

    def _run(self, queue: str, worker: Worker) -> None:
        self._workers[queue] = worker
        task = self._running[queue] = asyncio.create_task(worker.run(), name=f"{self.name} {queue}")
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    # --- one delivery -------------------------------------------------------------------------------

    @activity.defn(name=DELIVER)
    async def deliver(self, request: str, payload: bytes | None, order: Order) -> Reply:
        """Carry a run out until it ends or waits, then give back its slot of its queue's limit."""
        reply = await self._deliver(request, payload, order)
        if order.slot is not None:
            try:
                run_id = activity.info().workflow_id or ""
                reply.freed = await self.backend.limits.leave(run_id, *order.slot)
            except asyncio.CancelledError:  # its workflow gives it back then
                _uncancel()
        return reply

    async def _deliver(self, request: str, payload: bytes | None, order: Order) -> Reply:
        info = activity.info()
        came = asyncio.get_running_loop().time()
        told: list[Delivery] = []
        beating = asyncio.create_task(self._beat(told))
        try:
            run = run_of(request, payload, order.state)
            if order.kind != "cleanup" and not self._knows(run.task_id):
                return Reply("unknown")
            if await is_given_away(self):
                return Reply("unentered")
            queue = self.runner.manifest.queues.get(run.queue)
            if order.kind != "cleanup" and await self.backend.limits.has_to_ask(queue, order):
                return Reply("limited")
            if order.kind == "start" and (stale := self.parked.pop(run.id, None)) is not None:
                stale.tell(Signal.LOST)
            refused = None if order.kind == "cleanup" else await self._slot(order)
            if refused is not None:
                return refused
            answers = await self._answers(order)
            if answers is None:
                return Reply("unentered")
            passed = asyncio.get_running_loop().time() - came
            now = after(info.started_time, passed)
            run.status = RunStatus.EXECUTING
            run.attempt, run.delivery = order.state.attempt or 1, order.state.delivery + 1
            run.started_at = run.started_at or now
            run.attempt_started_at = run.attempt_started_at or now
            lease = Lease(
                run,
                f"{info.workflow_run_id}-{order.state.round}",
                run.attempt,
                run.delivery,
                order.kind,
                now,
                answers,
                None if order.state.ending is None else RunStatus(order.state.ending),
                order.state.orphaned,
            )
            return await self._carry(lease, order, told)
        finally:
            beating.cancel()

    def _knows(self, task_id: str) -> bool:
        return self.options.spec.tasks is None or task_id in self.runner.manifest.tasks

    async def _slot(self, order: Order) -> Reply | None:
        """Take a slot; the reply where that was not to be."""
        taking = asyncio.ensure_future(self.slots.acquire())
        stopping = asyncio.ensure_future(self._stopped.wait())
        limit = None
        if order.expires_at is not None:
            limit = (moment(order.expires_at) - activity.info().started_time).total_seconds()
        try:
            await asyncio.wait(
                (taking, stopping), timeout=limit, return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            _uncancel()
            _give_up(taking, self.slots)
            return Reply("unentered")
        finally:
            stopping.cancel()
        if taking.done() and not self.stopping:
            return None
        _give_up(taking, self.slots)
        return Reply("unentered" if self.stopping else "expired")

    async def _answers(self, order: Order) -> dict[str, Answer] | None:
        """None where the order was taken back before they could be read; the slot is free again then."""
        asking = asyncio.ensure_future(answers_of(self.backend, order))
        stopping = asyncio.ensure_future(self._stopped.wait())
        answers = None
        try:
            await asyncio.wait((asking, stopping), return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                answers = asking.result()
        except asyncio.CancelledError:
            _uncancel()
        finally:
            stopping.cancel()
            asking.cancel()
            if answers is None and order.kind != "cleanup":
                self.slots.release()
        return answers

    async def _carry(self, lease: Lease, order: Order, told: list[Delivery]) -> Reply:
        token = activity.info().task_token
        parked = self.parked.pop(lease.run.id, None)
        if parked is not None:
            delivery, future = parked, parked.resume(lease, order, token)
        else:
            try:
                delivery = Delivery(self, lease, order, token)
            except BaseException as error:  # of the engine: no other delivery would be spared it
                self.fail(error)
                raise
            assert delivery.reply is not None
            future = delivery.reply
            self.held[lease.run.id] = delivery
            self.backend.made[lease.run.id] = set()
            delivery.task = asyncio.get_running_loop().create_task(
                delivery.carry(), name=lease.run.id, context=Context()
            )
        told.append(delivery)
        while not future.done():
            try:
                await asyncio.wait((future,))
            except asyncio.CancelledError:
                _uncancel()
                delivery.tell(await why_canceled(self, delivery.run_id))
        return future.result()

    async def _beat(self, told: list[Delivery]) -> None:
        timeout = activity.info().heartbeat_timeout or timedelta(seconds=30)
        every = min(timeout.total_seconds() / _BEATS_PER_LEASE, _LONGEST_BEAT)
        await asyncio.sleep(_FIRST_BEAT)  # most have ended by then
        while True:
            if told:
                activity.heartbeat(told[0].beat())
            else:
                activity.heartbeat()
            await asyncio.sleep(every)

    def cancel(self, run_id: str) -> None:
        """Somebody in this process asks for its end: no need to wait for a beat."""
        delivery = self.held.get(run_id)
        if delivery is not None and delivery.reply is not None:
            delivery.tell(Signal.CANCEL)

    def holds(self, lease: Lease) -> Delivery | None:
        """The delivery of this lease, while an activity carries it."""
        delivery = self.held.get(lease.run.id)
        if delivery is None or delivery.lease.token != lease.token or delivery.reply is None:
            return None
        return delivery

    def let_go(self, delivery: Delivery) -> None:
        run_id = delivery.run_id
        if self.held.get(run_id) is delivery:
            del self.held[run_id]
            self.backend.made.pop(run_id, None)
        if self.parked.get(run_id) is delivery and delivery.final is None:
            del self.parked[run_id]

    # --- the end ------------------------------------------------------------------------------------

    async def _stop(self, drain: float) -> None:
        """Take nothing new, wait for what runs, then give the rest back; a second cancellation does so at once."""
        self.stopping = True
        self._stopped.set()
        queues = [worker for queue, worker in self._workers.items() if queue]
        ending = asyncio.gather(*(_shut_down(worker) for worker in queues))
        if _uncancel():
            drain = 0
        try:
            deadline = asyncio.get_running_loop().time() + drain
            while any(one.reply is not None for one in self.held.values()):
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0:
                    break
                replies = [one.reply for one in self.held.values() if one.reply is not None]
                await asyncio.wait(replies, timeout=left)
        except asyncio.CancelledError:
            _uncancel()
        for one in list(self.held.values()):
            one.tell(Signal.SHUTDOWN)
        await ending
        tasks = [one.task for one in self.held.values() if one.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_TRIES)
        await _shut_down(self._workers[""])
        await asyncio.gather(*self._running.values(), return_exceptions=True)


async def _shut_down(worker: Worker) -> None:
    with suppress(Exception):  # one that never ran, or has failed already
        await worker.shutdown()


def _give_up(taking: asyncio.Future[Any], slots: asyncio.Semaphore) -> None:
    if not taking.cancel() and not taking.cancelled():
        slots.release()


def _uncancel() -> bool:
    task = asyncio.current_task()
    if task is None or not task.cancelling():
        return False
    while task.cancelling():
        task.uncancel()
    return True
