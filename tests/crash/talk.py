"""How a test talks with the processes that it has started."""

import subprocess
from typing import TypeAlias

Process: TypeAlias = "subprocess.Popen[str]"
WITHIN = 60


def line_of(process: Process) -> str:
    """The next thing that it says."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, f"{process.args!r} has ended"
    return line


def go_on(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def rest_of(process: Process) -> list[str]:
    """What it says after its signal, until it ends."""
    out, _ = process.communicate("go\n", timeout=WITHIN)
    assert process.returncode == 0
    return out.split()


def signal_all(processes: list[Process]) -> list[list[str]]:
    """Let all of them go at once; what each has said."""
    for process in processes:
        assert line_of(process) == "ready"
    for process in processes:
        go_on(process)
    said = [process.communicate(timeout=WITHIN)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return said
