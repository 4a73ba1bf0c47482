"""An introspection in pieces is, byte for byte, what pydantic writes of it at once."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from buster_tasks.sources.schema import (
    Column,
    Database,
    Filters,
    ForeignKey,
    Index,
    IndexPart,
    Introspection,
    Issue,
    NestedField,
    PrimaryKey,
    Schema,
    Table,
    UniqueKey,
    View,
)
from buster_tasks.sources.serialization import json_chunks, list_chunks

MOMENT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
PLACE: dict[str, Any] = {"schema": "main", "database": "shop"}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
metadata = st.dictionaries(texts, values, max_size=3)


def column(name: str, **known: Any) -> Column:
    return Column(name=name, table="t", position=1, data_type="TEXT", **PLACE, **known)


def found(**parts: Any) -> Introspection:
    return Introspection(
        data_source_name="shop", data_source_type="sqlite", introspected_at=MOMENT, **parts
    )


LEAF = NestedField(name="x", data_type="Y", is_nullable=False, comment="z", fields=[])
EVERYTHING = found(
    databases=[Database(name="shop", created=MOMENT, metadata={"kept": None})],
    schemas=[Schema(name="main", database="shop")],
    tables=[Table(name="t", row_count=0, clustering_keys=["a"], **PLACE)],
    columns=[
        column("größe", min_value={"kept": None}, sample_values=[None, 1, "\u2028"]),
        column("a", fields=[NestedField(name="ä", data_type="X", fields=[LEAF, LEAF])]),
    ],
    views=[View(name="v", definition='SELECT "x"\n', **PLACE)],
    primary_keys=[PrimaryKey(table="t", columns=["a"], **PLACE)],
    unique_keys=[UniqueKey(name="u", table="t", columns=["a", "b"], **PLACE)],
    indexes=[
        Index(
            name="i",
            table="t",
            columns=["a"],
            parts=[IndexPart(column="a"), IndexPart(expression="lower(b)")],
            is_unique=True,
            is_primary_key=False,
            **PLACE,
        )
    ],
    foreign_keys=[
        ForeignKey(
            source_table="t",
            source_schema="main",
            source_database="shop",
            source_columns=["a"],
            referenced_table="u",
            referenced_schema="main",
            referenced_database="shop",
            referenced_columns=["id"],
        )
    ],
    issues=[Issue(scope="source", object="o", code="C", message="m")],
    complete=False,
    filters=Filters(tables=["t*"]),
    statistics="catalog",
)


def at_once(whole: Introspection) -> bytes:
    return whole.model_dump_json(by_alias=True).encode()


@pytest.mark.parametrize("whole", [EVERYTHING, found()], ids=["everything", "nothing"])
def test_all_kinds_of_objects(whole: Introspection) -> None:
    assert b"".join(whole.json_chunks()) == at_once(whole)


def test_every_field_is_filled_above() -> None:
    assert EVERYTHING.model_fields_set == set(Introspection.model_fields)


@given(st.lists(st.tuples(texts, metadata, values, st.none() | st.lists(values, max_size=3))))
def test_whatever_a_source_may_tell(told: list[tuple[str, Any, Any, Any]]) -> None:
    columns = [
        column(name, metadata=more, min_value=value, sample_values=samples)
        for name, more, value, samples in told
    ]
    whole = found(columns=columns)
    assert b"".join(whole.json_chunks()) == at_once(whole)


@pytest.mark.parametrize("number", [99, 100, 101, 1_000])
def test_many_objects_are_several_small_pieces(number: int) -> None:
    whole = found(columns=[column(f"c{at}") for at in range(number)])
    pieces = list(whole.json_chunks())
    assert b"".join(pieces) == at_once(whole)
    assert max(map(len, pieces)) <= 100 * 140


def test_a_field_can_be_left_out() -> None:
    written = json.loads(b"".join(json_chunks(EVERYTHING, without="introspected_at")))
    assert "introspectedAt" not in written
    assert written | {"introspectedAt": "2026-03-01T12:00:00.123456Z"} == json.loads(
        at_once(EVERYTHING)
    )


def test_some_fields_of_objects() -> None:
    written = b"".join(list_chunks(list[Column], EVERYTHING.columns, only=frozenset(["name"])))
    assert json.loads(written) == [{"name": "größe"}, {"name": "a"}]
    _plain, nested = json.loads(
        b"".join(list_chunks(list[Column], EVERYTHING.columns, only=frozenset(["fields"])))
    )
    assert nested == {
        "fields": [json.loads(EVERYTHING.columns[1].fields[0].model_dump_json(by_alias=True))]  # type: ignore[index]  # it has some
    }


def test_text_that_is_no_unicode_is_an_error() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        list(found(columns=[column("\ud800")]).json_chunks())
