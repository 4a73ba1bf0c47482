"""Any model that litellm knows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import SecretStr

from buster_tasks.errors import SourceError
from buster_tasks.language_model.assembly import ReplyAssembly
from buster_tasks.language_model.base import (
    ModelReply,
    ModelRequest,
    TextListener,
    Usage,
    no_listener,
)
from buster_tasks.language_model.errors import (
    BrokenReplyError,
    LanguageModelError,
    ModelAuthenticationError,
    ModelTimeoutError,
)
from buster_tasks.language_model.failures import mapped
from buster_tasks.language_model.litellm_library import KEYS, Litellm, load_litellm, remember_keys
from buster_tasks.language_model.pricing import Pricing
from buster_tasks.language_model.retry import RETRY, with_retries
from buster_tasks.language_model.wire import (
    messages_of,
    takes_cache_marks,
    tool_choice_of,
    tools_of,
)
from buster_tasks.sources.secrets import resolve_secret
from taskkit.model.clock import SYSTEM_CLOCK, Clock
from taskkit.model.retry import Retry

T = TypeVar("T")

# litellm's own limit only has to be there, after ours, and the same in each call: it keeps a connection for each value
_LATER = 5.0


class LitellmModel:
    """A `LanguageModel` over litellm, by the model's name as litellm writes it.

        model = LitellmModel("anthropic/claude-sonnet-4-5", api_key="env:ANTHROPIC_API_KEY")
        model = LitellmModel("openai/qwen3", api_base="http://127.0.0.1:8000/v1", api_key="none")

    `api_key` is the key or its reference, `env:NAME` or `file:path`, read at each call; without it litellm looks into
    the provider's own variable. A request's `model` counts before the one given here. A provider that says nothing
    for `stall_timeout` seconds is given up; `retry` says how often and when it is asked again after what comes and
    goes. `usd_per_million` is the price of prompt and completion tokens where litellm does not know it.
    """

    def __init__(
        self,
        model: str,
        *,
        api_base: str | None = None,
        api_key: SecretStr | str | None = None,
        stall_timeout: float = 90.0,
        retry: Retry = RETRY,
        usd_per_million: tuple[float, float] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        random: Callable[[], float] | None = None,
    ) -> None:
        self.model = model
        self._api_base = api_base
        self._api_key = SecretStr(api_key) if isinstance(api_key, str) else api_key
        self._stall_timeout = stall_timeout
        self._retry = retry
        self._usd_per_million = usd_per_million
        self._clock = clock
        self._random = random

    def __repr__(self) -> str:
        return f"LitellmModel({self.model!r})"

    async def reply(
        self,
        request: ModelRequest,
        *,
        on_text: TextListener = no_listener,
        timeout: float = 600.0,
    ) -> ModelReply:
        """See `LanguageModel`. Text comes as the provider sends it; a stream that breaks is begun anew."""
        deadline = self._clock.monotonic() + timeout
        litellm = await load_litellm()
        return await with_retries(
            lambda number: self._attempt(litellm, request, on_text, number, deadline),
            policy=self._retry,
            deadline=deadline,
            clock=self._clock,
            random=self._random,
        )

    async def estimate(self, request: ModelRequest) -> Usage:
        """See `LanguageModel`. Tokens are guessed on the safe side: the tokenizers of litellm take 100 MB of memory."""
        pricing = Pricing(await load_litellm(), self._usd_per_million)
        return pricing.estimate(request.model or self.model, request)

    async def _attempt(
        self,
        litellm: Litellm,
        request: ModelRequest,
        on_text: TextListener,
        number: int,
        deadline: float,
    ) -> ModelReply:
        model = request.model or self.model
        heard = ReplyAssembly()
        asking = litellm.acompletion(
            **_options(litellm, model, request),
            api_base=self._api_base,
            api_key=self._key(),
            timeout=self._stall_timeout + _LATER,
        )
        stream = await self._told(asking, model, deadline)
        try:
            while (chunk := await self._told(anext(stream, None), model, deadline)) is not None:
                text = heard.take(chunk)
                if text:
                    await on_text(text, number)
        finally:
            await stream.aclose()
        if heard.is_empty and not heard.usage:
            raise BrokenReplyError(f"{model}: The reply is empty.", fix="Try again.")
        pricing = Pricing(litellm, self._usd_per_million)
        usage = pricing.usage(model, heard.usage, request, heard.text)
        return heard.reply(usage)

    async def _told(self, awaited: Awaitable[T], model: str, deadline: float) -> T:
        """What the provider gives within the time that there is. Its errors come as ours, and alone: they hold keys."""
        left = deadline - self._clock.monotonic()
        limit = asyncio.timeout(min(left, self._stall_timeout))
        failure: LanguageModelError
        try:
            async with limit:
                return await awaited
        except Exception as error:  # whatever litellm and its clients raise
            if limit.expired():
                failure = _silent(model, left, self._stall_timeout)
            else:
                failure = mapped(error, model, KEYS)
        raise failure

    def _key(self) -> str | None:
        """The key as it is now; None where litellm looks for it."""
        key: str | None = None
        failure: LanguageModelError | None = None
        try:
            key = None if self._api_key is None else resolve_secret(self._api_key)
        except SourceError as error:  # there is none, or its file may not be read
            failure = ModelAuthenticationError(error.message, fix=error.fix)
        if failure is not None:
            raise failure
        remember_keys(key)
        return key


def _options(litellm: Litellm, model: str, request: ModelRequest) -> dict[str, Any]:
    """What is asked, without the key. litellm and its clients do not try again: that is done here, within the time."""
    marks = takes_cache_marks(model, _provider_of(litellm, model))
    options: dict[str, Any] = {
        "model": model,
        "messages": messages_of(request, cache_marks=marks),
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "drop_params": True,  # a model that takes no temperature does without
        "max_retries": 0,
        "num_retries": 0,
    }
    if request.tools:
        options["tools"] = tools_of(request)
        options["tool_choice"] = tool_choice_of(request)
        options["allowed_openai_params"] = ["tools", "tool_choice"]  # never dropped
    return options


def _provider_of(litellm: Litellm, model: str) -> str:
    try:
        return litellm.get_llm_provider(model)[1]
    except Exception:  # an unknown one; the call itself says so
        return ""


def _silent(model: str, left: float, stall_timeout: float) -> ModelTimeoutError:
    if left <= stall_timeout:
        return ModelTimeoutError(
            f"{model}: The time for the call is over.", fix="Allow more time, or ask for less."
        )
    return ModelTimeoutError(
        f"{model}: The provider said nothing for {stall_timeout:g} s.",
        fix="Try again later, or raise `stall_timeout`.",
    )
