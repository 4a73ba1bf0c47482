"""Which server answers, and what its kind can do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from buster_tasks.errors import SourceNotSupportedError
from buster_tasks.sources.filters import Fold, exact_case

FACTS = """
SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version,
    CAST(SERVERPROPERTY('EngineEdition') AS int) AS engine, CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) AS edition,
    DB_NAME() AS current_database, SUSER_SNAME() AS login_name,
    CAST(DATABASEPROPERTYEX(DB_NAME(), 'Collation') AS nvarchar(128)) AS collation_name
"""

_OLDEST = 13
_BOXED = (2, 3, 4)
_ONE_DATABASE = (5, 6)


@dataclass(frozen=True, slots=True)
class Server:
    """A server as it tells about itself; `engine` is its EngineEdition: 3 a server, 5 Azure SQL Database."""

    version: str
    engine: int
    edition: str
    database: str
    user: str
    collation: str

    @property
    def has_one_database(self) -> bool:
        """Whether a connection can read the database that it was made to, and no other."""
        return self.engine in _ONE_DATABASE

    @property
    def fold(self) -> Fold:
        """How identifiers are compared in the database that we are connected to."""
        return exact_case if _is_exact(self.collation) else str.casefold

    def check(self) -> None:
        """Raise SourceNotSupportedError for a server whose catalog is not known here; Azure's is always new."""
        major = re.match(r"\d+", self.version)
        if self.engine in _BOXED and (major is None or int(major[0]) < _OLDEST):
            raise SourceNotSupportedError(
                f"The server is SQL Server {self.version}; its catalog can be read from 2016 ({_OLDEST}.0) on.",
                fix="Upgrade the server.",
            )


def _is_exact(collation: str) -> bool:
    """Whether letters of another case are other letters."""
    parts = collation.upper().split("_")
    return "CS" in parts or any(part in ("BIN", "BIN2") for part in parts)
