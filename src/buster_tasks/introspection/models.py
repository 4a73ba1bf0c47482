"""What `introspect-data` takes and gives: snake_case in Python, camelCase on the wire."""

from __future__ import annotations

from typing import Annotated, Self, cast

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    FieldSerializationInfo,
    PlainSerializer,
    field_validator,
)
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import PydanticCustomError

from buster_tasks.errors import SourceError
from buster_tasks.sources.base import ConnectionTest
from buster_tasks.sources.credentials import Credentials
from buster_tasks.sources.known_options import KnownOptions
from buster_tasks.sources.schema import Filters, Introspection, Issue, StatisticsLevel
from buster_tasks.sources.statistics import Sampling


class WireModel(KnownOptions):
    """Base of all: frozen; input is never shown in errors, because it may hold a secret."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )


class IntrospectDataOptions(WireModel):
    """Which objects to read, as exact names or globs, and how much to find out about their columns.

    An empty list is an error of the run, not of the payload, as it was in the original. With `snapshot` the result is
    kept in the catalog. The statistics `sample` and `full` read at most `sample_rows` rows of a table, the same for the
    same `seed`, over at most so many `connections` at the same time.
    """

    databases: list[str] | None = None
    schemas: list[str] | None = None
    tables: list[str] | None = None
    exclude_tables: list[str] | None = None
    statistics: StatisticsLevel = "none"
    sample_rows: int = Field(default=10_000, ge=1, le=1_000_000)
    seed: int = Field(default=0, ge=0, lt=2**31)
    connections: int = Field(default=4, ge=1, le=16)
    snapshot: bool = True

    def filters(self) -> Filters:
        """The lists alone."""
        return Filters.model_validate(self.model_dump(include=set(Filters.model_fields)))

    def sampling(self) -> Sampling:
        """How much may be read of each table."""
        return Sampling(sample_rows=self.sample_rows, seed=self.seed)


class IntrospectDataInput(WireModel):
    """A data source by a name of your own, and how to reach it."""

    data_source_name: str
    credentials: Credentials
    options: IntrospectDataOptions | None = None

    @field_validator("data_source_name", mode="after")
    @classmethod
    def _named(cls, name: str) -> str:
        if not name:
            raise PydanticCustomError("name_missing", "Data source name is required")
        return name


class ErrorDetail(WireModel):
    """Why there is no introspection: a code to act on, a sentence, and the next step."""

    code: str
    message: str
    fix: str = ""

    @classmethod
    def of(cls, error: SourceError) -> Self:
        """The detail of an error of a source."""
        return cls(code=error.code, message=error.message, fix=error.fix)


def _names_of_fields(counts: object) -> object:
    if not isinstance(counts, dict):
        return counts
    known = cast("dict[object, object]", counts)
    return {to_snake(str(kind)): count for kind, count in known.items()}


def _names_on_the_wire(counts: dict[str, int], info: FieldSerializationInfo) -> dict[str, int]:
    return {to_camel(kind): count for kind, count in counts.items()} if info.by_alias else counts


Counts = Annotated[
    dict[str, int], BeforeValidator(_names_of_fields), PlainSerializer(_names_on_the_wire)
]
"""How many of each kind, by the field's name, which is camelCase on the wire as fields are."""


class IntrospectDataOutput(WireModel):
    """What was found, or why nothing was.

    `complete` is True only for a success in which the structure of everything asked for could be read; `issues` are
    those of the introspection, of the closing and of the keeping. `counts` is how much was found, and how many issues
    there are. `snapshot_id` is what the catalog has it under, None where it was not kept. What is too large for a run's
    output is there alone, and its JSON in parts in the run's stream of the key `stream`; `introspection` is None then.
    """

    success: bool
    data_source_name: str
    error: ErrorDetail | None = None
    connection: ConnectionTest | None = None
    introspection: Introspection | None = None
    issues: list[Issue] = Field(default_factory=list[Issue])
    complete: bool = False
    counts: Counts | None = None
    snapshot_id: str | None = None
    stream: str | None = None

    def with_issue(self, issue: Issue | None) -> Self:
        """The same with one more issue at its head, counted too."""
        if issue is None:
            return self
        issues = [issue, *self.issues]
        counts = self.counts and {**self.counts, "issues": len(issues)}
        return self.model_copy(update={"issues": issues, "counts": counts})
