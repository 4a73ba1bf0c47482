"""Faults of lists, and of what a backend declares."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from broken.fault import Faulty, fault

from taskkit.backends.base import Capability
from taskkit.model.exchange import Page, RunFilter
from taskkit.model.run import Run, RunStatus


@fault("a_list_is_newest_first")
class TheOldestComesFirst(Faulty):
    async def list(self, where: RunFilter, *, cursor: Any, limit: int) -> Page[Run]:
        page = await super().list(where, cursor=cursor, limit=limit)
        return replace(page, items=page.items[::-1])


@fault("a_list_is_newest_first")
class RunsOfOneMomentAreMixed(Faulty):
    """A list is ordered by the moment of the trigger, and by nothing within it."""

    async def list(self, where: RunFilter, *, cursor: Any, limit: int) -> Page[Run]:
        page = await super().list(where, cursor=cursor, limit=limit)
        oldest_first = page.items[::-1]
        newest_first = sorted(oldest_first, key=lambda run: -run.created_at.timestamp())
        return replace(page, items=newest_first)


class _Ignores(Faulty):
    """Leaves filters out."""

    ignores: ClassVar[str | None] = None

    async def list(self, where: RunFilter, *, cursor: Any, limit: int) -> Page[Run]:
        for kind in type(self).__mro__:
            name = vars(kind).get("ignores")
            if name is not None:
                where = replace(where, **{name: None})
        return await super().list(where, cursor=cursor, limit=limit)


@fault("a_list_is_filtered_by_status")
class StatusIsNoFilter(_Ignores):
    ignores = "status"


@fault("a_list_is_filtered_by_what_was_asked_for")
class TaskIsNoFilter(_Ignores):
    ignores = "task"


@fault("a_list_is_filtered_by_what_was_asked_for")
class TagIsNoFilter(_Ignores):
    ignores = "tag"


@fault("a_list_is_filtered_by_what_was_asked_for")
class BatchIsNoFilter(_Ignores):
    ignores = "batch"


@fault("a_list_is_filtered_by_what_was_asked_for")
class ScheduleIsNoFilter(_Ignores):
    ignores = "schedule"


@fault("a_list_is_filtered_by_the_moment_of_the_trigger")
class SinceIsNoFilter(_Ignores):
    ignores = "since"


@fault("a_list_is_filtered_by_the_moment_of_the_trigger")
class UntilIsNoFilter(_Ignores):
    ignores = "until"


@fault("a_list_is_filtered_by_what_was_asked_for")
class EveryTagMustMatch(Faulty):
    """Several values of a filter mean all of them."""

    async def list(self, where: RunFilter, *, cursor: Any, limit: int) -> Page[Run]:
        page = await super().list(where, cursor=cursor, limit=limit)
        kept = [run for run in page.items if where.tag is None or where.tag <= set(run.tags)]
        return replace(page, items=kept)


@fault("a_list_finds_tags_that_were_added")
class OnlyTagsOfTheRequestAreListed(Faulty):
    async def list(self, where: RunFilter, *, cursor: Any, limit: int) -> Page[Run]:
        page = await super().list(where, cursor=cursor, limit=limit)
        tags = where.tag or frozenset()
        kept = [run for run in page.items if not tags or tags & set(run.request.tags)]
        return replace(page, items=kept)


@fault("pages_follow_one_another")
class CursorsCountRuns(Faulty):
    """A cursor is a number of runs to leave out, so that new runs shift the pages."""

    async def list(self, where: RunFilter, *, cursor: Any, limit: int) -> Page[Run]:
        skip = int(cursor or 0)
        page = await super().list(where, cursor=None, limit=skip + limit)
        end = skip + limit
        return Page(page.items[skip:end], None if page.cursor is None else end)


@fault("a_page_that_holds_everything_is_the_last")
class FullPagesHaveACursor(Faulty):
    async def list(self, where: RunFilter, *, cursor: Any, limit: int) -> Page[Run]:
        page = await super().list(where, cursor=cursor, limit=limit)
        full = len(page.items) == limit
        return replace(page, cursor=self._known(page.items[-1].id).number if full else page.cursor)


@fault("a_list_shows_runs_as_they_stand")
class ListsShowRunsAsTheyWereMade(Faulty):
    async def list(self, where: RunFilter, *, cursor: Any, limit: int) -> Page[Run]:
        page = await super().list(where, cursor=cursor, limit=limit)
        runs: Sequence[Run] = page.items
        for run in runs:
            run.status = RunStatus.QUEUED
        return page


# --- what is declared ---------------------------------------------------------------------------


@fault("capabilities_are_declared")
class TokensAreDeclaredWithoutMethods(Faulty):
    list_tokens = None  # type: ignore[assignment]  # the fault


@fault("capabilities_are_declared")
class CapabilitiesAreAList(Faulty):
    capabilities = sorted(Faulty.capabilities)  # type: ignore[assignment]  # the fault


@fault("capabilities_are_declared")
class KeyLimitsAreDeclaredAlone(Faulty):
    capabilities = Faulty.capabilities - {Capability.QUEUE_LIMIT}
