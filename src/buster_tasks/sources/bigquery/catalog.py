"""What is asked of INFORMATION_SCHEMA: at most eight statements for all datasets of a location, and one list before.

`{tables}`, `{columns}` and the like stand for a view of a whole location, or where that is not allowed for those of
its datasets put together (`Scope`). VIEWS and DETAILS are asked only where there is something of that kind. Each
statement is billed, with at least 10 MB where bytes are paid for, so there are few.
"""

from __future__ import annotations

from dataclasses import dataclass

TABLES = """
SELECT table_schema, table_name, table_type, creation_time FROM {tables} AS t WHERE {of_tables}
"""

NAMES = """
SELECT table_schema, table_name FROM {tables} AS t WHERE {of_datasets} LIMIT 20000
"""

# Every column, since defaults, collations and policies came to this view one after the other.
COLUMNS = """
SELECT * FROM {columns} AS t WHERE {of_kept}
"""

# The description of a column is here alone.
FIELDS = """
SELECT table_schema, table_name, column_name, field_path, data_type, description FROM {column_field_paths} AS t
WHERE {of_kept} AND (field_path != column_name OR description IS NOT NULL)
"""

OPTIONS = """
SELECT table_schema, table_name, option_name, option_value FROM {table_options} AS t WHERE {of_kept}
"""

OPTIONS_OF_DATASETS = """
UNION ALL
SELECT schema_name, NULL, option_name, option_value FROM {schemata_options} AS s
WHERE schema_name IN UNNEST(@datasets)
"""

VIEWS = """
SELECT table_schema, table_name, view_definition, use_standard_sql FROM {views} AS t WHERE {of_kept}
"""

# What a foreign key leads to is told by the position in the primary key of the other table.
KEYS_OF_DATASET = """
SELECT k.table_schema, k.table_name, k.constraint_name, c.constraint_type, k.column_name, k.ordinal_position,
    k.position_in_unique_constraint, u.table_schema AS target_schema, u.table_name AS target_table
FROM {key_column_usage} AS k
JOIN {table_constraints} AS c ON c.constraint_name = k.constraint_name AND c.table_name = k.table_name
LEFT JOIN (
    SELECT DISTINCT constraint_name, table_schema, table_name FROM {constraint_column_usage}
) AS u ON u.constraint_name = k.constraint_name AND c.constraint_type = 'FOREIGN KEY'
"""

STORAGE = """
SELECT table_schema, table_name, total_rows, total_logical_bytes, storage_last_modified_time
FROM {table_storage} AS t WHERE NOT deleted AND {of_kept}
"""

DETAILS = """
SELECT table_schema, table_name, ddl, base_table_catalog, base_table_schema, base_table_name, snapshot_time_ms
FROM {tables} AS t WHERE {of_kept} AND table_type NOT IN ('BASE TABLE', 'VIEW')
"""

_VIEWS = (
    "tables",
    "columns",
    "column_field_paths",
    "table_options",
    "views",
    "table_storage",
    "schemata_options",
)
_OF_LOCATION_ALONE = ("table_storage", "schemata_options")
_KEY_VIEWS = ("key_column_usage", "table_constraints", "constraint_column_usage")

DATASETS_AT_ONCE = 250
"""Of how many the keys are asked in one statement: it may name 1,000 tables, and there are three for each."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The datasets of one location. `is_split` where the views of the whole location may not be read."""

    project: str
    location: str
    datasets: tuple[str, ...]
    is_split: bool = False

    def statement(self, sql: str, **conditions: str) -> str:
        """The statement over these datasets."""
        return sql.format(**{name: self._view(name) for name in _VIEWS}, **conditions)

    def key_statements(self) -> list[str]:
        """The statements for the keys of all the datasets, which are told by each dataset alone."""
        texts = [self._keys_of(dataset) for dataset in self.datasets]
        steps = range(0, len(texts), DATASETS_AT_ONCE)
        return ["UNION ALL".join(texts[at : at + DATASETS_AT_ONCE]) for at in steps]

    def _keys_of(self, dataset: str) -> str:
        return KEYS_OF_DATASET.format(**{name: self._of(dataset, name) for name in _KEY_VIEWS})

    def _view(self, name: str) -> str:
        if not self.is_split or name in _OF_LOCATION_ALONE:
            return self._of(f"region-{self.location.lower()}", name)
        parts = ("SELECT * FROM " + self._of(dataset, name) for dataset in self.datasets)  # noqa: S608  # names of our own, quoted
        return "(" + " UNION ALL ".join(parts) + ")"

    def _of(self, dataset: str, view: str) -> str:
        return f"{quote(self.project)}.{quote(dataset)}.INFORMATION_SCHEMA.{view.upper()}"


def quote(identifier: str) -> str:
    """The identifier in backquotes, with what would end it or mean something else escaped."""
    return "`" + "".join(_ESCAPED.get(letter, letter) for letter in identifier) + "`"


_ESCAPED = {"\\": "\\\\", "`": "\\`", "\n": "\\n", "\r": "\\r"}
