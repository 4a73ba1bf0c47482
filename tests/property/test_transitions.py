"""A run only ever moves as the table of transitions says, whatever is done to it in any order."""

from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from taskkit.backends.memory import MemoryBackend, life
from taskkit.backends.memory.record import Record
from taskkit.model.run import FINAL, TRANSITIONS, RunStatus
from taskkit.testing import BackendStateMachine

Move = tuple[RunStatus, RunStatus]


class Watched(Record):
    """A run that notes each change of its status, also those that no call shows from outside."""

    __slots__ = ()
    moves: ClassVar[set[Move]] = set()

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "status":
            before = getattr(self, "status", None)
            if before is not None and before is not value:
                Watched.moves.add((before, value))
                assert value in TRANSITIONS[before], f"{before} to {value} is no legal move"
        super().__setattr__(name, value)


class Machine(BackendStateMachine):
    def make_backend(self) -> MemoryBackend:
        return MemoryBackend()


def test_every_move_is_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "Record", Watched)
    Watched.moves = set()
    # the same runs each time: that some of them reach every end is not left to chance
    options = settings(
        max_examples=300, stateful_step_count=50, deadline=None, database=None, derandomize=True
    )
    run_state_machine_as_test(Machine, settings=options)
    left = {before for before, _ in Watched.moves}
    assert left == {RunStatus.DELAYED, RunStatus.QUEUED, RunStatus.EXECUTING, RunStatus.WAITING}
    assert {after for _, after in Watched.moves} >= {
        RunStatus.COMPLETED,
        RunStatus.CANCELED,
        RunStatus.FAILED,
    }


def test_an_illegal_move_is_seen() -> None:
    record = object.__new__(Watched)
    record.status = RunStatus.COMPLETED
    with pytest.raises(AssertionError, match="COMPLETED to QUEUED is no legal move"):
        record.status = RunStatus.QUEUED


@pytest.mark.parametrize("status", sorted(FINAL))
def test_nothing_follows_an_end(status: RunStatus) -> None:
    assert TRANSITIONS[status] == frozenset()
