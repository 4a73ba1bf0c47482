"""What could not be read of a project, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from buster_tasks.errors import PermissionDeniedError
from buster_tasks.sources.bigquery.keys import dangling
from buster_tasks.sources.bigquery.reading import VIEW, Reading, place_of
from buster_tasks.sources.issues import code_of
from buster_tasks.sources.schema import Issue

_OF_PART = {
    "row counts and sizes": "Grant roles/bigquery.metadataViewer on the project, not on its datasets alone.",
}
_READ = "Grant roles/bigquery.metadataViewer on it, or exclude it by the filters."


def lost(reading: Reading) -> list[Issue]:
    """Whatever was asked for and could not be read."""
    return [
        *_no_dataset(reading),
        *_denied(reading),
        *_failed(reading),
        *_hidden_texts(reading),
        *_dangling(reading),
    ]


def hurried(reading: Reading) -> list[Issue]:
    """What was left out because there was no time for it; it is none of the structure."""
    if not reading.is_hurried:
        return []
    return [
        Issue(
            scope="source",
            object=reading.project,
            code="ROW_COUNT_UNKNOWN",
            message="Row counts and sizes were not read: the time limit was over before.",
            fix="Allow more time, or narrow the filters.",
        )
    ]


def _no_dataset(reading: Reading) -> Iterator[Issue]:
    if not reading.has_seen_any:
        yield Issue(
            scope="source",
            object=reading.project,
            code="PERMISSION_DENIED",
            message=f"No dataset of the project {reading.project!r} can be seen: it has none, or hides them from us.",
            fix="Grant roles/bigquery.metadataViewer on the project or on its datasets.",
        )


def _denied(reading: Reading) -> Iterator[Issue]:
    for dataset, error in reading.denied:
        yield Issue(
            scope="schema",
            object=dataset,
            code=error.code,
            message=f"The tables of {dataset!r} cannot be read. {error.message}",
            fix=_READ if isinstance(error, PermissionDeniedError) else error.fix,
        )


def _failed(reading: Reading) -> Iterator[Issue]:
    for part, location, error in reading.failed:
        yield Issue(
            scope="source",
            object=part,
            code=code_of(error),
            message=f"The catalog's {part} in {location} could not be read. {error.message}",
            fix=_OF_PART.get(part, error.fix)
            if isinstance(error, PermissionDeniedError)
            else error.fix,
        )


def _hidden_texts(reading: Reading) -> Iterator[Issue]:
    if any(part == "views" for part, _location, _error in reading.failed):
        return
    known = {place_of(row) for row in reading.views if row["view_definition"]}
    for place in reading.told():
        if reading.kind(place) == VIEW and place not in known:
            yield Issue(
                scope="view",
                object=".".join(place),
                code="VIEW_DEFINITION_HIDDEN",
                message=f"The query of the view {'.'.join(place)!r} is not shown.",
                fix="Grant roles/bigquery.metadataViewer on its dataset.",
            )


def _dangling(reading: Reading) -> Iterator[Issue]:
    for row in dangling(reading):
        yield Issue(
            scope="foreign_key",
            object=f"{row['table_schema']}.{row['constraint_name']}",
            code="FOREIGN_KEY_DANGLING",
            message=f"What the foreign key {row['constraint_name']!r} leads to cannot be seen.",
            fix="Grant roles/bigquery.metadataViewer on the dataset of the other table.",
        )
