"""Idempotency keys, hashed a second time from bytes."""

from collections.abc import Sequence
from hashlib import sha256

from hypothesis import given, strategies as st

from taskkit.model.idempotency import as_key, hash_key, make_key

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
parts = st.lists(text, max_size=5)
run_ids = st.from_regex(r"\Arun_[0-9a-f]{16}\Z")


def digest(pieces: Sequence[str]) -> str:
    """The bytes of each piece as they are, with the byte of a hyphen in between."""
    hashed = sha256()
    for number, piece in enumerate(pieces):
        hashed.update((b"-" if number else b"") + piece.encode("utf-8"))
    return hashed.hexdigest()


@given(parts, parts)
def test_a_hash_is_of_these_bytes(key: list[str], suffix: list[str]) -> None:
    assert hash_key(key, suffix) == digest([*key, *suffix])


@given(parts, run_ids)
def test_a_made_key_is_given_on_as_it_is(key: list[str], run_id: str) -> None:
    made = make_key(key, [run_id], "run")
    assert made == digest([*key, run_id])
    assert as_key(made, "run_0") == made
    assert as_key(str(made), "run_0") == made


@given(text.filter(bool), run_ids, run_ids)
def test_a_plain_key_counts_within_its_run(key: str, one: str, other: str) -> None:
    assert as_key(key, one) == digest([key, one])
    assert (as_key(key, one) == as_key(key, other)) is (one == other)
    assert as_key(key, None) == digest([key])


@given(text, text)
def test_two_keys_are_one_only_if_their_bytes_are(one: str, other: str) -> None:
    assert (as_key(one, None) == as_key(other, None)) is (one.encode() == other.encode())
