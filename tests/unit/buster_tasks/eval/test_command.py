"""`python -m buster_tasks.eval`: a set is asked, judged by its rows, and told in the terminal and as JSON."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from buster_tasks.eval.command import TOO_FEW, UNUSABLE, main
from buster_tasks.language_model import LanguageModel, ToolCall
from buster_tasks.testing import FakeModel

SCRIPT = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, country TEXT);
INSERT INTO customers VALUES (1, 'Ada', 'France'), (2, 'Ben', 'Spain'), (3, 'Cleo', 'France');
"""
PER_COUNTRY = "SELECT country, COUNT(*) FROM customers GROUP BY 1"
QUESTIONS: list[dict[str, Any]] = [
    {
        "id": "q1",
        "database": "shop",
        "question": "How many customers per country?",
        "gold_sql": PER_COUNTRY,
    },
    {"id": "q2", "database": "shop", "question": "What is the weather?", "expect": "refuse"},
    {
        "id": "q3",
        "database": "shop",
        "question": "How many customers are there?",
        "gold_sql": ["SELECT 4", "SELECT 5"],
    },
    {
        "id": "q4",
        "database": "shop",
        "question": "Which planet has the most moons?",
        "gold_sql": "SELECT 1",
    },
]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    (tmp_path / "shop.sql").write_text(SCRIPT, encoding="utf-8")
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(QUESTIONS), encoding="utf-8")
    return path


def ran(
    capsys: pytest.CaptureFixture[str], *arguments: object, model: LanguageModel | None = None
) -> dict[str, Any]:
    make: Callable[[str], LanguageModel] | None = None if model is None else lambda _name: model
    status = main([str(one) for one in (*arguments, "-o", "json")], make_model=make)
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return {"status": status, **told}


def test_each_question_gets_its_verdict(
    questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ran(capsys, questions, "--model", "offline")
    assert [one["verdict"] for one in told["questions"]] == ["right", "right", "wrong", "refused"]
    assert told["status"] == 0
    assert told["model"] == "offline"
    assert told["totals"]["execution_accuracy"] == 0.3333
    assert told["totals"]["precision"] == 0.5
    assert told["totals"]["faithfulness"] == 1.0
    assert "GROUP BY" in told["questions"][0]["sql"]


def test_the_terminal_shows_lines_and_figures(
    questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(questions), "--model", "offline", "--limit", "2"]) == 0
    shown = capsys.readouterr().out
    assert "right" in shown
    assert "How many customers per country?" in shown
    assert "execution accuracy   100.0 %" in shown
    assert "1 rightly, 0 wrongly" in shown


def test_too_few_right_ones_are_told_by_the_status(
    questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main([str(questions), "--model", "offline", "--at-least", "0.9", "--only", "q4"]) == TOO_FEW
    )
    assert main([str(questions), "--model", "offline", "--at-least", "0.9", "--only", "q1"]) == 0
    capsys.readouterr()


def scripted(sql: str, claim: str = "There are {{n}} customers.") -> FakeModel:
    """A model that runs one statement, and claims something of its first cell."""
    value = {"name": "n", "result": "r1", "row": 0, "column": "n"}
    return FakeModel(
        [
            ToolCall.of("submit_context", tables=[{"table": "customers"}]),
            ToolCall.of("submit_plan", steps=["Count them."]),
            ToolCall.of("run_sql", sql=sql),
            ToolCall.of(
                "submit_findings", findings=[{"claim": claim, "values": [value]}], summary=""
            ),
        ]
    )


@pytest.mark.parametrize(
    ("sql", "verdict"),
    [
        ("SELECT COUNT(*) AS n FROM customers", "right"),
        ("SELECT COUNT(*) + 1 AS n FROM customers", "wrong"),
    ],
)
def test_any_model_can_be_judged(
    sql: str, verdict: str, questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = [
        {
            "id": "q",
            "database": "shop",
            "question": "How many?",
            "gold_sql": "SELECT COUNT(*) FROM customers",
        }
    ]
    questions.write_text(json.dumps(content), encoding="utf-8")
    told = ran(capsys, questions, "--model", "fake", model=scripted(sql))
    assert told["questions"][0]["verdict"] == verdict
    assert told["questions"][0]["model_calls"] == 4


def test_a_question_back_is_right_where_one_is_expected(
    questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = [{"id": "q", "database": "shop", "question": "How many?", "expect": "clarify"}]
    questions.write_text(json.dumps(content), encoding="utf-8")
    told = ran(
        capsys,
        questions,
        "--model",
        "fake",
        model=FakeModel([ToolCall.of("ask_user", question="Of what?")]),
    )
    assert told["questions"][0]["verdict"] == "right"


def test_what_the_budget_does_not_reach_is_skipped(
    questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ran(capsys, questions, "--model", "offline", "--budget-usd", "0")
    assert {one["verdict"] for one in told["questions"]} == {"skipped"}
    assert told["totals"]["accuracy"] is None


def test_databases_are_found_by_name_path_and_url(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "store.db")) as connection:
        connection.executescript(SCRIPT)
    gold = "SELECT COUNT(*) FROM customers"
    content = [
        {
            "id": name,
            "database": name,
            "question": "How many customers are there?",
            "gold_sql": gold,
        }
        for name in ("store", "store.db", f"sqlite:///{folder}/store.db")
    ]
    questions.write_text(json.dumps(content), encoding="utf-8")
    told = ran(capsys, questions, "--model", "offline", "--database-dir", folder)
    assert [one["verdict"] for one in told["questions"]] == ["right"] * 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"database": "nowhere"}, "There is no database 'nowhere'"),
        ({"database": "oracle://x"}, "'oracle://x' cannot be used"),
        ({"gold_sql": "SELECT nothing FROM nowhere"}, "The right statement of q1 does not run"),
    ],
)
def test_a_set_that_cannot_be_used_is_told(
    change: dict[str, str], told: str, questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions.write_text(json.dumps([{**QUESTIONS[0], **change}]), encoding="utf-8")
    assert main([str(questions), "--model", "offline"]) == UNUSABLE
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [("--limit", "0"), ("--at-least", "2"), ("--budget-usd", "-1"), ("--output", "xml")],
)
def test_wrong_arguments_are_refused(
    arguments: tuple[str, str], questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(questions), *arguments])
    capsys.readouterr()


def test_the_questions_of_the_example_shop(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parents[4] / "examples" / "shop" / "questions.json"
    chosen = ("--only", "revenue-by-month", "--only", "weather")
    told = ran(capsys, path, "--model", "offline", *chosen)
    assert told["totals"]["accuracy"] == 1.0
    assert told["totals"]["faithfulness"] == 1.0
