"""litellm as it is installed, over real connections to a server that plays a script."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import textwrap
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("litellm") is None:  # an import would not be the quiet one that is tested here
    pytest.skip("litellm is not installed", allow_module_level=True)

from buster_tasks.language_model import (
    LitellmModel,
    Message,
    ModelReply,
    ModelRequest,
    ToolCall,
    ToolSpec,
    Usage,
)
from buster_tasks.language_model.errors import (
    BrokenReplyError,
    ContentPolicyError,
    ContextWindowExceededError,
    LanguageModelError,
    ModelAuthenticationError,
    ModelNotFoundError,
    ModelTimeoutError,
    ModelUnavailableError,
    QuotaExhaustedError,
    RateLimitedError,
    RequestRefusedError,
)
from buster_tasks.testing import (
    BrokenOff,
    Held,
    HttpError,
    RawBody,
    ScriptedLLM,
    ScriptEndedError,
)
from taskkit import Retry
from taskkit.testing import FakeClock
from tests.doubles.anthropic_server import HEAD, anthropic_server, end, text, tool_use

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

KEY = "sk-canary-7f3a91c2"
RUN_SQL = ToolSpec(
    name="run_sql",
    description="Runs SQL.",
    parameters={"type": "object", "properties": {"sql": {"type": "string"}}, "required": ["sql"]},
)
ASKED = ModelRequest(messages=(Message.system("You count."), Message.user("How many?")))
TOOLED = ASKED.model_copy(update={"tools": (RUN_SQL,), "max_tokens": 50, "temperature": 0.0})
AT_ONCE = Retry(max_attempts=3, min_timeout=0.01, randomize=False)
ONCE = Retry(max_attempts=1)


def model_of(server: ScriptedLLM, name: str = "openai/gpt-4o", **options: Any) -> LitellmModel:
    options = {"api_key": KEY, "retry": AT_ONCE, "stall_timeout": 20.0, **options}
    return LitellmModel(name, api_base=server.url, **options)


class Heard:
    """The pieces of text by the attempt that they came in."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, int]] = []
        self.first = asyncio.Event()

    async def __call__(self, piece: str, attempt: int) -> None:
        self.pieces.append((piece, attempt))
        self.first.set()


async def test_a_tool_is_called() -> None:
    call = ToolCall.of("run_sql", sql='SELECT count(*) FROM "it\'s" -- é')
    async with ScriptedLLM([call, "There are 3."]) as server:
        model = model_of(server)
        reply = await model.reply(TOOLED)
        assert [(one.name, one.arguments) for one in reply.tool_calls] == [
            (call.name, call.arguments)
        ]
        assert (reply.text, reply.finish_reason) == ("", "tool_calls")
        result = Message.tool(reply.tool_calls[0].id, "[[3]]")
        answer = await model.reply(
            TOOLED.model_copy(update={"messages": (*TOOLED.messages, reply.message, result)})
        )
    assert (answer.text, answer.finish_reason) == ("There are 3.", "stop")
    first, second = (request.body for request in server.requests)
    assert (first["model"], first["max_tokens"], first["temperature"]) == ("gpt-4o", 50, 0.0)
    assert first["tool_choice"] == "auto"
    assert first["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "run_sql",
                "description": "Runs SQL.",
                "parameters": RUN_SQL.parameters,
            },
        }
    ]
    said, told = second["messages"][2:]
    assert said["tool_calls"][0]["function"]["arguments"] == call.arguments
    assert told == {"role": "tool", "content": "[[3]]", "tool_call_id": reply.tool_calls[0].id}


async def test_several_tools_at_once_and_one_that_must_be_called() -> None:
    calls = [ToolCall.of("run_sql", sql="SELECT 1"), ToolCall.of("run_sql", sql="SELECT 2")]
    async with ScriptedLLM([calls]) as server:
        request = TOOLED.model_copy(update={"tool_choice": "run_sql"})
        reply = await model_of(server).reply(request)
    assert [call.parse() for call in reply.tool_calls] == [{"sql": "SELECT 1"}, {"sql": "SELECT 2"}]
    assert len({call.id for call in reply.tool_calls}) == 2
    choice = server.requests[0].body["tool_choice"]
    assert choice == {"type": "function", "function": {"name": "run_sql"}}


