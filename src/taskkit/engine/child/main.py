"""The main module of a child process: import the task, carry out one lease, leave."""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from io import TextIOWrapper
from types import FrameType
from typing import Any

from taskkit import config
from taskkit.definition.origin import import_origin
from taskkit.definition.registry import REGISTRY
from taskkit.definition.task_definition import TaskDefinition
from taskkit.engine.child import log as child_log
from taskkit.engine.child.attempt import ChildAttempt
from taskkit.engine.child.link import Message, packed, received
from taskkit.engine.child.main_thread import MainThread
from taskkit.engine.child.order import Order, missing_hooks
from taskkit.engine.child.remote_backend import ParentCalls, RemoteControl, remote_backend
from taskkit.engine.worker import Runner
from taskkit.errors import TaskNotFoundError
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Failed
from taskkit.runtime.home import Home

_log = logging.getLogger("taskkit.worker")
_PR_SET_PDEATHSIG = 1


def _cannot_import(task_id: str, error: BaseException) -> Failed:
    info = ErrorInfo.of(error, code="COULD_NOT_IMPORT_TASK")
    message = f"The child process of task {task_id!r} cannot import it: {info.name}: {info.message}"
    return Failed(replace(info, message=message))


def main(link: socket.socket) -> None:
    """Carry out the order that comes over the link; never returns."""
    os.set_inheritable(link.fileno(), False)
    os.register_at_fork(after_in_child=link.close)  # or the parent would not see that we are gone
    message = received(link)
    if message is None:
        os._exit(1)
    order: Order = message[1]
    _die_with(order.parent)
    status = 1
    try:
        status = _Child(link, order).run()
    except BaseException:  # shown here: the parent is told the exit status alone
        traceback.print_exc()
    finally:
        _leave(status)


def _die_with(parent: int) -> None:
    """However the parent ends, also while this process is in code that lets no other thread run."""
    if sys.platform == "linux":
        with suppress(
            AttributeError, OSError
        ):  # the thread that listens notices it too, if it can run
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _leave(status: int) -> None:
    """As the interpreter does, but without a wait for threads that the task has left behind."""
    with suppress(Exception):
        atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]  # as multiprocessing does
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status)


class _Child:
    """This process, and what it has to do."""

    def __init__(self, link: socket.socket, order: Order) -> None:
        self._link = link
        self._order = order
        self._sending = threading.Lock()
        self._calls = ParentCalls(self.send)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._attempt: ChildAttempt | None = None
        self._main_thread: MainThread | None = None
        self._asked_to_end: Message | None = None

    def send(self, message: Message) -> None:
        """Tell the parent; from any thread."""
        data = packed(message)
        with self._sending:
            try:
                self._link.sendall(data)
            except OSError:
                os._exit(1)  # the parent is gone

    def run(self) -> int:
        definition = self._found()
        if definition is None:
            return 1
        if definition.is_async:
            signal.signal(signal.SIGTERM, self._on_sigterm)
            asyncio.run(self._carry_out(definition))
            return 0
        self._main_thread = MainThread(self._heard, self._sending.locked)
        failures: list[BaseException] = []
        loop = threading.Thread(
            target=self._serve_loop, args=(definition, failures), name="taskkit-child", daemon=True
        )
        loop.start()
        self._main_thread.work()
        loop.join()
        if failures:
            raise failures[0]
        return 0

    def _serve_loop(self, definition: TaskDefinition, failures: list[BaseException]) -> None:
        assert self._main_thread is not None  # made before this thread was
        try:
            asyncio.run(self._carry_out(definition))
        except BaseException as error:  # raised again in the main thread
            failures.append(error)
        finally:
            self._main_thread.stop()

    # --- before -------------------------------------------------------------------------------------

    def _found(self) -> TaskDefinition | None:
        """The task, imported; None when it cannot be, and then the parent was told why."""
        order = self._order
        sys.argv[:] = order.argv
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(line_buffering=True)  # what is printed may be the last
        config.adopt(order.config)
        child_log.install(order.log_levels, lambda fields: self.send(("log", fields)))
        try:
            return self._imported()
        except (Exception, SystemExit) as error:
            self.send(("outcome", _cannot_import(order.task_id, error)))
            return None

    def _imported(self) -> TaskDefinition:
        order = self._order
        for origin in order.origins:
            import_origin(origin)
        definition = REGISTRY.get(order.task_id)
        if definition is None and order.main.file is not None:
            import_origin(order.main)
            definition = REGISTRY.get(order.task_id)
        if definition is None:
            raise TaskNotFoundError(order.task_id, REGISTRY.near(order.task_id))
        for hook in missing_hooks(order.hooks, definition):
            _log.warning(
                "the hook %s at %s is registered by something that a child process does not import, so it "
                "does not run there: register it at the top level of a module",
                hook.kind,
                hook.where,
            )
        REGISTRY.find = self._find
        return definition

    def _find(self, task_id: str) -> None:
        """Import another task of the parent's when it is first asked for."""
        origin = self._order.elsewhere.get(task_id)
        if origin is not None and origin.file is not None:
            REGISTRY.find = None  # whatever its module looks up
            try:
                import_origin(origin)
            finally:
                REGISTRY.find = self._find

    # --- while it runs ------------------------------------------------------------------------------

    async def _carry_out(self, definition: TaskDefinition) -> None:
        self._loop = asyncio.get_running_loop()
        order = self._order
        home = Home(lambda: remote_backend(self._calls, order), name=order.home)
        await home.ready()
        if order.trace_parent is not None:
            from taskkit.runtime.tracing import enter  # which most children have no need of

            enter(order.trace_parent)
        runner = Runner(home, order.environment)
        control = RemoteControl(self._calls, self.send)
        self._attempt = ChildAttempt(
            runner, order, control, definition, self.send, self._main_thread
        )
        threading.Thread(target=self._listen, name="taskkit-parent", daemon=True).start()
        self.send(("ready",))
        self.send(("outcome", await self._attempt.run()))

    def _listen(self) -> None:
        """Hand on what the parent says; when it is gone, so are we, whatever the task is doing."""
        assert self._loop is not None  # set before this thread was made
        while (message := received(self._link)) is not None:
            if message[0] in ("end", "tell"):
                self._asked_to_end = message
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._hear, message)
        os._exit(1)

    def _hear(self, message: Message) -> None:
        kind, *parts = message
        self._does()[kind](*parts)

    def _does(self) -> Mapping[str, Callable[..., Any]]:
        attempt = self._attempt
        assert attempt is not None  # nothing is heard before there is one
        return {
            "answer": self._calls.answered,
            "changed": self._calls.changed,
            "resume": attempt.resume,
            "tell": attempt.tell,
            "end": attempt.told,
        }

    def _heard(self) -> None:
        """The body has got to know that it shall end; told by the loop, since this may be a signal handler."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.send, ("heard",))

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        """The parent has got no answer: end the code that keeps the event loop from giving one."""
        message, attempt = self._asked_to_end, self._attempt
        if message is None or attempt is None or attempt.has_heard or self._sending.locked():
            return
        if asyncio.current_task(self._loop) is None:
            return  # nothing keeps it: the message is on its way
        self._asked_to_end = None
        self._hear(message)  # in the thread of the loop, which is where this handler runs
        raise asyncio.CancelledError
