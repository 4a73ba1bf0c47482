"""What is appended to a run: metadata, logs, streams, tags, memos; and reading it back."""

from __future__ import annotations

from taskkit.backends.base import Backend, Capability
from taskkit.errors import LeaseLostError, RunNotFoundError
from taskkit.model.exchange import Completed, Entry, EntryKind, Released, RetryAt
from taskkit.model.ids import new_id, new_run_id
from taskkit.testing.conformance.check import check, expect, expect_error
from taskkit.testing.conformance.trial import ERROR, LEASE, TWO, Trial

_LOGS, _METADATA = Capability.LOGS, Capability.METADATA
_DATA: dict[str, object] = {
    "text": '\u2603 \U0001f600 \\ "',
    "none": None,
    "list": [1, 2.5, True, {"a": []}],
}
_MOST_PAGES = 10
"""Pages after which a reader stops that a backend leads in circles."""


def _log(data: object) -> Entry:
    return Entry(EntryKind.LOG, data)


def _set(key: str, value: object) -> Entry:
    return Entry(EntryKind.METADATA, {"type": "set", "key": key, "value": value})


def _do(kind: str, key: str, value: object) -> Entry:
    return Entry(EntryKind.METADATA, {"type": kind, "key": key, "value": value})


# --- flushes ------------------------------------------------------------------------------------


@check("Backend.append", _LOGS, protocol=Backend)
async def a_flush_counts_once(trial: Trial) -> None:
    """The same flush id again adds nothing; another one with the same entries does."""
    run_id, flush_id = await trial.add(), new_id("flush")
    for flush in (flush_id, flush_id, new_id("flush")):
        await trial.append(run_id, _log("a"), _log("b"), flush_id=flush)
    expect("the logs", await trial.data(run_id, EntryKind.LOG), ["a", "b", "a", "b"])


@check("Backend.append", _METADATA, protocol=Backend)
async def a_flush_of_metadata_counts_once(trial: Trial) -> None:
    """An increment that is sent again under its flush id is added once."""
    run_id, flush_id = await trial.add(), new_id("flush")
    for flush in (flush_id, flush_id, new_id("flush")):
        await trial.append(run_id, _do("increment", "count", 2), flush_id=flush)
    expect("the metadata", (await trial.run(run_id)).metadata, {"count": 4})


@check("Backend.append", _LOGS, protocol=Backend)
async def an_append_to_an_unknown_run_is_refused(trial: Trial) -> None:
    """Appending to a run that does not exist is RunNotFoundError."""
    call = trial.append(new_run_id(), _log("a"))
    await expect_error("append to an unknown run", RunNotFoundError, call)


@check("Backend.append", _LOGS)
async def what_was_appended_survives_the_lease(trial: Trial) -> None:
    """Entries of a worker that died are kept, and those of the next one follow."""
    lease = await trial.start()
    run_id = lease.run.id
    await trial.append(run_id, _log("before"), lease=lease)
    trial.later(LEASE + 1)
    again = await trial.take(run_id, TWO)
    await trial.append(run_id, _log("after"), lease=again)
    await trial.settle(again, Completed(b"1"))
    expect("the logs", await trial.data(run_id, EntryKind.LOG), ["before", "after"])


@check("Backend.append", _METADATA)
async def metadata_survives_the_lease(trial: Trial) -> None:
    """The next lease on a run brings the metadata that the one before has written."""
    lease = await trial.start(metadata={"step": 1})
    expect("the metadata of the first lease", lease.run.metadata, {"step": 1})
    await trial.append(lease.run.id, _set("step", 2), lease=lease)
    await trial.settle(lease, Released())
    again = await trial.take(lease.run.id, TWO)
    expect("the metadata of the second lease", again.run.metadata, {"step": 2})


@check("Backend.append", _METADATA)
async def anybody_may_append_without_a_lease(trial: Trial) -> None:
    """Without a lease nothing is fenced: a child writes to its parent, held by whomever or over."""
    lease = await trial.start()
    await trial.append(lease.run.id, _set("child", 1))
    await trial.settle(lease, Completed(b"1"))
    await trial.append(lease.run.id, _set("other", 2))
    run = await trial.run(lease.run.id)
    came = (run.status, run.metadata)
    expect("status and metadata", came, ("COMPLETED", {"child": 1, "other": 2}))


# --- metadata -----------------------------------------------------------------------------------


