"""Lists of runs: order, filters, cursors."""

from __future__ import annotations

from typing import Any, cast

from taskkit.backends.base import Capability, SupportsQuery
from taskkit.model.exchange import Completed, Entry, EntryKind, RunFilter
from taskkit.model.ids import new_id
from taskkit.model.run import RunStatus
from taskkit.testing.conformance.check import check, expect
from taskkit.testing.conformance.trial import OTHER_TASK, TASK, Trial

_LIST = Capability.LIST


async def _tagged(trial: Trial, count: int, **fields: Any) -> tuple[str, list[str]]:
    """A tag of this check alone, and runs that have it, a second apart."""
    tag = new_id("tag")
    runs: list[str] = []
    for _ in range(count):
        runs.append(await trial.add(tags=("other", tag), **fields))
        trial.later(1)
    return tag, runs


@check("SupportsQuery.list", _LIST, protocol=SupportsQuery)
async def a_list_is_newest_first(trial: Trial) -> None:
    """The run that was made last comes first, also among runs of one moment."""
    tag, runs = await _tagged(trial, 3)
    together = [trial.request(tags=(tag,)) for _ in range(3)]
    await trial.enqueue(*together)
    runs += [request.run_id for request in together]
    await trial.listed(runs[::-1], "the list", tag=frozenset({tag}))


@check("SupportsQuery.list", _LIST, protocol=SupportsQuery)
async def a_list_shows_runs_as_they_stand(trial: Trial) -> None:
    """What a list gives is what get gives."""
    tag, runs = await _tagged(trial, 2)
    await trial.cancel(runs[0], reason="why")
    query = cast("SupportsQuery", trial.backend)

    async def shown() -> list[tuple[str, RunStatus, str | None]]:
        page = await query.list(RunFilter(tag=frozenset({tag})), cursor=None, limit=10)
        return [(run.id, run.status, run.cancel_reason) for run in page.items]

    expected = [(runs[1], "QUEUED", None), (runs[0], "CANCELED", "why")]
    await trial.eventually("the runs of the list", shown, expected)


@check("SupportsQuery.list", _LIST, protocol=SupportsQuery)
async def pages_follow_one_another(trial: Trial) -> None:
    """Cursors lead through every run once, and runs that are made meanwhile do not shift the pages."""
    tag, runs = await _tagged(trial, 5)
    where = RunFilter(tag=frozenset({tag}))
    await trial.listed(runs[::-1], "the whole list", tag=where.tag)
    query, cursor = cast("SupportsQuery", trial.backend), cast("int | str | None", None)
    pages: list[list[str]] = []
    for _ in range(3):
        page = await query.list(where, cursor=cursor, limit=2)
        pages.append([run.id for run in page.items])
        cursor = page.cursor
        await trial.add(tags=(tag,))
    expect("three pages of 2", pages, [runs[:2:-1], runs[2:0:-1], runs[:1]])
    expect("the cursor after the last page", cursor, None)


@check("SupportsQuery.list", _LIST, protocol=SupportsQuery)
async def a_page_that_holds_everything_is_the_last(trial: Trial) -> None:
    """There is no cursor where nothing follows, also when the page is full."""
    tag, runs = await _tagged(trial, 2)
    where = RunFilter(tag=frozenset({tag}))
    await trial.listed(runs[::-1], "the whole list", tag=where.tag)
    page = await cast("SupportsQuery", trial.backend).list(where, cursor=None, limit=2)
    expect("the cursor of a page of 2 with 2 runs", page.cursor, None)
    nothing = await cast("SupportsQuery", trial.backend).list(
        RunFilter(tag=frozenset({new_id("tag")})), cursor=None, limit=2
    )
    expect(
        "the length of the list of a tag that no run has, and its cursor",
        (len(nothing.items), nothing.cursor),
        (0, None),
    )


@check("SupportsQuery.list", _LIST, protocol=SupportsQuery)
async def a_list_is_filtered_by_what_was_asked_for(trial: Trial) -> None:
    """Tag, task, batch and schedule; several values of one filter mean any, several filters mean all."""
    tag, (plain,) = await _tagged(trial, 1)
    batch, schedule = new_id("batch"), new_id("sched")
    other = await trial.add(tags=(tag,), task_id=OTHER_TASK)
    scheduled = await trial.add(tags=(tag,), schedule_id=schedule)
    request = trial.request(tags=(tag,))
    await trial.enqueue(request, batch_id=batch)
    batched = request.run_id
    untagged = await trial.add(schedule_id=schedule)
    mine = frozenset({tag, "a tag that no run has"})
    both = frozenset({TASK, OTHER_TASK})
    await trial.listed([batched, scheduled, other, plain], "any of two tags", tag=mine)
    await trial.listed([other], "one task", tag=mine, task=frozenset({OTHER_TASK}))
    await trial.listed([batched, scheduled, other, plain], "two tasks", tag=mine, task=both)
    await trial.listed([batched], "a batch", batch=frozenset({batch}))
    await trial.listed([untagged, scheduled], "a schedule", schedule=frozenset({schedule}))
    await trial.listed([scheduled], "both", tag=mine, schedule=frozenset({schedule}))


@check("SupportsQuery.list", _LIST, Capability.TAGS, protocol=SupportsQuery)
async def a_list_finds_tags_that_were_added(trial: Trial) -> None:
    """A tag that a run was given later is as good as one of its request."""
    tag, (plain,) = await _tagged(trial, 1)
    added = await trial.add()
    await trial.append(added, Entry(EntryKind.TAG, tag))
    await trial.listed([added, plain], "the runs with a tag", tag=frozenset({tag}))


@check("SupportsQuery.list", _LIST)
async def a_list_is_filtered_by_status(trial: Trial) -> None:
    """Only runs of these statuses."""
    tag, (done, executing, queued) = await _tagged(trial, 3)
    await trial.settle((await trial.claim(limit=1))[0], Completed(b"1"))
    await trial.claim(limit=1)
    for statuses, expected in (
        ({RunStatus.COMPLETED}, [done]),
        ({RunStatus.QUEUED}, [queued]),
        ({RunStatus.QUEUED, RunStatus.EXECUTING}, [queued, executing]),
        ({RunStatus.CANCELED}, []),
    ):
        what = f"the list of {sorted(statuses)}"
        await trial.listed(expected, what, tag=frozenset({tag}), status=frozenset(statuses))


@check("SupportsQuery.list", _LIST)
async def a_list_is_filtered_by_the_moment_of_the_trigger(trial: Trial) -> None:
    """`since` and `until` take the moment when a run was made, both ends included."""
    moment = trial.moment
    tag, runs = await _tagged(trial, 4)
    where = {"tag": frozenset({tag})}
    second, third = trial.after(-3), trial.after(-2)
    expect("the moment of the first run", (await trial.run(runs[0])).created_at, moment)
    await trial.listed(runs[:0:-1], "since the second", since=second, **where)
    await trial.listed(runs[2::-1], "until the third", until=third, **where)
    await trial.listed(runs[2:0:-1], "between", since=second, until=third, **where)
