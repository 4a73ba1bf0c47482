"""What is asked of information_schema: at most seven statements however many tables there are, every column named.

PARTITIONS is asked only where a table is partitioned, VIEWS where there are views. Texts of both parts of a UNION are
converted, since MySQL gives its own tables different collations and would refuse to mix them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

GRANTS = "SHOW GRANTS"

# First the databases, then what is in them.
RELATIONS = """
SELECT 'DATABASE' AS kind, CONVERT(SCHEMA_NAME USING utf8mb4) AS in_schema, '' AS name,
    CONVERT(DEFAULT_CHARACTER_SET_NAME USING utf8mb4) AS engine, NULL AS row_estimate, NULL AS data_bytes,
    NULL AS index_bytes, NULL AS next_number, NULL AS created, NULL AS changed,
    CONVERT(DEFAULT_COLLATION_NAME USING utf8mb4) AS collation_name, NULL AS options,
    {database_comment} AS comment_text
FROM information_schema.SCHEMATA WHERE {of_databases}
UNION ALL
SELECT CONVERT(TABLE_TYPE USING utf8mb4), CONVERT(TABLE_SCHEMA USING utf8mb4), CONVERT(TABLE_NAME USING utf8mb4),
    CONVERT(ENGINE USING utf8mb4), TABLE_ROWS, DATA_LENGTH, INDEX_LENGTH, AUTO_INCREMENT,
    UNIX_TIMESTAMP(CREATE_TIME), UNIX_TIMESTAMP(UPDATE_TIME), CONVERT(TABLE_COLLATION USING utf8mb4),
    CONVERT(CREATE_OPTIONS USING utf8mb4), CONVERT(TABLE_COMMENT USING utf8mb4)
FROM information_schema.TABLES WHERE {of_tables}
"""

NAMES = """
SELECT TABLE_SCHEMA AS in_schema, TABLE_NAME AS name FROM information_schema.TABLES
WHERE {of_databases} LIMIT 20000
"""

COLUMNS = """
SELECT TABLE_SCHEMA AS in_schema, TABLE_NAME AS in_table, COLUMN_NAME AS name, ORDINAL_POSITION AS position,
    COLUMN_DEFAULT AS default_text, IS_NULLABLE AS nullable, DATA_TYPE AS base_type, COLUMN_TYPE AS full_type,
    CHARACTER_MAXIMUM_LENGTH AS longest, NUMERIC_PRECISION AS digits, NUMERIC_SCALE AS decimals,
    DATETIME_PRECISION AS second_digits, COLLATION_NAME AS collation_name, EXTRA AS extra,
    GENERATION_EXPRESSION AS generated, COLUMN_COMMENT AS comment_text
FROM information_schema.COLUMNS WHERE {of_tables}
"""

INDEXES = """
SELECT TABLE_SCHEMA AS in_schema, TABLE_NAME AS in_table, INDEX_NAME AS name, SEQ_IN_INDEX AS position,
    NON_UNIQUE AS not_unique, COLUMN_NAME AS column_name, {expression} AS expression, SUB_PART AS prefix,
    COLLATION AS direction, INDEX_TYPE AS method, {visibility} AS visibility, INDEX_COMMENT AS comment_text,
    {cardinality} AS distinct_values
FROM information_schema.STATISTICS WHERE {of_tables}
"""

REFERENCES = """
SELECT TABLE_SCHEMA AS in_schema, TABLE_NAME AS in_table, CONSTRAINT_NAME AS name, ORDINAL_POSITION AS position,
    COLUMN_NAME AS column_name, REFERENCED_TABLE_SCHEMA AS target_schema, REFERENCED_TABLE_NAME AS target_table,
    REFERENCED_COLUMN_NAME AS target_column
FROM information_schema.KEY_COLUMN_USAGE WHERE {of_tables} AND REFERENCED_TABLE_NAME IS NOT NULL
"""

RULES = """
SELECT 'REFERENCE' AS kind, CONVERT(CONSTRAINT_SCHEMA USING utf8mb4) AS in_schema,
    CONVERT(TABLE_NAME USING utf8mb4) AS in_table, CONVERT(CONSTRAINT_NAME USING utf8mb4) AS name,
    CONVERT(UPDATE_RULE USING utf8mb4) AS first_rule, CONVERT(DELETE_RULE USING utf8mb4) AS second_rule
FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE {of_references}
"""

CHECKS_OF_MARIADB = """
UNION ALL
SELECT 'CHECK', CONVERT(CONSTRAINT_SCHEMA USING utf8mb4), CONVERT(TABLE_NAME USING utf8mb4),
    CONVERT(CONSTRAINT_NAME USING utf8mb4), CONVERT(CHECK_CLAUSE USING utf8mb4), NULL
FROM information_schema.CHECK_CONSTRAINTS WHERE {of_references}
"""

CHECKS_OF_MYSQL = """
UNION ALL
SELECT 'CHECK', CONVERT(t.TABLE_SCHEMA USING utf8mb4), CONVERT(t.TABLE_NAME USING utf8mb4),
    CONVERT(t.CONSTRAINT_NAME USING utf8mb4), CONVERT(c.CHECK_CLAUSE USING utf8mb4), NULL
FROM information_schema.TABLE_CONSTRAINTS AS t JOIN information_schema.CHECK_CONSTRAINTS AS c
    ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME
WHERE {of_checks} AND t.CONSTRAINT_TYPE = 'CHECK'
"""

VIEWS = """
SELECT TABLE_SCHEMA AS in_schema, TABLE_NAME AS name, VIEW_DEFINITION AS definition, CHECK_OPTION AS check_option,
    IS_UPDATABLE AS updatable, DEFINER AS definer, SECURITY_TYPE AS security
FROM information_schema.VIEWS WHERE {of_tables}
"""

PARTITIONS = """
SELECT TABLE_SCHEMA AS in_schema, TABLE_NAME AS in_table, PARTITION_NAME AS name,
    PARTITION_ORDINAL_POSITION AS position, PARTITION_METHOD AS method, PARTITION_EXPRESSION AS expression,
    SUBPARTITION_METHOD AS inner_method, SUBPARTITION_EXPRESSION AS inner_expression,
    PARTITION_DESCRIPTION AS description
FROM information_schema.PARTITIONS
WHERE {of_tables} AND PARTITION_NAME IS NOT NULL AND COALESCE(SUBPARTITION_ORDINAL_POSITION, 1) = 1
"""

Number = Decimal | int | None
"""What a UNION makes of whole numbers."""

Place = tuple[str, str]
"""A database and a table or view in it."""


class RelationRow(NamedTuple):
    """A database (`engine` is its character set), or a table, view or sequence."""

    kind: str
    schema: str
    name: str
    engine: str | None
    rows: Number
    data_bytes: Number
    index_bytes: Number
    next_number: Number
    created: Number
    changed: Number
    collation: str | None
    options: str | None
    comment: str | None

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.schema, self.name


class ColumnRow(NamedTuple):
    """A column; `nullable` is YES or NO, `extra` holds words such as `auto_increment` and `STORED GENERATED`."""

    schema: str
    table: str
    name: str
    position: int
    default: str | None
    nullable: str
    base_type: str
    full_type: str
    longest: int | None
    digits: int | None
    decimals: int | None
    second_digits: int | None
    collation: str | None
    extra: str | None
    generated: str | None
    comment: str | None


class IndexRow(NamedTuple):
    """One part of an index; `prefix` is how many characters or bytes of the column it holds."""

    schema: str
    table: str
    name: str
    position: int
    not_unique: int
    column: str | None
    expression: str | None
    prefix: int | None
    direction: str | None
    method: str | None
    visibility: str | None
    comment: str | None
    distinct: int | None

    @property
    def is_unique(self) -> bool:
        """Whether no two rows may be alike in it."""
        return self.not_unique == 0


class ReferenceRow(NamedTuple):
    """One column of a foreign key."""

    schema: str
    table: str
    name: str
    position: int
    column: str
    target_schema: str
    target_table: str
    target_column: str


class RuleRow(NamedTuple):
    """The actions of a foreign key, on update and on delete, or in `first` the clause of a CHECK."""

    kind: str
    schema: str
    table: str
    name: str
    first: str | None
    second: str | None


class ViewRow(NamedTuple):
    """A view; its definition is empty without the right SHOW VIEW."""

    schema: str
    name: str
    definition: str | None
    check_option: str | None
    updatable: str | None
    definer: str | None
    security: str | None


class PartitionRow(NamedTuple):
    """A partition; subpartitions are told by their method alone."""

    schema: str
    table: str
    name: str
    position: int
    method: str | None
    expression: str | None
    inner_method: str | None
    inner_expression: str | None
    description: str | None
