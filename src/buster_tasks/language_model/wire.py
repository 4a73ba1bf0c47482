"""A request as litellm takes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from buster_tasks.language_model.base import InvalidArguments, Message, ModelRequest, ToolCall

_CACHE_MARK: Final = {"type": "ephemeral"}
_CHOICES: Final = ("auto", "none", "required")


def takes_cache_marks(model: str, provider: str) -> bool:
    """Whether the provider caches up to a mark; others do it by themselves, or not at all."""
    return provider == "anthropic" or "claude" in model.lower()


def messages_of(request: ModelRequest, *, cache_marks: bool) -> list[dict[str, Any]]:
    """The messages, with marks up to where the provider may keep the prompt for the next call.

    One stands after the last system message, which tools come before, and one at the end of the conversation.
    """
    messages = [_message(message) for message in request.messages]
    if cache_marks:
        for position in _marked(request.messages):
            _mark(messages[position])
    return messages


def tools_of(request: ModelRequest) -> list[dict[str, Any]]:
    """The tools, in the order of their names."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
            },
        }
        for tool in request.tools
    ]


def tool_choice_of(request: ModelRequest) -> Any:
    """One of the words, or the tool that must be called."""
    if request.tool_choice in _CHOICES:
        return request.tool_choice
    return {"type": "function", "function": {"name": request.tool_choice}}


def _message(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        made["content"] = message.content or None
        made["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        made["tool_call_id"] = message.tool_call_id
    return made


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": _arguments(call)},
    }


def _arguments(call: ToolCall) -> str:
    """The text as it came; no JSON is wrapped in some, as providers read what they get back."""
    if isinstance(call.parse(), InvalidArguments):
        return json.dumps({"invalid_arguments": call.arguments}, ensure_ascii=False)
    return call.arguments.strip() or "{}"


def _marked(messages: Sequence[Message]) -> set[int]:
    """The last system message before the conversation, and the last message that has a text to mark."""
    with_text = [position for position, message in enumerate(messages) if message.content]
    systems = [position for position in with_text if messages[position].role == "system"]
    return {*systems[-1:], *with_text[-1:]}


def _mark(message: dict[str, Any]) -> None:
    block = {"type": "text", "text": message["content"], "cache_control": _CACHE_MARK}
    message["content"] = [block]