@check("Backend.enqueue", _METADATA, protocol=Backend)
async def a_run_begins_with_the_metadata_of_its_request(trial: Trial) -> None:
    """Metadata given at trigger is there at once, and belongs to this run alone."""
    shared: dict[str, object] = {"steps": [1], **_DATA}
    first, second = [await trial.add(metadata=shared) for _ in range(2)]
    plain = await trial.add()
    await trial.append(first, _do("append", "steps", 2))
    came = [(await trial.run(run_id)).metadata for run_id in (first, second, plain)]
    expected = [{**_DATA, "steps": [1, 2]}, {**_DATA, "steps": [1]}, {}]
    expect("the metadata of three runs", came, expected)
    expect("the dict that was given", shared, {**_DATA, "steps": [1]})


@check("Backend.append", _METADATA, protocol=Backend)
async def metadata_operations_are_applied_in_order(trial: Trial) -> None:
    """The operations of a flush and of the flushes after it take effect one after the other."""
    run_id = await trial.add(metadata={"old": 1})
    await trial.append(
        run_id,
        _do("replace", "", {"list": []}),
        _do("append", "list", "a"),
        _do("append", "list", "b"),
        _set("count", 5),
        _do("increment", "count", 2),
        _set("gone", True),
        Entry(EntryKind.METADATA, {"type": "delete", "key": "gone"}),
        _do("remove", "list", "a"),
        _set("deep", {}),
        _set("$.deep.er", _DATA),
    )
    await trial.append(run_id, _set("last", 1))
    await trial.append(run_id, _set("last", 2))
    expected = {"list": ["b"], "count": 7, "deep": {"er": _DATA}, "last": 2}
    expect("the metadata", (await trial.run(run_id)).metadata, expected)


# --- reading ------------------------------------------------------------------------------------


@check("Backend.read", _LOGS, protocol=Backend)
async def entries_are_read_page_by_page(trial: Trial) -> None:
    """Oldest first, numbered from 1 within a run and kind; the cursor leads on until the last page."""
    run_id = await trial.add()
    await trial.append(run_id, *(_log(number) for number in range(3)))
    await trial.append(run_id, *(_log(number) for number in range(3, 5)))
    pages: list[list[object]] = []
    positions: list[int] = []
    cursor: int | str | None = None
    for _ in range(3):
        after = positions[-1] if positions else 0
        page = await trial.backend.read(run_id, EntryKind.LOG, key=None, after=after, limit=2)
        pages.append([entry.data for entry in page.items])
        positions += [entry.position for entry in page.items]
        cursor = page.cursor
    expect("three pages of 2", pages, [[0, 1], [2, 3], [4]])
    expect("the positions", positions, [1, 2, 3, 4, 5])
    expect("the cursor after the last page", cursor, None)
    first = await trial.backend.read(run_id, EntryKind.LOG, key=None, after=0, limit=2)
    expect("the cursor of the first page", first.cursor, 2)
    whole = await trial.backend.read(run_id, EntryKind.LOG, key=None, after=0, limit=5)
    expect("the cursor of a page that holds everything", whole.cursor, None)


@check("Backend.read", _LOGS, protocol=Backend)
async def an_entry_comes_back_as_it_was_appended(trial: Trial) -> None:
    """Data, key and moment of an entry are kept."""
    run_id = await trial.add()
    entry = Entry(EntryKind.LOG, _DATA, "a key", trial.moment)
    await trial.append(run_id, entry)
    page = await trial.backend.read(run_id, EntryKind.LOG, key=None, after=0, limit=1)
    came = [(one.kind, one.data, one.key, one.at) for one in page.items]
    expect("the entry", came, [(EntryKind.LOG, _DATA, "a key", trial.moment)])


@check("Backend.read", Capability.STREAMS, protocol=Backend)
async def a_stream_is_read_by_its_key(trial: Trial) -> None:
    """Parts of one stream come in order and without those of another; no key means all."""
    run_id, other = await trial.add(), await trial.add()
    for number, key in enumerate("abab"):
        await trial.append(run_id, Entry(EntryKind.STREAM, number, key))
    await trial.append(other, Entry(EntryKind.STREAM, 9, "a"))
    came = [await trial.data(run_id, EntryKind.STREAM, key) for key in ("a", "b", "c", None)]
    expect("the parts of a, b, c, all", came, [[0, 2], [1, 3], [], [0, 1, 2, 3]])


@check("Backend.read", Capability.MEMO, protocol=Backend)
async def a_memo_is_read_by_its_key(trial: Trial) -> None:
    """A memo is found under its key, and kinds do not mix."""
    run_id = await trial.add()
    await trial.append(run_id, Entry(EntryKind.MEMO, _DATA, "step"))
    came = [await trial.data(run_id, EntryKind.MEMO, key) for key in ("step", "else")]
    came.append(await trial.data(run_id, EntryKind.STREAM, "step"))
    expect("the memo, another key, another kind", came, [[_DATA], [], []])


