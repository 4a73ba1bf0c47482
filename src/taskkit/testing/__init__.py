"""For tests: a clock to move, and the suite that proves a backend."""

from taskkit.testing.fake_clock import FakeClock

__all__ = ["FakeClock"]
