"""Queue names and limits."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from taskkit.errors import InvalidOptionError
from taskkit.model.queue import Queue, check_name


@pytest.mark.parametrize(
    "name",
    ["users", "a", "A-z_0/9", "task/sync-user", "x" * 128, "task/a.b:c", "task/" + "x" * 128],
)
def test_names_that_can_be_used(name: str) -> None:
    assert Queue(name).name == check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "x" * 129, "a b", "a\n", "größe", "a.b", "a:b", "task/a b", None, 3, b"users"]
)
def test_other_names_are_refused(name: Any) -> None:
    with pytest.raises(InvalidOptionError, match="The name of a queue is"):
        Queue(name)


@pytest.mark.parametrize("limit", [None, 0, 1, 10**6])
def test_concurrency_limits_that_can_be_used(limit: int | None) -> None:
    assert Queue("users", limit).concurrency_limit == limit


@pytest.mark.parametrize("limit", [-1, True, False, 1.0, "4"])
def test_other_concurrency_limits_are_refused(limit: Any) -> None:
    with pytest.raises(InvalidOptionError, match="concurrency_limit of a queue is"):
        Queue("users", limit)


@pytest.mark.parametrize("length", [0, -1, True, 1.0, "4"])
def test_a_queue_holds_at_least_one(length: Any) -> None:
    assert Queue("users", max_length=1).max_length == 1
    with pytest.raises(InvalidOptionError, match="max_length of a queue is"):
        Queue("users", max_length=length)


def test_queue_is_a_value() -> None:
    assert Queue("users", 4) == Queue("users", concurrency_limit=4)
    assert len({Queue("users", 4), Queue("users", 4), Queue("users", 5)}) == 2
    with pytest.raises(FrozenInstanceError):
        Queue("users").name = "other"  # type: ignore[misc]  # frozen is what is tested
