"""Replies as OpenAI's chat completions write them: whole, or as the events of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from buster_tasks.language_model.base import ModelReply, ToolCall, Usage

_MODEL = "scripted"
_PIECES_OF_ARGUMENTS = 3


def completion_of(reply: ModelReply, number: int) -> dict[str, Any]:
    """The body of an answer that is not streamed."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.tool_calls:
        message["tool_calls"] = [_call(call) for call in reply.tool_calls]
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    return {**_head(reply, number, "chat.completion"), "choices": [choice], "usage": _usage(reply)}


def chunks_of(reply: ModelReply, number: int) -> Iterator[dict[str, Any]]:
    """The events of a stream: the text word by word, each call's arguments in pieces, the reason, the usage."""
    head = _head(reply, number, "chat.completion.chunk")
    for delta in _deltas(reply):
        yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {
        **head,
        "choices": [{"index": 0, "delta": {}, "finish_reason": reply.finish_reason}],
    }
    yield {**head, "choices": [], "usage": _usage(reply)}


def event(data: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def _head(reply: ModelReply, number: int, kind: str) -> dict[str, Any]:
    name = reply.model or _MODEL
    return {"id": f"chatcmpl-{number}", "object": kind, "created": 1_900_000_000, "model": name}


def _deltas(reply: ModelReply) -> Iterator[dict[str, Any]]:
    role = {"role": "assistant"}
    words = reply.text.split(" ")
    for position, word in enumerate(words if reply.text else ()):
        yield {**role, "content": word if position == len(words) - 1 else f"{word} "}
    for index, call in enumerate(reply.tool_calls):
        whole = _call(call)
        first = {**whole, "index": index, "function": {"name": call.name, "arguments": ""}}
        yield {**role, "tool_calls": [first]}
        for piece in _pieces(call.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _pieces(text: str) -> Iterator[str]:
    size = max(1, -(-len(text) // _PIECES_OF_ARGUMENTS))
    for start in range(0, len(text), size):
        yield text[start : start + size]


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _usage(reply: ModelReply) -> dict[str, Any]:
    usage: Usage = reply.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
