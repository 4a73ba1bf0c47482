"""Identifiers in the quotes of a dialect, whatever they hold."""

from __future__ import annotations


def in_double_quotes(identifier: str) -> str:
    """The identifier in double quotes, its own doubled: plain SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def in_back_quotes(identifier: str) -> str:
    """The identifier in back-quotes, its own doubled: MySQL, Databricks."""
    return "`" + identifier.replace("`", "``") + "`"


def in_brackets(identifier: str) -> str:
    """The identifier in brackets, a closing one doubled: SQL Server."""
    return "[" + identifier.replace("]", "]]") + "]"
