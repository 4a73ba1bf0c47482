"""Virtual environments for servers that cannot live beside the drivers that talk to them.

Made at first use in `.servers/`, which git does not see, and kept until what they need changes.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import ServerMissingError

FOLDER = Path(__file__).parents[2] / ".servers"


def environment(name: str, requirements: Sequence[str], *, python: str | None = None) -> Path:
    """The interpreter of an environment that has these packages; `python` is a version such as "3.13".

    Raises ServerMissingError where there is no such interpreter, or the packages cannot be installed.
    """
    base = Path(sys.executable) if python is None else interpreter(python)
    folder = FOLDER / name
    wanted = hashlib.sha256("\n".join([str(base), *requirements]).encode()).hexdigest()
    stamp = folder / "made-of"
    with _locked(name):
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            _run(str(base), "-m", "venv", str(folder))
            _install(folder / "bin" / "python", requirements)
            stamp.write_text(wanted)
    return folder / "bin" / "python"


def interpreter(version: str) -> Path:
    """Python of this version, from PATH or from pyenv. Raises ServerMissingError."""
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    shim = shutil.which(name)
    roots = [pyenv, *([Path(shim).parents[1]] if shim else [])]
    found = [
        path for root in roots for path in sorted(root.glob(f"versions/{version}.*/bin/{name}"))
    ]
    for path in [*found, *([Path(shim)] if shim else [])]:
        if subprocess.run([path, "-V"], check=False, capture_output=True).returncode == 0:
            return path
    raise ServerMissingError(f"Python {version} is missing; a server of the tests needs it.")


def _install(python: Path, requirements: Sequence[str]) -> None:
    # One line of its own for what must be without its dependencies: `--no-deps a b`.
    for line in requirements:
        _run(
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            *line.split(),
        )


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise ServerMissingError(f"{' '.join(command)} failed: {done.stderr[-2_000:]}")


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """One process of the tests makes it, the others wait for it."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
