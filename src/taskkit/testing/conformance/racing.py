"""Two instances on one store, asked at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from taskkit.backends.base import Capability
from taskkit.errors import LeaseLostError
from taskkit.model.exchange import Completed, Enqueued, Entry, EntryKind, Lease, Signal
from taskkit.model.options import Debounce
from taskkit.model.queue import Queue
from taskkit.model.request import TriggerRequest
from taskkit.testing.conformance.check import at_once, expect, expect_that, shared_check
from taskkit.testing.conformance.trial import LEASE, ONE, TWO, Trial

_ROUNDS = 5
_MOST_ROUNDS = 100
_NARROW = "narrow"


def _key(text: object) -> str:
    return sha256(str(text).encode()).hexdigest()


# --- claims -------------------------------------------------------------------------------------


@shared_check("QueueBackend.claim")
async def claims_of_two_instances_share_the_runs(trial: Trial) -> None:
    """Workers of both instances that claim at the same moment are given each run once, and all in the end."""
    requests = [trial.request() for _ in range(40)]
    await trial.enqueue(*requests)
    came: list[str] = []
    for _ in range(_MOST_ROUNDS):
        given = await at_once(
            "claims through two instances",
            *(one.claimed(name, limit=3) for name in (ONE, TWO) for one in (trial, trial.other)),
        )
        came += [run_id for ids in given for run_id in ids]
        if len(came) >= len(requests):
            break
    expect("the runs that were given", sorted(came), sorted(one.run_id for one in requests))


@shared_check("QueueBackend.claim", Capability.QUEUE_LIMIT)
async def a_queue_limit_holds_over_two_instances(trial: Trial) -> None:
    """However both instances claim and settle at the same moment, no more runs execute than the limit."""
    await _work_off(trial, 3, [None] * 21)


@shared_check("QueueBackend.claim", Capability.QUEUE_LIMIT, Capability.KEY_LIMIT)
async def a_key_limit_holds_over_two_instances(trial: Trial) -> None:
    """Each concurrency key has the limit to itself, also where both instances claim at the same moment."""
    await _work_off(trial, 2, ["a", "b", "c"] * 6)


async def _work_off(trial: Trial, limit: int, keys: Sequence[str | None]) -> None:
    """A run of each of these keys: each executes once, in company of no more than the limit, and frees its slot."""
    for one in (trial, trial.other):
        await one.declare(Queue(_NARROW, limit))
    requests = [trial.request(queue=_NARROW, concurrency_key=key) for key in keys]
    await trial.enqueue(*requests)
    held: list[tuple[Trial, Lease]] = []
    done: list[str] = []
    for _ in range(_MOST_ROUNDS):
        held = await _round(trial, held)
        executing = Counter(lease.run.request.concurrency_key for _, lease in held)
        most = max(executing.values(), default=0)
        what = f"the runs that execute at the same moment, by key, with a limit of {limit}"
        expect_that(what, most <= limit, expected=f"at most {limit}", came=dict(executing))
        done += [lease.run.id for _, lease in held]
        if not held and len(done) >= len(requests):
            break
    expect("the runs that were given", sorted(done), sorted(one.run_id for one in requests))
    for key in set(keys):
        await trial.enqueue(
            *(trial.request(queue=_NARROW, concurrency_key=key) for _ in range(limit + 1))
        )
    given = [*await trial.other.claim(TWO, limit=100), *await trial.claim(limit=100)]
    expect("the number of runs that start afterwards", len(given), limit * len(set(keys)))


async def _round(trial: Trial, held: list[tuple[Trial, Lease]]) -> list[tuple[Trial, Lease]]:
    """Settle what is held, and at the same moment claim through both instances; what is held then."""

    async def settle(one: Trial, lease: Lease) -> list[tuple[Trial, Lease]]:
        await one.settle(lease, Completed(b"1"))
        return []

    async def claim(one: Trial, worker: str) -> list[tuple[Trial, Lease]]:
        return [(one, lease) for lease in await one.claim(worker, limit=2)]

    given = await at_once(
        "claims and settles through two instances",
        *(settle(one, lease) for one, lease in held[::2]),
        *(claim(one, name) for name in (ONE, TWO) for one in (trial, trial.other)),
        *(settle(one, lease) for one, lease in held[1::2]),
    )
    return [one for some in given for one in some]


@shared_check("QueueBackend.claim", Capability.CANCEL_RUNNING)
async def a_cancel_meets_a_claim_of_another_instance(trial: Trial) -> None:
    """A run that is canceled while another instance claims it ends at once, or is given out and asked to end."""
    for _ in range(_ROUNDS):
        run_id = await trial.add()
        given, _ = await at_once(
            "a claim and a cancel of one run", trial.other.claim(TWO), _canceled(trial, run_id)
        )
        signals = await trial.other.store.extend(given, lease=LEASE, now=trial.now)
        came = (list(signals), str(await trial.status(run_id)))
        expected: tuple[list[Signal], str] = ([], "CANCELED")
        if given:
            expected = ([Signal.CANCEL], "EXECUTING")
        expect("the signal to a worker, the status", came, expected)
        for lease in given:
            await trial.other.settle(lease, Completed(b"1"))


async def _canceled(trial: Trial, run_id: str) -> list[Lease]:
    await trial.cancel(run_id)
    return []


# --- dead leases --------------------------------------------------------------------------------


@shared_check("QueueBackend.advance")
async def a_death_counts_once_for_two_instances(trial: Trial) -> None:
    """Leases that ran out are found by both instances at the same moment, and count as one death each."""
    requests = [trial.request(max_attempts=1) for _ in range(10)]
    await trial.enqueue(*requests)
    await trial.claim()
    trial.later(LEASE + 1)
    await at_once("advance, twice", trial.advance(), trial.other.advance())
    given = await at_once("claims", trial.claim(ONE), trial.other.claim(TWO))
    leases = [lease for some in given for lease in some]
    leases += await trial.claim()  # one of the two may have left some to the other
    came = [(one.run.id, one.kind, one.delivery, one.run.deaths) for one in leases]
    expected = [(one.run_id, "start", 2, 1) for one in requests]
    expect("the runs, delivery and deaths", sorted(came), sorted(expected))


@shared_check("QueueBackend.settle")
async def a_late_end_meets_a_takeover(trial: Trial) -> None:
    """A worker that settles when its lease has run out ends its run, or is told that another one has it: not both."""
    for _ in range(_ROUNDS):
        lease = await trial.start()
        trial.later(LEASE + 1)
        ended, given = await at_once(
            "a late settle and a claim of one run", _settled(trial, lease), trial.other.claim(TWO)
        )
        given = given or await trial.other.claim(TWO)
        run = await trial.run(lease.run.id)
        came = (len(ended), len(given), run.status)
        expected = (1, 0, "COMPLETED") if ended else (0, 1, "EXECUTING")
        expect("ends that counted, leases given, the status", came, expected)
        for one in given:
            await trial.other.settle(one, Completed(b"1"))


async def _settled(trial: Trial, lease: Lease) -> list[Lease]:
    """The lease, when its end counts."""
    try:
        await trial.settle(lease, Completed(b"1"))
    except LeaseLostError:
        return []
    return [lease]


# --- asking for runs ----------------------------------------------------------------------------


async def _asked_at_once(
    trial: Trial, asked: Sequence[Sequence[TriggerRequest]]
) -> list[list[Enqueued]]:
    """The answers to each of these lists of requests; lists go to the two instances in turn, all at once."""
    instances = [trial, trial.other] * len(asked)
    calls = [one.enqueue(*some) for one, some in zip(instances, asked, strict=False)]
    return await at_once("enqueue through two instances", *calls)


def _expect_one(what: str, answers: Sequence[Enqueued], others: str) -> str:
    """Fail the check unless one answer says created and the rest names its run; that run's id."""
    came = sorted(answer.disposition for answer in answers)
    expect(f"the answers to {what}", came, sorted(["created"] + [others] * (len(answers) - 1)))
    (created,) = [answer.run_id for answer in answers if answer.disposition == "created"]
    expect(f"the runs that {what} gives", {answer.run_id for answer in answers}, {created})
    return created


