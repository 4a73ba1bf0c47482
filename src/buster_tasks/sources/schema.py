"""What introspection returns: databases down to columns, keys and indexes, one model for all kinds of source.

Unknown is None, never a made-up zero or empty text. Names are as the database spells them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.alias_generators import to_camel

TableType = Literal["TABLE", "VIEW", "MATERIALIZED_VIEW", "EXTERNAL_TABLE", "TEMPORARY_TABLE"]
RowCountKind = Literal["exact", "estimate", "unknown"]
StatisticsLevel = Literal["none", "catalog", "sample", "full"]
NormalizedType = Literal[
    "integer",
    "decimal",
    "float",
    "boolean",
    "text",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "binary",
    "json",
    "uuid",
    "array",
    "struct",
    "geography",
    "unknown",
]

SemanticType = Literal[
    "id",
    "code",
    "email",
    "url",
    "uuid",
    "phone",
    "ip_address",
    "country",
    "language",
    "currency",
    "amount",
    "percentage",
    "latitude",
    "longitude",
    "postal_code",
    "boolean_like",
    "date_like",
    "json",
    "category",
    "free_text",
]
"""What the values of a column seem to be, where their type does not say it."""


class SchemaModel(BaseModel):
    """Base of all: frozen, snake_case in Python, camelCase on the wire; both are accepted.

    JSON leaves out what is unknown, as the original's optional fields did: most of a large result would be nulls.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    @model_serializer(mode="wrap", when_used="json")
    def _known(self, serialize: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {name: value for name, value in serialize(self).items() if value is not None}


Model = TypeVar("Model", bound=SchemaModel)


def of_catalog(model: type[Model], known: dict[str, Any]) -> Model:
    """A model of values that a catalog gave under the names of its fields, not checked again; None is unknown.

    A third of the time and 60 % of the memory of calling the model: a large database has many columns, and equal ones
    share the set of the fields that they have.
    """
    return of_known(model, {name: value for name, value in known.items() if value is not None})


def of_known(model: type[Model], known: dict[str, Any]) -> Model:
    """The same for values of which none is None, in half the time."""
    unset, mutable = _unset(model)
    values = unset | known
    for name in mutable:
        if name not in known:
            values[name] = type(values[name])()
    made = model.__new__(model)
    put = object.__setattr__  # the model's own refuses: it is frozen
    put(made, "__dict__", values)
    put(made, "__pydantic_fields_set__", _field_set(tuple(known)))
    put(made, "__pydantic_extra__", None)
    put(made, "__pydantic_private__", None)
    return made


@cache
def _unset(model: type[SchemaModel]) -> tuple[dict[str, Any], list[str]]:
    """The values of all fields that were not given, and the names of those that each model has its own of."""
    fields = model.model_fields.items()
    values = {name: field.get_default(call_default_factory=True) for name, field in fields}
    mutable = [name for name, value in values.items() if isinstance(value, (dict, list))]
    return values, mutable


@cache
def _field_set(names: tuple[str, ...]) -> set[str]:
    return set(names)


class Database(SchemaModel):
    """A database (BigQuery: a project; SQLite and DuckDB: a file, named by its stem)."""

    name: str
    owner: str | None = None
    comment: str | None = None
    created: datetime | None = None
    last_modified: datetime | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class Schema(SchemaModel):
    """A namespace of tables within a database."""

    name: str
    database: str
    owner: str | None = None
    comment: str | None = None
    created: datetime | None = None
    last_modified: datetime | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class SchemaObject(SchemaModel):
    """Anything that lives in a schema: `schema_name` in Python, `schema` on the wire and when constructed."""

    schema_name: str = Field(alias="schema")
    database: str


class Table(SchemaObject):
    """A relation that holds rows. Plain views are listed under `views`, their columns under `columns`.

    `row_count` means what `row_count_kind` says; `size_bytes` includes the indexes.
    """

    name: str
    type: TableType = "TABLE"
    row_count: int | None = Field(default=None, ge=0)
    row_count_kind: RowCountKind = "unknown"
    size_bytes: int | None = Field(default=None, ge=0)
    owner: str | None = None
    comment: str | None = None
    created: datetime | None = None
    last_modified: datetime | None = None
    clustering_keys: list[str] | None = None
    partition_keys: list[str] | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class TopValue(SchemaModel):
    """One of the most frequent values of a column, and in how many rows it stands."""

    value: JsonValue
    count: int


class HistogramBucket(SchemaModel):
    """How many values are at least `low` and less than `high`; the last bucket has those equal to `high` too."""

    low: JsonValue
    high: JsonValue
    count: int


class NestedField(SchemaModel):
    """What is within a type: a field of a struct, the `element` of an array, the `key` and the `value` of a map.

    `fields` is what is within that again, down to 50 levels; None where nothing is, or nothing is known.
    """

    name: str
    data_type: str
    normalized_type: NormalizedType = "unknown"
    is_nullable: bool | None = None
    comment: str | None = None
    fields: list[NestedField] | None = None


class Column(SchemaObject):
    """A column of a table or view, in the order of `position`, from 1.

    `data_type` is as written in the database, `normalized_type` one word for all dialects, `max_length` what it
    declares, `fields` what is within a struct, an array or a map. The statistics are those of the level that was asked
    for: all of them "exact", or some an "estimate" as `statistics_kind` says. `measured_rows` is how many rows were
    looked at; counts speak of all rows of the table. Lengths are characters, of binary values bytes. Decimals, dates
    and what JSON has no number for are texts.
    """

    name: str
    table: str
    position: int
    data_type: str
    normalized_type: NormalizedType = "unknown"
    is_nullable: bool | None = None
    default_value: str | None = None
    identity: Literal["always", "by_default", "autoincrement"] | None = None
    generated_expression: str | None = None
    generated_kind: Literal["virtual", "stored"] | None = None
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    fields: list[NestedField] | None = None
    comment: str | None = None
    is_primary_key: bool | None = None
    is_foreign_key: bool | None = None
    statistics_kind: Literal["exact", "estimate"] | None = None
    distinct_count: int | None = None
    null_count: int | None = None
    min_value: JsonValue = None
    max_value: JsonValue = None
    shortest_length: int | None = None
    longest_length: int | None = None
    average_length: float | None = None
    top_values: list[TopValue] | None = None
    histogram: list[HistogramBucket] | None = None
    sample_values: list[JsonValue] | None = None
    semantic_type: SemanticType | None = None
    measured_rows: int | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class View(SchemaObject):
    """A view with the query behind it; None where the database does not show it."""

    name: str
    definition: str | None = None
    is_materialized: bool = False
    owner: str | None = None
    comment: str | None = None
    created: datetime | None = None
    last_modified: datetime | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class TableKey(SchemaObject):
    """Columns that identify a row, in key order; an unnamed constraint has no `name`."""

    name: str | None = None
    table: str
    columns: list[str]
    metadata: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class PrimaryKey(TableKey):
    """The primary key of a table."""


class UniqueKey(TableKey):
    """A UNIQUE constraint; unique indexes that no constraint made are listed under `indexes`."""


class IndexPart(SchemaModel):
    """One part of an index: a column or an expression; `prefix_length` where it holds only a column's beginning."""

    column: str | None = None
    expression: str | None = None
    prefix_length: int | None = None
    is_descending: bool = False
    collation: str | None = None


class Index(SchemaObject):
    """An index; `columns` has names, or the text of an expression, and `parts` the same with order and collation.

    `predicate` is the WHERE of a partial index.
    """

    name: str
    table: str
    type: str | None = None
    columns: list[str]
    parts: list[IndexPart] = []
    is_unique: bool
    is_primary_key: bool
    predicate: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class ForeignKey(SchemaModel):
    """A reference from columns to columns, paired by position; an unnamed constraint has no `name`."""

    name: str | None = None
    source_table: str
    source_schema: str
    source_database: str
    source_columns: list[str]
    referenced_table: str
    referenced_schema: str
    referenced_database: str
    referenced_columns: list[str]
    on_update: str | None = None
    on_delete: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class Issue(SchemaModel):
    """Something that could not be read, or not as asked; everything else is in the result all the same."""

    scope: Literal[
        "source", "filter", "database", "schema", "table", "view", "column", "index", "foreign_key"
    ]
    object: str
    code: str
    message: str
    fix: str = ""


class Filters(SchemaModel):
    """Which objects to read: exact names or globs (`*`, `?`, `[a-z]`); None means all.

    `tables` and `exclude_tables` are compared with `table`, `schema.table` and `database.schema.table`, and count for
    views too. Case matters as it does in the source's own identifiers.
    """

    databases: list[str] | None = None
    schemas: list[str] | None = None
    tables: list[str] | None = None
    exclude_tables: list[str] | None = None


class Introspection(SchemaModel):
    """What a data source holds, as far as its user may see.

    `complete` is False when the structure of something that was asked for could not be read, or when its user may not
    read its rows; `issues` says what and why. `statistics` is the level that was delivered.
    """

    data_source_name: str
    data_source_type: str
    databases: list[Database] = []
    schemas: list[Schema] = []
    tables: list[Table] = []
    columns: list[Column] = []
    views: list[View] = []
    primary_keys: list[PrimaryKey] = []
    unique_keys: list[UniqueKey] = []
    indexes: list[Index] = []
    foreign_keys: list[ForeignKey] = []
    issues: list[Issue] = []
    complete: bool = True
    introspected_at: datetime
    filters: Filters = Filters()
    statistics: StatisticsLevel = "none"

    def json_chunks(self) -> Iterator[bytes]:
        """The JSON in pieces of some objects each: together the bytes of `model_dump_json(by_alias=True)`.

        No more than a piece is in memory at once, and it takes a tenth of the time. Raises ValueError for text that is
        no Unicode.
        """
        from buster_tasks.sources.serialization import json_chunks  # it knows this model

        return json_chunks(self)

    def counts(self) -> dict[str, int]:
        """How many of each kind were found, by the field's name."""
        return {
            "databases": len(self.databases),
            "schemas": len(self.schemas),
            "tables": len(self.tables),
            "columns": len(self.columns),
            "views": len(self.views),
            "primary_keys": len(self.primary_keys),
            "unique_keys": len(self.unique_keys),
            "indexes": len(self.indexes),
            "foreign_keys": len(self.foreign_keys),
            "issues": len(self.issues),
        }
