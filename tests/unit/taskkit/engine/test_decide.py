"""The verdict on a failed attempt, as a pure function."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from taskkit import AbortTaskRunError, OutOfMemoryError, Retry, RetryDecision, RunStatus
from taskkit.engine.decide import Retries, decide
from taskkit.errors import InvalidDurationError
from taskkit.model.exchange import Failed, RetryAt

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
PLAIN = Retry(3, 1, 60, 2, randomize=False)


def verdict(
    error: BaseException | None = None,
    decision: RetryDecision | None = None,
    *,
    retry: Retry = PLAIN,
    attempt: int = 1,
    max_attempts: int | None = None,
    enabled: bool = True,
    **rest: Any,
) -> Failed | RetryAt:
    retries = Retries(retry, max_attempts or retry.max_attempts, enabled)
    defaults: dict[str, Any] = {"machine": None, "now": NOW, "random": lambda: 0.0}
    return decide(
        error or ValueError("broken"),
        decision,
        attempt=attempt,
        retries=retries,
        **{**defaults, **rest},
    )


def delay(found: Failed | RetryAt) -> float | None:
    return (found.at - NOW).total_seconds() if isinstance(found, RetryAt) else None


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 1), (2, 2), (3, None), (4, None)])
def test_the_policy_gives_each_attempt_its_delay(attempt: int, seconds: float | None) -> None:
    assert delay(verdict(attempt=attempt)) == seconds


@pytest.mark.parametrize(
    ("decision", "seconds"),
    [
        (RetryDecision(skip=True, at=LATER, delay=5, retry=Retry(9)), None),
        (RetryDecision(at=LATER, delay=5, retry=Retry(9)), 3600),
        (RetryDecision(delay=5, retry=Retry(9, 7, randomize=False)), 5),
        (RetryDecision(delay=0, retry=Retry(9, 7, randomize=False)), 0),
        (RetryDecision(retry=Retry(9, 7, randomize=False)), 7),
        (RetryDecision(retry=Retry(1)), None),
        (RetryDecision(), None),
        (RetryDecision(error=KeyError("other")), None),
        (RetryDecision(at=NOW - timedelta(days=1)), 0),
        (RetryDecision(delay="2m"), 120),
        (RetryDecision(delay=timedelta(minutes=2)), 120),
    ],
)
def test_a_decision_says_it_in_this_order(decision: RetryDecision, seconds: float | None) -> None:
    assert delay(verdict(decision=decision)) == seconds


def test_a_decision_may_go_beyond_the_attempts_of_the_policy() -> None:
    assert delay(verdict(decision=RetryDecision(delay=3), attempt=50)) == 3
    assert delay(verdict(decision=RetryDecision(retry=Retry(51, 1, 1)), attempt=50)) == 1


def test_the_policy_of_a_decision_is_asked_with_the_present_attempt() -> None:
    own = RetryDecision(retry=Retry(9, 1, 60, 2, randomize=False))
    assert [delay(verdict(decision=own, attempt=n)) for n in (1, 3, 9)] == [1, 4, None]


def test_the_error_of_a_decision_is_the_one_reported() -> None:
    found = verdict(decision=RetryDecision(error=KeyError("other")))
    assert isinstance(found, Failed)
    assert (found.error.name, found.status) == ("KeyError", RunStatus.FAILED)
    retried = verdict(decision=RetryDecision(delay=1, error=KeyError("other")))
    assert isinstance(retried, RetryAt)
    assert retried.error.name == "KeyError"


def test_a_decision_with_a_delay_that_is_none_says_so() -> None:
    with pytest.raises(InvalidDurationError, match=r"RetryDecision\.delay is -1"):
        verdict(decision=RetryDecision(delay=-1))


def test_the_attempts_of_the_run_stand_in_for_those_of_the_policy() -> None:
    assert delay(verdict(attempt=3, max_attempts=5)) == 4
    assert delay(verdict(attempt=5, max_attempts=5)) is None
    assert delay(verdict(attempt=1, max_attempts=1)) is None
    assert delay(verdict(attempt=1, max_attempts=2, retry=Retry(1, 1, randomize=False))) == 1


def test_an_abort_is_final_whatever_was_decided() -> None:
    found = verdict(AbortTaskRunError("no"), RetryDecision(delay=1))
    assert isinstance(found, Failed)
    assert (found.error.type, found.error.name) == ("BUILT_IN_ERROR", "AbortTaskRunError")


def test_a_verdict_of_our_own_is_final() -> None:
    found = verdict(ValueError("no JSON"), code="TASK_OUTPUT_ERROR")
    assert isinstance(found, Failed)
    assert (found.error.type, found.error.code) == ("INTERNAL_ERROR", "TASK_OUTPUT_ERROR")


def test_nothing_is_retried_where_retries_are_switched_off() -> None:
    assert isinstance(verdict(enabled=False), Failed)
    assert isinstance(verdict(enabled=False, decision=RetryDecision(delay=1)), Failed)


@pytest.mark.parametrize("error", [OutOfMemoryError(), MemoryError()])
def test_out_of_memory_is_retried_on_the_named_machine_only(error: BaseException) -> None:
    larger = Retry(3, 1, randomize=False, out_of_memory="large-1x")
    assert isinstance(verdict(error), Failed)
    found = verdict(error, retry=larger, machine="small-1x")
    assert isinstance(found, RetryAt)
    assert (found.machine, delay(found)) == ("large-1x", 1)
    again = verdict(error, retry=larger, machine="large-1x", attempt=2)
    assert isinstance(again, Failed)
    assert again.error.code == "TASK_PROCESS_OOM_KILLED"


def test_out_of_memory_on_the_default_machine_is_not_retried_on_the_same() -> None:
    same = Retry(3, 1, out_of_memory="small-1x")
    assert isinstance(verdict(OutOfMemoryError(), retry=same, machine=None), Failed)


def test_out_of_memory_that_catch_error_has_retried_takes_the_named_machine_too() -> None:
    larger = Retry(3, 1, out_of_memory="large-1x")
    found = verdict(OutOfMemoryError(), RetryDecision(delay=5), retry=larger)
    assert isinstance(found, RetryAt)
    assert (found.machine, delay(found)) == ("large-1x", 5)


def test_out_of_memory_that_catch_error_has_retried_without_a_named_machine_stays() -> None:
    found = verdict(OutOfMemoryError(), RetryDecision(delay=5))
    assert isinstance(found, RetryAt)
    assert found.machine is None


@given(
    skip=st.booleans(),
    at=st.none() | st.just(LATER),
    wait=st.none() | st.integers(0, 100),
    retry=st.none()
    | st.builds(Retry, st.integers(1, 9), st.integers(0, 9), randomize=st.just(False)),
    attempt=st.integers(1, 12),
)
def test_the_first_thing_a_decision_says_counts(
    skip: bool, at: datetime | None, wait: int | None, retry: Retry | None, attempt: int
) -> None:
    def expected() -> Iterator[float | None]:
        if skip:
            yield None
        if at is not None:
            yield 3600.0
        if wait is not None:
            yield float(wait)
        if retry is not None:
            yield retry.next_delay(attempt)
        yield None

    found = verdict(
        decision=RetryDecision(skip=skip, at=at, delay=wait, retry=retry), attempt=attempt
    )
    assert delay(found) == next(expected())
