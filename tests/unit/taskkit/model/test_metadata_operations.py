"""Metadata operations as reference Trigger.dev has them, and a reason wherever it drops one silently."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from taskkit.model.metadata_operations import Applied, apply, collapse, strict_equal


def op(kind: str, key: str, value: Any = None) -> dict[str, Any]:
    return {"type": kind, "key": key, "value": value}


def after(metadata: Any, kind: str, key: str, value: Any = None) -> tuple[Any, Applied]:
    changed = copy.deepcopy(metadata)
    return changed, apply(changed, op(kind, key, value))


@pytest.mark.parametrize(
    ("before", "kind", "key", "value", "expected"),
    [
        ({}, "set", "a", 1, {"a": 1}),
        ({"a": 1}, "set", "a", None, {"a": None}),
        ({}, "set", "a.b", 1, {"a.b": 1}),
        ({}, "set", "$", 1, {"$": 1}),
        ({}, "set", "$a", 1, {"$a": 1}),
        ({}, "set", "$.a", 1, {"a": 1}),
        ({"a": {"b": 1}}, "set", "$.a.b", 2, {"a": {"b": 2}}),
        ({"a": {}}, "set", "$.a.b", {"c": []}, {"a": {"b": {"c": []}}}),
        ({"a": None}, "set", "$.a", 1, {"a": 1}),
        ({"a": [{"b": 0}]}, "set", "$.a.0.b", 1, {"a": [{"b": 1}]}),
        ({"a": [1, 2]}, "set", "$.a.1", 9, {"a": [1, 9]}),
        ({"a": [1, 2]}, "set", "$.a.2", 9, {"a": [1, 2, 9]}),
        ({"a": [1]}, "set", "$.a.3", 9, {"a": [1, None, None, 9]}),
        ({"a": {"0": 1}}, "set", "$.a.0", 2, {"a": {"0": 2}}),
        ({"a": {}}, "set", "$.a[0]", 9, {"a": {}, "a[0]": 9}),
        ({"a": {}}, "set", "$.a.b[0]", 9, {"a": {"b[0]": 9}}),
        ({"a": {}}, "set", "$.a.'b'", 9, {"a": {"'b'": 9}}),
        ({"a": {}}, "set", "$.a..b", 9, {"a": {"b": 9}}),
        ({"a": {}}, "set", "$.a.", 9, {"a": 9}),
        ({"a": {}}, "set", "$.a.$", 9, {"a": {"$": 9}}),
        ({"a": {"x": 1, "y": None}}, "set", "$.a.*", 9, {"a": {"x": 9, "y": 9}}),
        ({"x": 1, "y": 2}, "set", "$.*", 9, {"x": 9, "y": 9}),
        ({"a": {"p": {"d": 0}, "q": {}, "r": 5}}, "set", "$.a.*.d", 9, {"a": {"p": {"d": 9}, "q": {"d": 9}, "r": 5}}),
        ({"a": 1, "b": 2}, "delete", "a", None, {"b": 2}),
        ({"$.a": 1, "a": 2}, "delete", "$.a", None, {"a": 2}),
        ({}, "append", "a", 1, {"a": [1]}),
        ({}, "append", "$.a", 1, {"a": [1]}),
        ({"a": [1]}, "append", "a", 2, {"a": [1, 2]}),
        ({"a": [1]}, "append", "a", [2, 3], {"a": [1, [2, 3]]}),
        ({"a": "x"}, "append", "a", 1, {"a": ["x", 1]}),
        ({"a": None}, "append", "a", 1, {"a": [None, 1]}),
        ({"a": {"b": 1}}, "append", "a", 1, {"a": [{"b": 1}, 1]}),
        ({"a": {"b": [1]}}, "append", "$.a.b", 2, {"a": {"b": [1, 2]}}),
        ({"a": {"b": "x"}}, "append", "$.a.b", 2, {"a": {"b": ["x", 2]}}),
        ({"a": [1, 2, 1]}, "remove", "a", 1, {"a": [2]}),
        ({"a": [1, "1", True, 1.0]}, "remove", "a", 1, {"a": ["1", True]}),
        ({"a": [1, "1", True]}, "remove", "a", True, {"a": [1, "1"]}),
        ({"a": [{"b": [1]}, {"b": [True]}]}, "remove", "a", {"b": [1]}, {"a": [{"b": [True]}]}),
        ({"a": {"b": [None, 0, False, ""]}}, "remove", "$.a.b", None, {"a": {"b": [0, False, ""]}}),
        ({}, "increment", "a", 2, {"a": 2}),
        ({"a": 1}, "increment", "a", 2, {"a": 3}),
        ({"a": 1}, "increment", "a", -2.5, {"a": -1.5}),
        ({"a": "5"}, "increment", "a", 2, {"a": 2}),
        ({"a": None}, "increment", "a", 2, {"a": 2}),
        ({"a": True}, "increment", "a", 2, {"a": 2}),
        ({"a": [1]}, "increment", "a", 2, {"a": 2}),
        ({"a": {"b": 1}}, "increment", "$.a.b", 2, {"a": {"b": 3}}),
        ({"a": {"b": None}}, "increment", "$.a.b", 2, {"a": {"b": 2}}),
        ({"a": {}}, "increment", "$.a.b", 2, {"a": {"b": 2}}),
        ({"a": {"x": 1, "y": 5}}, "increment", "$.a.*", 1, {"a": {"x": 2, "y": 6}}),
        ({}, "increment", "a", 0, {"a": 0}),
        ({"a": 1, "b": 2}, "replace", "", {"c": 3}, {"c": 3}),
    ],
)  # fmt: skip
def test_what_an_operation_does(
    before: Any, kind: str, key: str, value: Any, expected: Any
) -> None:
    metadata, applied = after(before, kind, key, value)
    assert strict_equal(metadata, expected), metadata
    assert applied == Applied(True)


@pytest.mark.parametrize(
    ("before", "kind", "key", "value"),
    [
        ({"a": 1}, "set", "a", 1),
        ({"a": 1}, "set", "a", 1.0),
        ({"a": {"b": [1], "c": 2}}, "set", "a", {"c": 2, "b": [1]}),
        ({"a": {"x": 1, "y": 1}}, "set", "$.a.*", 1),
        ({"a": 1}, "delete", "b", None),
        ({"a": [1]}, "remove", "a", 2),
        ({"a": 1}, "increment", "a", 0),
        ({"a": 1}, "replace", "", {"a": 1}),
    ],
)
def test_nothing_to_do_is_no_change_and_no_complaint(
    before: Any, kind: str, key: str, value: Any
) -> None:
    metadata, applied = after(before, kind, key, value)
    assert (metadata, applied) == (before, Applied(False))


@pytest.mark.parametrize(
    ("before", "kind", "key", "value", "reason"),
    [
        ({}, "set", "$.a.b", 1, "nothing that could hold 'b'"),
        ({"a": {}}, "append", "$.a.b.c", 1, "nothing that could hold 'c'"),
        ({"a": 1}, "set", "$.a.b", 1, "a number cannot hold 'b'"),
        ({"a": True}, "increment", "$.a.b", 1, "a boolean cannot hold 'b'"),
        ({"a": "text"}, "set", "$.a.0", 1, "a text cannot hold '0'"),
        ({"a": None}, "set", "$.a.b", 1, "null cannot hold 'b'"),
        ({"a": [1]}, "set", "$.a.b", 1, "'b' is no place in a list"),
        ({"a": [1]}, "set", "$.a.-1", 1, "'-1' is no place in a list"),
        ({"a": [1]}, "set", "$.a.00", 1, "'00' is no place in a list"),
        ({"a": [1]}, "set", "$.a.\u0660", 1, "no place in a list"),
        ({"a": [1]}, "set", "$.a.999999999", 1, "no place in a list"),
        ({"a": [1]}, "set", "$.a." + "9" * 5000, 1, "no place in a list"),
        ({"a": [1, 2]}, "set", "$.a.*", 9, "into objects, not into lists"),
        ({}, "set", "$.*", 9, "nothing matches"),
        ({"a": {}}, "set", "$.a.*", 9, "nothing matches"),
        ({}, "set", "$.", 9, "no segments"),
        ({}, "set", "$...", 9, "no segments"),
        ({"a": {"b": 1}}, "delete", "$.a.b", None, "not a path"),
        ({"a": None}, "append", "$.a", 1, "null"),
        ({}, "remove", "a", 1, "no such key"),
        ({}, "remove", "$.a", 1, "no such key"),
        ({}, "remove", "$.a.b", 1, "nothing that could hold"),
        ({"a": 1}, "remove", "a", 1, "a number, not a list"),
        ({"a": {"b": {}}}, "remove", "$.a.b", 1, "an object, not a list"),
        ({"a": 1e308}, "increment", "a", 1e308, "beyond"),
        ({"a": 10**400}, "increment", "a", 1.5, "beyond"),
        ({}, "set", "__proto__", 1, "not allowed"),
        ({}, "set", "$.__proto__.x", 1, "not allowed"),
        ({"a": {}}, "set", "$.a.constructor", 1, "not allowed"),
        ({"a": {}}, "append", "$.a.prototype", 1, "not allowed"),
        ({"__proto__": 1}, "delete", "__proto__", None, "not allowed"),
        ({"a": 1}, "replace", "", {"__proto__": {}}, "not allowed"),
        ({"a": 1}, "replace", "", [1], "a list cannot take its place"),
        ({}, "multiply", "a", 2, "no operation 'multiply'"),
    ],
)  # fmt: skip
def test_what_cannot_be_applied_changes_nothing_and_says_why(
    before: Any, kind: str, key: str, value: Any, reason: str
) -> None:
    metadata, applied = after(before, kind, key, value)
    assert metadata == before
    assert not applied.changed
    assert reason in (applied.reason or "")


@pytest.mark.parametrize("key", ["constructor", "prototype", "a.__proto__"])
def test_names_that_only_paths_refuse(key: str) -> None:
    assert after({}, "set", key, 1) == ({key: 1}, Applied(True))


@pytest.mark.parametrize("kind", ["set", "append", "replace"])
def test_metadata_shares_nothing_with_the_operation(kind: str) -> None:
    metadata: dict[str, Any] = {}
    operation = op(kind, "a", {"a": {"n": 0}})
    sent = json.dumps(operation)
    apply(metadata, operation)
    apply(
        metadata,
        op("increment", {"set": "$.a.a.n", "append": "$.a.0.a.n", "replace": "$.a.n"}[kind], 1),
    )
    assert json.dumps(operation) == sent
    assert '"n": 1' in json.dumps(metadata)


def test_wildcards_share_nothing_between_places() -> None:
    metadata: dict[str, Any] = {"a": {"x": 0, "y": 0}}
    apply(metadata, op("set", "$.a.*", {"n": 0}))
    apply(metadata, op("increment", "$.a.x.n", 1))
    assert metadata == {"a": {"x": {"n": 1}, "y": {"n": 0}}}


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (True, True, True),
        (1, "1", False),
        (None, False, False),
        (None, None, True),
        ([1], [1.0], True),
        ([1], [True], False),
        ([], {}, False),
        ([], None, False),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": None}, {}, False),
        ([1, 2], [1], False),
    ],
)
def test_strict_equal(one: Any, other: Any, equal: bool) -> None:
    assert strict_equal(one, other) is strict_equal(other, one) is equal


# --- collapsing -------------------------------------------------------------------------------------


def test_collapse_sums_keeps_the_last_and_drops_repetitions() -> None:
    operations = [
        *[op("increment", "n", 1) for _ in range(10_000)],
        op("set", "s", 1),
        op("set", "s", 2),
        op("delete", "d"),
        op("delete", "d"),
    ]
    assert collapse(operations) == [
        op("increment", "n", 10_000),
        op("set", "s", 2),
        op("delete", "d"),
    ]


def test_a_sum_of_zero_is_kept() -> None:
    assert collapse([op("increment", "n", 1), op("increment", "n", -1)]) == [
        op("increment", "n", 0)
    ]


def test_interleaved_keys_collapse_each() -> None:
    pairs = [
        op(kind, key, 1) for _ in range(100) for kind, key in (("increment", "n"), ("set", "s"))
    ]
    assert collapse(pairs) == [op("increment", "n", 100), op("set", "s", 1)]


@pytest.mark.parametrize(
    "operations",
    [
        [op("set", "a", 1), op("increment", "a", 1), op("set", "a", 1)],
        [op("set", "a", {}), op("set", "$.a.b", 1), op("set", "a", {})],
        [op("increment", "a", 1), op("replace", "", {}), op("increment", "a", 1)],
        [op("increment", "a", 1), op("set", "$.*", 5), op("increment", "a", 1)],
        [op("append", "a", 1), op("append", "a", 1)],
        [op("remove", "a", 1), op("remove", "a", 1)],
        [op("increment", "a", 1e308), op("increment", "a", 1e308)],
        [op("set", "$.a.b", 1), op("set", "$.a.c", 1), op("set", "$.a.b", 2)],
    ],
)
def test_what_depends_on_order_is_left_alone(operations: list[dict[str, Any]]) -> None:
    assert collapse(operations) == operations


def test_collapse_changes_no_operation() -> None:
    operations = [op("increment", "n", 1), op("increment", "n", 2)]
    collapse(operations)
    assert operations == [op("increment", "n", 1), op("increment", "n", 2)]


# --- against a plain reference ----------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "1", "x"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
documents = st.dictionaries(st.sampled_from("abc"), values, max_size=3)
plain_keys = st.sampled_from(["a", "b", "c"])
paths = st.lists(st.sampled_from(["a", "b", "c", "0", "1", "*"]), min_size=1, max_size=3).map(
    lambda segments: "$." + ".".join(segments)
)


def operations_on(keys: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    with_value = st.builds(op, st.sampled_from(["set", "append", "remove"]), keys, values)
    counted = st.builds(op, st.just("increment"), keys, st.integers(-3, 3))
    dropped = st.builds(op, st.just("delete"), keys)
    replaced = st.builds(op, st.just("replace"), st.just(""), documents)
    return st.one_of(with_value, counted, dropped, replaced)


def expected_after(before: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """What section 2.4 says of a top-level key, written down as plainly as possible."""
    result = copy.deepcopy(before)
    kind, key, value = operation["type"], operation["key"], copy.deepcopy(operation["value"])
    old = result.get(key)
    if kind == "replace":
        return dict(value)
    if kind == "delete":
        result.pop(key, None)
    elif kind == "set":
        result[key] = value
    elif kind == "append":
        result[key] = (
            [value]
            if key not in result
            else [*old, value]
            if isinstance(old, list)
            else [old, value]
        )
    elif kind == "remove" and isinstance(old, list):
        result[key] = [
            item
            for item in old
            if json.dumps(item, sort_keys=True) != json.dumps(value, sort_keys=True)
        ]
    elif kind == "increment":
        result[key] = (old if isinstance(old, int) and not isinstance(old, bool) else 0) + value
    return result


@given(documents, operations_on(plain_keys))
def test_top_level_operations_agree_with_the_reference(
    before: dict[str, Any], operation: dict[str, Any]
) -> None:
    metadata = copy.deepcopy(before)
    applied = apply(metadata, operation)
    expected = expected_after(before, operation)
    assert strict_equal(metadata, expected)
    assert applied.changed is not strict_equal(before, expected)


@given(documents, st.lists(operations_on(plain_keys | paths), max_size=12))
def test_collapsed_operations_have_the_same_effect(
    before: dict[str, Any], operations: list[dict[str, Any]]
) -> None:
    one, other = copy.deepcopy(before), copy.deepcopy(before)
    for operation in operations:
        apply(one, operation)
    collapsed = collapse(operations)
    for operation in collapsed:
        apply(other, operation)
    assert strict_equal(one, other)
    assert len(collapsed) <= len(operations)


@given(documents, operations_on(plain_keys | paths))
def test_changed_and_reason_tell_the_truth(
    before: dict[str, Any], operation: dict[str, Any]
) -> None:
    metadata = copy.deepcopy(before)
    applied = apply(metadata, operation)
    assert applied.changed is not strict_equal(metadata, before)
    assert not (applied.changed and applied.reason)
    json.dumps(metadata)
