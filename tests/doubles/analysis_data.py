"""A small shop and questions to it, made so that most of them find something, nulls and odd texts included."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "analysis"


def script() -> list[str]:
    """The statements that make and fill the tables, without a semicolon; no backslash in them escapes."""
    return [line.removesuffix(";") for line in _lines("shop")]


def queries(database: str) -> list[str]:
    """What is asked of this database: what all of them understand, and what it alone does."""
    return _lines("everywhere") + _lines(database)


def _lines(name: str) -> list[str]:
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8").splitlines()
