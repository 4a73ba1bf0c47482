"""Texts of a question that are values of the data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from buster_tasks.analyst.offline.relation import Column
from buster_tasks.analyst.offline.schema import Schema
from buster_tasks.analyst.offline.words import stem, words as listed

_LONG = 4
_MOST_CHARACTERS = 60
_NO_VALUES = listed(
    """name id number total average top count list date time year month day week quarter all new other none the and each
    most more first last second third fourth high low large small old best worst start end good yes no true false any
    not in on at of for by with from to or is are as per"""
)


@dataclass(frozen=True, slots=True)
class Found:
    """A value of the question that stands in a column."""

    text: str
    column: Column


def examples_in(question: str, schema: Schema) -> list[Found]:
    """The examples of text columns that stand in the question as whole words, and are no names of tables or columns."""
    lowered = question.lower()
    known = {word for table in schema.tables.values() for word in table.words}
    found = [
        Found(value, column)
        for column in schema.columns()
        if column.is_text and not column.is_flag
        for value in column.values
        if isinstance(value, str)
        and 2 <= len(value) <= _MOST_CHARACTERS
        and _stands_in(value, question, lowered)
        and not _is_name(value, known, column)
    ]
    texts = {one.text.lower() for one in found}
    return [
        one
        for one in found
        if not any(one.text.lower() in text and one.text.lower() != text for text in texts)
    ]


def _is_name(value: str, known: set[str], column: Column) -> bool:
    words = {stem(part) for part in value.lower().split()}
    return words <= known | _NO_VALUES | set(column.words)


def _stands_in(value: str, question: str, lowered: str) -> bool:
    """Whether the value is in the question as whole words; short ones only as they are spelt."""
    is_short = len(value) < _LONG
    text, where = (value, question) if is_short else (value.lower(), lowered)
    ending = "(?:e?s)?" if not is_short and value[-1:].isalpha() else ""
    return (
        text in where and re.search(rf"(?<!\w){re.escape(text)}{ending}(?!\w)", where) is not None
    )
