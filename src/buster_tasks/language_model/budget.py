"""Limits on what a run may take from models, kept before each call."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from buster_tasks.language_model.base import (
    LanguageModel,
    ModelReply,
    ModelRequest,
    ModelValue,
    TextListener,
    Usage,
    no_listener,
)
from buster_tasks.language_model.errors import BudgetExceededError
from taskkit.model.clock import SYSTEM_CLOCK, Clock

Limit = Literal["calls", "tokens", "cost_usd", "seconds"]

_NAMES: dict[Limit, str] = {
    "calls": "calls",
    "tokens": "tokens",
    "cost_usd": "US dollars",
    "seconds": "seconds",
}


class Spent(ModelValue):
    """What was taken up to now. `unpriced_calls` are those of which nobody knows the cost."""

    calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0
    unpriced_calls: int = 0

    def plus(self, usage: Usage) -> Spent:
        """The same after one more call."""
        return Spent(
            calls=self.calls + 1,
            tokens=self.tokens + usage.tokens,
            cost_usd=self.cost_usd + (usage.cost_usd or 0.0),
            seconds=self.seconds,
            unpriced_calls=self.unpriced_calls + (usage.cost_usd is None),
        )


class ModelBudget(ModelValue):
    """The most that may be taken; None is no limit. Of each limit, the share `reserve` is kept for a later phase.

    Of calls a whole number is kept, rounded down.
    """

    calls: Annotated[int, Field(ge=0)] | None = None
    tokens: Annotated[int, Field(ge=0)] | None = None
    cost_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    reserve: Annotated[float, Field(ge=0, lt=1)] = 0.15

    def allowed(self, limit: Limit, *, reserve_open: bool = False) -> float:
        """How much of this there is, with the reserve or without; infinite where there is no limit."""
        most: float | None = getattr(self, limit)
        if most is None:
            return math.inf
        kept = 0.0 if reserve_open else most * self.reserve
        return most - (math.floor(kept) if limit == "calls" else kept)

    def check(self, spent: Spent, estimate: Usage, *, reserve_open: bool = False) -> None:
        """Raise BudgetExceededError if one more call, at its estimate, would go over a limit.

        A limit in money refuses a model whose price is unknown: nobody could keep it.
        """
        needs: dict[Limit, float | None] = {
            "calls": 1,
            "tokens": estimate.tokens,
            "cost_usd": estimate.cost_usd,
            "seconds": 0.0,
        }
        for limit, needed in needs.items():
            allowed = self.allowed(limit, reserve_open=reserve_open)
            used: float = getattr(spent, limit)
            if math.isfinite(allowed) and _is_over(limit, used, needed, allowed):
                raise _exceeded(limit, used, needed, allowed)


class BudgetedModel:
    """A model that keeps a budget: each call is refused before it is made if it could go over a limit.

        model = BudgetedModel(model, ModelBudget(calls=40, tokens=200_000, seconds=600))

    Time counts from now on, and ends a call that runs on. `spent` is what was taken, in calls of failed ones too; a
    run that goes on after a crash gives what was spent before it. `reserve_open` is set when the later phase begins.
    """

    def __init__(
        self,
        model: LanguageModel,
        budget: ModelBudget,
        *,
        spent: Spent | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.budget = budget
        self.reserve_open = False
        self._model = model
        self._clock = clock
        self._spent = spent or Spent()
        self._began = clock.monotonic() - self._spent.seconds
        self._under_way: list[Usage] = []

    @property
    def spent(self) -> Spent:
        """What was taken up to now, and the seconds up to now."""
        return self._spent.model_copy(update={"seconds": self._clock.monotonic() - self._began})

    async def reply(
        self,
        request: ModelRequest,
        *,
        on_text: TextListener = no_listener,
        timeout: float = 600.0,
    ) -> ModelReply:
        """See `LanguageModel`. Raises BudgetExceededError before anything is sent."""
        estimate = await self.estimate(request)
        self._check(estimate)
        self._under_way.append(estimate)
        usage = Usage(cost_usd=0.0)
        try:
            reply = await self._model.reply(
                request, on_text=on_text, timeout=min(timeout, self.seconds_left)
            )
            usage = reply.usage
            return reply
        finally:
            self._under_way.remove(estimate)
            self._spent = self._spent.plus(usage)

    async def estimate(self, request: ModelRequest) -> Usage:
        """See `LanguageModel`."""
        return await self._model.estimate(request)

    @property
    def seconds_left(self) -> float:
        """How long calls may still take in this phase; infinite without a limit."""
        allowed = self.budget.allowed("seconds", reserve_open=self.reserve_open)
        return max(0.0, allowed - self.spent.seconds)

    def _check(self, estimate: Usage) -> None:
        """Also with the calls that are not over yet, each at its estimate."""
        spent = self.spent
        for usage in self._under_way:
            spent = spent.plus(usage)
        self.budget.check(spent, estimate, reserve_open=self.reserve_open)


def _is_over(limit: Limit, used: float, needed: float | None, allowed: float) -> bool:
    if needed is None:
        return True
    if limit == "seconds":  # how long a call takes is unknown: there must be some time left
        return used >= allowed
    return used + needed > allowed


def _exceeded(
    limit: Limit, used: float, needed: float | None, allowed: float
) -> BudgetExceededError:
    name = _NAMES[limit]
    message = f"The budget allows {allowed:g} {name} here, and {used:g} are used."
    fix = "Raise the limit, or ask for less."
    if needed is None:
        message = f"The budget allows {allowed:g} {name}, and the price of this model is unknown."
        fix = "Leave the limit out, or give the price of the model."
    elif limit != "seconds":
        message = f"{message} The next call may take {needed:g}."
    return BudgetExceededError(
        message, fix=fix, limit=limit, used=used, needed=needed, allowed=allowed
    )
