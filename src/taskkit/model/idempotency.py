"""Idempotency keys as they are stored: SHA-256 of the parts and of what bounds their scope."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, Literal, Self, cast

from taskkit.errors import InvalidIdempotencyKeyError, shown

KeyScope = Literal["run", "attempt", "global"]

KEY_LIMIT: Final = 2048
"""Characters of a key before it is hashed."""

DEFAULT_TTL: Final = 30 * 86_400.0
"""Seconds that a key holds which does not say how long, from the making of its run."""

_HASHED = re.compile(r"[0-9a-f]{64}")


class IdempotencyKey(str):  # noqa: SLOT000 - kept picklable, and there are few
    """A hashed key, ready to be given to a trigger. `parts` and `scope` are what it was made of."""

    parts: tuple[str, ...]
    scope: KeyScope

    def __new__(cls, value: str, parts: Sequence[str] = (), scope: KeyScope = "global") -> Self:
        key = super().__new__(cls, value)
        key.parts = tuple(parts)
        key.scope = scope
        return key


def make_key(key: str | Sequence[str], suffix: Sequence[str], scope: KeyScope) -> IdempotencyKey:
    """The key of a text or of several; always hashed, whatever it looks like."""
    parts = _parts(key)
    return IdempotencyKey(hash_key(parts, suffix), parts, scope)


def as_key(key: str | Sequence[str], run_id: str | None) -> str:
    """The stored form of a key given to a trigger.

    What is hashed stays as it is. Other text counts for the run `run_id`, or globally when that is None.
    Raises InvalidIdempotencyKeyError.
    """
    if isinstance(key, IdempotencyKey):
        return str(key)
    if isinstance(key, str) and is_hashed(key):
        return key
    return hash_key(_parts(key), () if run_id is None else (run_id,))


def hash_key(parts: Sequence[str], suffix: Sequence[str]) -> str:
    """64 lower-case hex digits for the parts and the scope's suffix, joined with "-".

    Text is taken as it is: no normal form, so the same letters in two forms are two keys.
    """
    try:
        return sha256("-".join((*parts, *suffix)).encode()).hexdigest()
    except UnicodeEncodeError:
        raise InvalidIdempotencyKeyError(
            f"The idempotency key {shown(tuple(parts))} holds half of a surrogate pair, which is no text. "
            f"Check where it was decoded."
        ) from None


def is_hashed(key: str) -> bool:
    """It looks like the result of a hash: exactly 64 lower-case hex digits."""
    return _HASHED.fullmatch(key) is not None


def _parts(key: Any) -> tuple[str, ...]:
    parts = (key,) if isinstance(key, str) else _listed(key)
    if parts is None:
        raise InvalidIdempotencyKeyError(
            f"The idempotency key is {shown(key)}: give a text, or a list of texts that make one together."
        )
    for part in parts:
        if not isinstance(part, str):
            raise InvalidIdempotencyKeyError(
                f"The idempotency key holds {shown(part)}, which is no text. Turn it into one: str(...)."
            )
    length = sum(map(len, parts)) + max(0, len(parts) - 1)
    if length > KEY_LIMIT:
        raise InvalidIdempotencyKeyError(
            f"The idempotency key has {length:,} characters, {KEY_LIMIT:,} are allowed: {shown(parts[0])}. "
            f"Hash it first, or use what tells the runs apart."
        )
    return parts


def _listed(key: Any) -> tuple[Any, ...] | None:
    return tuple(cast("Sequence[Any]", key)) if isinstance(key, list | tuple) else None
