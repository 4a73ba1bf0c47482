"""The rest of an attempt whose child process is gone: its hooks and its verdict, in the worker."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from taskkit.backends.base import Control
from taskkit.definition.context import SignalReason
from taskkit.definition.task_definition import TaskDefinition
from taskkit.engine.attempt import Attempt
from taskkit.engine.child.death import Death
from taskkit.engine.lifecycle import Lifecycle
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Failed, Lease, Outcome, RetryAt
from taskkit.model.options import RetryDecision
from taskkit.runtime.scope import current_scope

if TYPE_CHECKING:
    from taskkit.engine.worker import Runner

_log = logging.getLogger("taskkit.worker")


class AfterChild(Attempt):
    """An attempt without a body: what the child died of stands in the place of its error.

    Its hooks get payload and context, and None for what `init` returned: that is gone with the child.
    """

    __slots__ = ("_death",)

    first_occurrence = 1_000_000  # the child has made its runs and tokens under the ids before

    def __init__(
        self,
        runner: Runner,
        lease: Lease,
        control: Control,
        definition: TaskDefinition,
        death: Death | None,
    ) -> None:
        super().__init__(runner, lease, control, definition)
        self._death = death

    def take_over(self, received: float, ending: SignalReason | None, *, is_lost: bool) -> None:
        """Go on from where the child was: when its lease came, and what had ended it if anything."""
        self.received = received
        self.ending = ending
        self._lost = is_lost
        if ending is not None:
            self.stop_signal.set(ending)

    async def run(self) -> Outcome:
        self._task = asyncio.current_task(self.loop)
        current_scope.set(self)
        try:
            refused = self._prepare()
            if refused is not None:
                return refused
            self.body_is_over()
            await self._read_again()
            lifecycle = Lifecycle(self, self.definition.hooks)
            error = asyncio.CancelledError() if self._death is None else self._death.error
            return await lifecycle.conclude(None, error)
        finally:
            if self._waits is not None or self.has_said:
                await self._wind_up()
            self.ended = True
            self._task = self._context = None

    async def _read_again(self) -> None:
        """The child may have written metadata and tags since the claim."""
        try:
            (run,) = await self.home.backend.get([self.run_id])
        except Exception as error:  # whatever the store raises: the hooks run all the same
            _log.warning("run %s could not be read again: %s", self.run_id, error)
        else:
            if run is not None:
                self.lease = replace(self.lease, run=run)

    def judge(self, error: BaseException, decision: RetryDecision | None) -> Outcome:
        verdict = super().judge(error, decision)
        death = self._death
        if death is None or error is not death.error:
            return verdict
        if isinstance(verdict, Failed | RetryAt) and death.code is not None:
            if decision is None or decision.error is None:
                info = ErrorInfo.verdict(death.code, type(error).__name__, str(error))
                verdict = replace(verdict, error=self.without_secrets(info))
            if isinstance(verdict, Failed):
                verdict = replace(verdict, status=death.status)
        return verdict
