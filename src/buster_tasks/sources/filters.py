"""Which objects a filter keeps, and the warnings for patterns that match nothing."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from buster_tasks.errors import InvalidFilterError
from buster_tasks.sources.schema import Filters, Issue

Fold = Callable[[str], str]
"""How a source compares identifiers: two names are the same when their folds are equal."""

_EMPTY = (
    "{kind} filter array is empty. Please provide at least one {what} name or remove the filter."
)
_NEAREST = 3


def exact_case(name: str) -> str:
    """For sources whose identifiers are case-sensitive."""
    return name


def ascii_case(name: str) -> str:
    """For sources that ignore the case of A to Z alone, such as SQLite."""
    if name.isascii():
        return name.lower()
    return "".join(letter.lower() if "A" <= letter <= "Z" else letter for letter in name)


def check_filters(filters: Filters) -> None:
    """Raise InvalidFilterError for an empty list, which could match nothing."""
    lists = (
        ("Database", "database", filters.databases),
        ("Schema", "schema", filters.schemas),
        ("Table", "table", filters.tables),
    )
    for kind, what, patterns in lists:
        if patterns is not None and not patterns:
            raise InvalidFilterError(_EMPTY.format(kind=kind, what=what))


class Selection:
    """Answers whether an object is kept, and remembers what it was asked for the sake of `warnings`."""

    def __init__(self, filters: Filters, fold: Fold) -> None:
        """Raises InvalidFilterError for an empty list."""
        check_filters(filters)
        self._databases = _Patterns("database", filters.databases, fold)
        self._schemas = _Patterns("schema", filters.schemas, fold)
        self._tables = _Patterns("table", filters.tables, fold)
        self._excluded = _Patterns("exclusion", filters.exclude_tables, fold)

    def database(self, name: str) -> bool:
        """Whether the database is kept."""
        return self._databases.match(name)

    def schema(self, database: str, name: str) -> bool:
        """Whether the schema, and the database that it is in, are kept."""
        return self._schemas.match(name, f"{database}.{name}") and self.database(database)

    def table(self, database: str, schema: str, name: str) -> bool:
        """Whether the table or view, and all that it is in, are kept."""
        spellings = (name, f"{schema}.{name}", f"{database}.{schema}.{name}")
        kept = self._tables.match(*spellings)
        excluded = self._excluded.given and self._excluded.match(*spellings)
        return kept and not excluded and self.schema(database, schema)

    def warnings(self) -> list[Issue]:
        """An issue for each pattern that matched nothing of what was asked about, with the nearest names."""
        every = (self._databases, self._schemas, self._tables, self._excluded)
        return [issue for patterns in every for issue in patterns.warnings()]


class _Patterns:
    """One of the lists of a filter."""

    def __init__(self, kind: str, patterns: Sequence[str] | None, fold: Fold) -> None:
        self.given = patterns is not None
        self._kind = kind
        self._fold = fold
        self._patterns = {pattern: fold(pattern) for pattern in patterns or ()}
        self._matched: set[str] = set()
        self._names: dict[str, str] = {}

    def match(self, *spellings: str) -> bool:
        """Whether one of the patterns is, or as a glob matches, one of the spellings; no list matches all."""
        if not self.given:
            return True
        folded = [self._fold(spelling) for spelling in spellings]
        self._names[folded[0]] = spellings[0]
        hits = {
            pattern
            for pattern, glob in self._patterns.items()
            if any(glob == name or fnmatchcase(name, glob) for name in folded)
        }
        self._matched |= hits
        return bool(hits)

    def warnings(self) -> list[Issue]:
        return [
            self._warning(pattern) for pattern in self._patterns if pattern not in self._matched
        ]

    def _warning(self, pattern: str) -> Issue:
        near = self._nearest(pattern.rsplit(".", 1)[-1])
        return Issue(
            scope="filter",
            object=pattern,
            code="FILTER_MATCHES_NOTHING",
            message=f"The {self._kind} filter {pattern!r} matches nothing.",
            fix=f"Nearest names: {', '.join(near)}." if near else self._unlike(),
        )

    def _unlike(self) -> str:
        if len(self._names) > 1:
            return f"None of the {len(self._names)} names is like it."
        only = next(iter(self._names.values()), None)
        return "There is nothing to choose from." if only is None else f"The only name is {only}."

    def _nearest(self, wanted: str) -> list[str]:
        """The names that are most like it; that the case is another one is no difference here."""
        by_letters: defaultdict[str, list[str]] = defaultdict(list)
        for name in self._names.values():
            by_letters[name.casefold()].append(name)
        close = difflib.get_close_matches(wanted.casefold(), by_letters, n=_NEAREST)
        return [name for letters in close for name in by_letters[letters]][:_NEAREST]
