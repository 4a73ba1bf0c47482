"""What no run's output could hold, as a stream of the run: its JSON in parts of bounded size."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Iterator

import anyio.lowlevel

from buster_tasks.sources.schema import Introspection
from taskkit import streams
from taskkit.errors import StoreUnavailableError, UnsupportedByBackendError

_log = logging.getLogger("buster_tasks.introspection")

STREAM = "introspection"
STREAM_LIMIT = 64 * 1024 * 1024
_PART = 64 * 1024


async def stream(found: Introspection, size: int, attempt: int) -> str | None:
    """The key of the run's stream that has the JSON now; None where the store has no streams, or it is too large.

    `size` is that of the JSON in bytes. Each attempt has a stream of its own, since what an earlier one sent stays.
    """
    if size > STREAM_LIMIT:
        return None
    key = STREAM if attempt == 1 else f"{STREAM}/{attempt}"
    try:
        await streams.pipe(key, _considerate(text_parts(found.json_chunks())))
    except (UnsupportedByBackendError, StoreUnavailableError) as error:
        _log.warning("The introspection is in no stream of the run: %s", error)
        return None
    return key


def text_parts(chunks: Iterable[bytes]) -> Iterator[str]:
    """The same text in parts of 64 Ki characters, the last one shorter; each chunk is whole UTF-8."""
    text = ""
    for chunk in chunks:
        text += chunk.decode()
        while len(text) >= _PART:
            yield text[:_PART]
            text = text[_PART:]
    if text:
        yield text


async def _considerate(parts: Iterable[str]) -> AsyncIterator[str]:
    """Other runs go on between two parts."""
    for part in parts:
        yield part
        await anyio.lowlevel.checkpoint()
