"""Every Python block that a reader can copy runs."""

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "src" / "buster_tasks").rglob("README.md")),
]

RunPage = Callable[[Path], int]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_page_runs(page: Path, run_page: RunPage) -> None:
    written = page.read_text(encoding="utf-8").count("```python\n")
    assert run_page(page) == written


def page_of(folder: Path, *blocks: str) -> Path:
    page = folder / "page.md"
    page.write_text(
        "# Title\n\n" + "".join(f"Text.\n\n```python\n{block}\n```\n\n" for block in blocks)
    )
    return page


def test_blocks_share_names_and_the_event_loop(tmp_path: Path, run_page: RunPage) -> None:
    page = page_of(
        tmp_path,
        "import asyncio",
        "await asyncio.sleep(0)\nloop = asyncio.get_running_loop()",
        "assert loop is asyncio.get_running_loop()\nawait asyncio.sleep(0)",
    )
    assert run_page(page) == 3


def test_a_failing_block_names_its_line(tmp_path: Path, run_page: RunPage) -> None:
    page = page_of(tmp_path, "answer = 42", "await nobody\n")
    with pytest.raises(NameError) as raised:
        run_page(page)
    last = traceback.extract_tb(raised.value.__traceback__)[-1]
    assert page.read_text().splitlines()[(last.lineno or 0) - 1] == "await nobody"
    assert last.filename == str(page)
