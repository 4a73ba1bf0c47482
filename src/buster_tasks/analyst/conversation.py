"""One state's talk with a model: requests, the tools it calls, and when it is over."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import ValidationError

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.models import ExecutionStep
from buster_tasks.analyst.quoting import cut
from buster_tasks.analyst.state import State
from buster_tasks.analyst.tools import TOOLS, Answer, Tool, tools_of
from buster_tasks.errors import SourceError
from buster_tasks.language_model import (
    InvalidArguments,
    LanguageModel,
    Message,
    ModelRequest,
    TextListener,
    ToolCall,
    no_listener,
)

_MOST_CHARACTERS = 60_000
"""How long the messages of a state may get; older answers of tools are then replaced by a line each."""

_MOST_REPEATS = 3
_MOST_SILENCES = 2
_REPLY_TOKENS = 4_096
_MOST_AT_ONCE = 8
_LINE_CHARACTERS = 200
_LEFT_OUT = '{"left_out": "it was long"}'


class Limits(Protocol):
    """What ends a conversation from outside; asked before each request."""

    def has_ended(self) -> str | None:
        """Why there is no request any more; None where there may be one."""
        ...

    def seconds_left(self) -> float:
        """How long a request, or a statement, may take now."""
        ...


OnStep = Callable[[ExecutionStep], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ended:
    """How the conversation ended: `moved_to` by a tool, else `why` in words."""

    moved_to: State | None
    why: str = ""


class Conversation:
    """The talk of one role in one state. The messages of a state are its own: the next one begins anew."""

    def __init__(
        self,
        analysis: Analysis,
        model: LanguageModel,
        messages: Sequence[Message],
        *,
        limits: Limits,
        most_requests: int,
        on_step: OnStep,
        on_text: TextListener = no_listener,
    ) -> None:
        self._analysis, self._model, self._limits = analysis, model, limits
        self._messages = list(messages)
        self._most_requests = most_requests
        self._on_step, self._on_text = on_step, on_text
        self._state = analysis.state
        self._tools = tools_of(self._state, may_ask=analysis.may_ask)
        self._answered: dict[tuple[str, str], int] = {}
        self._repeats = 0
        self._silences = 0

    async def run(self) -> Ended:
        """Ask and do until a tool ends the state, or a limit does. Raises LanguageModelError."""
        for number in range(1, self._most_requests + 1):
            why = self._limits.has_ended()
            if why is not None:
                return Ended(None, why)
            reply = await self._model.reply(
                self._request(is_last=number == self._most_requests),
                on_text=self._on_text,
                timeout=self._limits.seconds_left(),
            )
            self._messages.append(reply.message)
            if not reply.tool_calls:
                if self._silences == _MOST_SILENCES:
                    return Ended(None, "The model called no tool, several times.")
                self._silences += 1
                self._messages.append(Message.user(self._reminder()))
                continue
            moved = await self._do(reply.tool_calls)
            if moved is not None:
                return Ended(moved)
            if self._repeats >= _MOST_REPEATS:
                return Ended(None, "The model asked for the same again and again.")
        return Ended(None, f"The model was asked {self._most_requests} times in this state.")

    def _request(self, *, is_last: bool) -> ModelRequest:
        """The next request; the last one that the state has says so, and asks for its end."""
        messages = trimmed(self._messages, _MOST_CHARACTERS)
        if is_last:
            ending = " or ".join(
                tool.name for tool in self._tools if tool.name.startswith("submit")
            )
            messages = [*messages, Message.user(f"This is the last call here: {ending} now.")]
        return ModelRequest(
            messages=tuple(messages),
            tools=tuple(tool.spec for tool in self._tools),
            max_tokens=_REPLY_TOKENS,
            temperature=0.0,
        )

    def _reminder(self) -> str:
        names = ", ".join(tool.name for tool in self._tools)
        return f"Nobody sees text. Call one of the tools: {names}."

    async def _do(self, calls: Sequence[ToolCall]) -> State | None:
        """Carry the calls out in order; what comes after one that ends the state is not done."""
        moved: State | None = None
        for at, call in enumerate(calls):
            if moved is not None:
                answer = Answer("Not done: the state had ended before it.")
            elif at >= _MOST_AT_ONCE:
                answer = Answer(f"Not done: at most {_MOST_AT_ONCE} calls at once. Ask again.")
            else:
                answer = await self._answered_call(call)
                moved = answer.moves_to
            self._messages.append(Message.tool(call.id, self._written(answer)))
        return moved

    async def _answered_call(self, call: ToolCall) -> Answer:
        began = time.perf_counter()
        ok = True
        try:
            answer = await self._called(call)
        except (ToolRefusedError, SourceError) as error:
            ok = False
            answer = Answer(f"Not done. {error.message} {error.fix}".rstrip(), None, error.message)
        step = ExecutionStep(
            number=len(self._analysis.steps) + 1,
            state=self._state,
            tool=cut(call.name, 60),
            summary=cut(answer.summary or answer.said, 300),
            ok=ok,
            seconds=round(time.perf_counter() - began, 3),
        )
        self._analysis.steps.append(step)
        await self._on_step(step)
        return answer

    async def _called(self, call: ToolCall) -> Answer:
        tool = self._tool(call.name)
        given = call.parse()
        if isinstance(given, InvalidArguments):
            raise ToolRefusedError(given.reason, fix="Send one JSON object.")
        again = self._again(call)
        if again is not None:
            return again
        try:
            arguments = tool.arguments.model_validate(given)
        except ValidationError as error:
            raise ToolRefusedError(_wrong(error), fix="Correct the arguments.") from None
        return await tool.run(arguments, self._analysis)

    def _tool(self, name: str) -> Tool[Any]:
        for tool in self._tools:
            if tool.name == name:
                return tool
        allowed = ", ".join(tool.name for tool in self._tools)
        what = "belongs to another state" if name in TOOLS else "is no tool"
        raise ToolRefusedError(
            f"{cut(name, 60)!r} {what}; this is {self._state.value}.",
            fix=f"Call one of: {allowed}.",
        )

    def _again(self, call: ToolCall) -> Answer | None:
        """What to say of a call that was made before, word for word; None for a new one."""
        key = (call.name, call.arguments)
        before = self._answered.setdefault(key, len(self._analysis.steps) + 1)
        if before == len(self._analysis.steps) + 1:
            return None
        self._repeats += 1
        return Answer(
            f"You have asked exactly this before, in step {before}; the answer stands above. Do something else.",
            None,
            "asked again",
        )

    def _written(self, answer: Answer) -> str:
        if answer.data is None:
            return answer.said
        return f"{answer.said}\n{self._analysis.quoted(answer.data)}".lstrip()


def trimmed(messages: Sequence[Message], most: int) -> list[Message]:
    """The messages, the oldest of tools and of the model shortened until all fit; no answer loses its call.

    What came since the last reply stays whole, as nobody has read it yet.
    """
    over = sum(map(_size, messages)) - most
    kept = list(messages)
    replies = [at for at, message in enumerate(messages) if message.role == "assistant"]
    for at, message in enumerate(messages[: replies[-1] if replies else 0]):
        if over <= 0:
            break
        short = _shortened(message)
        if _size(short) < _size(message):
            kept[at] = short
            over -= _size(message) - _size(short)
    return kept


def _size(message: Message) -> int:
    return len(message.content) + sum(len(call.arguments) for call in message.tool_calls)


def _shortened(message: Message) -> Message:
    """A line of an answer, the beginning of what the model said, its calls without long arguments."""
    if message.role == "tool":
        line = message.content.partition("\n")[0][:_LINE_CHARACTERS]
        return message.model_copy(update={"content": f"{line} (left out: it was long)"})
    if message.role != "assistant":
        return message
    calls = tuple(
        call
        if len(call.arguments) <= _LINE_CHARACTERS
        else call.model_copy(update={"arguments": _LEFT_OUT})
        for call in message.tool_calls
    )
    content = cut(message.content, _LINE_CHARACTERS)
    return message.model_copy(update={"content": content, "tool_calls": calls})


def _wrong(error: ValidationError) -> str:
    """What is wrong with arguments, without what the model sent: it knows that."""
    told = [
        f"{'.'.join(map(str, one['loc'])) or 'the arguments'}: {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)
    ]
    return f"{'; '.join(told[:5])}."
