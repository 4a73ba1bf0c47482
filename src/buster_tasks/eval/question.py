"""Question sets: a question, the database that answers it, and statements that do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

Expectation = Literal["answer", "refuse", "clarify"]


class QuestionSetError(Exception):
    """A question set that cannot be read; the message says where and why."""


class Question(BaseModel):
    """One question. Fields that are not known are left alone, so that sets may carry more.

    `gold_sql` are statements that answer it, any of them; `ordered` says whether the order of rows matters. With
    `expect` a right answer may be that there is none (`refuse`), or a question back (`clarify`). `knowledge` is told
    to the analyst below the question.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = ""
    question: Annotated[str, Field(min_length=1)]
    database: Annotated[str, Field(min_length=1, validation_alias=AliasChoices("database", "db"))]
    gold_sql: list[str] = Field(
        default_factory=list[str], validation_alias=AliasChoices("gold_sql", "gold")
    )
    ordered: bool = False
    expect: Expectation = "answer"
    knowledge: str = ""

    @model_validator(mode="before")
    @classmethod
    def _one_is_a_list(cls, given: object) -> object:
        if isinstance(given, dict):
            fields = cast("dict[str, object]", given)
            return {
                key: [value] if key in ("gold_sql", "gold") and isinstance(value, str) else value
                for key, value in fields.items()
            }
        return given

    @model_validator(mode="after")
    def _can_be_judged(self) -> Question:
        if self.expect == "answer" and not self.gold_sql:
            raise ValueError("an answer is expected, so `gold_sql` is needed")
        return self

    @property
    def text(self) -> str:
        """What the analyst is asked."""
        return (
            f"{self.question}\nNote: {self.knowledge}" if self.knowledge.strip() else self.question
        )


_SET = TypeAdapter(list[Question])


def load(path: Path) -> list[Question]:
    """The questions of a JSON file: a list, or an object with `questions`. Raises QuestionSetError."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise QuestionSetError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise QuestionSetError(f"{path} is no JSON: {error}.") from error
    if isinstance(given, dict):
        given = cast("dict[str, object]", given).get("questions")
    try:
        found = _SET.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise QuestionSetError(f"{path}: question {where}: {first['msg']}.") from error
    if not found:
        raise QuestionSetError(f"{path} has no question.")
    named = [
        one if one.id else one.model_copy(update={"id": str(at)}) for at, one in enumerate(found, 1)
    ]
    ids = [one.id for one in named]
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice is not None:
        raise QuestionSetError(f"{path}: two questions have the id {twice!r}.")
    return named
