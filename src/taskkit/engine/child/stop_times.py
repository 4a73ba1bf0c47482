"""How long a child process is given at each step on its way to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StopTimes:
    """Seconds after the moment at which a child was asked to end.

    `signal`: SIGTERM to one that has not answered. `deaf`: SIGKILL when it still has not, because it is in
    code that does not come back to the interpreter. `grace`: SIGKILL when it has answered, and its body goes
    on. `hooks`: what its hooks have together after the body, at least.
    """

    signal: float = 0.4
    deaf: float = 1.0
    grace: float = 5.0
    hooks: float = 60.0


STOP_TIMES: Final = StopTimes()
