"""What a model and its provider may get wrong, over HTTP: waited for, replaced, or cut off, with what was found."""

import asyncio
from typing import Any

import pytest

from buster_tasks.language_model import ModelReply, ToolCall
from buster_tasks.testing import BrokenOff, Held, HttpError, RawBody
from buster_tasks.testing.scripted_llm import SeenRequest
from tests.integration.buster_tasks.analyst.conftest import (
    BY_COUNTRY,
    CONTEXT,
    FOUND,
    PLAN,
    AskOverHttp,
    found_in,
    run_sql,
)

pytestmark = pytest.mark.anyio

SCRIPT = [CONTEXT, PLAN, run_sql(BY_COUNTRY), FOUND]
COUNT = "How many orders are there?"


def tools_of(request: SeenRequest) -> set[str]:
    return {tool["function"]["name"] for tool in request.body["tools"]}


def endless(request: SeenRequest) -> ToolCall:
    """Prepares, and then asks for something else again and again."""
    if "submit_context" in tools_of(request):
        return CONTEXT
    if "submit_plan" in tools_of(request):
        return PLAN
    number = len(request.body["messages"])
    return run_sql(f"SELECT COUNT(*) AS n FROM orders WHERE id > {number}")


@pytest.mark.parametrize(
    "fault",
    [
        HttpError(429, retry_after=0.05),
        HttpError(500),
        HttpError(529, "Overloaded."),
        RawBody(b"<html>gateway</html>", "text/html"),
        RawBody(b""),
        BrokenOff(run_sql(BY_COUNTRY), after=2),
        BrokenOff(run_sql(BY_COUNTRY), after=1, error="The server had an error."),
    ],
    ids=["429", "500", "529", "no JSON", "empty", "stream cut", "stream error"],
)
async def test_what_comes_and_goes_is_asked_again(over_http: AskOverHttp, fault: Any) -> None:
    heard = await over_http([CONTEXT, PLAN, fault, run_sql(BY_COUNTRY), FOUND])
    assert (heard.output.success, heard.result.status) == (True, "completed")
    assert heard.verdicts == ["verified"]
    assert heard.requests[2].body == heard.requests[3].body
    assert heard.output.metadata.usage.model_calls == 4


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (HttpError(401, "Incorrect API key provided: sk-none-12345678."), "key"),
        (HttpError(404, "The model does not exist.", code="model_not_found"), "model"),
        (HttpError(400, "This is too long.", code="context_length_exceeded"), "long"),
        (HttpError(429, "No credit.", code="insufficient_quota"), "credit"),
    ],
    ids=["401", "404", "context", "quota"],
)
async def test_what_stays_is_not_asked_again_and_offline_goes_on(
    over_http: AskOverHttp, fault: HttpError, said: str
) -> None:
    heard = await over_http([CONTEXT, PLAN, fault], COUNT)
    assert len(heard.requests) == 3
    assert (heard.output.success, heard.verdicts) == (True, ["verified"])
    assert heard.output.metadata.model == "openai/gpt-4o-mini, then offline"
    [warning] = [one for one in heard.result.warnings if one.code == "MODEL_FAILED"]
    assert said in warning.message
    assert "sk-none" not in heard.output.model_dump_json()


async def test_a_provider_that_hangs_is_given_up_and_offline_goes_on(
    over_http: AskOverHttp,
) -> None:
    before, within = Held(CONTEXT), Held(CONTEXT, after=1)
    heard = await over_http([before, within], COUNT, stall_timeout=0.3, attempts=2)
    assert before.reached.is_set()
    assert within.reached.is_set()
    assert (heard.output.success, heard.verdicts) == (True, ["verified"])
    assert "said nothing for 0.3 s" in heard.output.model_dump_json()


async def test_a_provider_that_hangs_past_the_time_limit_ends_it_in_time(
    over_http: AskOverHttp,
) -> None:
    heard = await over_http([CONTEXT, PLAN, run_sql(BY_COUNTRY), Held(FOUND)], seconds=3.0)
    assert heard.output.error is not None
    assert (heard.output.success, heard.output.error.code) == (False, "TIMEOUT")
    assert [artifact.type for artifact in heard.result.artifacts] == ["query"]
    assert "CUT_SHORT" in heard.warnings
    assert heard.output.metadata.usage.seconds["total"] < 6


