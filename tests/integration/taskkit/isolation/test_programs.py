"""Tasks of programs: found again by a child however the program was started, and ended when it dies."""

import subprocess
import sys
from pathlib import Path

PROGRAM = '''
import asyncio
import itertools
import os
import sys
from dataclasses import dataclass

import taskkit
from taskkit import task{extra}


@dataclass
class Found:
    """A class of the program itself."""
    number: int


@task(id="found", isolation="process")
def found(payload: Found) -> Found:
    return Found(payload.number + 1)


@task(id="holds", isolation="process")
def holds() -> None:
    print("holds", os.getpid(), flush=True)
    sum(itertools.repeat(0))


@taskkit.tasks.on_success
def told(output: object) -> None:
    print("told by", __name__, flush=True)


async def main(what: str) -> None:
    async with taskkit.local():
        if what == "holds":
            await (await holds.trigger()).result()
        print((await (await found.trigger(Found(1))).result()).unwrap())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
'''


def run(*arguments: str, folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True, text=True, cwd=folder, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_a_task_of_a_script_is_found(tmp_path: Path) -> None:
    (tmp_path / "my script.py").write_text(PROGRAM.format(extra=""))
    assert run("my script.py", "found", folder=tmp_path) == [
        "told by __mp_main__",
        "Found(number=2)",
    ]


def test_a_task_of_a_module_that_was_started_by_name_is_found(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "prices.py").write_text("PRICE = 1\n")
    (package / "__main__.py").write_text(PROGRAM.format(extra="\nfrom .prices import PRICE"))
    said = run("-m", "shop", "found", folder=tmp_path)
    assert said == ["told by __mp_main__", "Found(number=2)"]


def test_a_task_of_a_file_that_no_name_leads_to_is_found(tmp_path: Path) -> None:
    (tmp_path / "my-tasks").mkdir()
    (tmp_path / "my-tasks" / "send-mail.py").write_text(PROGRAM.format(extra=""))
    (tmp_path / "taskkit.toml").write_text('dirs = ["my-tasks"]\n')
    (tmp_path / "start.py").write_text(
        "import asyncio, sys, taskkit\n"
        "async def main():\n"
        "    async with taskkit.local():\n"
        "        handle = await taskkit.tasks.trigger('found', {'number': 1})\n"
        "        print((await handle.result()).unwrap())\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    (told, found) = run("start.py", folder=tmp_path)
    assert told.startswith("told by taskkit_dirs_")
    assert found == "Found(number=2)"


def test_a_child_dies_with_its_worker_whatever_it_does(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM.format(extra=""))
    program = subprocess.Popen(
        [sys.executable, "program.py", "holds"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    assert program.stdout.readline().startswith("holds ")
    program.kill()
    program.wait()
    # The child has the same standard output: it ends when the child does.
    assert program.stdout.read() == ""
    program.stdout.close()
