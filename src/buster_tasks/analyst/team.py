"""The models of the roles, within one budget, and the one that goes on when they fail."""

from __future__ import annotations

from collections.abc import Mapping

from buster_tasks.analyst.models import AnalystUsage
from buster_tasks.analyst.roles import Role
from buster_tasks.analyst.roles.role import RoleName
from buster_tasks.language_model import (
    NOTHING_USED,
    BudgetedModel,
    LanguageModel,
    ModelBudget,
    ModelReply,
    ModelRequest,
    TextListener,
    Usage,
    no_listener,
)


class Team:
    """Whom a role asks. All calls count in one budget, whoever makes them, but those of the fallback."""

    def __init__(
        self, models: Mapping[RoleName, LanguageModel], budget: ModelBudget, fallback: LanguageModel
    ) -> None:
        self._models, self._fallback = models, fallback
        self._asked = _Asked()
        self._budgeted = BudgetedModel(self._asked, budget)
        self.is_fallen_back = False

    def model_of(self, role: Role) -> LanguageModel:
        """The model that does this role's work now."""
        if self.is_fallen_back:
            return self._fallback
        self._asked.model = self._models[role.name]
        return self._budgeted

    def fall_back(self) -> None:
        """Let the fallback do everything from now on."""
        self.is_fallen_back = True

    def open_reserve(self) -> None:
        """Let the review use what was kept for it."""
        self._budgeted.reserve_open = True

    @property
    def usage(self) -> AnalystUsage:
        """What was taken up to now."""
        used = self._asked.used
        return AnalystUsage(
            model_calls=self._budgeted.spent.calls,
            prompt_tokens=used.prompt_tokens,
            completion_tokens=used.completion_tokens,
            cached_tokens=used.cached_tokens,
            cost_usd=used.cost_usd,
        )


class _Asked:
    """The model that is asked now, and what all of them took."""

    def __init__(self) -> None:
        self.model: LanguageModel | None = None
        self.used = NOTHING_USED

    async def reply(
        self,
        request: ModelRequest,
        *,
        on_text: TextListener = no_listener,
        timeout: float = 600.0,
    ) -> ModelReply:
        assert self.model is not None  # it is chosen before each conversation
        reply = await self.model.reply(request, on_text=on_text, timeout=timeout)
        self.used += reply.usage
        return reply

    async def estimate(self, request: ModelRequest) -> Usage:
        assert self.model is not None  # it is chosen before each conversation
        return await self.model.estimate(request)
