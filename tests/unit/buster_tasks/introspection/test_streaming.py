"""An introspection as a stream of the run: parts of bounded size, and each attempt apart."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

import taskkit
from buster_tasks.introspection.streaming import STREAM_LIMIT, stream, text_parts
from buster_tasks.sources.schema import Database, Introspection
from taskkit import Context, Retry, streams, task

FOUND = Introspection(
    data_source_name="shop",
    data_source_type="sqlite",
    databases=[Database(name=f"d{number}", comment="größe" * 100) for number in range(300)],
    introspected_at=datetime(2026, 3, 1, tzinfo=UTC),
)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_the_parts_are_the_whole(chunks: list[str]) -> None:
    assert "".join(text_parts(chunk.encode() for chunk in chunks)) == "".join(chunks)


def test_parts_have_one_size_however_the_chunks_come() -> None:
    chunks = [b"a" * 200_000, b"b", "ü".encode() * 70_000, b""]
    parts = list(text_parts(chunks))
    assert [len(part) for part in parts[:-1]] == [64 * 1024] * 4
    assert 0 < len(parts[-1]) < 64 * 1024
    assert list(text_parts([])) == []


@pytest.mark.anyio
async def test_a_later_attempt_has_a_stream_of_its_own() -> None:
    @task(id="streams-introspection", retry=Retry(max_attempts=2, min_timeout=0, max_timeout=0))
    async def streaming(payload: None, ctx: Context) -> str | None:
        key = await stream(FOUND, 1, ctx.attempt.number)
        if ctx.attempt.number == 1:
            raise ValueError("after the stream was sent")
        return key

    async with taskkit.local():
        handle = await streaming.trigger(None)
        assert (await handle.result()).unwrap() == "introspection/2"
        for key in ("introspection", "introspection/2"):
            text = "".join([part async for part in streams.read(handle.id, key)])
            assert Introspection.model_validate_json(text) == FOUND


@pytest.mark.anyio
async def test_what_is_too_large_is_not_begun() -> None:
    @task(id="streams-nothing")
    async def streaming(payload: None) -> str | None:
        return await stream(FOUND, STREAM_LIMIT + 1, 1)

    async with taskkit.local():
        handle = await streaming.trigger(None)
        assert (await handle.result()).unwrap() is None
        assert [part async for part in streams.read(handle.id, "introspection")] == []