@check("Backend.read", Capability.STREAMS, protocol=Backend)
async def a_stream_is_read_on_from_a_position(trial: Trial) -> None:
    """A reader that knows a position of its stream gets what follows it, also parts that came since."""
    run_id = await trial.add()
    for number, key in enumerate("abbab"):
        await trial.append(run_id, Entry(EntryKind.STREAM, number, key))
    seen: list[object] = []
    after = 0
    for more in (None, 5, 6):
        if more is not None:
            await trial.append(run_id, Entry(EntryKind.STREAM, more, "b"))
        for _ in range(_MOST_PAGES):
            page = await trial.backend.read(run_id, EntryKind.STREAM, key="b", after=after, limit=2)
            seen += [entry.data for entry in page.items]
            after = page.items[-1].position if page.items else after
            if page.cursor is None:
                break
    expect("the parts of b, read as they came", seen, [1, 2, 4, 5, 6])


@check("Backend.append", Capability.STREAMS)
async def a_stream_survives_the_lease(trial: Trial) -> None:
    """Parts of an attempt that was retried are kept, and those of the next one follow."""
    lease = await trial.start()
    run_id = lease.run.id
    await trial.append(run_id, Entry(EntryKind.STREAM, "first", "key"), lease=lease)
    await trial.settle(lease, RetryAt(trial.moment, ERROR))
    again = await trial.take(run_id)
    await trial.append(run_id, Entry(EntryKind.STREAM, "second", "key"), lease=again)
    await trial.settle(again, Completed(b"1"))
    came = await trial.data(run_id, EntryKind.STREAM, "key")
    expect("the parts", came, ["first", "second"])


@check("Backend.append", Capability.MEMO)
async def a_memo_survives_the_attempt(trial: Trial) -> None:
    """What one attempt has kept the next one reads, and so does one that begins after a death."""
    lease = await trial.start()
    run_id = lease.run.id
    await trial.append(run_id, Entry(EntryKind.MEMO, _DATA, "step"), lease=lease)
    await trial.settle(lease, RetryAt(trial.moment, ERROR))
    again = await trial.take(run_id)
    expect("attempt and delivery", (again.attempt, again.delivery > 1), (2, True))
    expect("the memo of attempt 2", await trial.data(run_id, EntryKind.MEMO, "step"), [_DATA])
    trial.later(LEASE + 1)
    await trial.take(run_id, TWO)
    expect("the memo after a death", await trial.data(run_id, EntryKind.MEMO, "step"), [_DATA])


@check("Backend.append", Capability.MEMO)
async def a_memo_is_kept_once(trial: Trial) -> None:
    """Of two memos under one flush id the first is kept, also where another lease sends the second."""
    lease = await trial.start()
    run_id, flush_id = lease.run.id, new_id("flush")
    first, second = Entry(EntryKind.MEMO, "first", "step"), Entry(EntryKind.MEMO, "second", "step")
    await trial.append(run_id, first, lease=lease, flush_id=flush_id)
    await trial.settle(lease, Released())
    again = await trial.take(run_id)
    await trial.append(run_id, second, lease=again, flush_id=flush_id)
    expect("the memos", await trial.data(run_id, EntryKind.MEMO, "step"), ["first"])
    call = trial.append(run_id, Entry(EntryKind.MEMO, "late", "step"), lease=lease)
    await expect_error("a memo under an old token", LeaseLostError, call)
    expect("the memos after it", await trial.data(run_id, EntryKind.MEMO, "step"), ["first"])


@check("Backend.append", Capability.TAGS)
async def tags_survive_the_attempt(trial: Trial) -> None:
    """The lease of the next attempt brings the tags that the one before has added."""
    lease = await trial.start(tags=("asked",))
    await trial.append(lease.run.id, Entry(EntryKind.TAG, "added"), lease=lease)
    await trial.settle(lease, RetryAt(trial.moment, ERROR))
    again = await trial.take(lease.run.id)
    expect("the tags of attempt 2", again.run.tags, ("asked", "added"))


@check("Backend.append", Capability.TAGS, protocol=Backend)
async def tags_are_added_to_a_run(trial: Trial) -> None:
    """A tag that is appended stands behind those of the request, once."""
    run_id = await trial.add(tags=("one",))
    for tag in ("two", "one", "two", "thr\u00e9e"):
        await trial.append(run_id, Entry(EntryKind.TAG, tag))
    expect("the tags", (await trial.run(run_id)).tags, ("one", "two", "thr\u00e9e"))