async def test_malformed_calls_are_told_and_mended(over_http: AskOverHttp) -> None:
    broken = [
        ToolCall(id="", name="submit_context", arguments='{"tables": [{"table": "orders"'),
        ToolCall(id="", name="submit_context", arguments='["orders"]'),
        ToolCall(id="", name="submit_context", arguments='{"tables": "orders"}'),
        ToolCall(id="", name="", arguments="{}"),
        ToolCall(id="", name="x" * 300, arguments="{}"),
    ]
    heard = await over_http([*broken, *SCRIPT])
    told = heard.answers
    assert "The arguments are no JSON" in told[0]
    assert "no JSON object" in told[1]
    assert "tables:" in told[2]
    assert "is no tool" in told[3]
    assert len(told[4]) < 1_000
    assert heard.verdicts == ["verified"]


async def test_endless_calls_end_at_the_steps_with_what_was_found(over_http: AskOverHttp) -> None:
    heard = await over_http(endless, options={"max_steps": 10})
    assert len(heard.requests) <= 10
    assert (heard.output.success, heard.result.status) == (True, "completed_with_warnings")
    assert "CUT_SHORT" in heard.warnings
    assert len(heard.result.artifacts) >= 4


async def test_very_many_calls_at_once_are_not_all_done(over_http: AskOverHttp) -> None:
    many = [run_sql(f"SELECT COUNT(*) AS n FROM orders WHERE id > {at}") for at in range(30)]
    heard = await over_http([CONTEXT, PLAN, many, run_sql(BY_COUNTRY), found_in("r9")])
    assert heard.output.metadata.usage.statements == 9
    assert sum("at most 8 calls at once" in answer for answer in heard.answers) == 22
    assert heard.verdicts == ["verified"]


@pytest.mark.parametrize(
    "limits",
    [{"tokens": 9_000}, {"cost_usd": 0.004}, {"tokens": 0}, {"cost_usd": 0.0}],
    ids=["tokens", "money", "no tokens", "no money"],
)
async def test_what_is_spent_ends_it_before_the_next_call(
    over_http: AskOverHttp, limits: dict[str, Any]
) -> None:
    heard = await over_http(endless, options={"limits": limits})
    used = heard.output.metadata.usage
    assert used.prompt_tokens + used.completion_tokens <= limits.get("tokens", 1e9)
    assert used.cost_usd is not None
    assert used.cost_usd <= limits.get("cost_usd", 1e9)
    assert (heard.output.success, heard.result.status) == (True, "completed_with_warnings")
    [warning] = [one for one in heard.result.warnings if one.code == "CUT_SHORT"]
    assert "The budget allows" in warning.message


async def test_a_model_without_a_price_is_not_asked_where_money_is_limited(
    over_http: AskOverHttp,
) -> None:
    options = {"model": "openai/nobody-knows-it", "limits": {"cost_usd": 1.0}}
    heard = await over_http([], options=options)
    assert heard.requests == []
    assert heard.output.success
    [warning] = [one for one in heard.result.warnings if one.code == "CUT_SHORT"]
    assert "the price of this model is unknown" in warning.message


async def test_text_instead_of_calls_and_an_end_in_mid_reply_are_coped_with(
    over_http: AskOverHttp,
) -> None:
    cut = ModelReply(
        tool_calls=(ToolCall(id="c1", name="run_sql", arguments='{"sql": "SELECT '),),
        finish_reason="length",
    )
    heard = await over_http(["Let me think.", CONTEXT, PLAN, cut, run_sql(BY_COUNTRY), FOUND])
    assert heard.verdicts == ["verified"]


async def test_a_caller_that_is_cancelled_ends_the_request(over_http: AskOverHttp) -> None:
    held = Held(FOUND)
    asking = asyncio.ensure_future(over_http([CONTEXT, PLAN, run_sql(BY_COUNTRY), held]))
    assert await asyncio.to_thread(held.reached.wait, 30)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
