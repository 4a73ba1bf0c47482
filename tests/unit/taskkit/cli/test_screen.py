"""Values as short text, and tables that fit a screen."""

import json
import math
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from taskkit.cli import screen


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""), (-0.1, "0.0 s"), (0.44, "0.4 s"), (9.9, "9.9 s"), (59.4, "59 s"), (59.6, "1 m 00 s"),
        (125, "2 m 05 s"), (3600, "1 h 00 m"), (90_061, "25 h 01 m"), (math.inf, "none"),
    ],
)  # fmt: skip
def test_duration(seconds: float | None, text: str) -> None:
    assert screen.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "none"), (math.inf, "none"), (0.2, "0.2s"), (90, "90s"), (300, "5m"), (7200, "2h"), (86400, "1d")],
)  # fmt: skip
def test_limit(seconds: float | None, text: str) -> None:
    assert screen.limit(seconds) == text


def test_text_cannot_steer_the_terminal() -> None:
    assert screen.clean("a\x1b[31mb\rc\x07\td\n") == "a\\x1b[31mb\\x0dc\\x07\td\n"
    assert screen.small({"k": "a\nb"}) == '{"k": "a\\nb"}'
    assert screen.small("a\nb\x1b") == "a b\\x1b"


def test_json_has_no_infinity_and_keeps_times_and_texts() -> None:
    value = {"limit": math.inf, "at": datetime(2030, 1, 2, tzinfo=UTC), "t": ("ä", {1})}
    assert json.loads(screen.as_json(value)) == {
        "limit": None,
        "at": "2030-01-02T00:00:00Z",
        "t": ["ä", [1]],
    }
    assert "ä" in screen.as_json(value)


class Writes(StringIO):
    """A stream that knows what it was given at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def write(self, text: str, /) -> int:
        self.sizes.append(len(text))
        return super().write(text)


@pytest.mark.parametrize("number", [0, 1, 10_000])
def test_json_is_written_as_it_is_made(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Writes()
    monkeypatch.setattr("sys.stdout", written)
    value = {"rows": [{"number": each, "text": "ä"} for each in range(number)]}
    screen.write_json(value)
    assert written.getvalue() == screen.as_json(value) + "\n"
    assert max(written.sizes) < 100_000


def test_place_is_short_inside_the_working_directory() -> None:
    assert (
        screen.place(str(Path.cwd() / "shop" / "tasks.py"), 3) == str(Path("shop/tasks.py")) + ":3"
    )
    assert screen.place("/elsewhere/tasks.py") == "/elsewhere/tasks.py"


def shown(table: object, width: int) -> list[str]:
    out = Console(file=StringIO(), width=width)
    out.print(table)
    return out.file.getvalue().splitlines()


def test_table_leaves_empty_columns_out_and_breaks_only_what_may_be_broken() -> None:
    rows = [("run_0123456789", "a task with a long name", "", "OK"), ("run_1", "b", "", "OK")]
    table = screen.table(("run", "task", "tags", "state"), rows, broken=("task",))
    lines = shown(table, 30)
    assert lines[0].split() == ["run", "task", "state"]
    assert lines[1].startswith("run_0123456789  ")
    assert max(map(len, lines)) <= 30
    assert len(lines) > 3


def test_markup_in_values_is_text() -> None:
    lines = shown(screen.styled("[bold]x[/bold]"), 40)
    assert lines == ["[bold]x[/bold]"]
