"""Views that a package registers for its own tasks, at the end of `taskkit run --follow`."""

import json
import sqlite3
from pathlib import Path

import pytest

VIEWS = """
from rich.console import Group
from rich.text import Text


def hello(run):
    return Text.assemble(("hello ", "bold"), run.output["hello"], "  [bold] :smile:")


def nothing(run):
    return None


def breaks(run):
    raise KeyError("nobody is here")


class Late:
    def __rich_console__(self, console, options):
        yield Text("the first line")
        raise OSError("the second is lost")


def late(run):
    return Late()
"""
OUTPUT = {"hello": "Ada", "size": "größe"}


@pytest.fixture
def register(shop: Path):
    """Makes the view of this name that of the task `greet`, as an installed package would."""
    (shop / "shown.py").write_text(VIEWS, encoding="utf-8")
    installed = shop / "shown-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: shown\nVersion: 1.0\n")

    def register(view: str) -> None:
        (installed / "entry_points.txt").write_text(f"[taskkit.views]\ngreet = shown:{view}\n")

    return register


def greet(taskkit_cli, *more: str):
    return taskkit_cli("run", "greet", "--payload", '{"name": "Ada"}', *more)


def test_a_view_stands_at_the_end_in_place_of_the_json(register, taskkit_cli) -> None:
    register("hello")
    done = greet(taskkit_cli, "--follow")
    assert done.returncode == 0
    *_, end, shown = done.stdout.splitlines()
    assert end.startswith("✓ COMPLETED")
    assert shown == "hello Ada  [bold] :smile:"


def test_whoever_does_not_follow_gets_the_output_alone(register, taskkit_cli) -> None:
    register("hello")
    assert json.loads(greet(taskkit_cli).stdout) == OUTPUT
    assert json.loads(greet(taskkit_cli, "--follow", "-o", "json").stdout)["output"] == OUTPUT


@pytest.mark.parametrize(
    ("view", "told"),
    [
        ("nothing", None),
        ("breaks", "the view shown:breaks of task greet failed: KeyError: 'nobody is here'"),
        ("late", "the view shown:late of task greet failed: OSError: the second is lost"),
        ("missing", "the view shown:missing of task greet failed: AttributeError"),
    ],
)
def test_a_view_that_shows_nothing_costs_nothing(
    register, taskkit_cli, view: str, told: str | None
) -> None:
    register(view)
    done = greet(taskkit_cli, "--follow")
    assert done.returncode == 0
    assert json.loads(done.stdout[done.stdout.index("{") :]) == OUTPUT
    assert "the first line" not in done.stdout
    assert (told in done.stderr) if told else ("the view" not in done.stderr)


def test_introspect_data_shows_a_tree(shop: Path, taskkit_cli) -> None:
    connection = sqlite3.connect(shop / "s.db")
    connection.executescript(
        "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 2); CREATE VIEW v AS SELECT a FROM t;"
    )
    connection.close()
    payload = {
        "dataSourceName": "Mine",
        "credentials": {"type": "sqlite", "path": "s.db"},
        "options": {"tables": ["*", "gone"]},
    }
    done = taskkit_cli(
        "run", "introspect-data", "--payload", json.dumps(payload), "--follow", app="buster_tasks"
    )
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[lines.index("Mine  sqlite  1 table, 3 columns, 1 view") :][1:7] == [
        "└── s",
        "    └── main  1 table, 1 view",
        "        ├── t  1 row, 2 columns",
        "        └── v  view, 1 column",
        "",
        "FILTER_MATCHES_NOTHING  The table filter 'gone' matches nothing.",
    ]
    assert lines[-1].startswith("snapshot  snap_")
    # what is not shown in the tree is not shown as JSON either
    assert not any(line.startswith("{") for line in lines)
