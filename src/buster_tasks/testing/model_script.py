"""What a scripted model says: the turns that `FakeModel` and `ScriptedLLM` both play."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from buster_tasks.language_model.base import ModelReply, ToolCall, Usage

Said: TypeAlias = str | ToolCall | Sequence[ToolCall] | ModelReply
"""A text, one tool call, several at once, or a whole reply with its usage and reason to stop."""


class ScriptEndedError(AssertionError):
    """A scripted model is asked more often than its script says."""


def script_ended(length: int, last: str) -> ScriptEndedError:
    """The error for one request too many, with the message that it ends in."""
    return ScriptEndedError(
        f"The script of the model has {length} turns, and it is asked for another. "
        f"The request ends in: {last[:500]!r}. Add a turn, or look why one more call is made."
    )


def as_reply(said: Said, number: int, usage: Usage) -> ModelReply:
    """The reply with an id for each tool call that has none, and this usage where none is given."""
    if isinstance(said, str):
        return ModelReply(text=said, usage=usage)
    if isinstance(said, ToolCall):
        said = [said]
    if not isinstance(said, ModelReply):
        said = ModelReply(tool_calls=tuple(said), finish_reason="tool_calls", usage=usage)
    calls = tuple(
        call if call.id else call.model_copy(update={"id": f"call_{number}_{position}"})
        for position, call in enumerate(said.tool_calls, start=1)
    )
    return said.model_copy(
        update={"tool_calls": calls, "usage": usage if said.usage == Usage() else said.usage}
    )


def spoken_calls(reply: ModelReply) -> str:
    """What the model had to say to call its tools."""
    return "".join(call.name + call.arguments for call in reply.tool_calls)
