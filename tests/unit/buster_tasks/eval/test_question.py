"""Question sets are read, and told what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from buster_tasks.eval.question import QuestionSetError, load


def written(folder: Path, content: object) -> Path:
    path = folder / "questions.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_names_of_others_are_understood(tmp_path: Path) -> None:
    given = [
        {
            "db": "shop",
            "question": "How many?",
            "gold_sql": "SELECT 1",
            "difficulty": 3,
            "knowledge": "A few.",
        }
    ]
    question = load(written(tmp_path, given))[0]
    assert (question.id, question.database, question.gold_sql) == ("1", "shop", ["SELECT 1"])
    assert question.text == "How many?\nNote: A few."


def test_the_list_may_stand_in_an_object(tmp_path: Path) -> None:
    given = {"questions": [{"database": "shop", "question": "Why?", "expect": "refuse"}]}
    assert load(written(tmp_path, given))[0].expect == "refuse"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is no JSON"),
        ([], "has no question"),
        ([{"database": "shop", "question": "How many?"}], "gold_sql"),
        ([{"question": "How many?", "expect": "refuse"}], "database"),
        ([{"database": "a", "question": "b", "expect": "guess"}], "expect"),
        ({"other": 1}, "list"),
        ([{"id": "x", "database": "a", "question": "b", "expect": "refuse"}] * 2, "two questions"),
    ],
)
def test_what_is_wrong_is_said(content: object, told: str, tmp_path: Path) -> None:
    with pytest.raises(QuestionSetError, match=told):
        load(written(tmp_path, content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(QuestionSetError, match="cannot be read"):
        load(tmp_path / "none.json")
