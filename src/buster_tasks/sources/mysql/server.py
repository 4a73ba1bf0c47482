"""Which server answers, and what its catalog has that those of its relatives have not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from buster_tasks.errors import SourceNotSupportedError

FACTS = (
    "SELECT VERSION() AS version, CURRENT_USER() AS account, DATABASE() AS current_database, "
    "CONNECTION_ID() AS connection_id, @@lower_case_table_names AS folding"
)

_OLDEST_MYSQL, _OLDEST_MARIADB = (5, 7, 0), (10, 3, 0)


@dataclass(frozen=True, slots=True)
class Server:
    """A server as it tells about itself: its version, whom it takes us for, the number of our connection."""

    version: str
    user: str
    database: str | None
    connection: int
    ignores_case: bool

    @property
    def is_mariadb(self) -> bool:
        """Whether it is MariaDB; all else counts as MySQL."""
        return "mariadb" in self.version.lower()

    @property
    def number(self) -> tuple[int, ...]:
        """The version as three numbers."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version)[:3])

    @property
    def has_checks(self) -> bool:
        """Whether the catalog lists CHECK constraints."""
        return self.number >= ((10, 3, 10) if self.is_mariadb else (8, 0, 16))

    @property
    def has_index_expressions(self) -> bool:
        """Whether a part of an index may be an expression."""
        return not self.is_mariadb and self.number >= (8, 0, 13)

    @property
    def index_visibility(self) -> str | None:
        """The column that says NO, or YES, when the optimizer leaves an index alone."""
        if self.is_mariadb:
            return "IGNORED" if self.number >= (10, 6) else None
        return "IS_VISIBLE" if self.number >= (8, 0) else None

    @property
    def has_database_comments(self) -> bool:
        """Whether a database can have a comment."""
        return self.is_mariadb and self.number >= (10, 5)

    @property
    def has_quoted_defaults(self) -> bool:
        """Whether the catalog gives a default as an expression, not as the bare text of its value."""
        return self.is_mariadb

    def limits(self, seconds: float | None, rows: int | None) -> str:
        """The statement that limits those after it; None is no limit. A server-wide limit of rows must not cut ours."""
        rows_text = "18446744073709551615" if rows is None else str(rows)
        if self.is_mariadb:
            time_text = f"max_statement_time={seconds or 0:.6f}"
        else:
            time_text = (
                f"max_execution_time={0 if seconds is None else max(1, round(seconds * 1000))}"
            )
        return f"SET SESSION {time_text}, sql_select_limit={rows_text}"

    def check(self) -> None:
        """Raise SourceNotSupportedError for a server whose catalog is not known here."""
        oldest = _OLDEST_MARIADB if self.is_mariadb else _OLDEST_MYSQL
        if self.number < oldest:
            wanted = ".".join(map(str, oldest[:2]))
            raise SourceNotSupportedError(
                f"The server is {self.version!r}; its kind can be read from {wanted} on.",
                fix="Upgrade the server.",
            )
