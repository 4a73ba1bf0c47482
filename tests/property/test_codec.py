"""Payloads and outputs come back as they went in, and never as the same object."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel

from taskkit.errors import NotSerializableError
from taskkit.model.codec import OutputCodec, PayloadCodec, json_data

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | text
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


class Leaf(BaseModel):
    number: int | None
    ratio: float
    when: datetime
    day: date
    price: Decimal
    key: UUID
    raw: bytes


class Tree(BaseModel):
    name: str
    leaves: list[Leaf]
    by_name: dict[str, Leaf]
    pair: tuple[int, str]
    tags: frozenset[str]


leaves = st.builds(
    Leaf,
    number=st.none() | st.integers(),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    when=st.datetimes(timezones=st.just(UTC)),
    day=st.dates(),
    price=st.decimals(allow_nan=False, allow_infinity=False, places=2),
    key=st.uuids(),
    raw=text.map(str.encode),
)
trees = st.builds(
    Tree,
    name=text,
    leaves=st.lists(leaves, max_size=3),
    by_name=st.dictionaries(text, leaves, max_size=2),
    pair=st.tuples(st.integers(), text),
    tags=st.frozensets(text, max_size=1),
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down: 1, 1.0 and True are three values, and so is -0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)


def containers(value: Any) -> Iterator[int]:
    """The identity of everything in it that could be changed."""
    if isinstance(value, dict | list):
        yield id(value)
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


def there_and_back(codec: PayloadCodec, payload: object) -> Any:
    data, secrets = codec.encode(payload)
    assert secrets is None
    json.loads(data)
    return codec.decode(data, None)


@given(documents)
def test_json_data_comes_back_as_it_was(payload: Any) -> None:
    again = there_and_back(PayloadCodec(Any, "task 'any'"), payload)
    assert same(again, payload)
    assert set(containers(again)).isdisjoint(containers(payload))


@given(st.dictionaries(text, documents, max_size=4))
def test_what_a_task_changes_is_its_own(payload: dict[str, Any]) -> None:
    codec = PayloadCodec(dict[str, Any], "task 'dict'")
    data, _ = codec.encode(payload)
    first = codec.decode(data, None)
    first["changed"] = first.pop(next(iter(first), ""), None)
    assert same(codec.decode(data, None), payload)


@given(trees)
def test_a_model_comes_back_equal_and_as_another_object(tree: Tree) -> None:
    again = there_and_back(PayloadCodec(Tree, "task 'tree'"), tree)
    assert again == tree
    assert again is not tree
    assert type(again.leaves) is list
    assert not set(map(id, again.leaves)) & set(map(id, tree.leaves))


@given(trees)
def test_encoding_again_gives_the_same_bytes(tree: Tree) -> None:
    codec = PayloadCodec(Tree, "task 'tree'")
    data, _ = codec.encode(tree)
    assert codec.encode(codec.decode(data, None)) == (data, None)


@given(documents)
def test_an_output_comes_back_as_it_was(output: Any) -> None:
    codec = OutputCodec(Any, "task 'any'")
    data = codec.encode(output)
    assert (data is None) is (output is None)
    assert same(codec.decode(data), output)


@given(trees)
def test_an_output_is_rebuilt_by_its_annotation(tree: Tree) -> None:
    codec = OutputCodec(Tree, "task 'tree'")
    assert codec.decode(codec.encode(tree)) == tree


@given(documents)
def test_an_output_that_breaks_its_promise_comes_back_as_json(output: Any) -> None:
    codec = OutputCodec(Tree, "task 'tree'")
    assert same(codec.decode(codec.encode(output)), output)


@given(documents)
def test_a_copy_shares_nothing(value: Any) -> None:
    copy = json_data(value, "the value")
    assert same(copy, value)
    assert set(containers(copy)).isdisjoint(containers(value))


@given(st.sampled_from([math.nan, math.inf, -math.inf]), st.lists(documents, max_size=3))
def test_numbers_that_json_lacks_are_refused_wherever_they_stand(
    number: float, beside: list[Any]
) -> None:
    for payload in (number, [*beside, number], {"at": {"last": number}}):
        with pytest.raises(NotSerializableError):
            PayloadCodec(Any, "task 'any'").encode(payload)
        with pytest.raises(NotSerializableError):
            OutputCodec(Any, "task 'any'").encode(payload)
