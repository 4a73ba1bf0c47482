import asyncio
import math

import pytest
from hypothesis import given, strategies as st

from buster_tasks.language_model import (
    BudgetedModel,
    Message,
    ModelBudget,
    ModelReply,
    ModelRequest,
    Spent,
    TextListener,
    Usage,
    no_listener,
)
from buster_tasks.language_model.budget import Limit
from buster_tasks.language_model.errors import BudgetExceededError, ModelUnavailableError
from buster_tasks.testing import FakeModel, Gate
from taskkit.testing import FakeClock

ASKED = ModelRequest(messages=(Message.user("x" * 300),), max_tokens=100)
TOOK = Usage(prompt_tokens=100, completion_tokens=50, cost_usd=0.5)
ANSWER = ModelReply(text="yes", usage=TOOK)

usages = st.builds(
    Usage,
    prompt_tokens=st.integers(0, 1_000),
    completion_tokens=st.integers(0, 1_000),
    cost_usd=st.floats(0, 1),
)
shares = st.floats(0, 0.99)


def part_of(usage: Usage, share: float) -> Usage:
    """What a call really took, which is at most its estimate."""
    assert usage.cost_usd is not None
    return Usage(
        prompt_tokens=math.floor(usage.prompt_tokens * share),
        completion_tokens=math.floor(usage.completion_tokens * share),
        cost_usd=usage.cost_usd * share,
    )


def passes(budget: ModelBudget, spent: Spent, estimate: Usage, *, reserve_open: bool) -> bool:
    try:
        budget.check(spent, estimate, reserve_open=reserve_open)
    except BudgetExceededError:
        return False
    return True


@given(
    st.builds(
        ModelBudget,
        calls=st.none() | st.integers(0, 20),
        tokens=st.none() | st.integers(0, 10_000),
        cost_usd=st.none() | st.floats(0, 5),
        reserve=shares,
    ),
    st.lists(st.tuples(usages, st.floats(0, 1))),
    st.integers(0, 30),
)
def test_calls_within_their_estimates_never_go_over_a_limit(
    budget: ModelBudget, calls: list[tuple[Usage, float]], open_from: int
) -> None:
    spent = Spent()
    for number, (estimate, share) in enumerate(calls):
        reserve_open = number >= open_from
        if passes(budget, spent, estimate, reserve_open=reserve_open):
            spent = spent.plus(part_of(estimate, share))
            assert spent.calls <= budget.allowed("calls", reserve_open=reserve_open)
            assert spent.tokens <= budget.allowed("tokens", reserve_open=reserve_open)
            assert spent.cost_usd <= budget.allowed("cost_usd", reserve_open=reserve_open)


@given(st.integers(0, 10**9), shares)
def test_what_is_allowed_and_the_reserve_are_the_limit(limit: int, reserve: float) -> None:
    budget = ModelBudget(calls=limit, tokens=limit, seconds=limit, reserve=reserve)
    assert budget.allowed("calls", reserve_open=True) == limit
    assert budget.allowed("calls") == limit - math.floor(limit * reserve)
    assert budget.allowed("tokens") == limit - limit * reserve
    assert budget.allowed("seconds") <= budget.allowed("seconds", reserve_open=True) == limit
    assert budget.allowed("cost_usd") == math.inf


@given(usages, usages, st.integers(0, 3_000))
def test_a_smaller_call_passes_where_a_greater_one_does(
    one: Usage, more: Usage, limit: int
) -> None:
    budget = ModelBudget(tokens=limit, cost_usd=limit / 1000)
    if passes(budget, Spent(), one + more, reserve_open=False):
        assert passes(budget, Spent(), one, reserve_open=False)


@pytest.mark.parametrize(
    ("budget", "spent", "limit", "text"),
    [
        (
            ModelBudget(calls=10, reserve=0),
            Spent(calls=10),
            "calls",
            "The budget allows 10 calls here, and 10 are used. The next call may take 1.",
        ),
        (
            ModelBudget(tokens=1_000),
            Spent(tokens=800),
            "tokens",
            "The budget allows 850 tokens here, and 800 are used. The next call may take 150.",
        ),
        (
            ModelBudget(cost_usd=1, reserve=0),
            Spent(cost_usd=0.75),
            "cost_usd",
            "The budget allows 1 US dollars here, and 0.75 are used. The next call may take 0.5.",
        ),
        (
            ModelBudget(seconds=100),
            Spent(seconds=85),
            "seconds",
            "The budget allows 85 seconds here, and 85 are used.",
        ),
    ],
    ids=["calls", "tokens", "cost", "seconds"],
)
def test_the_error_says_which_limit_and_how_much_is_used(
    budget: ModelBudget, spent: Spent, limit: Limit, text: str
) -> None:
    with pytest.raises(BudgetExceededError) as caught:
        budget.check(spent, TOOK)
    error = caught.value
    assert error.message == text
    assert error.limit == limit
    assert error.used == getattr(spent, limit)
    assert error.allowed == budget.allowed(limit)
    assert not error.transient