async def test_arguments_that_are_no_json_come_as_they_are_and_go_back_as_json() -> None:
    broken = ToolCall(id="call_x", name="run_sql", arguments='{"sql": "SELECT')
    async with ScriptedLLM([broken, "Oh."]) as server:
        model = model_of(server)
        reply = await model.reply(TOOLED)
        assert reply.tool_calls == (broken,)
        told = Message.tool("call_x", "The arguments are no JSON.")
        await model.reply(ASKED.model_copy(update={"messages": (reply.message, told)}))
    sent = server.requests[1].body["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(sent) == {"invalid_arguments": broken.arguments}


async def test_text_is_streamed() -> None:
    held = Held("There are 3.", after=1)
    heard = Heard()
    async with ScriptedLLM([held]) as server:
        asking = asyncio.create_task(model_of(server).reply(ASKED, on_text=heard))
        await heard.first.wait()
        assert heard.pieces == [("There ", 1)]
        held.release()
        assert (await asking).text == "There are 3."
    assert heard.pieces == [("There ", 1), ("are ", 1), ("3.", 1)]
    assert server.requests[0].body["stream_options"] == {"include_usage": True}


async def test_an_error_of_the_listener_is_its_own() -> None:
    async def failing(piece: str, attempt: int) -> None:
        raise ValueError("mine")

    async with ScriptedLLM(["There are 3."]) as server:
        with pytest.raises(ValueError, match="mine"):
            await model_of(server).reply(ASKED, on_text=failing)


async def test_a_known_model_has_its_price_and_cached_tokens_are_cheaper() -> None:
    usage = Usage(prompt_tokens=1_000, completion_tokens=100, cached_tokens=800)
    async with ScriptedLLM(lambda seen: ModelReply(text="3", usage=usage)) as server:
        known = await model_of(server).reply(ASKED)
        unknown = await model_of(server, "openai/nobody-knows-it").reply(ASKED)
        told = await model_of(server, "openai/mine", usd_per_million=(2.0, 10.0)).reply(ASKED)
    # 200 at 2.50, 800 at 1.25 and 100 at 10.00 a million
    assert known.usage.cost_usd == pytest.approx(0.0025)
    assert known.usage.model_copy(update={"cost_usd": None}) == usage
    assert unknown.usage == usage
    assert told.usage.cost_usd == pytest.approx(0.003)
    assert (known.model, known.usage.tokens) == ("gpt-4o", 1_100)


async def test_an_estimate_is_the_most_that_a_call_may_take() -> None:
    model = LitellmModel("openai/gpt-4o")
    asked = ModelRequest(messages=(Message.user("hello world " * 500),), max_tokens=100)
    estimate = await model.estimate(asked)
    assert 1_000 < estimate.prompt_tokens < 2_100  # they are 1,000
    assert (estimate.completion_tokens, estimate.cached_tokens) == (100, 0)
    assert estimate.cost_usd == pytest.approx(estimate.prompt_tokens * 2.5e-6 + 0.001)
    tooled = await model.estimate(asked.model_copy(update={"tools": (RUN_SQL,)}))
    assert tooled.prompt_tokens > estimate.prompt_tokens
    assert (await LitellmModel("openai/nobody-knows-it").estimate(asked)).cost_usd is None


async def test_a_rate_limit_is_waited_for_as_long_as_the_provider_says() -> None:
    clock = FakeClock()
    async with ScriptedLLM([HttpError(429, retry_after=7), "Now."]) as server:
        asking = asyncio.create_task(model_of(server, clock=clock).reply(ASKED))
        while not clock._timers:
            await asyncio.sleep(0.005)
        await clock.advance(6.9)
        assert len(server.requests) == 1
        await clock.advance(0.2)
        assert (await asking).text == "Now."
    assert len(server.requests) == 2


async def test_a_rate_limit_beyond_the_time_of_the_call_is_told_at_once() -> None:
    async with ScriptedLLM([HttpError(429, retry_after=30)]) as server:
        with pytest.raises(RateLimitedError) as caught:
            await model_of(server).reply(ASKED, timeout=20)
    assert caught.value.retry_after == 30


async def test_errors_of_the_provider_pass() -> None:
    async with ScriptedLLM([HttpError(500), HttpError(503), "Back."]) as server:
        assert (await model_of(server).reply(ASKED)).text == "Back."
    assert len(server.requests) == 3


async def test_only_we_ask_again() -> None:
    script = [HttpError(500), HttpError(500), HttpError(500)]
    async with ScriptedLLM(script) as server:
        with pytest.raises(ModelUnavailableError) as caught:
            await model_of(server).reply(ASKED)
    assert len(server.requests) == 3
    assert caught.value.__notes__ == ["This was attempt 3."]


async def test_a_stream_that_breaks_is_begun_anew() -> None:
    heard = Heard()
    turns = [
        BrokenOff("There are", after=1),
        BrokenOff("There are", after=1, error="overloaded"),
        "There are 3.",
    ]
    async with ScriptedLLM(turns) as server:
        reply = await model_of(server).reply(ASKED, on_text=heard)
    assert reply.text == "There are 3."
    assert heard.pieces == [
        ("There ", 1), ("There ", 2), ("There ", 3), ("are ", 3), ("3.", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "turn",
    [
        RawBody(b"{no json"),
        RawBody(b"data: {no json\n\ndata: [DONE]\n\n", "text/event-stream"),
        RawBody(b"<html>Sign in</html>", "text/html"),
        RawBody(b"", "text/event-stream"),
    ],
    ids=["json", "event", "html", "empty"],
)
async def test_what_is_no_reply_is_asked_for_again(turn: RawBody) -> None:
    async with ScriptedLLM([turn, "There are 3."]) as server:
        assert (await model_of(server).reply(ASKED)).text == "There are 3."
    async with ScriptedLLM([turn]) as server:
        with pytest.raises(BrokenReplyError):
            await model_of(server, retry=ONCE).reply(ASKED)


@pytest.mark.parametrize("after", [0, 1], ids=["before the status", "in the stream"])
async def test_a_provider_that_hangs_is_cut_off(after: int) -> None:
    async with ScriptedLLM([Held("There are 3.", after=after)]) as server:
        began = time.monotonic()
        with pytest.raises(ModelTimeoutError, match=r"said nothing for 0\.3 s"):
            await model_of(server, retry=ONCE, stall_timeout=0.3).reply(ASKED)
        assert 0.3 <= time.monotonic() - began < 1.5
        assert await asyncio.to_thread(server.requests[0].hung_up.wait, 5)


async def test_the_time_of_the_call_ends_all_attempts() -> None:
    async with ScriptedLLM([HttpError(500), Held("Late.")]) as server:
        began = time.monotonic()
        with pytest.raises(ModelTimeoutError, match="The time for the call is over"):
            await model_of(server).reply(ASKED, timeout=0.4)
        assert time.monotonic() - began < 1.6
    assert len(server.requests) == 2


@pytest.mark.parametrize("after", [0, 1], ids=["before the status", "in the stream"])
async def test_a_cancel_closes_the_connection(after: int) -> None:
    held = Held("There are 3.", after=after)
    async with ScriptedLLM([held]) as server:
        asking = asyncio.create_task(model_of(server).reply(ASKED))
        await asyncio.to_thread(held.reached.wait, 10)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await asyncio.to_thread(server.requests[0].hung_up.wait, 5)


REFUSALS = [
    (HttpError(401), ModelAuthenticationError),
    (HttpError(403), ModelAuthenticationError),
    (HttpError(404), ModelNotFoundError),
    (HttpError(400), RequestRefusedError),
    (HttpError(422), RequestRefusedError),
    (HttpError(400, code="context_length_exceeded"), ContextWindowExceededError),
    (HttpError(400, code="content_policy_violation"), ContentPolicyError),
    (HttpError(402), QuotaExhaustedError),
    (HttpError(429, code="insufficient_quota"), QuotaExhaustedError),
]


@pytest.mark.parametrize(
    ("turn", "kind"), REFUSALS, ids=[f"{turn.status} {turn.code or ''}" for turn, _ in REFUSALS]
)
async def test_a_refusal_is_told_at_once(turn: HttpError, kind: type[LanguageModelError]) -> None:
    async with ScriptedLLM([turn]) as server:
        with pytest.raises(LanguageModelError) as caught:
            await model_of(server).reply(ASKED)
    assert type(caught.value) is kind
    assert not caught.value.transient
    assert caught.value.message.startswith("openai/gpt-4o: ")
    assert caught.value.fix


async def test_a_refusal_in_the_stream_is_no_broken_stream() -> None:
    async with ScriptedLLM([BrokenOff("a b", error="context_length_exceeded: too long")]) as server:
        with pytest.raises(ContextWindowExceededError):
            await model_of(server).reply(ASKED)


async def test_an_unknown_provider_is_told_at_once() -> None:
    with pytest.raises(ModelNotFoundError, match="provider/model"):
        await LitellmModel("nobody/knows", api_key=KEY).reply(ASKED)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    server = ScriptedLLM([])
    server.close()
    with pytest.raises(ModelUnavailableError, match="api_base"):
        await model_of(server, retry=ONCE).reply(ASKED)


@pytest.fixture
async def loud_logs(caplog: pytest.LogCaptureFixture) -> AsyncIterator[pytest.LogCaptureFixture]:
    names = ["LiteLLM", "openai", "openai._base_client", "httpx"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield caplog
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def echo(seen: Any) -> str:
    return f"Incorrect API key provided: {seen.headers['authorization']}"


@pytest.mark.parametrize("where", ["given", "environment", "reference"])
async def test_a_key_that_the_server_sends_back_is_masked(
    where: str,
    loud_logs: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    key = {"given": KEY, "environment": None, "reference": "env:OPENAI_API_KEY"}[where]
    async with ScriptedLLM([HttpError(401, echo), BrokenOff("a b", error=f"{KEY}!")]) as server:
        model = model_of(server, api_key=key, retry=ONCE)
        for _ in range(2):
            with pytest.raises(LanguageModelError) as caught:
                await model.reply(ASKED)
            error = caught.value
            assert KEY not in "".join(traceback.format_exception(error))
            assert (error.__cause__, error.__context__) == (None, None)
            assert "****" in error.message
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(model)
    assert loud_logs.records
    assert KEY not in loud_logs.text
    output = capfd.readouterr()
    assert KEY not in output.out + output.err
    assert KEY not in "".join(own_locals(error))


def own_locals(error: BaseException) -> Iterator[str]:
    """What a tool shows that prints the variables of each frame."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if "language_model" in frame.f_code.co_filename:
            yield repr(frame.f_locals)


@pytest.mark.parametrize(
    "reference", ["env:NOT_SET_ANYWHERE", "file:/allowed/key", "file:/other/key"]
)
async def test_a_reference_that_leads_nowhere_is_told_before_anything_is_sent(
    reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUSTER_TASKS_DIRECTORIES", "/allowed")
    async with ScriptedLLM([]) as server:
        with pytest.raises(ModelAuthenticationError, match=reference.partition(":")[2]):
            await model_of(server, api_key=reference).reply(ASKED)
    assert server.requests == []


async def test_a_provider_that_caches_up_to_marks_is_sent_them_and_its_discount_counts() -> None:
    call = ToolCall(id="c1", name="run_sql", arguments='{"sql": "x"}')
    messages = (*TOOLED.messages, Message.assistant("", (call,)), Message.tool("c1", "[[3]]"))
    asked = TOOLED.model_copy(update={"messages": messages})
    events = [
        HEAD,
        *text(0, "Let me ", "count."),
        *tool_use(1, "toolu_1", "run_sql", '{"sq', 'l": "SELECT 1"}'),
        *end("tool_use", 40),
    ]
    heard = Heard()
    with anthropic_server(events) as (base, bodies):
        model = LitellmModel("anthropic/claude-sonnet-4-5", api_base=base, api_key=KEY, retry=ONCE)
        reply = await model.reply(asked, on_text=heard)
    assert (reply.text, heard.pieces) == ("Let me count.", [("Let me ", 1), ("count.", 1)])
    assert reply.tool_calls == (
        ToolCall(id="toolu_1", name="run_sql", arguments='{"sql": "SELECT 1"}'),
    )
    assert reply.finish_reason == "tool_calls"
    # 100 at 3.00, 800 read at 0.30, 50 written at 3.75 and 40 at 15.00 a million
    assert reply.usage.cost_usd == pytest.approx(0.0003 + 0.00024 + 0.0001875 + 0.0006)
    usage = Usage(prompt_tokens=950, completion_tokens=40, cached_tokens=800)
    assert reply.usage.model_copy(update={"cost_usd": None}) == usage
    (sent,) = bodies
    mark = {"type": "ephemeral"}
    assert sent["system"] == [{"type": "text", "text": "You count.", "cache_control": mark}]
    assert json.dumps(sent).count("cache_control") == 2
    assert json.dumps(sent["messages"][-1]).count("cache_control") == 1
    assert [tool["name"] for tool in sent["tools"]] == ["run_sql"]


async def test_one_that_caches_by_itself_is_sent_none() -> None:
    async with ScriptedLLM(["3"]) as server:
        await model_of(server).reply(TOOLED)
    assert "cache_control" not in json.dumps(server.requests[0].body)


async def test_the_beginning_of_the_prompt_stays_the_same() -> None:
    other = ToolSpec(name="a_tool", description="")
    async with ScriptedLLM(lambda seen: "3") as server:
        model = model_of(server)
        await model.reply(ModelRequest(messages=ASKED.messages, tools=(RUN_SQL, other)))
        more = (*ASKED.messages, Message.assistant("3"), Message.user("And?"))
        await model.reply(ModelRequest(messages=more, tools=(other, RUN_SQL)))
    first, second = (request.body for request in server.requests)
    assert json.dumps(first["tools"]) == json.dumps(second["tools"])
    assert second["messages"][:2] == first["messages"]
    assert [tool["function"]["name"] for tool in first["tools"]] == ["a_tool", "run_sql"]


async def test_connections_are_used_again() -> None:
    async with ScriptedLLM(lambda seen: "3") as server:
        model = model_of(server)
        for _ in range(3):
            await model.reply(ASKED)
        assert len(server._server.connections) == 1


async def test_a_call_without_a_turn_is_refused_and_told() -> None:
    server = ScriptedLLM([])
    await server.__aenter__()
    with pytest.raises(RequestRefusedError):
        await model_of(server).reply(ASKED)
    with pytest.raises(ScriptEndedError, match="has 0 turns"):
        await server.__aexit__(None, None, None)


PROGRAM = r"""
import json, pathlib, re, sys, time

hosts = []


def listen(event, args):
    if event == "socket.connect":
        hosts.append(args[1][0] if isinstance(args[1], tuple) else str(args[1]))
    elif event == "socket.getaddrinfo":
        hosts.append(str(args[0]))


sys.addaudithook(listen)
import asyncio
from buster_tasks.language_model import LitellmModel, Message, ModelRequest, ToolSpec

assert "litellm" not in sys.modules and not hosts
asked = ModelRequest(messages=(Message.user("x"),), tools=(ToolSpec(name="a", description=""),))


async def main():
    began = time.perf_counter()
    model = LitellmModel("openai/gpt-4o", api_base=sys.argv[1], api_key="sk-12345678")
    await model.estimate(asked)
    first = time.perf_counter()
    replies = [await model.reply(asked) for _ in range(10)]
    print(json.dumps({
        "hosts": sorted(set(hosts)),
        "texts": sorted({reply.text for reply in replies}),
        "load": first - began,
        "calls": time.perf_counter() - first,
        "peak": int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1024,
        "prices": __import__("os").environ["LITELLM_LOCAL_MODEL_COST_MAP"],
    }))


asyncio.run(main())
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="memory is read as Linux tells it"
)
async def test_nobody_else_is_asked_and_memory_stays_low() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LITELLM")}
    async with ScriptedLLM(lambda seen: "3") as server:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", textwrap.dedent(PROGRAM), server.url],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    print(
        f"litellm: loaded in {told['load']:.1f} s, 10 calls in {told['calls']:.2f} s, peak {told['peak']:.0f} MB"
    )
    assert told["hosts"] == ["127.0.0.1"]
    assert told["texts"] == ["3"]
    assert told["prices"] == "True"
    assert told["peak"] < 250
