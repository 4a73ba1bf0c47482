import json

import pytest

from buster_tasks.language_model import Message, ModelRequest, ToolCall, ToolSpec
from buster_tasks.language_model.wire import (
    messages_of,
    takes_cache_marks,
    tool_choice_of,
    tools_of,
)

SYSTEM, USER = Message.system("Count."), Message.user("How many?")
CALL = ToolCall(id="c1", name="run_sql", arguments='{"sql": "x"}')
MARK = {"type": "ephemeral"}


def marked(*messages: Message) -> list[int]:
    made = messages_of(ModelRequest(messages=messages), cache_marks=True)
    return [n for n, message in enumerate(made) if "cache_control" in json.dumps(message)]


def test_messages_as_they_go_out() -> None:
    request = ModelRequest(
        messages=(SYSTEM, USER, Message.assistant("", (CALL,)), Message.tool("c1", "[[3]]"))
    )
    assert messages_of(request, cache_marks=False) == [
        {"role": "system", "content": "Count."},
        {"role": "user", "content": "How many?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "run_sql", "arguments": '{"sql": "x"}'},
                }
            ],
        },
        {"role": "tool", "content": "[[3]]", "tool_call_id": "c1"},
    ]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ("", {}),
        (' {"a": 1} ', {"a": 1}),
        ('{"a": ', {"invalid_arguments": '{"a": '}),
        ("[1]", {"invalid_arguments": "[1]"}),
    ],
)
def test_arguments_that_go_back_are_json(arguments: str, sent: object) -> None:
    call = CALL.model_copy(update={"arguments": arguments})
    request = ModelRequest(messages=(Message.assistant("", (call,)),))
    (message,) = messages_of(request, cache_marks=False)
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == sent


def test_marks_stand_after_the_system_messages_and_at_the_end() -> None:
    assert marked(SYSTEM, SYSTEM, USER, Message.assistant("3"), USER) == [1, 4]
    assert marked(SYSTEM) == [0]
    assert marked(USER) == [0]
    assert marked(SYSTEM, USER, Message.assistant("", (CALL,))) == [0, 1]
    assert marked() == []
    made = messages_of(ModelRequest(messages=(USER,)), cache_marks=True)
    assert made[0]["content"] == [{"type": "text", "text": "How many?", "cache_control": MARK}]


@pytest.mark.parametrize(
    ("model", "provider", "takes"),
    [
        ("anthropic/claude-sonnet-4-5", "anthropic", True),
        ("bedrock/anthropic.claude-3-5-sonnet", "bedrock", True),
        ("openai/gpt-4o", "openai", False),
        ("gemini/gemini-2.5-pro", "gemini", False),
    ],
)
def test_who_takes_marks(model: str, provider: str, takes: bool) -> None:
    assert takes_cache_marks(model, provider) is takes


def test_tools_and_their_choice() -> None:
    tools = (ToolSpec(name="b", description="B."), ToolSpec(name="a", description="A."))
    request = ModelRequest(messages=(USER,), tools=tools, tool_choice="b")
    assert [tool["function"]["name"] for tool in tools_of(request)] == ["a", "b"]
    assert tools_of(request)[0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert tool_choice_of(request) == {"type": "function", "function": {"name": "b"}}
    assert tool_choice_of(request.model_copy(update={"tool_choice": "required"})) == "required"
