"""How one kind of database spells what the suite's database holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from buster_tasks.sources.schema import NormalizedType


@dataclass(frozen=True, slots=True)
class Spelling:
    """One type: as CREATE TABLE wants it, as the catalog tells it (None: the same), and one value of it.

    `literal` is the value in SQL, `value` what `execute` gives for it.
    """

    written: str
    normalized: NormalizedType
    literal: str
    value: object
    told: str | None = None

    @property
    def data_type(self) -> str:
        """The `data_type` that a column must have."""
        return self.written if self.told is None else self.told


PLAIN: Mapping[str, Spelling] = MappingProxyType(
    {
        "integer": Spelling("integer", "integer", "42", 42),
        "text": Spelling("varchar(100)", "text", "'é ''x'' %s'", "é 'x' %s"),
        "decimal": Spelling("decimal(12,4)", "decimal", "12345678.1234", Decimal("12345678.1234")),
        "float": Spelling("double precision", "float", "0.5", 0.5),
        "boolean": Spelling("boolean", "boolean", "TRUE", True),
        "date": Spelling("date", "date", "'2024-02-29'", date(2024, 2, 29)),
        "timestamp": Spelling(
            "timestamp",
            "timestamp",
            "'2024-02-29 23:59:58'",
            datetime(2024, 2, 29, 23, 59, 58),  # noqa: DTZ001 - a timestamp has no zone
        ),
        "binary": Spelling("blob", "binary", "X'00FF'", b"\x00\xff"),
    }
)
"""The types of the suite's database in plain SQL: `{**PLAIN, "binary": Spelling("bytea", ...)}` is another's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What the suite must know of a kind of source.

    `schema` is the name of the namespace that holds the tables, `other_schema` that of a second one with tables of the
    same names, None where the kind has no such thing. `endless` is a reading statement that runs for minutes.
    `row_counts` is what a table's `row_count_kind` may be beside "unknown". `comments` says how they are written,
    None that there are none. `writes` are more statements that must be refused, beyond the ordinary ones. `strange` is
    the strangest name that a table and a column can have, None where any text is one. `page` is how many rows the
    source fetches at once: limits of rows are tried around it.
    """

    schema: str
    other_schema: str | None = None
    endless: str
    types: Mapping[str, Spelling] = field(default_factory=lambda: PLAIN)
    quote: str = '"'
    row_counts: Literal["exact", "estimate"] = "estimate"
    comments: Literal["inline", "statement"] | None = "statement"
    has_actions: bool = True
    has_indexes: bool = True
    has_unique: bool = True
    strange: str | None = None
    writes: tuple[str, ...] = ()
    page: int = 1_000

    def name(self, *parts: str) -> str:
        """The identifier, quoted; of several parts with dots between them."""
        mark = self.quote
        return ".".join(f"{mark}{part.replace(mark, mark * 2)}{mark}" for part in parts)
