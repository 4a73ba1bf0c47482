"""What the end of a child process means for its attempt."""

import signal

import pytest

from taskkit.definition.task_definition import define
from taskkit.engine.child.death import death_of, out_of_memory, silent
from taskkit.errors import OutOfMemoryError, ProcessDiedError
from taskkit.model.machine import PRESETS
from taskkit.model.run import RunStatus


def crunch() -> None: ...


CRUNCH = define(crunch)


@pytest.mark.parametrize(
    ("status", "kind", "code", "words"),
    [
        (0, ProcessDiedError, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", "ended with exit status 0"),
        (3, ProcessDiedError, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", "ended with exit status 3"),
        (-signal.SIGSEGV, ProcessDiedError, "TASK_PROCESS_SIGSEGV", "was killed by SIGSEGV"),
        (-signal.SIGTERM, ProcessDiedError, "TASK_PROCESS_SIGTERM", "was killed by SIGTERM"),
        (
            -signal.SIGABRT,
            ProcessDiedError,
            "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE",
            "was killed by SIGABRT",
        ),
        (
            -99,
            ProcessDiedError,
            "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE",
            "was killed by signal 99",
        ),
        (-signal.SIGKILL, OutOfMemoryError, "TASK_PROCESS_MAYBE_OOM_KILLED", "killed by SIGKILL"),
        (None, ProcessDiedError, "TASK_EXECUTION_FAILED", "No child process could be started"),
    ],
)
def test_an_exit_status_says_what_it_died_of(
    status: int | None, kind: type, code: str, words: str
) -> None:
    death = death_of(status, CRUNCH, "no memory")
    assert type(death.error) is kind
    assert (death.code, death.status) == (code, RunStatus.CRASHED)
    assert words in str(death.error)
    assert "'crunch'" in str(death.error)
    assert "test_child_death.py:" in str(death.error)


def test_too_much_memory_is_told_with_both_figures() -> None:
    death = out_of_memory(3 * 1024**3 // 2, PRESETS["small-2x"], CRUNCH)
    assert isinstance(death.error, OutOfMemoryError)
    assert (death.code, death.status) == (None, RunStatus.FAILED)
    assert "used 1.50 GB" in str(death.error)
    assert "'small-2x' has 1 GB" in str(death.error)
    assert "machine=" in str(death.error)


def test_a_child_that_is_heard_no_more_is_told_why() -> None:
    assert "files that it has not opened" in str(silent(CRUNCH).error)
