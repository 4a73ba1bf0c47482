"""The delay between attempts, computed a second time with decimal numbers."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

from hypothesis import assume, example, given, strategies as st

from taskkit.model.retry import Retry

MILLISECOND = Decimal("0.001")
NEAR = Decimal("1e-9")
"""Milliseconds round a half within which a float may fall on either side."""

milliseconds = st.integers(0, 10_000_000)
factors = st.integers(0, 400).map(lambda hundredths: Decimal(hundredths) / 100)
dice = st.integers(0, 999_999).map(lambda millionths: Decimal(millionths) / 1_000_000)


def exact(least: int, most: int, factor: Decimal, stretch: Decimal, attempt: int) -> Decimal:
    """Milliseconds before rounding; 0 to the power of 0 is 1, as everywhere in floating point."""
    growth = Decimal(1) if attempt == 1 else factor ** (attempt - 1)
    return min(Decimal(most), stretch * least * growth)


def close_to_a_half(amount: Decimal) -> bool:
    return abs(amount % 1 - Decimal("0.5")) <= NEAR * max(amount, 1)


@given(milliseconds, milliseconds, factors, dice | st.none(), st.integers(1, 60))
@example(5, 60_000, Decimal("1.5"), None, 2)  # 7.5 ms: half up
@example(1, 60_000, Decimal("2.5"), None, 2)  # 2.5 ms: up, not to the even number
@example(1200, 60_000, Decimal("1.8"), None, 4)  # 6998.4 ms
@example(8000, 10_000, Decimal(2), Decimal("0.9"), 1)  # the cap comes after the jitter
def test_a_delay_is_what_decimal_numbers_say(
    least: int, most: int, factor: Decimal, die: Decimal | None, attempt: int
) -> None:
    randomize = die is not None
    retry = Retry(attempt + 1, least / 1000, most / 1000, float(factor), randomize)
    found = retry.next_delay(attempt, random=lambda: float(die or 0))
    with localcontext() as context:
        context.prec = 60
        expected = exact(least, most, factor, 1 + (die or 0), attempt)
        rounded = expected.quantize(Decimal(1), ROUND_HALF_UP)
        allowed = {rounded}
        if close_to_a_half(expected) and not is_dyadic(least, factor, die):
            allowed |= {rounded - 1}
    assert found is not None
    assert Decimal(repr(found)) in {(amount * MILLISECOND).normalize() for amount in allowed} | {
        amount * MILLISECOND for amount in allowed
    }


def is_dyadic(least: int, factor: Decimal, die: Decimal | None) -> bool:
    """Whole seconds, halves and quarters, which a float holds exactly: there is no excuse."""
    return least % 125 == 0 and factor * 4 % 1 == 0 and not die


@given(milliseconds, milliseconds, factors, dice, st.integers(1, 60))
def test_jitter_only_lengthens_and_never_beyond_the_cap(
    least: int, most: int, factor: Decimal, die: Decimal, attempt: int
) -> None:
    plain = Retry(attempt + 1, least / 1000, most / 1000, float(factor), False)
    shaken = Retry(attempt + 1, least / 1000, most / 1000, float(factor), True)
    without, with_ = plain.next_delay(attempt), shaken.next_delay(attempt, lambda: float(die))
    assert without is not None
    assert with_ is not None
    assert without <= with_ <= min(2 * without + 0.001, most / 1000)


@given(milliseconds, milliseconds, factors, st.integers(1, 60))
def test_no_jitter_is_asked_for_at_the_cap(
    least: int, most: int, factor: Decimal, attempt: int
) -> None:
    retry = Retry(attempt + 1, least / 1000, most / 1000, float(factor), True)
    assume(exact(least, most, factor, Decimal(1), attempt) == most)
    assert {retry.next_delay(attempt, lambda die=die: die) for die in (0.0, 0.5, 0.99)} == {
        most / 1000
    }


@given(st.integers(1, 20), st.integers(1, 30))
def test_the_first_try_is_one_of_the_attempts(max_attempts: int, attempt: int) -> None:
    delay = Retry(max_attempts).next_delay(attempt)
    assert (delay is None) is (attempt >= max_attempts)
