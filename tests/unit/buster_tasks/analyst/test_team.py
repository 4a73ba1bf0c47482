"""Models by role, one budget, and the model that goes on when they fail."""

import pytest

from buster_tasks.analyst.roles import ANALYSE, PREPARE, REVIEW
from buster_tasks.analyst.team import Team
from buster_tasks.language_model import Message, ModelBudget, ModelReply, ModelRequest, Usage
from buster_tasks.language_model.errors import BudgetExceededError, ModelUnavailableError
from buster_tasks.testing import FakeModel

pytestmark = pytest.mark.anyio

ASKED = ModelRequest(messages=(Message.user("?"),), max_tokens=10)


def said(text: str, cost: float | None = 0.5) -> ModelReply:
    usage = Usage(prompt_tokens=10, completion_tokens=2, cached_tokens=4, cost_usd=cost)
    return ModelReply(text=text, usage=usage)


def team(*replies: ModelReply | Exception, budget: ModelBudget | None = None) -> Team:
    """A model for all roles but the review."""
    model = FakeModel(list(replies))
    other = FakeModel([said("mended")])
    models = {"prepare": model, "analyse": model, "review": other}
    return Team(models, budget or ModelBudget(), FakeModel(["offline", "offline"]))  # type: ignore[arg-type] # keys are literals


async def test_each_role_asks_its_model_and_what_they_take_is_added_up() -> None:
    ours = team(said("one"), said("two"))
    replies = [await ours.model_of(role).reply(ASKED) for role in (PREPARE, ANALYSE, REVIEW)]
    assert [reply.text for reply in replies] == ["one", "two", "mended"]
    used = ours.usage
    assert (used.model_calls, used.prompt_tokens, used.completion_tokens) == (3, 30, 6)
    assert (used.cached_tokens, used.cost_usd) == (12, 1.5)


async def test_a_call_without_a_price_leaves_the_cost_unknown() -> None:
    ours = team(said("one"), said("two", cost=None))
    for _ in range(2):
        await ours.model_of(ANALYSE).reply(ASKED)
    assert ours.usage.cost_usd is None


async def test_the_reserve_is_for_the_review() -> None:
    ours = team(*[said("x")] * 8, budget=ModelBudget(calls=8, reserve=0.25))
    for _ in range(6):
        await ours.model_of(ANALYSE).reply(ASKED)
    with pytest.raises(BudgetExceededError):
        await ours.model_of(ANALYSE).reply(ASKED)
    ours.open_reserve()
    assert (await ours.model_of(REVIEW).reply(ASKED)).text == "mended"
    assert ours.usage.model_calls == 7


async def test_the_fallback_goes_on_outside_of_the_budget() -> None:
    ours = team(ModelUnavailableError("Gone."), budget=ModelBudget(calls=1, reserve=0))
    with pytest.raises(ModelUnavailableError):
        await ours.model_of(PREPARE).reply(ASKED)
    assert not ours.is_fallen_back
    ours.fall_back()
    assert ours.is_fallen_back
    for role in (PREPARE, ANALYSE):
        assert (await ours.model_of(role).reply(ASKED)).text == "offline"
    assert ours.usage.model_calls == 1
