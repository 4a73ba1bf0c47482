"""A queue's settings, and when it is its turn."""

from __future__ import annotations

from typing import Any


class QueueState:
    """One row of `queues`. `turn` is the round in which its next run may go, `round` the next one of its keys."""

    __slots__ = ("declared", "max_length", "name", "override", "paused", "round", "turn")

    def __init__(
        self,
        name: str,
        declared: int | None = None,
        override: int | None = None,
        paused: int = 0,
        max_length: int | None = None,
        turn: int = 0,
        round_: int = 0,
    ) -> None:
        self.name = name
        self.declared = declared
        self.override = override
        self.paused = bool(paused)
        self.max_length = max_length
        self.turn = turn
        self.round = round_

    @property
    def limit(self) -> int | None:
        """What applies, for each concurrency key by itself."""
        return self.declared if self.override is None else self.override

    @property
    def is_held(self) -> bool:
        """Its settings can hold runs back."""
        return self.paused or self.limit is not None

    @property
    def is_shut(self) -> bool:
        """It lets no run start."""
        return self.paused or self.limit == 0

    def settings(self) -> tuple[Any, ...]:
        return (
            self.declared,
            self.override,
            int(self.paused),
            self.max_length,
        )
