"""A language model in memory that says what a test tells it."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from buster_tasks.language_model.base import (
    ModelReply,
    ModelRequest,
    TextListener,
    Usage,
    no_listener,
    rough_estimate,
    tokens_of,
)
from buster_tasks.language_model.errors import ModelTimeoutError
from buster_tasks.testing.model_script import Said, as_reply, script_ended, spoken_calls

Turn: TypeAlias = Said | BaseException
Answer: TypeAlias = Callable[[ModelRequest], Turn | Awaitable[Turn]]

_PIECE = re.compile(r"\S+\s*|\s+")


class FakeModel:
    """A `LanguageModel` without a provider.

        model = FakeModel([ToolCall.of("run_sql", sql="SELECT 1"), "There is one row."])
        model = FakeModel([RateLimitedError("Slow down.", retry_after=1.0), "Now."])
        model = FakeModel(lambda request: f"You asked {len(request.messages)} things.")

    It plays the turns of its script, or asks a function (plain or async, also as a turn of the script) what to say.
    An error is raised. `requests` has every request in order. One request too many is a ScriptEndedError, which is no
    LanguageModelError, so that code which copes with those does not hide it. Calls cost nothing unless a turn says so.
    """

    def __init__(self, script: Iterable[Turn | Answer] | Answer) -> None:
        self.requests: list[ModelRequest] = []
        self._answer: Answer | None = script if callable(script) else None
        self._script: list[Turn | Answer] = [] if callable(script) else list(script)

    @property
    def calls(self) -> int:
        """How often it was asked."""
        return len(self.requests)

    @property
    def turns_left(self) -> int:
        """How many turns of the script were not played."""
        return max(0, len(self._script) - self.calls)

    async def reply(
        self,
        request: ModelRequest,
        *,
        on_text: TextListener = no_listener,
        timeout: float = 600.0,
    ) -> ModelReply:
        """See `LanguageModel`: the next turn, its text word by word. A function that takes too long is cut off."""
        self.requests.append(request)
        number = self.calls
        turn = await self._turn(request, number, timeout)
        if isinstance(turn, BaseException):
            raise turn
        reply = as_reply(turn, number, _usage_of(request, turn))
        for piece in _PIECE.findall(reply.text):
            await on_text(piece, 1)
        return reply

    async def estimate(self, request: ModelRequest) -> Usage:
        """Three bytes to a token, at no cost."""
        return rough_estimate(request).model_copy(update={"cost_usd": 0.0})

    async def _turn(self, request: ModelRequest, number: int, timeout: float) -> Turn:
        turn = self._answer or self._scripted(request, number)
        if not callable(turn):
            return turn
        made = turn(request)
        if not inspect.isawaitable(made):
            return made
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                return await made
        except TimeoutError:
            if not limit.expired():
                raise
            raise ModelTimeoutError(f"The model did not answer within {timeout:g} s.") from None

    def _scripted(self, request: ModelRequest, number: int) -> Turn | Answer:
        if number > len(self._script):
            raise script_ended(len(self._script), request.messages[-1].content)
        return self._script[number - 1]


def _usage_of(request: ModelRequest, said: Said) -> Usage:
    """Prompt and reply at three bytes to a token."""
    reply = as_reply(said, 0, Usage())
    return Usage(
        prompt_tokens=rough_estimate(request).prompt_tokens,
        completion_tokens=tokens_of(reply.text + spoken_calls(reply)),
        cost_usd=0.0,
    )
