"""Tags of the run that is carried out."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from taskkit.backends.base import Capability
from taskkit.model.exchange import Entry, EntryKind
from taskkit.model.ids import new_id
from taskkit.runtime.portal import twin
from taskkit.runtime.scope import RunScope, need_scope
from taskkit.trigger.submit import TAGS_LIMIT, checked_tags

_log = logging.getLogger("taskkit.tags")


async def add(tags: str | Sequence[str]) -> None:
    """Add a tag, or several, to this run: `await tags.add("vip")`. They are stored when this returns.

    A run has at most 10 tags, each of 1 to 128 characters: of what is too much the first ones are added and
    the rest is left out with a warning in the log. Outside of a task NotInTaskError.
    """
    scope = need_scope("tags.add")
    scope.home.need(Capability.TAGS, "Adding tags to a run")
    await scope.home.call(_add, scope, checked_tags(tags))


async def _add(scope: RunScope, tags: Sequence[str]) -> None:
    backend, run_id = scope.home.backend, scope.run_id
    (run,) = await backend.get((run_id,))
    present = () if run is None else run.tags
    tags = [scope.masked(tag) for tag in tags]
    new = [tag for tag in tags if tag not in present]
    room = max(0, TAGS_LIMIT - len(present))
    if len(new) > room:
        _log.warning(
            "run %s: a run has at most %d tags and this one has %d, so %s was not added",
            run_id,
            TAGS_LIMIT,
            len(present),
            ", ".join(map(repr, new[room:])),
        )
    entries = [Entry(EntryKind.TAG, tag, at=scope.home.clock.now()) for tag in new[:room]]
    if entries:
        await backend.append(run_id, entries, flush_id=new_id("flush"), lease=scope.lease)


class sync:
    """The same call for `def` tasks; `tags.sync.add("vip")`."""

    add = staticmethod(twin(add))
