"""Following many runs at once: those of a tag, those of a batch."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from taskkit.backends.base import Watch
from taskkit.errors import BatchNotFoundError, NoWorkerError
from taskkit.model.exchange import RunFilter, batch_topic, tag_topic
from taskkit.model.run import FINAL, Run
from taskkit.runtime.home import Home
from taskkit.trigger.handle import need_worker, next_changes, state_of
from taskkit.trigger.run_list import all_of


async def changes_of_tag(home: Home, tag: str) -> AsyncGenerator[Run, None]:
    """The runs with this tag as they stand, oldest first, then each run that has changed; without an end."""
    following = _Following(home, RunFilter(tag=frozenset({tag})), tag_topic(tag))
    try:
        await following.begin()
        while True:
            for run in await following.changed():
                yield run
            if not await following.heard():
                return
    finally:
        following.close()


async def changes_of_batch(home: Home, batch_id: str) -> AsyncGenerator[Run, None]:
    """The runs of this batch as they stand, in order, then each run that has changed, until all are final."""
    following = _Following(home, RunFilter(batch=frozenset({batch_id})), batch_topic(batch_id))
    try:
        await following.begin()
        for run in await following.changed():
            yield run
        if not following.last:
            raise BatchNotFoundError(batch_id)
        while pending := [run.id for run in following.last if run.status not in FINAL]:
            if not await following.heard():
                raise NoWorkerError(
                    pending[0],
                    f"The backend {home.name} was closed before the runs of batch {batch_id} had ended.",
                )
            for run in await following.changed():
                yield run
            if not home.is_shared and any(run.status not in FINAL for run in following.last):
                await home.call(need_worker, home, pending[0])
    finally:
        following.close()


class _Following:
    """A subscription to some runs, and how each of them was last seen."""

    def __init__(self, home: Home, where: RunFilter, topic: str) -> None:
        self._home = home
        self._where = where
        self._topic = topic
        self._watch: Watch | None = None
        self._seen: dict[str, object] = {}
        self.last: list[Run] = []

    async def begin(self) -> None:
        async def subscribe() -> Watch:
            return self._home.backend.watch((self._topic,))

        self._watch = await self._home.call(subscribe)

    async def changed(self) -> list[Run]:
        """The runs that are not as they were, oldest first. A hint does not say which, so all are looked at."""
        self.last = await self._home.call(all_of, self._home, self._where)
        self.last.reverse()
        states: dict[str, object] = {run.id: state_of(run) for run in self.last}
        changed = [run for run in self.last if self._seen.get(run.id) != states[run.id]]
        self._seen = states
        return changed

    async def heard(self) -> bool:
        """Wait for a change; False when the backend was closed."""
        assert self._watch is not None  # `begin` came before
        return bool(await self._home.call(next_changes, self._watch))

    def close(self) -> None:
        if self._watch is not None:
            self._home.post(self._watch.close)
