"""The states of an analysis and the legal moves between them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from buster_tasks.analyst.errors import IllegalMoveError


class State(StrEnum):
    """Where an analysis is. The first five do the work, in this order; the last two end it."""

    INITIALIZING = "initializing"
    SEARCHING = "searching"
    PLANNING = "planning"
    ANALYZING = "analyzing"
    REVIEWING = "reviewing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing comes after it."""
        return not MOVES[self]


# One may end early: with an answer that takes no data, or a question to the user.
MOVES: Final[dict[State, frozenset[State]]] = {
    State.INITIALIZING: frozenset({State.SEARCHING, State.FAILED}),
    State.SEARCHING: frozenset({State.PLANNING, State.COMPLETED, State.FAILED}),
    State.PLANNING: frozenset({State.SEARCHING, State.ANALYZING, State.COMPLETED, State.FAILED}),
    State.ANALYZING: frozenset({State.REVIEWING, State.FAILED}),
    State.REVIEWING: frozenset({State.COMPLETED, State.FAILED}),
    State.COMPLETED: frozenset(),
    State.FAILED: frozenset(),
}


def check_move(now: State, then: State) -> None:
    """Raise IllegalMoveError for a move that is not in the table."""
    if then not in MOVES[now]:
        legal = ", ".join(sorted(MOVES[now])) or "nothing: it is final"
        raise IllegalMoveError(
            f"An analysis cannot go from {now.value!r} to {then.value!r}.",
            fix=f"From {now.value!r} it can go to {legal}.",
        )
