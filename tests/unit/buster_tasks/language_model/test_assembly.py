from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from buster_tasks.language_model import ModelReply, ToolCall, Usage
from buster_tasks.language_model.assembly import ReplyAssembly
from buster_tasks.testing.chat_wire import chunks_of


def chunk(delta: Any = None, reason: str | None = None, **more: Any) -> Any:
    choice = SimpleNamespace(delta=delta, finish_reason=reason)
    return SimpleNamespace(choices=[choice], **more)


def piece(index: int | None, given: str | None, name: str | None, arguments: str | None) -> Any:
    function = SimpleNamespace(name=name, arguments=arguments)
    return SimpleNamespace(index=index, id=given, function=function)


def of_calls(*pieces: Any) -> ModelReply:
    assembly = ReplyAssembly()
    for one in pieces:
        assembly.take(chunk(SimpleNamespace(content=None, tool_calls=[one])))
    return assembly.reply(Usage())


def as_objects(data: Any) -> Any:
    if isinstance(data, dict):
        return SimpleNamespace(**{key: as_objects(value) for key, value in data.items()})
    return [as_objects(one) for one in data] if isinstance(data, list) else data


@given(
    st.builds(
        ModelReply,
        text=st.text(),
        tool_calls=st.lists(
            st.builds(ToolCall, name=st.text(min_size=1), arguments=st.text()), max_size=4
        ).map(
            lambda calls: tuple(
                call.model_copy(update={"id": f"call_{n}"}) for n, call in enumerate(calls)
            )
        ),
    )
)
def test_what_is_sent_in_pieces_comes_out_whole(reply: ModelReply) -> None:
    assembly = ReplyAssembly()
    texts = [assembly.take(as_objects(one)) for one in chunks_of(reply, 1)]
    made = assembly.reply(Usage())
    assert (made.text, made.tool_calls) == (reply.text, reply.tool_calls)
    assert "".join(texts) == assembly.text == reply.text
    assert assembly.is_empty == (not reply.text and not reply.tool_calls)


def test_calls_that_share_an_index_are_told_apart_by_their_ids() -> None:
    reply = of_calls(piece(0, "a", "x", '{"n":1}'), piece(0, "b", "x", '{"n":2}'))
    assert [(call.id, call.arguments) for call in reply.tool_calls] == [
        ("a", '{"n":1}'),
        ("b", '{"n":2}'),
    ]


def test_an_id_that_is_told_again_begins_no_other_call() -> None:
    reply = of_calls(
        piece(0, "a", "x", '{"n"'), piece(0, "a", "x", ":1"), piece(None, "", None, "}")
    )
    assert [(call.id, call.arguments) for call in reply.tool_calls] == [("a", '{"n":1}')]


def test_a_call_without_an_id_is_given_one() -> None:
    reply = of_calls(piece(0, None, None, None), piece(0, None, "x", "{}"), piece(1, None, "y", ""))
    first, second = reply.tool_calls
    assert (first.name, second.name) == ("x", "y")
    assert first.id.startswith("call_")
    assert first.id != second.id


@pytest.mark.parametrize(
    ("reason", "has_calls", "expected"),
    [
        ("stop", False, "stop"),
        ("stop", True, "tool_calls"),
        ("function_call", True, "tool_calls"),
        ("length", True, "length"),
        ("content_filter", False, "content_filter"),
        ("strange", False, "other"),
        (None, False, "stop"),
    ],
)
def test_why_it_ended(reason: str | None, has_calls: bool, expected: str) -> None:
    assembly = ReplyAssembly()
    calls = [piece(0, "a", "x", "{}")] if has_calls else None
    assembly.take(chunk(SimpleNamespace(content="", tool_calls=calls), reason))
    assembly.take(SimpleNamespace(choices=[], usage=None, model="m"))
    reply = assembly.reply(Usage())
    assert (reply.finish_reason, reply.model) == (expected, "m")


def test_halves_of_a_character_in_two_pieces_become_one() -> None:
    assembly = ReplyAssembly()
    for text in ("\ud83d", "\ude00"):
        assembly.take(chunk(SimpleNamespace(content=text, tool_calls=None)))
    assert assembly.reply(Usage()).text == "\U0001f600"
