"""Tokens: workflows that no worker ever carries on. The server lets their time run out, and a completion ends them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import TerminatedError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.paging import page_number
from taskkit.backends.temporal.attributes import RANK
from taskkit.backends.temporal.encoding import data_of, data_text
from taskkit.backends.temporal.newest import newest
from taskkit.backends.temporal.place import Place
from taskkit.backends.temporal.size import too_large
from taskkit.errors import TokenNotFoundError
from taskkit.model.exchange import Page, Token, TokenStatus

_TYPE: Final = "taskkit.token"
_COMPLETED: Final = "taskkit: completed"
_LISTED_SOON, _LISTED_WITHIN = 0.01, 5.0
_AT_ONCE: Final = 50
_Status = WorkflowExecutionStatus


class Tokens:
    """The tokens of a project.

    A completion is a termination, so it needs no worker. Who waits for a token has told its workflow so by a signal;
    whoever completes it reads these from its history, and passes the end on.
    """

    def __init__(self, client: Client, place: Place) -> None:
        self._client = client
        self._place = place
        self._unlisted: deque[tuple[str, float]] = deque(maxlen=_AT_ONCE)

    async def create(
        self, token_id: str, timeout: float | None, tags: Sequence[str], key: str | None
    ) -> Token:
        """A token; the one that exists, as it stands, when the id or the key is known."""
        if key is not None:
            digest = sha256(f"{self._place.project}\0{key}".encode()).hexdigest()[:32]
            token_id = f"token_{digest}"
        with suppress(WorkflowAlreadyStartedError):  # and stands as it stands
            await self._client.start_workflow(
                _TYPE,
                id=token_id,
                task_queue=self._place.token_queue,
                search_attributes=TypedSearchAttributes(
                    [SearchAttributePair(RANK, time.time_ns() // 1000)]
                ),
                memo={"token": [timeout, *tags]},  # the server drops a value that is `[]` or `null`
                execution_timeout=None if timeout is None else timedelta(seconds=timeout),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            )
            self._unlisted.append((token_id, asyncio.get_running_loop().time()))
        token = await self.find(token_id)
        if token is None:
            raise TokenNotFoundError(token_id)
        return token

    async def find(self, token_id: str) -> Token | None:
        """The token as it stands; None for an unknown id."""
        try:
            description = await self._client.get_workflow_handle(token_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return await self._token(description) if description.workflow_type == _TYPE else None

    async def when_over(self, token_id: str) -> Token | None:
        """The token, once it is over."""
        with suppress(RPCError, WorkflowFailureError):  # that is how tokens end
            await self._client.get_workflow_handle(token_id).result()
        return await self.find(token_id)

    async def _token(self, execution: WorkflowExecution) -> Token:
        timeout, *tags = await execution.memo_value("token")
        created = execution.start_time
        timeout_at = created + timedelta(seconds=timeout) if timeout is not None else None
        status: TokenStatus = "WAITING"
        output, over = None, execution.close_time
        if execution.status is _Status.TERMINATED:
            status, output = "COMPLETED", await self._output(execution.id)
        elif execution.status is not _Status.RUNNING:
            status = "TIMED_OUT"
        elif timeout_at is not None and timeout_at <= datetime.now(UTC):
            status, over = "TIMED_OUT", timeout_at
        return Token(execution.id, status, created, output, timeout_at, over, tuple(tags))

    async def _output(self, token_id: str) -> bytes | None:
        try:
            await self._client.get_workflow_handle(token_id).result()
        except WorkflowFailureError as error:
            details: Sequence[Any] = ()
            if isinstance(error.cause, TerminatedError):
                details = error.cause.details
            return data_of(details[0]) if details else None
        return None

    async def complete(self, token_id: str, output: bytes | None) -> bool:
        """Complete it; False when it was over. A repeated call tells those again who wait for it."""
        if (refusal := too_large(f"The output of token {token_id}", output)) is not None:
            raise refusal
        if await self.find(token_id) is None:
            raise TokenNotFoundError(token_id)
        details = [] if output is None else [data_text(output)]
        is_first = True
        try:
            handle = self._client.get_workflow_handle(token_id)
            await handle.terminate(*details, reason=_COMPLETED)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            is_first = False
        await self._tell(token_id)
        return is_first

    async def _tell(self, token_id: str) -> None:
        """Pass the end on to the runs that wait for it."""
        handle = self._client.get_workflow_handle(token_id)
        waiters: dict[str, None] = {}
        async for event in handle.fetch_history_events():
            signal = event.workflow_execution_signaled_event_attributes
            if signal.signal_name == "tell":
                payloads = list(signal.input.payloads)
                (run_id,) = await self._client.data_converter.decode(payloads, [str])
                waiters[run_id] = None
        await asyncio.gather(*(self._pass_on(run_id, token_id) for run_id in waiters))

    async def _pass_on(self, run_id: str, token_id: str) -> None:
        try:
            await self._client.get_workflow_handle(run_id).signal("ended", token_id)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # the run is over
                raise

    async def page(self, cursor: int | str | None, limit: int) -> Page[Token]:
        """Tokens as they stand, newest first. What another process made just now may be missing."""
        below = page_number(cursor)
        query = f"TaskQueue = '{self._place.token_queue}'"
        await self._listed()
        found = await newest(self._client, query, below=below, count=limit + 1)
        tokens = await asyncio.gather(*(self._as_it_stands(one) for _, one in found[:limit]))
        is_last = len(found) <= limit
        return Page(
            [token for token in tokens if token is not None],
            None if is_last else found[limit - 1][0],
        )

    async def _as_it_stands(self, listed: WorkflowExecution) -> Token | None:
        if listed.status is _Status.RUNNING:  # when the list was last told of it
            return await self.find(listed.id)
        return await self._token(listed)

    async def _listed(self) -> None:
        """Wait until the server lists what was made here just now, which takes some milliseconds."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + _LISTED_WITHIN
        while loop.time() < ends:
            recent = [one for one, at in self._unlisted if loop.time() - at < _LISTED_WITHIN]
            if not recent:
                return
            names = ", ".join(f"'{one}'" for one in recent)
            query = f"TaskQueue = '{self._place.token_queue}' AND WorkflowId IN ({names})"
            if (await self._client.count_workflows(query)).count >= len(recent):
                self._unlisted.clear()
                return
            await asyncio.sleep(_LISTED_SOON)
