"""A secret that one process triggers, another carries out, and nobody else sees: on disk, on a terminal, in a list."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskkit.model.sealing import new_key

pytestmark = pytest.mark.timeout(180)  # many processes, each of which has to start

CANARY = "canary-7f3a-hunter2"
PAYLOAD = json.dumps({"user": "ada", "password": CANARY})

TASKS = """
from pydantic import BaseModel, SecretStr
from taskkit import AbortTaskRunError, logger, metadata, task


class Login(BaseModel):
    user: str
    password: SecretStr


@task(id="connect")
async def connect(login: Login) -> int:
    password = login.password.get_secret_value()
    print("body has", login)
    logger.info("connecting", dsn=f"db://{login.user}:{password}@host")
    metadata.set("dsn", f"db://{login.user}:{password}@host")
    if login.user == "eve":
        raise AbortTaskRunError(f"{password} is refused") from OSError(password)
    return len(password)


@task(id="apart", isolation="process")
async def apart(login: Login) -> int:
    logger.info(f"connecting with {login.password.get_secret_value()}")
    return len(login.password.get_secret_value())
"""
STRANGER = """
import asyncio, sys
import taskkit
from taskkit import tasks


async def main() -> None:
    with taskkit.use_backend("sqlite:///runs.db"):
        handle = await tasks.trigger("connect", {"user": "ada", "password": sys.stdin.read()})
        print(handle.id, (await handle.retrieve()).payload, (await handle.result()).output)


asyncio.run(main())
"""


class Place:
    """A folder with tasks and a store; everything that its processes say is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""
        self.worker: subprocess.Popen[str] | None = None
        (folder / "shop.py").write_text(TASKS, encoding="utf-8")

    def environment(self, key: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKKIT")}
        more = {"TASKKIT_SECRET_KEY": key, "TASKKIT_BACKEND": "sqlite:///runs.db"}
        return {**kept, "PYTHONIOENCODING": "utf-8", **more}

    def call(self, key: str, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *command], input=stdin, capture_output=True, text=True, check=False,
            cwd=self.folder, env=self.environment(key), timeout=40,
        )  # fmt: skip
        self.said += done.stdout + done.stderr
        return done

    def cli(self, key: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self.call(key, "-m", "taskkit.cli", *words, "--app", "shop", stdin=stdin)

    def work(self, key: str) -> None:
        command = [sys.executable, "-m", "taskkit.cli", "worker", "--app", "shop", "--debug"]
        self.worker = subprocess.Popen(
            command, cwd=self.folder, env=self.environment(key), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def stop(self) -> None:
        if self.worker is not None:
            self.worker.terminate()
            self.said += self.worker.communicate(timeout=30)[0]
            self.worker = None

    def assert_no_canary(self) -> None:
        contents = {
            file.name: file.read_bytes() for file in self.folder.iterdir() if file.is_file()
        }
        assert "runs.db" in contents
        found = [name for name, content in contents.items() if CANARY.encode() in content]
        assert found == []
        assert CANARY not in self.said
        assert CANARY[:8] not in self.said


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    if made.worker is not None:
        made.worker.kill()
        made.worker.communicate()


def test_a_secret_goes_from_one_process_to_another_and_nowhere_else(place: Place) -> None:
    key = new_key()
    place.work(key)
    for task in ("connect", "apart"):
        given = ("--payload", "-", "--follow", "-o", "json")
        done = place.cli(key, "run", task, *given, stdin=PAYLOAD)
        assert done.returncode == 0, done.stdout + done.stderr
    eve = json.dumps({"user": "eve", "password": CANARY})
    assert place.cli(key, "run", "connect", "--payload", "-", stdin=eve).returncode == 1
    stranger = place.call(key, "-c", STRANGER, stdin=CANARY)
    assert stranger.returncode == 0, stranger.stderr
    run_id, _, rest = stranger.stdout.partition(" ")
    assert rest == f"******** (the whole payload is sealed) {len(CANARY)}\n"
    place.assert_no_canary()  # while the store is open, its -wal beside it
    listed = json.loads(place.cli(key, "runs", "list", "-o", "json").stdout)
    assert sorted(run["status"] for run in listed) == ["COMPLETED"] * 3 + ["FAILED"]
    for run in listed:
        shown = json.loads(place.cli(key, "runs", "show", run["id"], "-o", "json").stdout)[
            "payload"
        ]
        masked = shown if run["id"] == run_id else shown["password"]
        assert masked.startswith("********")
    assert "********" in place.cli(key, "runs", "show", run_id).stdout
    assert "********" in place.cli(key, "runs", "logs", run_id).stdout
    place.stop()
    assert "body has user='ada' password=SecretStr" in place.said
    assert "******** is refused" in place.said
    place.assert_no_canary()


def test_a_worker_without_the_key_fails_the_run_and_says_which_is_missing(place: Place) -> None:
    old, new = new_key(), new_key()
    place.work(new)
    done = place.cli(old, "run", "connect", "--payload", "-", stdin=PAYLOAD)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "is sealed with the key" in said
    place.stop()
    (run,) = json.loads(place.cli(old, "runs", "list", "-o", "json").stdout)
    assert run["status"] == "FAILED"
    for key in (old, new):
        assert key not in place.said
    place.assert_no_canary()


def test_a_worker_with_both_keys_goes_on_while_they_are_changed(place: Place) -> None:
    old, new = new_key(), new_key()
    place.work(f"{old},{new}")
    for key in (old, f"{old},{new}", f"{new},{old}", new):
        done = place.cli(key, "run", "connect", "--payload", "-", stdin=PAYLOAD)
        assert done.returncode == 0, done.stdout + done.stderr
    place.assert_no_canary()


def test_without_a_key_the_command_line_says_what_to_do(place: Place) -> None:
    done = place.cli("", "run", "connect", "--payload", "-", stdin=PAYLOAD)
    assert done.returncode == 2
    assert "The payload holds a secret at 'password'" in done.stderr
    assert "TASKKIT_SECRET_KEY" in done.stderr
    assert '"env:NAME" or "file:path"' in done.stderr
    place.assert_no_canary()


# --- keys on the command line -----------------------------------------------------------------------


def test_a_new_key_is_printed_and_doctor_shows_fingerprints_only(place: Place) -> None:
    first = place.cli("", "secrets", "new-key").stdout.strip()
    made = json.loads(place.cli("", "secrets", "new-key", "-o", "json").stdout)
    report = json.loads(place.cli(f"{first},{made['key']}", "doctor", "-o", "json").stdout)
    (row,) = [row for row in report["configuration"] if row["name"] == "secret_keys"]
    seals, opens = row["value"].split(", ")
    assert opens == f"{made['id']} opens"
    assert seals.endswith(" seals and opens")
    assert row["from"] == "TASKKIT_SECRET_KEY"
    assert report["ok"] is True
    assert first not in json.dumps(report)
    (none,) = [row for row in json.loads(place.cli("", "doctor", "-o", "json").stdout)["configuration"]
               if row["name"] == "secret_keys"]  # fmt: skip
    assert (none["value"], none["from"]) == ("none", "default")


def test_doctor_finds_a_malformed_key_and_does_not_show_it(place: Place) -> None:
    done = place.cli(f"{new_key()},hunter2", "doctor", "-o", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    (problem,) = report["problems"]
    assert "The key 2 of 2 in TASKKIT_SECRET_KEY is no key" in problem["what"]
    assert report["backend"]["reachable"] is True
    assert "hunter2" not in done.stdout
