"""The nightly report prints the same on every backend, with the work done in its process or in another one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPT = EXAMPLES / "nightly_report.py"
EXPECTED = SCRIPT.read_text(encoding="utf-8").rpartition("# Output:\n")[2].replace("# ", "")
SHARED = ["sqlite", "postgres", "temporal"]


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a fresh backend of the kind that the test names."""
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.db'}"
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


def environment(**more: str) -> dict[str, str]:
    return {**{k: v for k, v in os.environ.items() if not k.startswith("TASKKIT_")}, **more}


def printed(arguments: Sequence[str], folder: Path, **more: str) -> str:
    command = [sys.executable, "-W", "error", str(SCRIPT), *arguments]
    run = subprocess.run(
        command,
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@contextmanager
def worker_process(url: str) -> Iterator[None]:
    """`taskkit worker` with the example's tasks, which is asked to stop at the end, and does."""
    command = [sys.executable, "-m", "taskkit.cli", "worker", "-o", "json", "--backend", url]
    process = subprocess.Popen(
        [*command, "--app", str(EXAMPLES / "nightly_tasks.py")],
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert '"started"' in process.stdout.readline()
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("url", ["memory", *SHARED], indirect=True)
def test_the_script_does_the_work(url: str, tmp_path: Path) -> None:
    assert printed([url], tmp_path) == EXPECTED


@pytest.mark.parametrize("url", SHARED, indirect=True)
def test_a_worker_does_the_work(url: str, tmp_path: Path) -> None:
    with worker_process(url):
        assert printed(["--trigger-only"], tmp_path, TASKKIT_BACKEND=url) == EXPECTED


def test_the_configuration_names_the_backend(tmp_path: Path) -> None:
    (tmp_path / "taskkit.toml").write_text('backend = "sqlite:///runs.db"\n', encoding="utf-8")
    assert printed([], tmp_path) == EXPECTED
    assert (tmp_path / "runs.db").exists()
    assert printed([], tmp_path) == EXPECTED, "the night is there already: the same run"