def test_the_later_phase_has_the_reserve() -> None:
    budget = ModelBudget(calls=10, tokens=1_000, cost_usd=10, seconds=100)
    spent = Spent(calls=9, tokens=850, cost_usd=8.5, seconds=90)
    assert not passes(budget, spent, TOOK, reserve_open=False)
    assert passes(budget, spent, TOOK, reserve_open=True)


def test_a_limit_in_money_refuses_a_model_without_a_price() -> None:
    with pytest.raises(BudgetExceededError, match="the price of this model is unknown") as caught:
        ModelBudget(cost_usd=1).check(Spent(), Usage(prompt_tokens=1))
    assert caught.value.needed is None
    ModelBudget(tokens=100).check(Spent(), Usage(prompt_tokens=1))


def test_calls_of_unknown_price_are_counted() -> None:
    spent = Spent().plus(Usage(prompt_tokens=5)).plus(TOOK)
    assert spent == Spent(calls=2, tokens=155, cost_usd=0.5, unpriced_calls=1)
    assert Spent.model_validate_json(spent.model_dump_json()) == spent


@pytest.mark.anyio
async def test_a_call_over_the_budget_is_not_made() -> None:
    fake = FakeModel([ANSWER, ANSWER, ANSWER])
    model = BudgetedModel(fake, ModelBudget(calls=2, reserve=0))
    assert (await model.reply(ASKED)).text == "yes"
    await model.reply(ASKED)
    with pytest.raises(BudgetExceededError):
        await model.reply(ASKED)
    assert fake.calls == 2
    assert (model.spent.calls, model.spent.tokens, model.spent.cost_usd) == (2, 300, 1.0)


@pytest.mark.anyio
async def test_what_counts_afterwards_is_the_real_usage() -> None:
    fake = FakeModel([ANSWER] * 9)
    need = (await fake.estimate(ASKED)).tokens
    model = BudgetedModel(fake, ModelBudget(tokens=need + TOOK.tokens, reserve=0))
    await model.reply(ASKED)
    await model.reply(ASKED)
    with pytest.raises(BudgetExceededError):
        await model.reply(ASKED)


@pytest.mark.anyio
async def test_a_failed_call_is_a_call() -> None:
    fake = FakeModel([ModelUnavailableError("Down."), ANSWER])
    model = BudgetedModel(fake, ModelBudget(calls=5))
    with pytest.raises(ModelUnavailableError):
        await model.reply(ASKED)
    assert (model.spent.calls, model.spent.tokens, model.spent.unpriced_calls) == (1, 0, 0)


@pytest.mark.anyio
async def test_calls_that_are_under_way_count_with_their_estimate() -> None:
    gate = Gate()

    async def later(request: ModelRequest) -> ModelReply:
        await gate.pass_through()
        return ANSWER

    fake = FakeModel(later)
    need = (await fake.estimate(ASKED)).tokens
    model = BudgetedModel(fake, ModelBudget(tokens=2 * need - 1, reserve=0))
    async with asyncio.TaskGroup() as group:
        group.create_task(model.reply(ASKED))
        await gate.reached()
        with pytest.raises(BudgetExceededError):
            await model.reply(ASKED)
        gate.open()
    assert model.spent.tokens == TOOK.tokens


@pytest.mark.anyio
async def test_time_counts_from_the_start_and_bounds_each_call() -> None:
    clock = FakeClock()
    limits: list[float] = []

    class Timed(FakeModel):
        async def reply(
            self,
            request: ModelRequest,
            *,
            on_text: TextListener = no_listener,
            timeout: float = 600.0,
        ) -> ModelReply:
            limits.append(timeout)
            return await super().reply(request)

    model = BudgetedModel(
        Timed([ANSWER] * 9), ModelBudget(seconds=100), spent=Spent(seconds=20), clock=clock
    )
    await model.reply(ASKED)
    await clock.advance(60)
    await model.reply(ASKED, timeout=3)
    assert limits == [65.0, 3]
    assert model.spent.seconds == 80
    await clock.advance(5)
    with pytest.raises(BudgetExceededError, match="seconds"):
        await model.reply(ASKED)
    model.reserve_open = True
    await model.reply(ASKED)
    assert limits[-1] == model.seconds_left == 15
