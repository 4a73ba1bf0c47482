"""How large and how deep JSON data may be."""

import pytest

from taskkit.errors import PayloadTooLargeError
from taskkit.model.codec import DEPTH_LIMIT, check_size


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def test_the_deepest_that_is_allowed() -> None:
    check_size(nested(DEPTH_LIMIT), 1000, "The payload")


def test_one_level_more_is_refused_in_words_about_depth() -> None:
    data = nested(DEPTH_LIMIT + 1)
    with pytest.raises(PayloadTooLargeError, match=f"deeper than {DEPTH_LIMIT} levels") as caught:
        check_size(data, 1000, "The payload")
    assert (caught.value.size, caught.value.limit) == (len(data), 1000)


def test_brackets_in_a_text_are_no_levels() -> None:
    check_size(b'["' + b"[" * 100 + b'\\"{{"]', 1000, "The payload")


def test_many_shallow_lists_are_not_deep() -> None:
    check_size(b"[" + b",".join([b"[]"] * 100) + b"]", 1000, "The payload")


def test_one_byte_too_many() -> None:
    with pytest.raises(PayloadTooLargeError, match=r"takes 1,001 bytes as JSON, 1,000 are allowed"):
        check_size(b" " * 1001, 1000, "The payload")
