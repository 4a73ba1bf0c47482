"""Every example runs, and prints what the comment at its end says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.py"))
MARK = "# Output:\n"


def expected_output(source: str) -> str | None:
    """The comment block that ends the file after `# Output:`, or None where there is none."""
    _, mark, block = source.rpartition(MARK)
    if not mark:
        return None
    return "".join(
        line.removeprefix("#").removeprefix(" ") for line in block.splitlines(keepends=True)
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_example_prints_what_it_says(example: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(example)]
    run = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "TASKKIT_BACKEND": "memory://"},  # for those that leave the choice open
        capture_output=True,
        check=False,
        text=True,
        timeout=50,
    )
    assert run.returncode == 0, run.stderr
    expected = expected_output(example.read_text(encoding="utf-8"))
    if expected is not None:
        assert run.stdout == expected


def test_output_is_read_from_the_last_comment() -> None:
    assert expected_output("print(1)\n") is None
    assert expected_output("print('a')\n\n# Output:\n# a\n#\n#   b\n") == "a\n\n  b\n"
