"""The rules of a run that no suite sees: what a store is told, and when it has to look."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskkit.backends import KeptRun, from_text, to_text
from taskkit.errors import LeaseLostError, UnsupportedByBackendError
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    WORK_TOPIC,
    Completed,
    Lease,
    Released,
    Signal,
    Suspended,
)
from taskkit.model.request import TriggerRequest

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
END = NOW + timedelta(seconds=30)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def accepted(**fields: Any) -> KeptRun:
    request = TriggerRequest("run_1", "task", b"1", "queue", tags=("tag",), **fields)
    return KeptRun.accepted(request, "batch_1", NOW, 7)


def lent(kept: KeptRun, token: str = "token") -> Lease:
    lease = kept.lend(token, END, NOW)
    assert lease is not None
    return lease


def test_who_is_told_depends_on_who_can_do_something() -> None:
    kept = accepted()
    about = ("run:run_1", "tag:tag", "batch:batch_1")
    assert kept.topics == (*about, WORK_TOPIC)
    lease = lent(kept)
    assert kept.topics == about
    kept.cancel("why", NOW)
    assert kept.topics == (*about, CANCEL_TOPIC)
    kept.settle(lease, Completed(b"1"), NOW)
    assert kept.topics == (*about, "end:run_1")


def test_a_run_is_lent_to_one_at_a_time() -> None:
    kept = accepted()
    lent(kept)
    assert kept.lend("other", END, NOW) is None
    assert (kept.is_claimable, kept.is_cleanup, kept.due) == (False, False, END)


def test_nothing_is_due_for_a_run_that_is_over_or_is_only_cleaned_up() -> None:
    kept = accepted(ttl=5)
    assert kept.due == later(5)
    lease = lent(kept)
    kept.settle(lease, Released(), NOW)
    assert kept.due is None  # it has started
    kept.cancel(None, NOW)
    assert (kept.is_cleanup, kept.is_claimable, kept.due) == (True, False, None)
    kept.settle(lent(kept, "cleanup"), Completed(b"1"), NOW)
    assert (kept.is_cleanup, kept.due) == (False, None)


def test_time_does_nothing_before_its_moment() -> None:
    kept = accepted(delay_until=later(5))
    assert not kept.pass_time(later(4.9))
    assert kept.pass_time(later(5))
    assert (kept.run.status, kept.is_claimable) == ("QUEUED", True)
    assert not kept.pass_time(later(5))


def test_an_older_lease_writes_nothing() -> None:
    kept = accepted()
    old = lent(kept)
    assert kept.pass_time(END)
    new = lent(kept, "new")
    for lease, signal in ((old, Signal.LOST), (new, Signal.HELD)):
        assert kept.extend(lease, END) is signal
    with pytest.raises(LeaseLostError):
        kept.check(old)
    with pytest.raises(LeaseLostError):
        kept.settle(old, Completed(b"1"), NOW)
    kept.check(None)
    assert kept.settle(new, Completed(b"1"), NOW)


def test_a_repeated_settle_is_told_from_another_one() -> None:
    kept = accepted()
    lease = lent(kept)
    assert kept.settle(lease, Completed(b"1"), NOW)
    kept = from_text(KeptRun, to_text(kept))
    assert not kept.settle(lease, Completed(b"1"), NOW)
    with pytest.raises(LeaseLostError):
        kept.settle(lease, Completed(b"2"), NOW)


def test_waits_are_refused_with_the_reason() -> None:
    kept = accepted()
    with pytest.raises(UnsupportedByBackendError, match="wait in a task"):
        kept.settle(lent(kept), Suspended(()), NOW)


def test_a_key_holds_from_the_making_of_its_run() -> None:
    kept = accepted(idempotency_key="0" * 64, idempotency_key_ttl=60)
    assert [kept.holds_key(later(seconds)) for seconds in (59, 60)] == [True, False]
