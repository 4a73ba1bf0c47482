"""litellm, as far as it is used here: imported late, off the event loop, and told to be quiet and to stay at home."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from functools import cache
from importlib import import_module
from typing import Any, Final, Protocol, cast

from buster_tasks.language_model.errors import ModelLibraryMissingError
from taskkit.model.redaction import Redaction
from taskkit.runtime.redacting_filter import mask_logs

KEYS: Final = Redaction()
"""The keys of all models of this process, masked in errors and in what litellm and the clients below it log."""

_SHORTEST_KEY = 8  # a local server is given a word, which would be masked in every sentence
_KEY_VARIABLE: Final = re.compile(r"_(API_KEY|API_TOKEN|ACCESS_KEY|ACCESS_TOKEN|SESSION_TOKEN)$")

_LOGGERS: Final = (
    *("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"),
    *("openai", "openai._base_client", "httpx", "httpcore.http11", "httpcore.connection"),
)


class ChunkStream(Protocol):
    """The pieces of a reply."""

    def __aiter__(self) -> AsyncIterator[Any]: ...
    async def __anext__(self) -> Any: ...
    async def aclose(self) -> None: ...


class Litellm(Protocol):
    """The functions of litellm that are called here, and what is set."""

    telemetry: bool
    suppress_debug_info: bool
    disable_token_counter: bool

    async def acompletion(self, **options: Any) -> ChunkStream: ...
    def cost_per_token(self, **options: Any) -> tuple[float, float]: ...
    def get_llm_provider(self, model: str) -> tuple[str, str, Any, Any]: ...


def remember_keys(key: str | None) -> None:
    """Mask this key from now on, or without one those that litellm finds in the environment."""
    found = [os.environ[name] for name in os.environ if _KEY_VARIABLE.search(name)]
    for one in found if key is None else [key]:
        if len(one) >= _SHORTEST_KEY and KEYS.text(one) == one:
            KEYS.add(one)


async def load_litellm() -> Litellm:
    """litellm, ready for use. Importing it takes seconds, so that happens in a thread.

    Raises ModelLibraryMissingError.
    """
    return await asyncio.to_thread(_load)


@cache
def _load() -> Litellm:
    is_first = "litellm" not in sys.modules
    # without it the import fetches a list of prices
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    try:
        litellm = cast("Litellm", import_module("litellm"))
    except ImportError as error:
        raise ModelLibraryMissingError.of(error) from None
    if is_first:  # else the program has its own ways with it
        litellm.telemetry = False
        # it prints an advertisement with each error
        litellm.suppress_debug_info = True
        # it counts for nothing, and loads tokenizers of 100 MB
        litellm.disable_token_counter = True
    mask_logs(*_LOGGERS, known=KEYS)
    return litellm
