"""`taskkit tasks`, `schedules`, `queues`, `doctor`, help and version."""

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from taskkit.cli.commands import make_app

BAD = """
from taskkit import Queue, task

def make():
    @task(id="hidden")
    async def hidden() -> None: ...

make()

@task(id="one", queue=Queue("q", concurrency_limit=1))
async def one() -> None: ...

@task(id="two", queue=Queue("q", concurrency_limit=2))
async def two() -> None: ...
"""
NEVER = """
from taskkit import schedules

@schedules.task(id="never", cron="0 0 31 4 *")
async def never(payload) -> None: ...
"""


def test_tasks_have_a_line_each_in_a_pipe(taskkit_cli) -> None:
    done = taskkit_cli("tasks")
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert done.returncode == 0
    assert list(rows) == [
        "task", "blocks", "echo", "fails", "greet", "ignores", "import", "report", "waits",
    ]  # fmt: skip
    assert "shop.py:" in rows["greet"]
    assert "Says hello" in rows["greet"]
    assert rows["import"].endswith(
        "imports (at most 2)  3x, 1s-10s  5m                                  "
    )
    assert "0 9 * * MON-FRI Europe/Berlin" in rows["report"]


def test_tasks_as_json(call_cli, shop: Path) -> None:
    by_id = {task["id"]: task for task in json.loads(call_cli("tasks", "-o", "json").stdout)}
    assert by_id["import"]["queue"]["concurrency_limit"] == 2
    assert by_id["waits"]["retry"] is None
    assert by_id["greet"]["file"] == str(shop / "shop.py")
    assert by_id["greet"]["payload_schema"]["required"] == ["name"]


def test_no_tasks_is_told(call_cli) -> None:
    done = call_cli("tasks", app=None)
    assert (done.status, done.stdout) == (3, "")
    assert "--app" in done.stderr


def test_schedules_and_queues_are_listed(call_cli) -> None:
    schedule, *_ = json.loads(call_cli("schedules", "-o", "json").stdout)
    assert (schedule["task_id"], schedule["timezone"]) == ("report", "Europe/Berlin")
    queues = json.loads(call_cli("queues", "-o", "json").stdout)
    assert {"name": "imports", "limit": 2} in [
        {"name": queue["name"], "limit": queue["concurrency_limit"]} for queue in queues
    ]
    assert "report  0 9 * * MON-FRI Europe/Berlin" in call_cli("schedules").stdout
    assert "imports" in call_cli("queues").stdout


def test_doctor_finds_nothing_wrong(taskkit_cli) -> None:
    done = taskkit_cli("doctor", env={"TASKKIT_MAX_DURATION": "60"})
    assert done.returncode == 0, done.stdout
    assert "✓ No problems" in done.stdout
    assert 'pip install "buster-tasks[' in done.stdout
    assert "TASKKIT_MAX_DURATION" in done.stdout


def test_doctor_finds_every_problem_and_ends_with_1(call_cli, shop: Path) -> None:
    (shop / "bad.py").write_text(BAD, encoding="utf-8")
    (shop / "never.py").write_text(NEVER, encoding="utf-8")
    (shop / "again.py").write_text("from taskkit import task\n@task(id='one')\ndef x(): ...\n")
    (shop / "broken.py").write_text("import not_there\n", encoding="utf-8")
    apps = [word for name in ("never", "again", "broken") for word in ("--app", f"{name}.py")]
    done = call_cli("doctor", "-o", "json", "--app", "bad.py", *apps)
    report = json.loads(done.stdout)
    told = [f"{problem['where']}: {problem['what']}" for problem in report["problems"]]
    assert done.status == 1
    assert report["ok"] is False
    for expected in (
        "bad.py:5: Task 'hidden' is not reachable",
        "Queue 'q' is declared twice with different limits",
        "never.py:4: The cron pattern '0 0 31 4 *'",
        "again.py:2: Task id 'one' is taken",
        "broken.py:1: The task module broken.py cannot be imported. ModuleNotFoundError",
    ):
        assert any(expected in text for text in told), (expected, told)
    assert len(told) == 5


def test_doctor_looks_at_the_backend_and_hides_its_password(call_cli, shelf: str) -> None:
    fine = json.loads(call_cli("doctor", "-o", "json", "--backend", shelf).stdout)
    assert (fine["backend"]["reachable"], fine["backend"]["workers"]) == (True, 0)
    url = "shelf://me:canary@down"
    done = call_cli("doctor", "--backend", url)
    assert done.status == 1
    assert "Connection refused" in done.stdout
    assert "canary" not in done.stdout + done.stderr


def test_doctor_tells_a_broken_configuration(call_cli, shop: Path) -> None:
    (shop / "taskkit.toml").write_text("max_durations = 5\n", encoding="utf-8")
    done = call_cli("doctor", "-o", "json")
    [problem] = json.loads(done.stdout)["problems"]
    assert done.status == 1
    assert "Did you mean 'max_duration'?" in problem["what"]
    assert call_cli("run", "waits").status == 3


@pytest.mark.parametrize("verb", [[], ["run"], ["runs", "list"], ["doctor"]])
def test_help_has_examples(call_cli, verb: list[str]) -> None:
    done = call_cli(*verb, "--help", app=None)
    assert done.status == 0
    assert "For example:" in done.stdout
    assert f" taskkit {' '.join(verb)}" in done.stdout.partition("For example:")[2]


def test_version(call_cli) -> None:
    done = call_cli("--version", app=None)
    assert (done.status, done.stdout) == (0, f"taskkit {metadata.version('buster-tasks')}\n")


def test_without_its_extra_the_command_says_what_to_install(shop: Path) -> None:
    hidden = "import sys; sys.modules['cyclopts'] = None; sys.modules['rich'] = None; "
    code = hidden + "from taskkit.cli.entry import main; main(['tasks'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=shop, check=False
    )
    assert done.returncode == 3
    assert 'pip install "buster-tasks[cli]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_closed_pipe_ends_the_command_quietly(shop: Path) -> None:
    line = (
        f"{sys.executable} -m taskkit.cli tasks -o json --app shop | true; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=shop, check=False
    )
    assert done.stderr == ""
    assert done.stdout in ("141\n", "0\n")  # the reader may be gone only after the last word


def test_every_command_is_documented() -> None:
    page = (Path(__file__).resolve().parents[4] / "docs" / "cli.md").read_text(encoding="utf-8")
    app = make_app()
    verbs = [name for name in app if not name.startswith("-")]
    of_runs = [f"runs {name}" for name in app["runs"] if not name.startswith("-")]
    assert len(verbs) >= 6
    assert [verb for verb in verbs + of_runs if f"taskkit {verb}" not in page] == []
