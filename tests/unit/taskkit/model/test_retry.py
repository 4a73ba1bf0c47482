"""The retry formula of Trigger.dev, and what a policy refuses."""

import math
import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from taskkit.errors import InvalidOptionError
from taskkit.model.retry import Retry


class Dice:
    """A random source that says how often it was asked."""

    def __init__(self, value: float) -> None:
        self.value = value
        self.asked = 0

    def __call__(self) -> float:
        self.asked += 1
        return self.value


def test_defaults() -> None:
    assert Retry() == Retry(3, 1, 60, 2, True)
    assert Retry(None, None, None, None, None, None) == Retry()
    assert (Retry().min_timeout, Retry().max_timeout) == (1.0, 60.0)


def test_times_are_kept_in_seconds() -> None:
    retry = Retry(5, "500ms", timedelta(minutes=2), 1.5, False)
    assert (retry.min_timeout, retry.max_timeout, retry.factor) == (0.5, 120.0, 1.5)


def test_delays_without_jitter() -> None:
    retry = Retry(7, 1, 10, 2, False)
    assert [retry.next_delay(n) for n in range(1, 9)] == [1, 2, 4, 8, 10, 10, None, None]


@pytest.mark.parametrize(
    ("dice", "expected"), [(0.0, [1, 2, 4]), (0.5, [1.5, 3, 6]), (0.9999, [2, 4, 8])]
)
def test_jitter_lengthens_up_to_twice(dice: float, expected: list[float]) -> None:
    retry = Retry(4, 1, 60, 2, True)
    found = [retry.next_delay(n, random=lambda: dice) for n in (1, 2, 3)]
    assert found == pytest.approx(expected, abs=1e-3)


def test_random_is_asked_once_and_only_with_randomize() -> None:
    dice = Dice(0.5)
    assert Retry(3, randomize=False).next_delay(1, random=dice) == 1
    assert Retry(3).next_delay(3, random=dice) is None
    assert dice.asked == 0
    assert Retry(3).next_delay(1, random=dice) == 1.5
    assert dice.asked == 1


def test_cap_comes_after_the_jitter() -> None:
    assert Retry(9, 8, 10, 2, True).next_delay(1, random=lambda: 0.9) == 10
    assert (
        Retry(9, 50, 10, 2, False).next_delay(1) == 10
    )  # a min_timeout above max_timeout is legal


@pytest.mark.parametrize(
    ("min_timeout", "expected"), [(0.0005, 0.001), (0.0015, 0.002), (0.0025, 0.003), (0.00049, 0)]
)
def test_rounding_is_half_up(min_timeout: float, expected: float) -> None:
    assert Retry(2, min_timeout, 60, 1, False).next_delay(1) == expected


def test_decimal_noise_is_rounded_away() -> None:
    assert Retry(9, 1.2, 60, 1.8, False).next_delay(4) == 6.998


@pytest.mark.parametrize(
    ("retry", "attempt", "expected"),
    [
        (Retry(10**9, factor=3, randomize=False), 10**8, 60.0),
        (Retry(10**500, factor=3, randomize=False), 10**400, 60.0),
        (Retry(10**500, factor=0.5, randomize=False), 10**400, 0.0),
        (Retry(10**500, factor=1, randomize=False), 10**400, 1.0),
        (Retry(10**9, 0, factor=3), 10**8, 0.0),
        (Retry(10, 5, factor=0, randomize=False), 1, 5.0),
        (Retry(10, 5, factor=0, randomize=False), 2, 0.0),
        (Retry(10, 5, 0), 1, 0.0),
        (Retry(10, 1e13, 8e13, 1e308, True), 5, 8e13),
    ],
)
def test_extremes_never_overflow(retry: Retry, attempt: int, expected: float) -> None:
    assert retry.next_delay(attempt) == expected


def test_one_attempt_is_no_retry() -> None:
    assert Retry(1).next_delay(1) is None


@pytest.mark.parametrize("attempt", [0, -1, True, 1.0, "1", None])
def test_attempts_are_counted_from_one(attempt: Any) -> None:
    with pytest.raises(InvalidOptionError, match="attempt is"):
        Retry().next_delay(attempt)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("max_attempts", value) for value in (0, -1, True, 1.5, "3", math.inf)],
        *[("min_timeout", value) for value in (-1, math.nan, math.inf, "soon", True, 10**400)],
        *[("max_timeout", value) for value in (-1, math.nan, math.inf, "1H", False)],
        *[("factor", value) for value in (-0.1, math.nan, math.inf, "2", True, 10**400)],
        *[("randomize", value) for value in (1, 0, "yes")],
        *[("out_of_memory", value) for value in ("large", "", 3)],
    ],
    ids=lambda value: (
        repr(value)[:20] if not isinstance(value, int) or abs(value) < 10**9 else "huge"
    ),
)
def test_error_names_field_and_value(field: str, value: Any) -> None:
    with pytest.raises(InvalidOptionError) as caught:
        Retry(**{field: value})
    assert str(caught.value).startswith(f"{field} is ")
    assert (caught.value.option, caught.value.value) == (field, value)


def test_policy_is_a_value() -> None:
    retry = Retry(5, "1s", out_of_memory="large-1x")
    assert pickle.loads(pickle.dumps(retry)) == retry
    assert replace(retry, max_attempts=9) == Retry(9, 1, out_of_memory="large-1x")
    assert hash(retry) == hash(Retry(5, 1, out_of_memory="large-1x"))
    with pytest.raises(FrozenInstanceError):
        retry.max_attempts = 4  # type: ignore[misc]  # frozen is what is tested


policies = st.builds(
    Retry,
    st.integers(2, 50),
    st.floats(0, 1000),
    st.floats(0, 10_000),
    st.floats(1, 10),
    st.just(False),
)


@given(policies)
def test_without_jitter_delays_never_shrink(retry: Retry) -> None:
    delays = [retry.next_delay(n) for n in range(1, retry.max_attempts)]
    assert None not in delays
    assert delays == sorted(delays)  # type: ignore[type-var]  # no None is left
    assert retry.next_delay(retry.max_attempts) is None


@given(policies, st.floats(0, 1, exclude_max=True), st.integers(1, 60))
def test_jitter_stays_within_one_and_two(retry: Retry, dice: float, attempt: int) -> None:
    plain = retry.next_delay(attempt)
    jittered = replace(retry, randomize=True).next_delay(attempt, random=lambda: dice)
    if plain is None or jittered is None:
        assert plain is jittered
        return
    most = max(plain, retry.max_timeout)
    assert plain - 0.001 <= jittered <= min(2 * plain + 0.001, most + 0.001)
    assert jittered == pytest.approx(round(jittered, 3), abs=1e-9)
