"""What is asked of a database once its tables are known, step by step, into the `Reading`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.snowflake import asking, catalog
from buster_tasks.sources.snowflake.narrowing import Condition, of_kept
from buster_tasks.sources.snowflake.reading import MATERIALIZED_VIEW, VIEW, Cut, Reading
from buster_tasks.sources.snowflake.session import SnowflakeSession

Step = Callable[[SnowflakeSession, Budget], None]

COLUMNS = "columns"


@dataclass(frozen=True, slots=True)
class Details:
    """The steps for one database; `is_whole` says that all there is was kept."""

    reading: Reading
    database: str
    is_whole: bool

    def steps(self) -> list[tuple[str, Step]]:
        """What to ask, by the name of what would be missing: each may fail without the others."""
        found: list[tuple[str, Step]] = [
            (COLUMNS, self._columns),
            ("primary keys", self._primary),
            ("unique keys", self._unique),
            ("foreign keys", self._references),
        ]
        if self._kept(VIEW):
            found.append(("view definitions", self._views))
        if self._kept(MATERIALIZED_VIEW):
            found.append(("definitions of materialized views", self._materialized))
        return found

    def _kept(self, *kinds: str) -> list[tuple[str, str]]:
        places = self.reading.places(*kinds)
        return [(schema, name) for database, schema, name in places if database == self.database]

    def _schemas(self, *kinds: str) -> list[str]:
        return sorted({schema for schema, _name in self._kept(*kinds)})

    def _condition(self, *kinds: str) -> Condition:
        return of_kept(self._kept(*kinds), all_of_them=self.is_whole)

    def _columns(self, session: SnowflakeSession, budget: Budget) -> None:
        self.reading.columns += asking.read_columns(
            session, self.database, self._condition(), self._schemas(), budget
        )

    def _views(self, session: SnowflakeSession, budget: Budget) -> None:
        self.reading.views += asking.read_views(
            session, self.database, self._condition(VIEW), self._schemas(VIEW), budget
        )

    def _materialized(self, session: SnowflakeSession, budget: Budget) -> None:
        schemas = self._schemas(MATERIALIZED_VIEW)
        rows, cut = asking.read_materialized(session, self.database, schemas, budget)
        self.reading.views += rows
        self._cut("definitions of materialized views", cut)

    def _primary(self, session: SnowflakeSession, budget: Budget) -> None:
        rows, cut = asking.read_keys(
            session, catalog.PRIMARY_KEYS, self.database, self._schemas(), budget
        )
        self.reading.primary += rows
        self._cut("primary keys", cut)

    def _unique(self, session: SnowflakeSession, budget: Budget) -> None:
        rows, cut = asking.read_keys(
            session, catalog.UNIQUE_KEYS, self.database, self._schemas(), budget
        )
        self.reading.unique += rows
        self._cut("unique keys", cut)

    def _references(self, session: SnowflakeSession, budget: Budget) -> None:
        rows, cut = asking.read_references(session, self.database, self._schemas(), budget)
        self.reading.references += rows
        self._cut("foreign keys", cut)

    def _cut(self, part: str, schemas: Sequence[str]) -> None:
        self.reading.cuts += [Cut(self.database, schema, part) for schema in schemas]
