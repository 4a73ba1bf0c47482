import json
import subprocess
import sys
from hashlib import sha256

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, ValidationError

from buster_tasks.language_model import (
    InvalidArguments,
    Message,
    ModelReply,
    ModelRequest,
    ToolCall,
    ToolSpec,
    Usage,
    rough_estimate,
)

CALL = ToolCall.of("run_sql", sql="SELECT 'é'")
REQUEST = ModelRequest(
    messages=(
        Message.system("You are an analyst."),
        Message.user("How many?"),
        Message.assistant("", (CALL,)),
        Message.tool("call_1", "[[1]]"),
    ),
    tools=(
        ToolSpec(name="run_sql", description="Runs SQL.", parameters={"type": "object"}),
        ToolSpec(name="finish", description="Ends."),
    ),
    model="openai/gpt-4o",
    max_tokens=100,
    temperature=0,
    tool_choice="required",
)
REPLY = ModelReply(
    text="One.",
    tool_calls=(CALL,),
    finish_reason="tool_calls",
    usage=Usage(prompt_tokens=10, completion_tokens=3, cached_tokens=4, cost_usd=0.1),
    model="gpt-4o",
)


@pytest.mark.parametrize("value", [REQUEST, REPLY], ids=["request", "reply"])
def test_values_come_back_from_json_the_same(value: BaseModel) -> None:
    assert type(value).model_validate_json(value.model_dump_json()) == value
    short = value.model_dump_json(exclude_defaults=True)
    assert type(value).model_validate_json(short) == value


def test_values_do_not_change() -> None:
    with pytest.raises(ValidationError):
        REPLY.text = "Two."


@given(st.text(st.characters(codec=None)))
def test_any_text_can_be_written_down(text: str) -> None:
    message = Message.user(text)
    assert Message.model_validate_json(message.model_dump_json()) == message
    if not any(0xD800 <= ord(character) < 0xE000 for character in text):
        assert message.content == text


def test_halves_of_a_character_are_joined_or_replaced() -> None:
    assert Message.user("\ud83d\ude00 \ud83d").content == "\U0001f600 \ufffd"


def test_equal_requests_have_equal_digests_whatever_the_order_of_tools_and_keys() -> None:
    first, second = ToolSpec(name="b", description=""), ToolSpec(name="a", description="")
    one = ModelRequest(messages=(Message.user("x"),), tools=(first, second), temperature=0)
    other = ModelRequest(tools=(second, first), messages=(Message.user("x"),), temperature=0.0)
    assert [tool.name for tool in one.tools] == ["a", "b"]
    assert one.digest == other.digest
    schema = {"type": "object", "properties": {}}
    turned = dict(reversed(schema.items()))
    assert (
        ModelRequest(messages=(), tools=(ToolSpec(name="a", description="", parameters=schema),))
    ).digest == ModelRequest(
        messages=(), tools=(ToolSpec(name="a", description="", parameters=turned),)
    ).digest


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (*REQUEST.messages, Message.user("And?"))},
        {"tools": REQUEST.tools[:1]},
        {"model": "other"},
        {"max_tokens": 99},
        {"temperature": 0.5},
        {"tool_choice": "auto"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_different_request_has_a_different_digest(change: dict[str, object]) -> None:
    assert REQUEST.model_copy(update=change).digest != REQUEST.digest


def test_a_digest_is_the_same_in_another_process() -> None:
    code = (
        "import sys\nfrom buster_tasks.language_model import ModelRequest\n"
        "print(ModelRequest.model_validate_json(sys.stdin.read()).digest)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=REQUEST.model_dump_json(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == REQUEST.digest


def test_the_digest_is_kept_from_version_to_version() -> None:
    request = ModelRequest(messages=(Message.user("é"),), max_tokens=5)
    text = '{"max_tokens":5,"messages":[{"content":"\\u00e9","role":"user"}]}'
    assert request.digest == sha256(text.encode()).hexdigest()


def test_two_tools_of_one_name_are_refused() -> None:
    tool = ToolSpec(name="a", description="")
    with pytest.raises(ValidationError, match="two tools have the same name: a"):
        ModelRequest(messages=(), tools=(tool, tool))


def test_arguments_are_read() -> None:
    assert CALL.parse() == {"sql": "SELECT 'é'"}
    assert ToolCall(id="1", name="x", arguments=" ").parse() == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"sql": "SEL', "The arguments are no JSON: EOF while parsing a string"),
        ("[1]", "The arguments are no JSON object."),
        ('{"a": NaN}', "The arguments are no JSON:"),
        ("[" * 100_000, "The arguments are no JSON: recursion limit exceeded"),
    ],
    ids=["cut", "list", "nan", "deep"],
)
def test_wrong_arguments_are_said_to_be_wrong(text: str, reason: str) -> None:
    parsed = ToolCall(id="1", name="x", arguments=text).parse()
    assert isinstance(parsed, InvalidArguments)
    assert parsed.reason.startswith(reason)


@given(st.text(st.characters(codec=None)) | st.recursive(st.none(), st.lists).map(json.dumps))
def test_parsing_never_raises(text: str) -> None:
    parsed = ToolCall(id="1", name="x", arguments=text).parse()
    assert isinstance(parsed, dict | InvalidArguments)


def test_usage_adds_up_and_an_unknown_price_stays_unknown() -> None:
    one = Usage(prompt_tokens=10, completion_tokens=5, cached_tokens=8, cost_usd=0.5)
    assert one + one == Usage(
        prompt_tokens=20, completion_tokens=10, cached_tokens=16, cost_usd=1.0
    )
    assert (one + Usage(prompt_tokens=1)).cost_usd is None
    assert one.tokens == 15


def test_the_rough_estimate_counts_prompt_and_tools_and_takes_the_most_that_may_come() -> None:
    bare = ModelRequest(messages=(Message.user("x" * 3_000),), max_tokens=7)
    assert 1_000 < rough_estimate(bare).prompt_tokens < 1_050
    assert rough_estimate(bare).completion_tokens == 7
    assert rough_estimate(bare).cost_usd is None
    tooled = ModelRequest(messages=bare.messages, tools=REQUEST.tools)
    assert rough_estimate(tooled).prompt_tokens > rough_estimate(bare).prompt_tokens
    assert rough_estimate(tooled).completion_tokens == 4_096
    chinese = ModelRequest(messages=(Message.user("数" * 3_000),))
    assert rough_estimate(chinese).prompt_tokens > 3_000


def test_a_reply_is_the_next_message() -> None:
    assert REPLY.message == Message(role="assistant", content="One.", tool_calls=(CALL,))
