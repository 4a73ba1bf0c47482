"""What a run says while it goes on: metadata, logs, streams, tags, memos."""

import asyncio
import logging
from typing import Any

import pytest

from taskkit import Context, Retry, logger, memo, metadata, runs, streams, tags, task
from taskkit.errors import PayloadTooLargeError, RunNotFoundError

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]
ON_TEMPORAL_TOO = pytest.mark.parametrize(
    "work", ["memory", "sqlite", "postgres", "temporal"], indirect=True
)


@ON_TEMPORAL_TOO
async def test_metadata_of_each_kind_is_stored_in_order() -> None:
    @task(id="says")
    async def says() -> dict[str, Any]:
        metadata.set("a", 1).increment("a", 2).decrement("a").append("list", "x")
        metadata.append("list", {"y": [None]}).remove("list", "x").set("$.deep.er", 1)
        metadata.set("gone", 1).delete("gone").set("deep", {"er": 0}).set("$.deep.er", "ü\u0000")
        await metadata.flush()
        metadata.set("last", True)
        return metadata.current()

    handle = await says.trigger(metadata={"first": [1.5], "a": 10})
    seen = (await handle.result()).unwrap()
    assert seen == {
        "first": [1.5],
        "a": 2,
        "list": [{"y": [None]}],
        "deep": {"er": "ü\u0000"},
        "last": True,
    }
    assert (await handle.retrieve()).metadata == seen


async def test_children_write_to_parent_and_root_and_nothing_is_lost() -> None:
    @task(id="leaf")
    async def leaf(number: int) -> None:
        metadata.parent.increment("leaves").append("numbers", number)
        metadata.root.increment("all")
        if number % 2:
            await metadata.parent.flush()

    @task(id="branch")
    async def branch(size: int) -> Any:
        metadata.root.increment("all")
        await leaf.batch_trigger_and_wait(range(size))
        metadata.increment("own")

    @task(id="root")
    async def root() -> None:
        await asyncio.gather(branch.trigger_and_wait(100), branch.trigger_and_wait(100))
        metadata.increment("all")

    handle = await root.trigger()
    assert (await handle.result()).ok
    assert (await handle.retrieve()).metadata == {"all": 203}
    async for run in runs.list(task=branch):
        assert sorted(run.metadata["numbers"]) == list(range(100))
        assert (run.metadata["leaves"], run.metadata["own"]) == (100, 1)


@ON_TEMPORAL_TOO
async def test_metadata_is_kept_by_an_attempt_that_fails_and_tracked() -> None:
    @task(id="tries", retry=Retry(max_attempts=2, min_timeout=0))
    async def tries(ctx: Context) -> None:
        metadata.append("attempts", ctx.attempt.number)
        for _ in metadata.track(range(4)):
            if ctx.attempt.number == 1 and metadata.get("progress") == 0.5:
                raise ValueError("half way")

    handle = await tries.trigger()
    assert (await handle.result()).ok
    assert (await handle.retrieve()).metadata == {"attempts": [1, 2], "progress": 1}


@ON_TEMPORAL_TOO
async def test_metadata_has_a_limit_and_does_nothing_outside_of_a_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @task(id="much")
    async def much() -> str:
        with pytest.raises(PayloadTooLargeError, match="262,144"):
            metadata.set("much", "x" * 300_000)
        metadata.set("enough", "x" * 200_000)
        return "done"

    handle = await much.trigger()
    assert (await handle.result()).output == "done"
    assert len((await handle.retrieve()).metadata["enough"]) == 200_000
    with caplog.at_level(logging.WARNING):
        metadata.set("x", 1)
    assert metadata.current() == {}
    assert "outside of a run" in caplog.text


@ON_TEMPORAL_TOO
async def test_logs_are_read_back_in_order() -> None:
    @task(id="logs", retry=Retry(max_attempts=2, min_timeout=0))
    async def logs(ctx: Context) -> None:
        logger.info("first", {"n": 1}, more="ü")
        logger.debug("too quiet")
        with logger.trace("part"):
            logger.warn("second")
        if ctx.attempt.number == 1:
            raise ValueError("again")
        for number in range(250):
            logger.log("many", number=number)

    handle = await logs.trigger()
    assert (await handle.result()).ok
    entries = [entry.data async for entry in runs.logs(handle.id)]
    assert entries[0]["level"] == "info"
    assert entries[0]["message"] == "first"
    assert entries[0]["properties"] == {"n": 1, "more": "ü"}
    said = [entry["message"] for entry in entries]
    assert "too quiet" not in said
    assert [entry["attempt"] for entry in entries if entry["message"] == "second"] == [1, 2]
    many = [entry["properties"]["number"] for entry in entries if entry["message"] == "many"]
    assert many == list(range(250))


@ON_TEMPORAL_TOO
async def test_a_stream_is_read_while_it_is_written_and_afterwards() -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    @task(id="speaks")
    async def speaks() -> int:
        async def words() -> Any:
            yield {"word": "one"}
            assert await heard.get() == "one"  # the reader has it while this goes on
            yield {"word": "two"}
            assert await heard.get() == "two"

        return await streams.pipe("words", words()) + await streams.pipe("numbers", range(1500))

    handle = await speaks.trigger()
    read: list[str] = []
    async for part in streams.read(handle.id, "words"):
        read.append(part["word"])
        heard.put_nowait(part["word"])
    assert read == ["one", "two"]
    assert (await handle.result()).output == 1502
    assert [part async for part in streams.read(handle.id, "numbers")] == list(range(1500))
    assert [part async for part in streams.read(handle.id, "silence")] == []
    with pytest.raises(RunNotFoundError):
        await anext(aiter(streams.read("run_nowhere", "words")))


@ON_TEMPORAL_TOO
async def test_tags_that_are_added_while_it_runs(caplog: pytest.LogCaptureFixture) -> None:
    @task(id="tags")
    async def tagged(ctx: Context) -> None:
        await tags.add("red")
        await tags.add(["red", "blue", *(f"t{n}" for n in range(12))])

    handle = await tagged.trigger(tags=["given"])
    assert (await handle.result()).ok
    run = await handle.retrieve()
    assert run.tags == ("given", "red", "blue", *(f"t{n}" for n in range(7)))
    while not (found := [one.id async for one in runs.list(tag="blue")]):  # a list may lag
        pass
    assert found == [run.id]
    assert "at most 10 tags" in caplog.text


@ON_TEMPORAL_TOO
async def test_a_memo_is_made_once_for_all_attempts() -> None:
    made: list[str] = []

    def make() -> dict[str, int]:
        made.append("x")
        return {"number": len(made)}

    async def fails() -> None:
        made.append("failed")
        raise ValueError("no")

    @task(id="remembers", retry=Retry(max_attempts=3, min_timeout=0))
    async def remembers(ctx: Context) -> Any:
        kept = await memo("kept", make)
        with pytest.raises(ValueError, match="no"):
            await memo("fails", fails)
        if ctx.attempt.number < 3:
            raise ValueError("again")
        return kept

    assert (await (await remembers.trigger()).result()).output == {"number": 1}
    assert made == ["x", "failed", "failed", "failed"]
