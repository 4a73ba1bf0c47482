"""Which run a claim gives: order, priority, and what the worker takes."""

from __future__ import annotations

from taskkit.backends.base import Capability
from taskkit.model.exchange import ClaimSpec
from taskkit.testing.conformance.check import check, expect
from taskkit.testing.conformance.trial import ONE, OTHER_TASK, START, TASK, TWO, Trial


@check("QueueBackend.claim")
async def runs_start_in_the_order_of_their_queue_time(trial: Trial) -> None:
    """First come, first served: by the moment of the call, and within a call by its order."""
    expected: list[str] = []
    for _ in range(2):
        expected.append(await trial.add())
        trial.later(1)
    together = [trial.request() for _ in range(4)]
    await trial.enqueue(*together)
    expected += [request.run_id for request in together]
    came = await trial.claimed(limit=2)
    came += await trial.claimed(TWO)
    expect("the order of the runs", came, expected)


@check("QueueBackend.claim")
async def a_run_with_an_older_queue_time_starts_first(trial: Trial) -> None:
    """`queue_time` puts a run where its parent stands, before what was asked for in the meantime."""
    trial.later(10)
    early = await trial.add()
    trial.later(10)
    child = await trial.add(queue_time=START)
    expect("the order of the runs", await trial.claimed(), [child, early])


@check("QueueBackend.claim", Capability.PRIORITY)
async def a_priority_is_a_head_start_in_seconds(trial: Trial) -> None:
    """A run with priority 10 goes before what was asked for up to 10 s earlier, and not before the rest."""
    plain = await trial.add()
    trial.later(5)
    little = await trial.add(priority=3)
    much = await trial.add(priority=10)
    behind = await trial.add(priority=-3)
    trial.later(2)
    last = await trial.add()
    expect("the order of the runs", await trial.claimed(), [much, plain, little, last, behind])


@check("QueueBackend.claim")
async def a_claim_gives_no_more_than_its_limit(trial: Trial) -> None:
    """At most `limit` runs, and none for a limit of 0."""
    for _ in range(4):
        await trial.add()
    came = [len(await trial.claimed(limit=limit)) for limit in (0, 1, 2, 5)]
    expect("the numbers of runs for limits of 0, 1, 2, 5 with 4 due", came, [0, 1, 2, 1])


@check("QueueBackend.claim")
async def a_worker_gets_runs_of_its_tasks_only(trial: Trial) -> None:
    """ClaimSpec.tasks: other tasks' runs stay for other workers, and hold up nothing."""
    other, mine = await trial.add(task_id=OTHER_TASK), await trial.add()
    leases = await trial.claim(spec=ClaimSpec(tasks=frozenset({TASK})), limit=1)
    expect("the runs for a worker of one task", [lease.run.id for lease in leases], [mine])
    expect("the runs for a worker of any", await trial.claimed(), [other])


@check("QueueBackend.claim")
async def a_worker_gets_runs_of_its_queues_only(trial: Trial) -> None:
    """ClaimSpec.queues: other queues' runs stay for other workers, and hold up nothing."""
    other, mine = await trial.add(queue="other"), await trial.add(queue="mine")
    leases = await trial.claim(spec=ClaimSpec(queues=frozenset({"mine", "empty"})), limit=1)
    expect("the runs for a worker of one queue", [lease.run.id for lease in leases], [mine])
    expect("the runs for a worker of any", await trial.claimed(), [other])


@check("QueueBackend.claim")
async def a_worker_gets_runs_of_its_machines_only(trial: Trial) -> None:
    """ClaimSpec.machines: a run that names another machine stays; one that names none fits anywhere."""
    large, any_, small = [
        await trial.add(machine=machine) for machine in ("large-1x", None, "small-1x")
    ]
    leases = await trial.claim(spec=ClaimSpec(machines=frozenset({"small-1x"})))
    came = [lease.run.id for lease in leases]
    expect("the runs for a worker on small-1x", came, [any_, small])
    expect("the runs for a worker on any machine", await trial.claimed(ONE), [large])
