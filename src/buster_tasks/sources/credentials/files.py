"""Databases that are a file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, field_validator
from pydantic_core import PydanticCustomError

from buster_tasks.sources.credentials.parts import SourceModel, Text


def _file_path(value: str) -> str:
    if value == ":memory:":
        raise PydanticCustomError(
            "no_file",
            "':memory:' is a new, empty database that nobody else can see; give the path of a file",
        )
    if "\0" in value:
        raise PydanticCustomError("no_file", "a path cannot hold a NUL character")
    if value.lower().startswith(("sqlite:", "duckdb:")):
        raise PydanticCustomError(
            "no_file", "this looks like a URL; give the path of the file alone"
        )
    return value


FilePath = Annotated[
    Text, BeforeValidator(lambda value: str(value) if hasattr(value, "__fspath__") else value)
]


class SqliteCredentials(SourceModel):
    """A SQLite file, looked for where the task runs; it is never created.

    Statements are read only in any case. `read_only=False` opens the file itself for writing, which SQLite needs to
    recover a database whose last writer crashed.
    """

    type: Literal["sqlite"] = "sqlite"
    path: FilePath
    read_only: bool = True

    _check_path = field_validator("path", mode="after")(_file_path)


class DuckdbCredentials(SourceModel):
    """A DuckDB file, looked for where the task runs; it is never created."""

    type: Literal["duckdb"] = "duckdb"
    path: FilePath
    read_only: bool = True

    _check_path = field_validator("path", mode="after")(_file_path)
