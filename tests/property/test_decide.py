"""What an ended attempt means, against the order of precedence written down as a list of rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import event, given, strategies as st

from taskkit import AbortTaskRunError, OutOfMemoryError, Retry, RetryDecision, RunStatus
from taskkit.engine.decide import Retries, decide
from taskkit.model.exchange import Failed, RetryAt

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SMALL, LARGE = "small-1x", "large-1x"


@dataclass
class Case:
    """Everything that a verdict may depend on."""

    error: BaseException
    decision: RetryDecision | None
    code: str | None
    enabled: bool
    attempt: int
    max_attempts: int
    policy: Retry
    machine: str | None

    @property
    def is_out_of_memory(self) -> bool:
        return isinstance(self.error, OutOfMemoryError | MemoryError)

    @property
    def larger(self) -> str | None:
        """The machine that the policy names for out of memory, unless it is the present one."""
        named = self.policy.out_of_memory if self.is_out_of_memory else None
        return None if named == (self.machine or SMALL) else named

    def verdict(self) -> Failed | RetryAt:
        return decide(
            self.error,
            self.decision,
            attempt=self.attempt,
            retries=Retries(self.policy, self.max_attempts, self.enabled),
            machine=self.machine,
            now=NOW,
            random=lambda: 0.0,
            code=self.code,
        )


policies = st.builds(
    Retry,
    st.integers(1, 6),
    st.integers(0, 9),
    st.integers(0, 30),
    st.integers(1, 3),
    st.just(False),
    out_of_memory=st.sampled_from([None, SMALL, LARGE]),
)
decisions = st.builds(
    RetryDecision,
    skip=st.booleans(),
    at=st.none() | st.integers(-100, 100).map(lambda s: NOW + timedelta(seconds=s)),
    delay=st.none() | st.integers(0, 100),
    retry=st.none() | policies,
    error=st.none() | st.just(LookupError("instead")),
)
cases = st.builds(
    Case,
    error=st.sampled_from(
        [ValueError("broken"), AbortTaskRunError("no"), OutOfMemoryError(), MemoryError()]
    ),
    decision=st.none() | decisions,
    code=st.sampled_from([None, None, None, "TASK_OUTPUT_ERROR"]),
    enabled=st.sampled_from([True, True, True, False]),
    attempt=st.integers(1, 7),
    max_attempts=st.integers(1, 7),
    policy=policies,
    machine=st.sampled_from([None, SMALL, LARGE]),
)


def backoff(policy: Retry, attempt: int, max_attempts: int) -> float | None:
    if attempt >= max_attempts:
        return None
    return min(policy.max_timeout, policy.min_timeout * policy.factor ** (attempt - 1))


def rules(case: Case) -> Iterator[tuple[str, float | None]]:
    """What applies, the first of it counts: its name, and the seconds until the next attempt or None."""
    decision = case.decision
    if case.code is not None:
        yield "a verdict of our own", None
    if isinstance(case.error, AbortTaskRunError):
        yield "abort", None
    if not case.enabled:
        yield "retries are off", None
    if decision is None and case.is_out_of_memory and case.larger is None:
        yield "out of memory, and no larger machine", None
    if decision is None:
        yield "policy", backoff(case.policy, case.attempt, case.max_attempts)
        return
    if decision.skip:
        yield "skip", None
    if decision.at is not None:
        yield "at", max(0.0, (decision.at - NOW).total_seconds())
    if isinstance(decision.delay, int):
        yield "delay", float(decision.delay)
    if decision.retry is not None:
        retry = decision.retry
        yield "retry", backoff(retry, case.attempt, retry.max_attempts)
    yield "a decision that says nothing", None


@given(cases)
def test_the_first_rule_that_applies_counts(case: Case) -> None:
    rule, delay = next(rules(case))
    event(rule)
    found = case.verdict()
    if delay is None:
        assert isinstance(found, Failed)
        assert found.status is RunStatus.FAILED
    else:
        assert isinstance(found, RetryAt)
        assert (found.at - NOW).total_seconds() == delay
        assert found.machine == case.larger


@given(cases)
def test_the_error_of_the_decision_is_reported_whatever_follows(case: Case) -> None:
    replaced = case.decision is not None and case.decision.error is not None
    reported = LookupError("instead") if replaced else case.error
    assert case.verdict().error.name == type(reported).__name__


@given(cases)
def test_a_verdict_depends_on_nothing_else(case: Case) -> None:
    first, second = case.verdict(), case.verdict()
    assert type(first) is type(second)
    if isinstance(first, RetryAt) and isinstance(second, RetryAt):
        assert (first.at, first.machine) == (second.at, second.machine)
