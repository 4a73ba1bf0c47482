"""What is to be measured and what was: values that go through JSON, so that parts of a catalog can be sent away."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from pydantic import Field, JsonValue

from buster_tasks.sources.schema import (
    HistogramBucket,
    Issue,
    NormalizedType,
    RowCountKind,
    SchemaModel,
    SchemaObject,
    SemanticType,
    StatisticsLevel,
    TopValue,
)

MeasuredLevel = Literal["sample", "full"]

SOME_ROWS: Final = "some rows"
"""What `readable` in a table's metadata says where a policy of the source decides which rows we see."""


def measured_level(level: StatisticsLevel) -> MeasuredLevel | None:
    """The level where it takes looking at rows, else None."""
    return level if level == "sample" or level == "full" else None  # noqa: PLR1714 - told from a tuple by no type checker


class Sampling(SchemaModel):
    """How much may be read: rows of each table, seconds of each statement. The same seed reads the same rows again."""

    sample_rows: int = Field(default=10_000, ge=1, le=1_000_000)
    seed: int = Field(default=0, ge=0, lt=2**31)
    statement_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)


class Place(NamedTuple):
    """Which table it is."""

    database: str
    schema: str
    table: str

    def __str__(self) -> str:
        return ".".join(self)


class TargetColumn(SchemaModel):
    """What must be known of a column to measure it."""

    name: str
    data_type: str = ""
    normalized_type: NormalizedType = "unknown"
    max_length: int | None = None
    is_primary_key: bool | None = None


class Target(SchemaObject):
    """A table to measure."""

    name: str
    row_count: int | None = None
    row_count_kind: RowCountKind = "unknown"
    columns: list[TargetColumn]

    @property
    def place(self) -> Place:
        """Which table it is."""
        return Place(self.database, self.schema_name, self.name)


class ColumnStatistics(SchemaModel):
    """The fields of a `Column` that are measured, under the same names; what is None was not."""

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

    def known(self) -> dict[str, object]:
        """The fields by name; where a part was not measured, what another level knew of it is not kept."""
        return dict(self)


class TableStatistics(SchemaObject):
    """What was found out about a table: its columns by name, and its rows where they were counted or all read."""

    name: str
    row_count: int | None = None
    columns: dict[str, ColumnStatistics] = Field(default_factory=dict[str, ColumnStatistics])

    @property
    def place(self) -> Place:
        """Which table it is."""
        return Place(self.database, self.schema_name, self.name)


class Measured(SchemaModel):
    """What measuring some tables gave: `unmeasured` had no time, `first_rows` were sampled from their beginning."""

    tables: list[TableStatistics] = Field(default_factory=list[TableStatistics])
    issues: list[Issue] = Field(default_factory=list[Issue])
    unmeasured: list[str] = Field(default_factory=list[str])
    first_rows: list[str] = Field(default_factory=list[str])