@shared_check("Backend.enqueue", Capability.IDEMPOTENCY)
async def racers_for_a_key_get_one_run(trial: Trial) -> None:
    """Of those who ask with one key at the same moment one makes the run, and the others are given it."""
    runs: list[str] = []
    for number in range(_ROUNDS):
        asked = [[trial.request(idempotency_key=_key(number))] for _ in range(6)]
        answers = [answer for some in await _asked_at_once(trial, asked) for answer in some]
        runs.append(_expect_one("one key", answers, "existing"))
    expect("the runs there are", sorted(await trial.claimed(limit=100)), sorted(runs))


@shared_check("Backend.enqueue", Capability.IDEMPOTENCY)
async def racers_for_many_keys_meet_in_any_order(trial: Trial) -> None:
    """Two that ask with the same keys in opposite orders both get their answers, one run for each key."""
    for number in range(_ROUNDS):
        keys = [_key((number, one)) for one in range(10)]
        asked = [
            [trial.request(idempotency_key=key) for key in order] for order in (keys, keys[::-1])
        ]
        mine, others = await _asked_at_once(trial, asked)
        for pair in zip(mine, others[::-1], strict=True):
            _expect_one("one of many keys", pair, "existing")


@shared_check("Backend.enqueue")
async def racers_with_one_run_id_make_one_run(trial: Trial) -> None:
    """The same request through both instances at the same moment, as after a lost answer, is one run."""
    runs: list[str] = []
    for _ in range(_ROUNDS):
        requests = [trial.request() for _ in range(4)]
        asked = [requests, requests[::-1], requests, requests[::-1]]
        first, second, third, fourth = await _asked_at_once(trial, asked)
        together = zip(first, second[::-1], third, fourth[::-1], strict=True)
        runs += [_expect_one("one run id", answers, "existing") for answers in together]
    given = [await one.claimed(limit=100) for one in (trial, trial.other)]
    expect("the runs there are", sorted(given[0] + given[1]), sorted(runs))


