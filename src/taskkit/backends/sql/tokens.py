"""Tokens: promises that somebody outside completes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from taskkit.backends.sql.encoding import from_json, later, moment, moment_or_none, to_json
from taskkit.backends.sql.store import Store
from taskkit.errors import TokenNotFoundError
from taskkit.model.exchange import Page, Token

_SELECT: Final = (
    "SELECT id, status, created_at, output, timeout_at, completed_at, tags, number FROM tokens "
)


class Tokens:
    """A token whose time has come is over for whoever looks at it; `advance` writes that down."""

    def __init__(self, store: Store, over: Callable[[str, int], None]) -> None:
        self._store = store
        self._over = over

    def create(
        self, token_id: str, timeout: float | None, tags: Sequence[str], key: str | None, now: int
    ) -> Token:
        """A token; the one of this id or this key where there is one."""
        known = self.find(token_id, now)
        if known is None and key is not None:
            known = self._one("WHERE key = ?", (key,), now)
        if known is not None:
            return known
        timeout_at = None if timeout is None else later(now, timeout)
        self._store.execute(
            "INSERT INTO tokens (id, key, status, created_at, timeout_at, tags) VALUES (?, ?, 'WAITING', ?, ?, ?)",
            (token_id, key, now, timeout_at, to_json(list(tags))),
        )
        return Token(
            token_id,
            "WAITING",
            moment(now),
            timeout_at=moment_or_none(timeout_at),
            tags=tuple(tags),
        )

    def find(self, token_id: str, now: int) -> Token | None:
        """The token as it stands at this moment."""
        return self._one("WHERE id = ?", (token_id,), now)

    def complete(self, token_id: str, output: bytes | None, now: int) -> bool:
        """Whether it was completed by this; TokenNotFoundError when there is none."""
        token = self.find(token_id, now)
        if token is None:
            raise TokenNotFoundError(token_id)
        if token.status != "WAITING":
            return False
        self._end(token_id, "COMPLETED", now, output)
        return True

    def page(self, below: int | None, limit: int, now: int) -> Page[Token]:
        """Tokens, newest first, of those numbered below."""
        where, values = ("", ()) if below is None else ("WHERE number < ? ", (below,))
        rows = self._store.execute(
            f"{_SELECT}{where}ORDER BY number DESC LIMIT ?", (*values, limit + 1)
        ).fetchall()
        page = rows[:limit]
        return Page([_shown(row, now) for row in page], page[-1][7] if len(rows) > limit else None)

    def advance(self, now: int, limit: int) -> int:
        """End what is out of time; how many those were."""
        rows = self._store.execute(
            "SELECT id, timeout_at FROM tokens WHERE status = 'WAITING' AND timeout_at <= ? "
            "ORDER BY timeout_at LIMIT ?" + self._store.for_update_skip_locked,
            (now, limit),
        ).fetchall()
        for token_id, timeout_at in rows:
            self._end(token_id, "TIMED_OUT", timeout_at, None)
        return len(rows)

    def _end(self, token_id: str, status: str, at: int, output: bytes | None) -> None:
        self._store.execute(
            "UPDATE tokens SET status = ?, completed_at = ?, output = ? WHERE id = ?",
            (status, at, output, token_id),
        )
        self._over(token_id, at)

    def _one(self, where: str, values: Sequence[Any], now: int) -> Token | None:
        row = self._store.execute(_SELECT + where + self._store.for_update, values).fetchone()
        return None if row is None else _shown(row, now)


def _shown(row: tuple[Any, ...], now: int) -> Token:
    token_id, status, created_at, output, timeout_at, completed_at, tags, _ = row
    token = Token(
        token_id,
        status,
        moment(created_at),
        output,
        moment_or_none(timeout_at),
        moment_or_none(completed_at),
        tuple(from_json(tags)),
    )
    if status == "WAITING" and timeout_at is not None and timeout_at <= now:
        return replace(token, status="TIMED_OUT", completed_at=token.timeout_at)
    return token
