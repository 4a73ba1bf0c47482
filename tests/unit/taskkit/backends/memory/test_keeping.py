"""What the memory backend keeps, and what it lets go of."""

import pytest

from taskkit.backends.memory import MemoryBackend
from taskkit.backends.memory.timers import Timers
from taskkit.backends.memory.tokens import Tokens
from taskkit.errors import TokenNotFoundError
from taskkit.model.exchange import Entry, EntryKind, Token
from taskkit.model.request import TriggerRequest
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio

MANY = 20_001


async def kept_of(kind: EntryKind) -> list[int]:
    """The positions that are left of many entries, and that a reader finds who knows one in their midst."""
    backend = MemoryBackend()
    request = TriggerRequest("run_own", "task", None, "queue")
    await backend.enqueue([request], batch_id=None, now=None)
    entries = [Entry(kind, number, "key") for number in range(1, MANY + 1)]
    await backend.append("run_own", entries, flush_id="flush", lease=None)
    page = await backend.read("run_own", kind, key="key", after=0, limit=MANY)
    assert [entry.position for entry in page.items] == [entry.data for entry in page.items]
    later = await backend.read("run_own", kind, key=None, after=MANY - 3, limit=10)
    assert [entry.position for entry in later.items] == [MANY - 2, MANY - 1, MANY]
    beyond = await backend.read("run_own", kind, key=None, after=MANY, limit=10)
    assert (list(beyond.items), beyond.cursor) == ([], None)
    return [entry.position for entry in page.items]


async def test_of_many_logs_the_last_are_kept() -> None:
    assert await kept_of(EntryKind.LOG) == list(range(10_001, MANY + 1))


@pytest.mark.parametrize("kind", [EntryKind.STREAM, EntryKind.MEMO])
async def test_streams_and_memos_are_kept_whole(kind: EntryKind) -> None:
    assert await kept_of(kind) == list(range(1, MANY + 1))


async def test_of_many_tokens_that_are_over_the_last_are_kept_and_all_that_wait() -> None:
    now, told = FakeClock().now(), list[Token]()
    tokens = Tokens(Timers(), lambda token, _: told.append(token))
    waiting = tokens.create("waiting", None, (), None, now)
    for number in range(MANY):
        tokens.create(f"token-{number}", None, (), f"key-{number}", now)
        tokens.complete(f"token-{number}", None, now)
    assert len(told) == MANY
    assert tokens.find("waiting", now) == waiting
    assert tokens.find("token-10000", now) is None
    assert tokens.find("token-10001", now) is not None
    with pytest.raises(TokenNotFoundError):
        tokens.complete("token-0", None, now)
    assert tokens.create("again", None, (), "key-0", now).id == "again"
