"""Tokens of the memory backend: promises that somebody outside completes."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from taskkit.backends.memory.timers import Timers
from taskkit.errors import TokenNotFoundError
from taskkit.model.clock import after
from taskkit.model.exchange import Page, Token, TokenStatus

_OVER_KEPT = 10_000


class _Kept:
    """A token as it stands, its place in the order of creation, and its key."""

    __slots__ = ("key", "number", "token")

    def __init__(self, token: Token, number: int, key: str | None) -> None:
        self.token = token
        self.number = number
        self.key = key


class Tokens:
    """Keeps the tokens that are waited for, and the last ones that are over.

    A token whose time has come is over for whoever looks at it, also where no worker lets timers run.
    """

    def __init__(self, timers: Timers, over: Callable[[Token, datetime], None]) -> None:
        self._timers = timers
        self._tell = over
        self._kept: dict[str, _Kept] = {}
        self._ids: dict[str, str] = {}
        self._over: deque[str] = deque()
        self._numbers = itertools.count(1)

    def create(
        self,
        token_id: str,
        timeout: float | None,
        tags: Sequence[str],
        key: str | None,
        now: datetime,
    ) -> Token:
        """A token; the one of this id or this key where there is one."""
        known = self.find(token_id, now)
        if known is None and key is not None and key in self._ids:
            known = self.find(self._ids[key], now)
        if known is not None:
            return known
        timeout_at = None if timeout is None else after(now, timeout)
        token = Token(token_id, "WAITING", now, timeout_at=timeout_at, tags=tuple(tags))
        self._kept[token_id] = _Kept(token, next(self._numbers), key)
        if key is not None:
            self._ids[key] = token_id
        if timeout_at is not None:
            self._timers.at(timeout_at, self._time_came, token_id, 0)
        return token

    def find(self, token_id: str, now: datetime) -> Token | None:
        """The token as it stands at this moment."""
        kept = self._kept.get(token_id)
        return None if kept is None else self._as_it_stands(kept, now)

    def complete(self, token_id: str, output: bytes | None, now: datetime) -> bool:
        """Whether it was completed by this; TokenNotFoundError when there is none."""
        kept = self._kept.get(token_id)
        if kept is None:
            raise TokenNotFoundError(token_id)
        if self._as_it_stands(kept, now).status != "WAITING":
            return False
        self._end(kept, "COMPLETED", now, output)
        return True

    def page(self, below: int | None, limit: int, now: datetime) -> Page[Token]:
        """Tokens, newest first, of those numbered below."""
        found: list[_Kept] = []
        for kept in reversed(self._kept.values()):
            if below is None or kept.number < below:
                found.append(kept)
                if len(found) > limit:
                    break
        more = len(found) > limit
        page = found[:limit]
        return Page(
            [self._as_it_stands(kept, now) for kept in page], page[-1].number if more else None
        )

    def _as_it_stands(self, kept: _Kept, now: datetime) -> Token:
        token = kept.token
        if token.status == "WAITING" and token.timeout_at is not None and token.timeout_at <= now:
            self._end(kept, "TIMED_OUT", token.timeout_at, None)
        return kept.token

    def _time_came(self, token_id: str, _: int, now: datetime) -> None:
        kept = self._kept.get(token_id)
        if kept is not None:
            self._as_it_stands(kept, now)

    def _end(self, kept: _Kept, status: TokenStatus, at: datetime, output: bytes | None) -> None:
        kept.token = replace(kept.token, status=status, completed_at=at, output_json=output)
        self._tell(kept.token, at)
        self._over.append(kept.token.id)
        if len(self._over) > _OVER_KEPT:
            forgotten = self._kept.pop(self._over.popleft())
            if forgotten.key is not None:
                del self._ids[forgotten.key]
