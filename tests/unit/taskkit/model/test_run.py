"""A run as it stood when it was read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskkit.model.error_info import ErrorInfo
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FINAL, FREES_KEY, TRANSITIONS, Attempt, Run, RunStatus

NOW = datetime(2030, 1, 1, tzinfo=UTC)
S = RunStatus


def run_of(status: RunStatus = S.QUEUED, **fields: Any) -> Run:
    request = TriggerRequest(
        "run_1", "work", b'{"a":[1]}', "task/work", parent_id="run_0", idempotency_key="k"
    )
    return Run(request, status, NOW, NOW, NOW, **fields)


BOOLEANS = [
    (S.PENDING_VERSION, {"queued"}),
    (S.DELAYED, {"queued"}),
    (S.QUEUED, {"queued"}),
    (S.DEQUEUED, {"executing"}),
    (S.EXECUTING, {"executing"}),
    (S.WAITING, {"waiting"}),
    (S.COMPLETED, {"completed", "success"}),
    (S.CANCELED, {"completed", "canceled"}),
    (S.FAILED, {"completed", "failed"}),
    (S.CRASHED, {"completed", "failed"}),
    (S.SYSTEM_FAILURE, {"completed", "failed"}),
    (S.EXPIRED, {"completed"}),
    (S.TIMED_OUT, {"completed", "failed"}),
]


def test_every_status_is_spelt_as_trigger_dev_does() -> None:
    assert [status.value for status, _ in BOOLEANS] == list(RunStatus)
    assert all(status.name == status.value for status in RunStatus)


@pytest.mark.parametrize(("status", "claims"), BOOLEANS)
def test_booleans_of_each_status(status: RunStatus, claims: set[str]) -> None:
    names = ("queued", "executing", "waiting", "completed", "success", "failed", "canceled")
    run = run_of(status)
    assert {name for name in names if getattr(run, f"is_{name}")} == claims
    assert status.is_final is ("completed" in claims)


def test_the_ends_and_which_of_them_free_a_key() -> None:
    assert {status for status in RunStatus if status.is_final} == FINAL
    assert {S.COMPLETED, S.CANCELED} == FINAL - FREES_KEY


def test_every_status_but_the_first_can_be_reached_and_no_end_is_left() -> None:
    assert set(TRANSITIONS) == set(RunStatus)
    reached = {status for following in TRANSITIONS.values() for status in following}
    assert reached == set(RunStatus) - {S.PENDING_VERSION}
    assert all(TRANSITIONS[status] == frozenset() for status in FINAL)


def test_what_was_asked_for() -> None:
    run = run_of()
    assert (run.id, run.task_id, run.queue) == ("run_1", "work", "task/work")
    assert (run.payload, run.idempotency_key) == ({"a": [1]}, "k")
    assert (run.parent_id, run.root_id, run.schedule_id, run.batch_id) == (
        "run_0",
        None,
        None,
        None,
    )
    without = Run(TriggerRequest("run_2", "work", None, "q"), S.QUEUED, NOW, NOW, NOW)
    assert without.payload is None


def test_the_output_is_decoded_when_it_is_looked_at() -> None:
    run = run_of(S.COMPLETED, output_json=b"[1,2]")
    assert run.output == [1, 2]
    run.decode_output = lambda data: data.decode().upper()
    assert run.output == "[1,2]"
    assert run_of(decode_output=lambda _: 5).output is None


def test_attempts_are_the_past_ones_and_the_present_one() -> None:
    assert run_of().attempts == ()
    error = ErrorInfo("BUILT_IN_ERROR", "ValueError", "once more")
    past = Attempt(1, NOW, NOW + timedelta(seconds=1), error)
    between = run_of(attempt=2, past_attempts=(past,))
    assert between.attempts == (past,)
    started = NOW + timedelta(seconds=5)
    present = run_of(S.EXECUTING, attempt=2, past_attempts=(past,), attempt_started_at=started)
    assert present.attempts == (past, Attempt(2, started))


def test_a_copy_has_every_field_and_shares_nothing_that_changes() -> None:
    run = run_of(
        S.FAILED,
        batch_id="batch_1",
        attempt=2,
        delivery=3,
        deaths=1,
        started_at=NOW,
        finished_at=NOW,
        output_json=b"1",
        error=ErrorInfo("BUILT_IN_ERROR", "ValueError", "x"),
        metadata={"a": 1},
        tags=("a",),
        past_attempts=(Attempt(1, NOW),),
        attempt_started_at=NOW,
        machine="micro",
        cancel_reason="no more",
        decode_output=len,
    )
    copy = run.copy()
    assert type(copy) is Run
    for name in Run.__dataclass_fields__:
        assert getattr(copy, name) == getattr(run, name), name
        assert getattr(run, name) not in (None, {}, ()), f"{name} is not tried by this test"
    run.metadata["a"] = 2
    assert copy.metadata == {"a": 1}


def test_repr_is_short_and_says_what_went_wrong() -> None:
    assert repr(run_of()) == "<Run run_1 of task 'work' QUEUED attempt=0>"
    error = ErrorInfo("BUILT_IN_ERROR", "ValueError", "x" * 500)
    assert repr(run_of(S.FAILED, attempt=1, error=error)).startswith(
        "<Run run_1 of task 'work' FAILED attempt=1 error='ValueError: xxx"
    )
    assert len(repr(run_of(S.FAILED, error=error))) < 150


def test_two_snapshots_are_two() -> None:
    assert run_of() != run_of()
    assert hash(run_of()) is not None
