"""What a store keeps as text comes back as it was."""

import math
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import (
    Canceled,
    Completed,
    Entry,
    EntryKind,
    Failed,
    Outcome,
    QueueRecord,
    Released,
    RetryAt,
    Runs,
    ScheduleRecord,
    Suspended,
    Token,
    TokenRef,
    Until,
    Wait,
    WorkerRecord,
)
from taskkit.model.options import Debounce
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Attempt, Run, RunStatus
from taskkit.model.stored import from_text, to_text

NOW = datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
ERROR = ErrorInfo("BUILT_IN_ERROR", "KeyError", "'\u2603'", "line 1\nline 2", "CODE")
REQUEST = TriggerRequest(
    "run_1",
    "task",
    b'{"b": 1,  "a": "\xe2\x98\x83 \xff"}',  # bytes, whatever they are
    "queue",
    concurrency_key="key",
    priority=-1.5,
    delay_until=NOW,
    ttl=3.5,
    idempotency_key="0" * 64,
    idempotency_key_ttl=60.0,
    tags=("one", "tw\u00f6"),
    metadata={"list": [1, None, {"a": "\ud800"}]},
    max_attempts=7,
    max_duration=math.inf,
    machine="large-1x",
    debounce=Debounce("key", 5.0, "trailing", 9.0),
    parent_id="run_0",
    root_id="run_0",
    awaited=True,
    queue_time=NOW,
    schedule_id="sched_1",
    is_test=True,
    is_replay=True,
    version="3",
    trace_parent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
RUN = Run(
    REQUEST,
    RunStatus.FAILED,
    NOW,
    NOW,
    NOW,
    "batch_1",
    2,
    3,
    1,
    NOW,
    NOW,
    b"null",
    ERROR,
    {"a": [1]},
    ("one",),
    (Attempt(1, NOW, NOW, ERROR), Attempt(2, NOW)),
    NOW,
    "small-1x",
    "why",
)


def said(value: object) -> dict[str, Any]:
    """Every field, for classes that compare by identity."""
    return {field.name: getattr(value, field.name) for field in fields(value)}  # type: ignore[arg-type] - a dataclass


def test_everything_that_a_request_says_is_kept() -> None:
    assert said(from_text(TriggerRequest, to_text(REQUEST))) == said(REQUEST)
    plain = TriggerRequest("run_1", "task", None, "queue")
    assert to_text(plain) == '{"run_id":"run_1","task_id":"task","payload":null,"queue":"queue"}'
    assert said(from_text(TriggerRequest, to_text(plain))) == said(plain)


def test_everything_that_a_run_says_is_kept() -> None:
    came = from_text(Run, to_text(RUN))
    assert said(came.request) == said(REQUEST)
    assert {**said(came), "request": None} == {**said(RUN), "request": None}


def test_no_field_of_a_request_or_a_run_is_at_its_default_above() -> None:
    """So that a field which is added is tried here too."""
    for value, cls in ((REQUEST, TriggerRequest), (RUN, Run)):
        left = {one.name for one in fields(cls) if getattr(value, one.name) == one.default}
        assert left <= {"secrets", "decode_output"}


def test_clear_secrets_are_never_in_the_text() -> None:
    text = to_text(replace(REQUEST, secrets={"/password": "canary"}))
    assert "canary" not in text
    assert from_text(TriggerRequest, text).secrets is None


OUTCOMES: list[Outcome | Suspended] = [
    Completed(None),
    Completed(b"null"),
    Failed(ERROR, RunStatus.TIMED_OUT),
    Canceled("why"),
    RetryAt(NOW, ERROR, "large-1x"),
    Released(),
    Suspended((Wait("a", Runs(("run_1", "run_2"))), Wait("b", Until(NOW), "duration"))),
    Suspended((Wait("c", TokenRef("token_1"), "token"),)),
]
RECORDS = [
    Entry(EntryKind.LOG, {"message": "\u2603"}, "key", NOW, 7),
    Token("token_1", "COMPLETED", NOW, b"1", NOW, NOW, ("a",)),
    ScheduleRecord("sched_1", "task", "@daily", "UTC", "DECLARATIVE", NOW, next_at=NOW),
    QueueRecord("queue", None, 1, 2, paused=True),
    WorkerRecord("worker_1", frozenset({"a", "b"}), NOW, alive=False, failure="why"),
]


@pytest.mark.parametrize("value", [*OUTCOMES, *RECORDS], ids=lambda value: type(value).__name__)
def test_what_passes_between_engine_and_backend_is_kept(value: object) -> None:
    assert from_text(type(value), to_text(value)) == value


@dataclass
class Mine:
    """A backend's own, with one of several in a field."""

    outcome: Outcome | None
    by_name: dict[str, datetime]
    since: timedelta | float | None = None


@pytest.mark.parametrize("outcome", [None, *OUTCOMES[:6]], ids=lambda value: type(value).__name__)
def test_a_dataclass_of_a_backends_own_is_kept(outcome: Outcome | None) -> None:
    value = Mine(outcome, {"a": NOW}, 3.5)
    assert from_text(Mine, to_text(value)) == value


def test_a_duration_is_kept_as_its_seconds() -> None:
    value = Mine(None, {}, timedelta(minutes=1))
    assert from_text(Mine, to_text(value)).since == 60


def test_what_a_later_version_adds_is_left_out() -> None:
    assert from_text(Token, to_text(RECORDS[1])[:-1] + ',"new":1}') == RECORDS[1]


@dataclass
class Unclear:
    at: datetime | bytes


@dataclass
class Strange:
    path: Path


@pytest.mark.parametrize("value", [Unclear(NOW), Strange(Path())])
def test_what_has_no_form_is_refused_when_it_is_written(value: object) -> None:
    with pytest.raises(TypeError, match=r"datetime|Path"):
        to_text(value)
