"""Ctrl-C and SIGTERM while a run goes on."""

import json
import signal
import time
from pathlib import Path

import pytest

AT_ONCE = 1.5


def test_interrupt_cancels_the_run_and_its_hooks_run(start_cli) -> None:
    command = start_cli("waits")
    command.send_signal(signal.SIGINT)
    status, stdout, stderr = command.ended()
    assert (status, stdout) == (130, "")
    assert stderr.index("on_cancel ran") < stderr.index("cleanup ran") < stderr.index("✗ CANCELED")
    assert "Traceback" not in stderr


def test_interrupted_run_as_json(start_cli) -> None:
    command = start_cli("waits", "-o", "json")
    command.send_signal(signal.SIGINT)
    status, stdout, _ = command.ended()
    assert (status, json.loads(stdout)["status"]) == (130, "CANCELED")


def test_sigterm_cancels_too(start_cli) -> None:
    command = start_cli("waits", "--follow")
    command.send_signal(signal.SIGTERM)
    status, stdout, _ = command.ended()
    assert status == 143
    assert "✗ CANCELED" in stdout


@pytest.mark.parametrize("task", ["ignores", "blocks"])
def test_second_interrupt_ends_at_once(start_cli, task: str) -> None:
    command = start_cli(task)
    started = time.monotonic()
    command.send_signal(signal.SIGINT)
    while not command.is_over_within(0.1):  # two signals that come together are one
        command.send_signal(signal.SIGINT)
    assert command.ended()[0] == 130
    assert time.monotonic() - started < AT_ONCE


def test_task_that_ignores_its_cancellation_does_not_keep_the_command(start_cli) -> None:
    command = start_cli("ignores")
    command.send_signal(signal.SIGINT)
    status, _, stderr = command.ended()
    assert status == 130
    assert "Ctrl-C again ends at once" in stderr
    assert "✗ CANCELED" in stderr


def test_interrupt_while_modules_are_imported(shop: Path, start_cli) -> None:
    source = "import sys, time\nprint('ready', file=sys.stderr, flush=True)\ntime.sleep(60)\n"
    (shop / "shop.py").write_text(source, encoding="utf-8")
    command = start_cli("waits")
    command.send_signal(signal.SIGINT)
    assert command.ended() == (130, "", "interrupted\n")
