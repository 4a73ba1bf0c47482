"""Metadata of a run after any flushes, each sent once or more, against a model of ten lines."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given, strategies as st

from taskkit.backends.memory import MemoryBackend
from taskkit.model.exchange import Entry, EntryKind
from taskkit.model.metadata_operations import collapse
from taskkit.model.request import TriggerRequest

NOW = datetime(2030, 1, 1, tzinfo=UTC)
Operation = dict[str, Any]

values = st.sampled_from([None, True, False, 0, 1, 1.0, 2, "", "1", [1], [True], {"n": 1}])
keys = st.sampled_from(["a", "b"])


def operation(kind: str, key: str, value: Any = None) -> Operation:
    return {"type": kind, "key": key, "value": value}


operations = st.one_of(
    st.builds(operation, st.sampled_from(["set", "append", "remove"]), keys, values),
    st.builds(operation, st.just("increment"), keys, st.integers(-2, 2)),
    st.builds(operation, st.just("delete"), keys),
)


class Flush:
    """Some operations under one id, and how often they are sent."""

    def __init__(self, operations: Sequence[Operation], times: int) -> None:
        self.operations = operations
        self.times = times

    def __repr__(self) -> str:
        return f"Flush({self.operations}, {self.times})"


flushes = st.lists(
    st.builds(Flush, st.lists(operations, max_size=5), st.integers(1, 3)), max_size=5
)


def written(value: Any) -> str:
    """A value with its types, but that 1 and 1.0 are one number, as in JSON."""
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{written(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return repr(value)


def change(document: dict[str, Any], operation: Operation) -> None:
    kind, key, value = operation["type"], operation["key"], operation["value"]
    old, there = document.get(key), key in document
    if kind == "delete":
        document.pop(key, None)
    elif kind == "set":
        document[key] = value
    elif kind == "append":
        document[key] = [*(old if isinstance(old, list) else [old] if there else []), value]
    elif kind == "remove" and isinstance(old, list):
        document[key] = [item for item in old if written(item) != written(value)]
    elif kind == "increment":
        counts = type(old) in (int, float)
        document[key] = (old if counts else 0) + value


async def kept(flushes: Sequence[Flush], *, collapsed: bool) -> dict[str, Any]:
    """What the backend makes of it."""
    backend = MemoryBackend()
    await backend.open()
    request = TriggerRequest("run_1", "task", None, "queue")
    await backend.enqueue([request], batch_id=None, now=NOW)
    for number, flush in enumerate(flushes):
        sent = collapse(flush.operations) if collapsed else flush.operations
        entries = [Entry(EntryKind.METADATA, operation) for operation in sent]
        for _ in range(flush.times):
            await backend.append("run_1", entries, flush_id=f"flush_{number}", lease=None)
    (run,) = await backend.get(["run_1"])
    await backend.close()
    assert run is not None
    return run.metadata


@given(flushes, st.booleans())
@example([Flush([operation("append", "a", 1), operation("remove", "a", True)], 1)], False)
@example([Flush([operation("set", "a", True), operation("increment", "a", 1)], 1)], True)
@example([Flush([operation("set", "a", 1), operation("set", "a", True)], 1)], True)
@example([Flush([operation("increment", "a", 1)] * 2, 2)], True)
def test_each_flush_counts_once_and_in_order(flushes: list[Flush], collapsed: bool) -> None:
    expected: dict[str, Any] = {}
    for flush in flushes:
        for one in flush.operations:
            change(expected, one)
    assert written(asyncio.run(kept(flushes, collapsed=collapsed))) == written(expected)
