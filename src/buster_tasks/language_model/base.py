"""What a language model is asked and what it says, as plain values, and the protocol of all models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Any, Literal, Protocol, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core import from_json

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "tool_calls", "length", "content_filter", "other"]

_BYTES_PER_TOKEN = 3
_COMPLETION_UNLESS_SAID = 4_096


def _encodable(value: object) -> object:
    """Join pairs of surrogates, and replace lone ones: models write them, and UTF-8 cannot."""
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


Text = Annotated[str, BeforeValidator(_encodable)]


class ModelValue(BaseModel):
    """Base of all: frozen, and the same after `model_validate_json(value.model_dump_json())`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class InvalidArguments:
    """Why the arguments of a tool call are none, in words that the model can work with."""

    reason: str


class ToolCall(ModelValue):
    """A tool that the model wants to be called; `arguments` is the text as it came, JSON or not."""

    id: str
    name: Text
    arguments: Text = "{}"

    @classmethod
    def of(cls, name: str, /, **arguments: Any) -> Self:
        """A call for a scripted reply; whoever plays the script gives it an id."""
        return cls(id="", name=name, arguments=json.dumps(arguments, ensure_ascii=False))

    def parse(self) -> dict[str, Any] | InvalidArguments:
        """The arguments by name, or what is wrong with them. Raises nothing. An empty text stands for no arguments."""
        if not self.arguments.strip():
            return {}
        try:
            values: object = from_json(self.arguments, allow_inf_nan=False)
        except ValueError as error:
            return InvalidArguments(f"The arguments are no JSON: {error}.")
        if not isinstance(values, dict):
            return InvalidArguments("The arguments are no JSON object.")
        return cast("dict[str, Any]", values)


class Message(ModelValue):
    """One message of a conversation; `tool_call_id` names the call that a tool's message answers."""

    role: Role
    content: Text = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @classmethod
    def system(cls, content: str) -> Self:
        """What the model is told to be."""
        return cls(role="system", content=content)

    @classmethod
    def user(cls, content: str) -> Self:
        """What the user says."""
        return cls(role="user", content=content)

    @classmethod
    def assistant(cls, content: str = "", tool_calls: tuple[ToolCall, ...] = ()) -> Self:
        """What the model has said."""
        return cls(role="assistant", content=content, tool_calls=tool_calls)

    @classmethod
    def tool(cls, tool_call_id: str, content: str) -> Self:
        """What a tool answers to this call."""
        return cls(role="tool", content=content, tool_call_id=tool_call_id)


class ToolSpec(ModelValue):
    """A tool as the model sees it; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any] = Field(
        default_factory=lambda: {"type": "object", "properties": {}}
    )


class ModelRequest(ModelValue):
    """A question to a model. Tools are kept in the order of their names, so that equal ones make equal requests.

    `model` is for one that can be several; `tool_choice` is "auto", "none", "required" or the name of a tool.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    model: str | None = None
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    temperature: float | None = None
    tool_choice: str = "auto"

    @field_validator("tools")
    @classmethod
    def _in_order(cls, tools: tuple[ToolSpec, ...]) -> tuple[ToolSpec, ...]:
        names = sorted(tool.name for tool in tools)
        twice = [name for name, following in pairwise(names) if name == following]
        if twice:
            raise ValueError(f"two tools have the same name: {twice[0]}")
        return tuple(sorted(tools, key=lambda tool: tool.name))

    @property
    def digest(self) -> str:
        """The SHA-256, in hex, of all that is not left at its default; the same for equal requests in every process."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return sha256(text.encode("ascii")).hexdigest()


class Usage(ModelValue):
    """What a call took, or may take. `cached_tokens` are part of `prompt_tokens`.

    `cost_usd` is None where nobody knows the price; a sum with such a part is None too.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None

    @property
    def tokens(self) -> int:
        """All of them, cached ones too."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        unknown = self.cost_usd is None or other.cost_usd is None
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cost_usd=None if unknown else (self.cost_usd or 0.0) + (other.cost_usd or 0.0),
        )


NOTHING_USED = Usage(cost_usd=0.0)


class ModelReply(ModelValue):
    """What the model said, which tools it wants to be called, why it stopped, and what it took."""

    text: Text = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason = "stop"
    usage: Usage = Usage()
    model: str = ""

    @property
    def message(self) -> Message:
        """The reply as a message for the next request."""
        return Message.assistant(self.text, self.tool_calls)


class TextListener(Protocol):
    """Told each piece of text as it comes; a higher `attempt` (from 1) begins the text anew. Should be quick."""

    async def __call__(self, piece: str, attempt: int) -> None: ...


async def no_listener(piece: str, attempt: int) -> None:
    """A `TextListener` that nobody looks at."""


class LanguageModel(Protocol):
    """A language model, whatever is behind it: one call for one reply."""

    async def reply(
        self,
        request: ModelRequest,
        *,
        on_text: TextListener = ...,
        timeout: float = ...,
    ) -> ModelReply:
        """The answer within `timeout` seconds, all attempts and pauses included.

        All conditions of the model are `LanguageModelError`. Cancelling the task that waits ends the request.
        """
        ...

    async def estimate(self, request: ModelRequest) -> Usage:
        """The most that a call with this request will take, about; `cost_usd` None where the price is unknown."""
        ...


def rough_estimate(request: ModelRequest) -> Usage:
    """An estimate without a tokenizer and a price: three bytes of UTF-8 to a token, and all of `max_tokens`.

    It is on the safe side: English text has four or five.
    """
    text = request.model_dump_json(include={"messages", "tools"}, exclude_defaults=True)
    return Usage(
        prompt_tokens=tokens_of(text),
        completion_tokens=request.max_tokens or _COMPLETION_UNLESS_SAID,
    )


def tokens_of(text: str) -> int:
    """The tokens of a text, roughly and rather too many."""
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)
