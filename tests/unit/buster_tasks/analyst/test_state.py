"""Moves between the states of an analysis."""

from itertools import pairwise

import pytest

from buster_tasks.analyst.errors import IllegalMoveError
from buster_tasks.analyst.state import MOVES, State, check_move

IN_ORDER = [
    State.INITIALIZING,
    State.SEARCHING,
    State.PLANNING,
    State.ANALYZING,
    State.REVIEWING,
    State.COMPLETED,
]


def test_the_states_follow_each_other() -> None:
    for now, then in pairwise(IN_ORDER):
        check_move(now, then)


@pytest.mark.parametrize("now", sorted(State))
def test_every_state_that_is_not_final_can_fail(now: State) -> None:
    if now.is_final:
        assert MOVES[now] == frozenset()
    else:
        check_move(now, State.FAILED)


@pytest.mark.parametrize("now", sorted(State))
def test_an_illegal_move_says_what_is_legal(now: State) -> None:
    for then in sorted(set(State) - MOVES[now]):
        with pytest.raises(IllegalMoveError, match=f"'{now.value}' to '{then.value}'") as caught:
            check_move(now, then)
        for legal in MOVES[now]:
            assert legal.value in caught.value.fix


def test_nothing_is_analyzed_that_was_not_planned_and_no_answer_skips_the_review() -> None:
    assert [now for now in State if State.ANALYZING in MOVES[now]] == [State.PLANNING]
    assert [now for now in State if State.REVIEWING in MOVES[now]] == [State.ANALYZING]
    assert State.COMPLETED not in MOVES[State.ANALYZING]
