import asyncio

import pytest

from buster_tasks.language_model import (
    Message,
    ModelReply,
    ModelRequest,
    ToolCall,
    Usage,
)
from buster_tasks.language_model.errors import (
    LanguageModelError,
    ModelTimeoutError,
    RateLimitedError,
)
from buster_tasks.testing import FakeModel, ScriptEndedError

pytestmark = pytest.mark.anyio

ASKED = ModelRequest(messages=(Message.user("How many?"),))


async def test_it_plays_its_script() -> None:
    whole = ModelReply(text="cut", finish_reason="length", usage=Usage(prompt_tokens=3))
    model = FakeModel(
        [
            ToolCall.of("run_sql", sql="SELECT 1"),
            [ToolCall.of("a"), ToolCall(id="mine", name="b", arguments="{")],
            "One.",
            whole,
        ]
    )
    one = await model.reply(ASKED)
    assert one.tool_calls == (
        ToolCall(id="call_1_1", name="run_sql", arguments='{"sql": "SELECT 1"}'),
    )
    assert one.finish_reason == "tool_calls"
    two = await model.reply(ASKED)
    assert [(call.id, call.arguments) for call in two.tool_calls] == [
        ("call_2_1", "{}"),
        ("mine", "{"),
    ]
    assert model.turns_left == 2
    three = await model.reply(ASKED)
    assert (three.text, three.tool_calls, three.finish_reason) == ("One.", (), "stop")
    assert three.usage.cost_usd == 0
    assert three.usage.completion_tokens == 2
    assert await model.reply(ASKED) == whole
    assert (model.calls, model.turns_left) == (4, 0)
    assert model.requests == [ASKED] * 4


async def test_text_comes_in_pieces() -> None:
    pieces: list[tuple[str, int]] = []

    async def hear(piece: str, attempt: int) -> None:
        pieces.append((piece, attempt))

    await FakeModel([" There are two."]).reply(ASKED, on_text=hear)
    assert pieces == [(" ", 1), ("There ", 1), ("are ", 1), ("two.", 1)]


async def test_errors_are_raised() -> None:
    model = FakeModel([RateLimitedError("Slow.", retry_after=1), "Now."])
    with pytest.raises(RateLimitedError):
        await model.reply(ASKED)
    assert (await model.reply(ASKED)).text == "Now."


async def test_a_function_answers() -> None:
    model = FakeModel(lambda request: request.messages[-1].content.upper())
    assert (await model.reply(ASKED)).text == "HOW MANY?"

    async def slowly(request: ModelRequest) -> str:
        await asyncio.sleep(0)
        return "later"

    model = FakeModel([slowly, lambda request: ToolCall.of("x")])
    assert (await model.reply(ASKED)).text == "later"
    assert (await model.reply(ASKED)).tool_calls[0].name == "x"


async def test_a_function_that_hangs_is_cut_off() -> None:
    async def never(request: ModelRequest) -> str:
        await asyncio.Event().wait()
        return ""

    with pytest.raises(ModelTimeoutError):
        await FakeModel(never).reply(ASKED, timeout=0.01)


async def test_a_time_limit_of_the_function_is_its_own() -> None:
    async def failing(request: ModelRequest) -> str:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await FakeModel(failing).reply(ASKED)


async def test_a_script_that_is_too_short_is_told() -> None:
    model = FakeModel(["One."])
    await model.reply(ASKED)
    with pytest.raises(ScriptEndedError, match=r"has 1 turns.*ends in: .How many") as caught:
        await model.reply(ASKED)
    assert not isinstance(caught.value, LanguageModelError)
