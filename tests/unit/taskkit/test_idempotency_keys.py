"""Keys to the byte, and how one is let go."""

import hashlib
from typing import Any

import pytest

import taskkit
from taskkit import Context, Retry, Task, idempotency_keys, task
from taskkit.backends.base import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import (
    InvalidIdempotencyKeyError,
    InvalidOptionError,
    UnsupportedByBackendError,
)
from taskkit.model.idempotency import IdempotencyKey

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("given", "hashed"),
    [
        ("my-task-key", "my-task-key"),
        ("", ""),
        ("0" * 64, "0" * 64),
        (["a", "b"], "a-b"),
        (("a", "b"), "a-b"),
        ([], ""),
        ("Grüße", "Grüße"),
        ("e\u0301", "e\u0301"),  # not the same as \u00e9
    ],
)
async def test_outside_of_a_task_the_scope_adds_nothing(given: Any, hashed: str) -> None:
    for scope in ("run", "attempt", "global"):
        assert idempotency_keys.create(given, scope) == sha256(hashed)


async def test_the_bytes_are_those_of_sha256() -> None:
    assert idempotency_keys.create("my-task-key", "global") == (
        "c26fcb6ec5f5cab2237d19b1f0bc369d7098dae5a9512d02da16d058d235bed6"
    )


async def test_inside_a_task_the_run_and_the_attempt_are_part_of_it() -> None:
    seen: list[dict[str, str]] = []

    @task(retry=Retry(2, 0, 0))
    async def work(ctx: Context) -> None:
        seen.append(
            {
                "default": idempotency_keys.create("k"),
                "run": idempotency_keys.create("k", scope="run"),
                "attempt": idempotency_keys.create(["k", "l"], scope="attempt"),
                "global": idempotency_keys.create("k", scope="global"),
            }
        )
        if ctx.attempt.number == 1:
            raise ValueError("once more")

    handle = await work.trigger()
    await handle.result()
    for attempt, keys in enumerate(seen, start=1):
        assert keys == {
            "default": sha256(f"k-{handle.id}"),
            "run": sha256(f"k-{handle.id}"),
            "attempt": sha256(f"k-l-{handle.id}-{attempt}"),
            "global": sha256("k"),
        }
    assert len(seen) == 2


async def test_a_key_is_a_text_that_knows_what_it_was_made_of() -> None:
    key = idempotency_keys.create(["a", "b"], scope="global")
    assert isinstance(key, str)
    assert isinstance(key, IdempotencyKey)
    assert (key.parts, key.scope, len(key)) == (("a", "b"), "global", 64)


@pytest.mark.parametrize("key", [5, None, {"a": 1}, ["a", 5], b"a", "x" * 2049])
async def test_what_is_no_key(key: Any) -> None:
    with pytest.raises(InvalidIdempotencyKeyError, match="The idempotency key "):
        idempotency_keys.create(key)


async def test_what_is_no_scope() -> None:
    with pytest.raises(InvalidOptionError) as caught:
        idempotency_keys.create("a", scope="task")  # type: ignore[arg-type]  # the mistake that is tested
    assert str(caught.value) == 'scope is \'task\': give "run", "attempt" or "global".'


# --- reset ------------------------------------------------------------------------------------------


def make_work() -> Task[None, None]:
    @task(id="work")
    async def work() -> None: ...

    return work


@pytest.mark.parametrize("by_id", [True, False])
async def test_reset_lets_go_of_a_key(by_id: bool) -> None:
    work = make_work()
    first = await work.trigger(idempotency_key="a")
    assert await idempotency_keys.reset("work" if by_id else work, "a") is True
    assert await idempotency_keys.reset("work" if by_id else work, "a") is False
    again = await work.trigger(idempotency_key="a")
    assert (again.is_cached, again.id != first.id) == (False, True)
    assert (await first.result()).ok  # the run itself is left alone


async def test_reset_takes_the_same_forms_of_a_key_as_a_trigger() -> None:
    work = make_work()
    for key in ("a", sha256("a"), idempotency_keys.create("a", scope="global")):
        await work.trigger(idempotency_key="a")
        assert await idempotency_keys.reset(work, key)


async def test_inside_a_task_a_raw_key_is_the_runs_own() -> None:
    work = make_work()
    await work.trigger(idempotency_key="a")

    @task()
    async def parent() -> list[bool]:
        await work.trigger(idempotency_key="a")
        return [
            await idempotency_keys.reset(work, "a"),
            await idempotency_keys.reset(work, "a"),
            await idempotency_keys.reset(work, idempotency_keys.create("a", scope="global")),
        ]

    assert (await (await parent.trigger()).result()).unwrap() == [True, False, True]


async def test_reset_of_what_is_no_task_or_no_key() -> None:
    with pytest.raises(InvalidOptionError, match="give a task or its id"):
        await idempotency_keys.reset(5, "a")
    with pytest.raises(InvalidIdempotencyKeyError):
        await idempotency_keys.reset("work", 5)  # type: ignore[arg-type]  # the mistake that is tested


async def test_reset_where_keys_are_not_kept() -> None:
    class Plain(MemoryBackend):
        capabilities = frozenset({Capability.LIST})

    with (
        taskkit.use_backend(Plain()),
        pytest.raises(UnsupportedByBackendError, match="Resetting an idempotency key"),
    ):
        await idempotency_keys.reset("work", "a")
