"""What the page on data sources shows is the example, word for word, and what it tells the reader to run does run."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "csv_source" / "csv_source.py"
PAGE = (ROOT / "docs" / "write-your-own-source.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```py\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
EXCERPTS = [block for block in BLOCKS if not block.startswith("# ")]


@pytest.mark.parametrize("excerpt", EXCERPTS)
def test_an_excerpt_is_in_the_example(excerpt: str) -> None:
    assert excerpt in EXAMPLE.read_text(encoding="utf-8")


def test_there_are_excerpts() -> None:
    assert len(EXCERPTS) >= 7


def install(folder: Path) -> None:
    """What an installer leaves of the project that the page declares."""
    (declared,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    project = tomllib.loads(declared)["project"]
    about = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir()
    names = f"Name: {project['name']}\nVersion: {project['version']}\n"
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\n{names}", encoding="utf-8")
    groups = project["entry-points"].items()
    lines = [
        line
        for group, entries in groups
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")


def run(name: str, folder: Path, *command: str) -> str:
    """What the command prints, in a folder with this block of the page, the example being installed."""
    (block,) = [block for block in BLOCKS if block.startswith(f"# {name}\n")]
    (folder / name).write_text(block, encoding="utf-8")
    install(folder)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={
            **os.environ,
            "PYTEST_ADDOPTS": "",
            "PYTHONPATH": os.pathsep.join([str(EXAMPLE.parent), str(folder)]),
            "BUSTER_TASKS_CATALOG": str(folder / "catalog.db"),
        },
        capture_output=True,
        check=False,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_script_prints_what_is_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.csv").write_text("id,total\n1,9.5\n2,3\n", encoding="utf-8")
    printed = run("use.py", tmp_path, "use.py")
    assert printed == "type='csv' path='shop'\n[('orders', 2)]\n"


def test_the_analyst_answers_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    rows = "id,total,city\n1,9.5,Bern\n2,3,Rome\n3,7,Bern\n"
    (tmp_path / "shop" / "orders.csv").write_text(rows, encoding="utf-8")
    printed = run("ask.py", tmp_path, "ask.py")
    assert "Bern" in printed
    assert "16.5" in printed


@pytest.mark.timeout(100)
def test_the_suite_on_the_page_passes(tmp_path: Path) -> None:
    name = "test_csv_source.py"
    out = run(name, tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", name)
    passed = re.search(r"(\d+) passed", out)
    assert passed is not None
    assert int(passed[1]) > 55
    assert "failed" not in out
