"""A reply put together from the pieces of its stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast, get_args
from uuid import uuid4

from buster_tasks.language_model.base import FinishReason, ModelReply, ToolCall, Usage

_REASONS: Final = frozenset(cast("tuple[FinishReason, ...]", get_args(FinishReason)))


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    arguments: list[str]


class ReplyAssembly:
    """Takes the pieces of a stream as litellm gives them, and has the reply when it is over."""

    def __init__(self) -> None:
        self.model = ""
        self.usage: Any = None
        self._texts: list[str] = []
        self._calls: list[_Call] = []
        self._open: dict[int, _Call] = {}
        self._reason: str | None = None

    def take(self, chunk: Any) -> str:
        """Keep what the piece holds, and give the text in it, which may be empty."""
        self.model = str(getattr(chunk, "model", None) or self.model)
        self.usage = getattr(chunk, "usage", None) or self.usage
        text = ""
        for choice in getattr(chunk, "choices", None) or ():
            self._reason = getattr(choice, "finish_reason", None) or self._reason
            delta = getattr(choice, "delta", None)
            text += getattr(delta, "content", None) or ""
            for piece in getattr(delta, "tool_calls", None) or ():
                self._take_call(piece)
        self._texts.append(text)
        return text

    @property
    def text(self) -> str:
        """All text up to now."""
        return "".join(self._texts)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said: no text, and no call of a tool."""
        return not self._calls and not self.text

    def reply(self, usage: Usage) -> ModelReply:
        """The whole reply."""
        calls = tuple(
            ToolCall(id=call.id, name=call.name, arguments="".join(call.arguments))
            for call in self._calls
        )
        return ModelReply(
            text=self.text,
            tool_calls=calls,
            finish_reason=self._finish_reason(bool(calls)),
            usage=usage,
            model=self.model,
        )

    def _finish_reason(self, has_calls: bool) -> FinishReason:
        reason = self._reason or "stop"
        if has_calls and reason in ("stop", "function_call"):
            return "tool_calls"
        return reason if reason in _REASONS else "other"

    def _take_call(self, piece: Any) -> None:
        """A piece belongs to the call of its index, unless it begins another: some providers count none."""
        index: int = getattr(piece, "index", None) or 0
        function = getattr(piece, "function", None)
        name: str = getattr(function, "name", None) or ""
        given: str = getattr(piece, "id", None) or ""
        call = self._open.get(index)
        if call is None or (given and name and given != call.id):
            call = _Call(given or f"call_{uuid4().hex[:12]}", name, [])
            self._open[index] = call
            self._calls.append(call)
        elif not call.name:
            call.name = name
        call.arguments.append(getattr(function, "arguments", None) or "")
