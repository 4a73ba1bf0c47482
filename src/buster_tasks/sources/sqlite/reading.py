"""All that was read of one file, with the look-ups that making models from it needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from buster_tasks.sources.filters import ascii_case
from buster_tasks.sources.sqlite.catalog import ColumnRow, RelationRow, StatisticsRow, Structure
from buster_tasks.sources.sqlite.ddl import TableText, read_table

_NO_TEXT = TableText()


class Reading:
    """The catalog's rows about the relations that were kept.

    `names` are those of all relations in the file, kept or not, since a foreign key may refer to any; `primary` has
    the key columns in key order, by table.
    """

    def __init__(
        self,
        database: str,
        relations: Sequence[RelationRow],
        structure: Structure,
        *,
        names: Iterable[str],
        statistics: Sequence[StatisticsRow] = (),
    ) -> None:
        self.database = database
        self.relations = relations
        self.structure = structure
        self.statistics = statistics
        self.kinds = {relation.name: relation.kind for relation in relations}
        self._texts = {one.name: read_table(one.sql) for one in relations if one.kind == "table"}
        self._names = {ascii_case(name): name for name in names}
        self._columns = {(row.table, ascii_case(row.name)): row.name for row in structure.columns}
        self.primary = _primary_columns(
            [*map(self._canonical, structure.parents), *structure.columns]
        )

    def text(self, table: str) -> TableText:
        """What the CREATE text of a table says beyond the pragmas."""
        return self._texts.get(table, _NO_TEXT)

    def is_table(self, name: str) -> bool:
        """Whether SQLite itself keeps the rows: no view, no virtual table."""
        return self.kinds.get(name) in ("table", "shadow")

    def table_named(self, name: str) -> str | None:
        """The table's name as its CREATE spells it; None when there is no such table."""
        return self._names.get(ascii_case(name))

    def column_named(self, table: str, name: str) -> str:
        """The column's name as its CREATE spells it, where the column is known."""
        return self._columns.get((table, ascii_case(name)), name)

    def _canonical(self, row: ColumnRow) -> ColumnRow:
        return row._replace(table=self.table_named(row.table) or row.table)


def _primary_columns(rows: Iterable[ColumnRow]) -> dict[str, list[str]]:
    keys: dict[str, dict[int, str]] = defaultdict(dict)
    for row in rows:
        if row.key_position > 0:
            keys[row.table][row.key_position] = row.name
    return {table: [columns[at] for at in sorted(columns)] for table, columns in keys.items()}
