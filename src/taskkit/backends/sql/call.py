"""What is asked of the thread that owns a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from taskkit.model.run import Run

ResultT = TypeVar("ResultT")


class Question(NamedTuple):
    """A query: of runs by a condition when it `selects`, else as it stands."""

    sql: str
    values: tuple[Any, ...] = ()
    selects: bool = False


@dataclass(frozen=True, slots=True)
class Needs:
    """What a call is going to look at, for a database that is far away: all of a group is fetched at once.

    `runs` are changed and held; `ends` are runs that only must not end unnoticed; `names` are what others
    must not decide about at the same time; `new` are ids of runs that are probably to be made; `questions`
    what will be asked first, which the thread works out when it comes to the call; `claimed` are changed too,
    and were probably claimed here, so that they may be known.
    """

    runs: Sequence[str] = ()
    claimed: Sequence[str] = ()
    ends: Sequence[str] = ()
    names: Sequence[str] = ()
    new: Sequence[str] = ()
    questions: Callable[[], Sequence[Question]] | None = None


NOTHING = Needs()


class Call(Generic[ResultT]):
    """Something to do on the connection, and who waits for it.

    `needed` is asked, where there is one, before the lock is taken; when it says no the answer is `idle`.
    `undo` takes back a result that nobody waits for any more.
    """

    __slots__ = ("error", "future", "idle", "needed", "needs", "result", "undo", "work", "writes")

    def __init__(
        self,
        work: Callable[[], ResultT],
        future: asyncio.Future[ResultT],
        *,
        writes: bool,
        needs: Needs = NOTHING,
        needed: Callable[[], bool] | None = None,
        idle: Callable[[], ResultT] | None = None,
        undo: Callable[[ResultT], None] | None = None,
    ) -> None:
        self.work = work
        self.future = future
        self.writes = writes
        self.needs = needs
        self.needed = needed
        self.idle = idle
        self.undo = undo
        self.result: Any = None
        self.error: Exception | None = None

    def deliver(self) -> None:
        """Answer, on the event loop."""
        if not self.future.done():
            if self.error is not None:
                self.future.set_exception(self.error)
            else:
                self.future.set_result(self.result)
        elif self.undo is not None and self.error is None and self.result is not None:
            self.undo(self.result)


class Changes:
    """What a commit brought, besides its answers: topics, and the runs that ended and are waited for."""

    __slots__ = ("by_others", "canceled", "ends", "topics")

    def __init__(
        self,
        topics: set[str],
        ends: Mapping[str, Run],
        *,
        by_others: bool = False,
        canceled: bool = False,
    ) -> None:
        self.topics = topics
        self.ends = ends
        self.by_others = by_others
        self.canceled = canceled
