"""A question back and its answer: what a token carries, and what no token may do."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.clarifying import Asked, asked_by
from buster_tasks.analyst.errors import InvalidTokenError


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_token_brings_back_what_was_asked(question: str, back: str) -> None:
    asked = Asked(question=question, asked=back)
    assert asked_by(asked.token()) == asked


def test_a_token_is_safe_in_addresses() -> None:
    token = Asked(question="?" * 50, asked="ÿ>>>" * 20).token()
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")


def test_the_longest_question_comes_back_whole() -> None:
    asked = Asked(question="é" * 30_000, asked="Which?")
    assert asked_by(asked.token()) == asked


def coded(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode()


HOSTILE = [
    "",
    "not a token",
    "é",
    "\0",
    "====",
    "A" * 1_000_000,
    coded({}),
    coded({"question": "a"}),
    coded({"question": 1, "asked": 2}),
    coded({"question": "a", "asked": "b", "tables": ["secrets"]}),
    coded(["a", "b"]),
    coded("[" * 10_000),
    base64.urlsafe_b64encode(b"[" * 9_000).decode(),
    base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    Asked(question="a", asked="b").token()[:-6],
]


@pytest.mark.parametrize("at", range(len(HOSTILE)))
def test_a_text_that_is_no_token_is_wrong_input(at: int) -> None:
    with pytest.raises(InvalidTokenError) as caught:
        asked_by(HOSTILE[at])
    assert caught.value.code == "INVALID_INPUT"
    assert len(str(caught.value)) < 200


@given(st.text())
def test_no_text_does_anything_else(token: str) -> None:
    with suppress(InvalidTokenError):
        assert isinstance(asked_by(token), Asked)
