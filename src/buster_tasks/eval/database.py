"""The databases of a question set: files, SQL scripts that are loaded first, or URLs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from buster_tasks.errors import SourceError
from buster_tasks.eval.question import QuestionSetError
from buster_tasks.sources.credentials import AnyCredentials
from buster_tasks.sources.source_url import credentials_from_url

_ENDINGS: Final = ("", ".db", ".sqlite", ".sqlite3", ".duckdb", ".sql")
_DUCKDB: Final = (".duckdb", ".ddb")


class Databases:
    """Finds databases by their names; scripts are loaded into SQLite files of `scratch`, each once."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self._folder, self._scratch = folder, scratch
        self._known: dict[str, AnyCredentials] = {}

    def credentials(self, name: str) -> AnyCredentials:
        """How to reach the database of this name, path or URL. Raises QuestionSetError."""
        if name not in self._known:
            url = name if "://" in name else self._url(self._file(name))
            try:
                self._known[name] = credentials_from_url(url)
            except (SourceError, ValidationError) as error:
                raise QuestionSetError(f"The database {name!r} cannot be used: {error}") from error
        return self._known[name]

    def _file(self, name: str) -> Path:
        for ending in _ENDINGS:
            path = self._folder / f"{name}{ending}"
            if path.is_file():
                return path
        raise QuestionSetError(
            f"There is no database {name!r} in {self._folder}: no file of this name, "
            f"with {', '.join(_ENDINGS[1:])} or without."
        )

    def _url(self, path: Path) -> str:
        if path.suffix == ".sql":
            return f"sqlite:///{self._loaded(path)}"
        kind = "duckdb" if path.suffix in _DUCKDB else "sqlite"
        return f"{kind}:///{path.resolve()}"

    def _loaded(self, script: Path) -> Path:
        """The script's tables in a SQLite file."""
        made = self._scratch / f"{script.stem}.db"
        try:
            with closing(sqlite3.connect(made)) as connection:
                connection.executescript(script.read_text(encoding="utf-8"))
                connection.commit()
        except sqlite3.Error as error:
            raise QuestionSetError(f"{script} cannot be loaded: {error}.") from error
        return made
