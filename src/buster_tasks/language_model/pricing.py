"""What a call cost, or may cost."""

from __future__ import annotations

from typing import Any, Final

from buster_tasks.language_model.base import ModelRequest, Usage, rough_estimate, tokens_of
from buster_tasks.language_model.litellm_library import Litellm

_MILLION: Final = 1_000_000


class Pricing:
    """Counts tokens and money by the lists of litellm, or at `usd_per_million` prompt and completion tokens."""

    def __init__(self, litellm: Litellm, usd_per_million: tuple[float, float] | None) -> None:
        self._litellm = litellm
        self._usd_per_million = usd_per_million

    def estimate(self, model: str, request: ModelRequest) -> Usage:
        """The most that a call will take, about, nothing of it cached."""
        return self._priced(model, rough_estimate(request), None)

    def usage(self, model: str, told: Any, asked: ModelRequest, answer: str) -> Usage:
        """What the provider tells in litellm's form, or a guess where it tells nothing."""
        prompt = int(getattr(told, "prompt_tokens", None) or 0)
        completion = int(getattr(told, "completion_tokens", None) or 0)
        if not prompt and not completion:
            guess = rough_estimate(asked)
            usage = guess.model_copy(update={"completion_tokens": tokens_of(answer)})
            return self._priced(model, usage, None)
        details = getattr(told, "prompt_tokens_details", None)
        cached = int(getattr(details, "cached_tokens", None) or 0)
        usage = Usage(
            prompt_tokens=prompt, completion_tokens=completion, cached_tokens=min(cached, prompt)
        )
        return self._priced(model, usage, told)

    def _priced(self, model: str, usage: Usage, told: Any) -> Usage:
        return usage.model_copy(update={"cost_usd": self._cost(model, usage, told)})

    def _cost(self, model: str, usage: Usage, told: Any) -> float | None:
        """With the discounts for cached tokens where `told` has them; None where nobody knows the price."""
        if self._usd_per_million is not None:
            prompt, completion = self._usd_per_million
            return (usage.prompt_tokens * prompt + usage.completion_tokens * completion) / _MILLION
        try:
            return sum(
                self._litellm.cost_per_token(
                    model=model,
                    prompt_tokens=usage.prompt_tokens,
                    completion_tokens=usage.completion_tokens,
                    **({} if told is None else {"usage_object": told}),
                )
            )
        except Exception:  # a model that is on no list has an error of its own for each provider
            return None