@shared_check("Backend.enqueue", Capability.DEBOUNCE, Capability.DELAY)
async def racers_for_a_debounce_key_join_one_run(trial: Trial) -> None:
    """Triggers with one debounce key at the same moment become one run."""
    runs: list[str] = []
    for number in range(_ROUNDS):
        debounce = Debounce(f"key-{number}", delay=5)
        asked = [[trial.request(debounce=debounce)] for _ in range(6)]
        answers = [answer for some in await _asked_at_once(trial, asked) for answer in some]
        runs.append(_expect_one("one debounce key", answers, "debounced"))
    trial.later(6)
    expect("the runs there are", sorted(await trial.claimed(limit=100)), sorted(runs))


@shared_check("Backend.enqueue", Capability.QUEUE_LENGTH)
async def racers_for_the_last_places_do_not_overfill_a_queue(trial: Trial) -> None:
    """Of those who ask at the same moment as many are let in as there are places."""
    for one in (trial, trial.other):
        await one.declare(Queue("short", max_length=5))
    asked = [[trial.request(queue="short")] for _ in range(12)]
    answers = [answer for some in await _asked_at_once(trial, asked) for answer in some]
    came = Counter(answer.disposition for answer in answers)
    expect("the answers", dict(came), {"created": 5, "refused": 7})


# --- entries ------------------------------------------------------------------------------------


@shared_check("Backend.append", Capability.LOGS, Capability.METADATA)
async def no_entry_of_two_instances_is_lost(trial: Trial) -> None:
    """What both append to one run at the same moment is all kept, with positions that have no gap."""
    lease = await trial.start()
    run_id, numbers = lease.run.id, range(20)
    one_more = Entry(EntryKind.METADATA, {"type": "increment", "key": "count", "value": 1})
    await at_once(
        "append through two instances",
        *(trial.append(run_id, Entry(EntryKind.LOG, n), one_more, lease=lease) for n in numbers),
        *(trial.other.append(run_id, Entry(EntryKind.LOG, -n), one_more) for n in numbers),
    )
    page = await trial.other.backend.read(run_id, EntryKind.LOG, key=None, after=0, limit=100)
    came = sorted(int(str(entry.data)) for entry in page.items)
    expect("the logs", came, sorted([*numbers, *(-n for n in numbers)]))
    expect("their positions", [entry.position for entry in page.items], list(range(1, 41)))
    expect("the metadata", (await trial.run(run_id)).metadata, {"count": 40})
