"""What the page on backends shows is the example, word for word, and what it tells the reader to run does run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "redis_backend" / "redis_backend.py"
PAGE = (ROOT / "docs" / "write-your-own-backend.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```py\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
EXCERPTS = [block for block in BLOCKS if not block.startswith("# ")]
SERVER = "redis://127.0.0.1:6379"


@pytest.mark.parametrize("excerpt", EXCERPTS)
def test_an_excerpt_is_in_the_example(excerpt: str) -> None:
    assert excerpt in EXAMPLE.read_text(encoding="utf-8")


def test_there_are_excerpts() -> None:
    assert len(EXCERPTS) >= 8


def run(name: str, url: str, folder: Path, *command: str) -> str:
    """What the command prints, in a folder with this block of the page, which asks this server in its own database."""
    (block,) = [block for block in BLOCKS if block.startswith(f"# {name}\n")]
    (folder / name).write_text(block.replace(SERVER, url.removesuffix("/0")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(EXAMPLE.parent)},
        capture_output=True,
        check=False,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_script_prints_its_greeting(redis_url: str, tmp_path: Path) -> None:
    assert run("use.py", redis_url, tmp_path, "use.py") == "Hello Ada\n"


def test_the_suite_on_the_page_passes(redis_url: str, tmp_path: Path) -> None:
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "worker and not shared")
    out = run("test_redis_backend.py", redis_url, tmp_path, *command, "test_redis_backend.py")
    assert "passed" in out
    assert "failed" not in out
