"""`taskkit run` as a process: statuses, pipes, JSON, and what it says when something is wrong."""

import json
from pathlib import Path

from taskkit.model.run import Run


def test_output_alone_goes_to_stdout(taskkit_cli) -> None:
    done = taskkit_cli("run", "greet", "--payload", '{"name": "Ada"}')
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"hello": "Ada", "size": "größe"}
    assert done.stdout.startswith('{\n  "hello": "Ada",\n')
    assert done.stderr == "printed by the task\n"


def test_payload_comes_from_stdin_or_a_file(taskkit_cli, shop: Path) -> None:
    piped = taskkit_cli("run", "echo", "--payload", "-", stdin='{"n": 12345678901234567890}\n')
    assert (piped.returncode, json.loads(piped.stdout)) == (0, {"n": 12345678901234567890})
    (shop / "payload.json").write_text('\ufeff["ä"]', encoding="utf-8")
    read = taskkit_cli("run", "echo", "--payload", "@payload.json", app="shop.py")
    assert (read.returncode, json.loads(read.stdout)) == (0, ["ä"])


def test_json_is_one_object_with_the_names_of_run(call_cli) -> None:
    done = call_cli(
        "run", "echo", "--payload", "-5", "-o", "json", "-O", "tags=a", "-O", "tags=b",
        "-O", "max-attempts=7", "-O", 'metadata={"m": 1}',
    )  # fmt: skip
    run = json.loads(done.stdout)
    assert done.status == 0
    assert done.stderr == ""
    assert (run["task_id"], run["status"], run["payload"], run["output"]) == (
        "echo", "COMPLETED", -5, -5,
    )  # fmt: skip
    assert (run["tags"], run["metadata"], run["error"]) == (["a", "b"], {"m": 1}, None)
    assert run["attempts"][0]["number"] == 1
    assert run["is_success"] is True
    assert [name for name in run if not hasattr(Run, name)] == []


def test_failed_run_gives_status_1_and_a_stack_that_starts_in_the_task(taskkit_cli) -> None:
    done = taskkit_cli("run", "fails")
    assert (done.returncode, done.stdout) == (1, "")
    first, heading, place, *_ = done.stderr.splitlines()
    assert first.startswith("✗ FAILED after ")
    assert ", 2 attempts  run_" in first
    assert heading == "Traceback (most recent call last):"
    assert place.endswith(", in fails")
    assert done.stderr.endswith("ValueError: the file is empty\n")


def test_failed_run_as_json(call_cli) -> None:
    done = call_cli("run", "fails", "-o", "json")
    run = json.loads(done.stdout)
    assert (done.status, run["status"], run["error"]["name"]) == (1, "FAILED", "ValueError")
    assert [attempt["error"]["message"] for attempt in run["attempts"]] == ["the file is empty"] * 2


def test_follow_in_a_pipe_prints_lines_and_ends_with_the_output(taskkit_cli) -> None:
    done = taskkit_cli("run", "import", "--payload", "3", "--follow")
    lines = [line[10:] if line[2:3] == ":" else line for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert lines[0].endswith(" of task import")
    assert "info  imported  part=3" in lines
    assert "importing  100%  rows=30" in lines
    assert lines[-2].startswith("✓ COMPLETED after ")
    assert lines[-1] == "3"
    assert "\x1b" not in done.stdout


def test_follow_with_json_keeps_stdout_for_the_run(taskkit_cli) -> None:
    done = taskkit_cli("run", "import", "--payload", "2", "--follow", "-o", "json")
    assert (done.returncode, json.loads(done.stdout)["output"]) == (0, 2)
    assert "imported  part=2" in done.stderr


def test_follow_tells_why_an_attempt_failed(call_cli) -> None:
    done = call_cli("run", "fails", "--follow")
    assert done.status == 1
    assert "attempt 1 of 2 failed: ValueError: the file is empty" in done.stdout
    assert done.stdout.endswith("ValueError: the file is empty\n")


def test_mistake_is_one_block_on_stderr(taskkit_cli) -> None:
    done = taskkit_cli("run", "gree")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: There is no task 'gree'.\n  why   Did you mean 'greet'")
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(taskkit_cli) -> None:
    done = taskkit_cli("run", "gree", "--debug")
    assert done.returncode == 2
    assert "Traceback (most recent call last)" in done.stderr


def test_configured_dirs_are_imported(call_cli, shop: Path) -> None:
    (shop / "jobs").mkdir()
    (shop / "jobs" / "one.py").write_text(
        "from taskkit import task\n@task(id='one')\ndef one(): return 1\n", encoding="utf-8"
    )
    (shop / "taskkit.toml").write_text('dirs = ["jobs"]\n', encoding="utf-8")
    done = call_cli("run", "one", app=None)
    assert (done.status, done.stdout) == (0, "1\n"), done.stderr
