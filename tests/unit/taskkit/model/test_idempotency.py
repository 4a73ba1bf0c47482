"""Keys are hashed as Trigger.dev hashes them."""

import copy
import pickle
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, strategies as st

from taskkit.errors import InvalidIdempotencyKeyError
from taskkit.model.idempotency import IdempotencyKey, as_key, hash_key, is_hashed, make_key

DIGITS = "0123456789abcdef" * 4


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("parts", "suffix", "text"),
    [
        (["my-task-key"], [], "my-task-key"),
        (["my-task-key"], ["run_1"], "my-task-key-run_1"),
        (["my-task-key"], ["run_1", "2"], "my-task-key-run_1-2"),
        (["a", "b"], [], "a-b"),
        (["a-b"], [], "a-b"),
        ([], [], ""),
        ([], ["run_1"], "run_1"),
        ([""], ["run_1"], "-run_1"),
        (["ключ", "🔑"], [], "ключ-🔑"),
    ],
)
def test_hash_is_of_the_joined_parts(parts: list[str], suffix: list[str], text: str) -> None:
    assert hash_key(parts, suffix) == digest(text)


def test_known_digest() -> None:
    assert hash_key([], []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_no_unicode_normalisation() -> None:
    assert hash_key(["\u00e9"], []) != hash_key(["e\u0301"], [])


@pytest.mark.parametrize("key", ["k", "", DIGITS, ["a", "b"], ("a",), []])
def test_create_always_hashes(key: Any) -> None:
    made = make_key(key, ["run_1"], "run")
    parts = (key,) if isinstance(key, str) else tuple(key)
    assert made == digest("-".join([*parts, "run_1"]))
    assert (made.parts, made.scope) == (parts, "run")


def test_trigger_option_is_hashed_unless_it_is() -> None:
    made = make_key("k", ["run_1"], "run")
    assert as_key(made, "run_2") == made
    assert type(as_key(made, "run_2")) is str
    assert as_key(DIGITS, "run_2") == DIGITS
    assert as_key("k", None) == digest("k")
    assert as_key("k", "run_2") == digest("k-run_2")
    assert as_key(["a", "b"], "run_2") == digest("a-b-run_2")
    assert as_key("", None) == digest("")


@pytest.mark.parametrize(
    "text",
    [DIGITS.upper(), DIGITS[:-1], DIGITS + "0", DIGITS + "\n", DIGITS[:-1] + "g", "٣" * 64, ""],
)
def test_what_only_looks_hashed_is_hashed(text: str) -> None:
    assert not is_hashed(text)
    assert as_key(text, None) == digest(text)


@pytest.mark.parametrize(
    "key", [b"k", 5, None, True, {"a"}, {"a": 1}, [1], ["a", b"b"], ("a", None), (c for c in "ab")]
)
def test_only_text_can_be_a_key(key: Any) -> None:
    for call in (lambda: make_key(key, [], "global"), lambda: as_key(key, None)):
        with pytest.raises(InvalidIdempotencyKeyError, match=r"The idempotency key (is|holds) "):
            call()


@pytest.mark.parametrize("key", ["x" * 2049, ["x" * 1024, "x" * 1024], ["x"] * 1025])
def test_a_key_has_at_most_2048_characters(key: Any) -> None:
    with pytest.raises(InvalidIdempotencyKeyError, match="2,048 are allowed"):
        as_key(key, None)


def test_longest_keys() -> None:
    assert as_key("x" * 2048, None) == digest("x" * 2048)
    assert as_key(["x" * 1024, "x" * 1023], "run_1") == digest(
        "x" * 1024 + "-" + "x" * 1023 + "-run_1"
    )


@pytest.mark.parametrize("key", ["\ud800", ["a", "b\udfff"]])
def test_lone_surrogates_are_no_text(key: Any) -> None:
    with pytest.raises(InvalidIdempotencyKeyError, match="surrogate"):
        make_key(key, [], "global")


def test_key_survives_pickle_and_copy() -> None:
    made = make_key(["a", "b"], ["run_1"], "run")
    for twin in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        assert type(twin) is IdempotencyKey
        assert (twin, twin.parts, twin.scope) == (made, ("a", "b"), "run")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=5))
def test_a_list_is_its_parts_joined(parts: list[str]) -> None:
    assert make_key(parts, [], "global") == make_key("-".join(parts), [], "global")
    assert is_hashed(make_key(parts, [], "global"))
