"""Messages between a worker and its child process."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from taskkit.engine.child.link import Link, packed, received

pytestmark = pytest.mark.anyio

Ends = tuple[Link, socket.socket]


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """The worker's end, and the child's."""
    ours, theirs = socket.socketpair()
    link = await Link.over(ours)
    with theirs:
        yield link, theirs
    link.close()


async def test_messages_come_as_they_were_sent_in_order(ends: Ends) -> None:
    link, child = ends
    messages = [("call", 1, "get", (["run_1"],), {}), ("large", b"x" * 300_000), ("last",)]
    for message in messages:
        link.send(message)
    assert [await asyncio.to_thread(received, child) for _ in messages] == messages
    await asyncio.to_thread(child.sendall, b"".join(map(packed, messages)))
    assert [await link.receive() for _ in messages] == messages


async def test_the_other_end_that_is_gone_is_no_message(ends: Ends) -> None:
    link, child = ends
    child.sendall(packed(("whole",)) + packed(("half",))[:-1])
    child.close()
    assert await link.receive() == ("whole",)
    assert await link.receive() is None
    link.send(("into the void",))


async def test_a_worker_that_is_gone_is_no_message(ends: Ends) -> None:
    link, child = ends
    link.close()
    assert await asyncio.to_thread(received, child) is None


@pytest.mark.parametrize(
    ("garbage", "words"),
    [
        (b"\x00" * 7 + b"\x04" + b"junk", "what cannot be read"),
        (b"x" * 64, "a message of 8680820740569200760 bytes"),
    ],
)
async def test_what_is_no_message_is_told_and_ends_the_link(
    garbage: bytes, words: str, ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    link, child = ends
    child.sendall(garbage)
    assert await link.receive() is None
    assert words in caplog.text
