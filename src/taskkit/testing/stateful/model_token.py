"""Tokens as the reference model keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from taskkit.model.exchange import Token


class ModelTokens:
    """Tokens by id, in the order in which they were made."""

    def __init__(self) -> None:
        self.by_id: dict[str, Token] = {}
        self._by_key: dict[str, str] = {}

    def create(
        self,
        token_id: str,
        timeout: float | None,
        tags: Sequence[str],
        key: str | None,
        now: datetime,
    ) -> Token:
        """A new token, or the one that has this id or this key."""
        known = token_id if token_id in self.by_id else self._by_key.get(key or "")
        if known is not None:
            return self.by_id[known]
        ends = None if timeout is None else now + timedelta(seconds=timeout)
        self.by_id[token_id] = Token(token_id, "WAITING", now, timeout_at=ends, tags=tuple(tags))
        if key is not None:
            self._by_key[key] = token_id
        self.advance(now)
        return self.by_id[token_id]

    def complete(self, token_id: str, output: bytes | None, now: datetime) -> bool:
        token = self.by_id[token_id]
        if token.status != "WAITING":
            return False
        self.by_id[token_id] = replace(
            token, status="COMPLETED", output_json=output, completed_at=now
        )
        return True

    def is_over(self, token_id: str) -> bool:
        return self.by_id[token_id].status != "WAITING"

    def advance(self, now: datetime) -> None:
        for token in list(self.by_id.values()):
            if token.status == "WAITING" and token.timeout_at and token.timeout_at <= now:
                over = replace(token, status="TIMED_OUT", completed_at=token.timeout_at)
                self.by_id[token.id] = over

    def moments(self) -> Iterator[datetime]:
        """When tokens that are not over run out of time."""
        return (
            token.timeout_at
            for token in self.by_id.values()
            if token.timeout_at and token.status == "WAITING"
        )
