"""The watches of one backend."""

import pytest

from taskkit.backends import TopicWatches

pytestmark = pytest.mark.anyio


async def test_a_topic_is_told_to_who_watches_it() -> None:
    watches = TopicWatches()
    one, other = watches.add(["a", "b"]), watches.add(["b"])
    watches.publish("a")
    watches.publish("c")
    assert (one.take(), other.take()) == (["a"], [])
    watches.publish("b")
    assert (one.take(), other.take()) == (["b"], ["b"])


async def test_after_a_silence_everybody_looks() -> None:
    watches = TopicWatches()
    one, other = watches.add(["a", "b"]), watches.add(["c"])
    watches.publish_all()
    assert (one.take(), other.take()) == (["a", "b"], ["c"])


async def test_who_has_closed_hears_nothing_and_all_end_with_the_backend() -> None:
    watches = TopicWatches()
    one, other = watches.add(["a"]), watches.add(["a", "a"])
    one.close()
    watches.publish("a")
    assert (one.take(), other.take()) == ([], ["a"])
    watches.close()
    watches.publish("a")
    assert [topic async for topic in other] == []
