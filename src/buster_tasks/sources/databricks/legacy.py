"""Catalogs outside of Unity Catalog, the old Hive metastore: what SHOW and the driver tell, schema by schema."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from buster_tasks.errors import SourceError
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.databricks.catalog import (
    SCHEMAS_OF,
    TABLES_OF,
    ColumnRow,
    PartitionRow,
    PlaceRow,
    RelationRow,
    ViewRow,
    dotted,
)
from buster_tasks.sources.databricks.reading import Reading
from buster_tasks.sources.databricks.session import DatabricksSession
from buster_tasks.sources.filters import Selection
from buster_tasks.sources.quoting import in_back_quotes as quote

LEGACY = ("hive_metastore", "spark_catalog")
"""Their names: that of Databricks, and that of Spark where there is no other."""

_LABELS = (
    "Catalog", "Database", "Table", "Owner", "Created Time", "Last Access", "Created By", "Type", "Provider",
    "Bucket Columns", "Num Buckets", "Sort Columns", "Comment", "View Text", "View Original Text", "View Schema Mode",
    "View Catalog and Namespace", "View Query Output Columns", "Table Properties", "Statistics", "Location",
    "Serde Library", "InputFormat", "OutputFormat", "Storage Properties", "Partition Provider", "Partition Columns",
    "Schema",
)  # fmt: skip
_LABEL = re.compile(rf"^({'|'.join(_LABELS)}): ?", re.MULTILINE)
_BYTES, _ROWS = re.compile(r"(\d+) bytes"), re.compile(r"(\d+) rows")
_UTC = ("UTC", "GMT", "Z")


def read_schemas(
    session: DatabricksSession, budget: Budget, catalog: str, selection: Selection
) -> list[PlaceRow]:
    """The schemas that the filters keep."""
    found = session.rows(SCHEMAS_OF.format(catalog=quote(catalog)), budget=budget)[1]
    return [PlaceRow(catalog, row[0]) for row in found if selection.schema(catalog, row[0])]


def read_schema(
    session: DatabricksSession,
    budget: Budget,
    place: tuple[str, str],
    selection: Selection,
    reading: Reading,
) -> None:
    """Add what the schema holds; one that cannot be read is noted."""
    catalog, schema = place
    try:
        sql = TABLES_OF.format(schema=dotted(catalog, schema))
        names, rows = session.rows(sql, budget=budget)
        columns = session.columns(catalog, schema, budget)
    except SourceError as error:
        if error.transient or error.code not in ("PERMISSION_DENIED", "QUERY_FAILED"):
            raise
        reading.unread_schemas[place] = error
        return
    add(reading, place, _shown(names, rows), columns, selection)


def add(
    reading: Reading,
    place: tuple[str, str],
    shown: Sequence[tuple[str, str]],
    columns: Sequence[Sequence[Any]],
    selection: Selection,
) -> None:
    """Add the tables and views that are kept, from their names and what SHOW TABLE EXTENDED says of each."""
    catalog, schema = place
    kept = [(name, text) for name, text in shown if selection.table(catalog, schema, name)]
    for name, text in kept:
        known = facts_of(text)
        row = _relation(catalog, schema, name, known)
        reading.relations.append(row)
        if row.kind == "VIEW":
            query = known.get("View Original Text") or known.get("View Text")
            reading.views.append(ViewRow(catalog, schema, name, query))
        for at, column in enumerate(_names(known.get("Partition Columns", ""))):
            reading.partitions.append(PartitionRow(catalog, schema, name, column, at))
    reading.columns += [
        ColumnRow(
            catalog, schema, row[2], row[3], int(row[16]), row[5],
            nullable=row[17] if row[17] == "NO" else None, comment=row[11],
        )
        for row in columns
    ]  # fmt: skip


def facts_of(text: str) -> dict[str, str]:
    """What SHOW TABLE EXTENDED says of a table, by label; a label counts once, and in the order that they have."""
    found: dict[str, str] = {}
    marks: list[tuple[str, int, int]] = []
    last = -1
    for match in _LABEL.finditer(text):
        order = _LABELS.index(match[1])
        if (
            order > last
        ):  # a query or comment of several lines may hold what looks like an earlier label
            marks.append((match[1], match.start(), match.end()))
            last = order
    for at, (label, _begin, end) in enumerate(marks):
        until = marks[at + 1][1] if at + 1 < len(marks) else len(text)
        found[label] = text[end:until].strip()
    return found


def _shown(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[tuple[str, str]]:
    """Names and descriptions, without what exists for one session alone."""
    name, text, temporary = (
        names.index("tableName"), names.index("information"), names.index("isTemporary"),
    )  # fmt: skip
    return [(row[name], row[text]) for row in rows if not row[temporary]]


def _relation(catalog: str, schema: str, name: str, known: dict[str, str]) -> RelationRow:
    statistics = known.get("Statistics", "")
    size, rows = _BYTES.search(statistics), _ROWS.search(statistics)
    return RelationRow(
        catalog,
        schema,
        name,
        known.get("Type", "MANAGED"),
        owner=known.get("Owner") or None,
        comment=known.get("Comment") or None,
        created=_moment(known.get("Created Time", "")),
        format=(known.get("Provider") or "").upper() or None,
        path=known.get("Location") or None,
        rows=None if rows is None else int(rows[1]),
        size=None if size is None else int(size[1]),
    )


def _moment(text: str) -> datetime | None:
    """The moment of `Thu Nov 26 00:49:00 UTC 2026`; None in another zone, whose name says no offset."""
    words = text.split()
    if len(words) != 6 or words[4] not in _UTC:
        return None
    try:
        return datetime.strptime(" ".join([*words[1:4], words[5], "+0000"]), "%b %d %H:%M:%S %Y %z")
    except ValueError:
        return None


def _names(text: str) -> list[str]:
    return [name.replace("``", "`") for name in re.findall(r"`((?:[^`]|``)*)`", text)]
