"""What the ledger and the store say, compared."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from campaign.ledger import Event
from campaign.shapes import BY_TASK
from taskkit.model.run import Run

_ENDS = {
    "Completed": "COMPLETED",
    "Canceled": "CANCELED",
    "Failed": "FAILED",
}
_CLEANED = set(BY_TASK) - {"quick", "narrow"}
_CLEANUP_TRIES = 3
_MOST_SHOWN = 30
_LAST_BREATH = 1_000_000_000
_UNDER_WAY = 50_000_000


@dataclass(slots=True)
class Figures:
    """What the campaign came to; it has passed when there are no `faults`."""

    kills: int = 0
    hit_running: int = 0
    hit_settle: int = 0
    hit_inside: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    runs: int = 0
    deliveries: int = 0
    deaths: int = 0
    most_deaths: int = 0
    stalls: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        share = max(self.kills, 1)
        return (
            f"{self.kills} kills in {self.seconds:.0f} s: {self.hit_running / share:.0%} hit a running attempt, "
            f"{self.hit_settle / share:.0%} a settle; from inside: {_counted(self.hit_inside)}\n"
            f"{self.accepted} runs accepted, {self.runs} with their children: {_counted(self.statuses)}\n"
            f"{self.deliveries} deliveries, {self.deaths} deaths, at most {self.most_deaths} of one run; "
            f"{self.stalls} leases lost by a worker that lived, but stood still\n"
            f"{len(self.faults)} faults"
        ) + "".join(f"\n  {fault}" for fault in self.faults[:_MOST_SHOWN])


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common()) or "none"


def examine(
    events: Sequence[Event], runs: Sequence[Run], lease: float, *, is_steady: bool = True
) -> Figures:
    """Compare them; `lease` in seconds. Where time is not steady, leases end while their worker lives.

    A backend with a loop of its own is not heard to settle: what was settled shortly before a death counts as hit.
    """
    return _Examination(events, runs, lease, is_steady).figures()


class _Examination:
    def __init__(
        self, events: Sequence[Event], runs: Sequence[Run], lease: float, is_steady: bool
    ) -> None:
        self._events = events = sorted(events, key=lambda event: event.at)
        self._is_steady = is_steady
        self._runs = {run.id: run for run in runs}
        self._lease = int(lease * 1e9)
        self._is_heard = any(event.what == "settled" for event in events)
        self._children = Counter(run.parent_id for run in runs)
        self._found = Figures(runs=len(runs))
        self._of_run: dict[str, list[Event]] = defaultdict(list)
        self._of_worker: dict[str, list[Event]] = defaultdict(list)
        self._death: dict[str, int] = {}
        for event in events:
            if event.run != "-":
                self._of_run[event.run].append(event)
            self._of_worker[event.who].append(event)
            if event.what == "killing":
                who = event.more.partition(":")[2] if event.who == "driver" else event.who
                self._death.setdefault(who, event.at)

    def figures(self) -> Figures:
        found = self._found
        found.statuses.update(str(run.status) for run in self._runs.values())
        found.deliveries = sum(run.delivery for run in self._runs.values())
        found.deaths = sum(run.deaths for run in self._runs.values())
        found.most_deaths = max((run.deaths for run in self._runs.values()), default=0)
        self._kills()
        self._accepted()
        self._stay_dead()
        for run_id in self._of_run:
            if run_id not in self._runs:
                self._fault(run_id, "is in the ledger and not in the store")
        for run in self._runs.values():
            self._run(run, self._of_run[run.id])
        return found

    def _fault(self, run_id: str, text: str) -> None:
        run = self._runs.get(run_id)
        about = "" if run is None else f" ({run.task_id} {run.status} {run.delivery}/{run.deaths})"
        self._found.faults.append(f"{run_id}{about} {text}")

    # --- what the kills hit -------------------------------------------------------------------------

    def _kills(self) -> None:
        """By what the victim had begun and not ended when its last line was written."""
        found = self._found
        for who in self._death:
            running: set[tuple[str, int]] = set()
            settling: dict[tuple[str, int], int] = {}
            for event in self._of_worker[who]:
                delivery = (event.run, event.delivery)
                is_resumed = event.what == "claimed" and event.more.startswith("resume")
                if event.what == "begin" or is_resumed:
                    running.add(delivery)
                elif event.what == "settling":
                    running.discard(delivery)
                    settling[delivery] = event.at
                elif event.what in ("settled", "fenced", "unsettled"):
                    settling.pop(delivery, None)
                elif event.what == "killing":
                    operation, _, when, _ = event.more.split(":")
                    found.hit_inside[f"{when} {operation}"] += 1
                    if (operation, when) == ("settle", "before"):
                        settling.popitem()  # announced, but the store was never asked
            found.kills += 1
            found.hit_running += bool(running)
            last = max(settling.values(), default=0)
            is_recent = self._is_heard or last > self._death[who] - _UNDER_WAY
            found.hit_settle += bool(settling) and is_recent

    def _stay_dead(self) -> None:
        """The child process of an attempt does not outlive its worker."""
        died = {event.more: event.at for event in self._events if event.what == "died"}
        for event in self._events:
            if event.at > died.get(event.who, event.at) + _LAST_BREATH:
                self._fault(event.run, f"{event.what} after the end of its worker {event.who}")

    def _accepted(self) -> None:
        for event in self._events:
            if event.what == "accepted":
                self._found.accepted += 1
                if event.run not in self._runs:
                    self._fault(event.run, "was accepted and is lost")

    # --- each run -----------------------------------------------------------------------------------

    def _run(self, run: Run, events: list[Event]) -> None:
        if not run.status.is_final:
            self._fault(run.id, "has not ended")
        self._starts_once(run, events)
        self._ends_once(run, events)
        self._meets_its_children(run)
        self._attempts(run)
        if self._is_steady:
            self._deaths_are_counted(run, events)
            self._is_not_taken_from_the_living(run, events)
        if run.task_id in _CLEANED and not self._was_ended_unbegun(run):
            self._is_cleaned_up(run, events)
        drawn = {event.more for event in events if event.what == "drawn"}
        if run.task_id == "memo" and (
            len(drawn) > 1 or (run.status == "COMPLETED" and str(run.output) not in drawn)
        ):
            self._fault(run.id, f"remembers {drawn}, and returned {run.output}")

    def _starts_once(self, run: Run, events: list[Event]) -> None:
        for what in ("begin", "claimed"):
            counted = Counter((e.attempt, e.delivery) for e in events if e.what == what)
            for delivery, times in counted.items():
                if times > 1:
                    self._fault(run.id, f"{what} {times} times in attempt, delivery {delivery}")
        deliveries = [event.delivery for event in events if event.what == "claimed"]
        known = 1 if self._was_ended_unbegun(run) else run.delivery
        if len(set(deliveries)) != len(deliveries) or max(deliveries, default=0) > known:
            self._fault(run.id, f"was claimed as {deliveries}")

    def _was_ended_unbegun(self, run: Run) -> bool:
        """By somebody outside; in the moment in which it began, its workflow has not known of that."""
        return run.delivery == 0 and run.status == "CANCELED" and not self._is_heard

    def _ends_once(self, run: Run, events: list[Event]) -> None:
        ends = [_ENDS[e.more] for e in events if e.what == "settled" and e.more in _ENDS]
        tried = {_ENDS[e.more] for e in events if e.what == "settling" and e.more in _ENDS}
        if len(ends) > 1:
            self._fault(run.id, f"was ended {len(ends)} times: {ends}")
        status = "FAILED" if run.status == "CRASHED" else str(run.status)
        if ends and ends[0] != status:
            self._fault(run.id, f"was settled as {ends[0]}")
        never_ran = run.status == "CANCELED" and run.delivery == 0
        if status not in tried and not never_ran and not _hooks_killed(run):
            self._fault(run.id, f"has an end that nobody wrote; written: {tried or 'nothing'}")

    def _meets_its_children(self, run: Run) -> None:
        """An attempt that is entered again makes no child for the second time."""
        made = self._children[run.id]
        if run.task_id == "parent" and run.attempt == 1:
            is_right = made == 3 if run.status == "COMPLETED" else made <= 3
            if not is_right:
                self._fault(run.id, f"has {made} children, not 3")

    def _attempts(self, run: Run) -> None:
        """A death uses up no attempt, and too many of them, and nothing else, are a crash."""
        shape = BY_TASK[run.task_id]
        too_many = run.deaths > run.request.max_attempts
        is_own_end = run.status == shape.status and run.status != "CANCELED"
        why = [one.error for one in run.attempts if one.error is not None]
        cut_off = sum(error.name == "StoreUnavailableError" for error in why)
        is_counted = self._is_steady or not cut_off  # an attempt is told that its store is away
        if is_own_end and is_counted and run.attempt != shape.attempt:
            self._fault(run.id, f"ended in attempt {run.attempt}, not {shape.attempt}: {why}")
        if run.status == "CRASHED" and not too_many:
            self._fault(run.id, f"is CRASHED after {run.deaths} deaths")
        if run.status in ("COMPLETED", "FAILED") and too_many:
            self._fault(run.id, f"had {run.deaths} deaths, more than {run.request.max_attempts}")

    def _deaths_are_counted(self, run: Run, events: list[Event]) -> None:
        """Each delivery that nobody settled is one, also that of which the worker never heard."""
        claimed = {event.delivery for event in events if event.what == "claimed"}
        settling = {event.delivery for event in events if event.what == "settling"}
        settled = {event.delivery for event in events if event.what == "settled"}
        refused = {event.delivery for event in events if event.what == "fenced"}
        known = set(range(1, run.delivery + 1))
        open_ended = settling - settled - refused  # killed in it: stored or not
        sure = known - settled - open_ended
        if not len(sure) <= run.deaths <= len(sure) + len(open_ended):
            text = f"{len(sure)} to {len(sure) + len(open_ended)} deaths are in the ledger"
            self._fault(run.id, f"{text}; deliveries that were claimed: {sorted(claimed)}")

    def _is_not_taken_from_the_living(self, run: Run, events: list[Event]) -> None:
        claims = sorted((e for e in events if e.what == "claimed"), key=lambda e: e.delivery)
        ends = {e.delivery: e.at for e in events if e.what in ("settling", "fenced")}
        for one, following in pairwise(claims):
            death = self._death.get(one.who)
            gone = [at for at in (death, ends.get(one.delivery)) if at is not None]
            if any(at <= following.at for at in gone):
                continue
            if self._stood_still(one, following.at):
                self._found.stalls += 1
            else:
                text = f"delivery {following.delivery} to {following.who} while {one.who} lived"
                self._fault(run.id, text)

    def _stood_still(self, claim: Event, until: int) -> bool:
        """The worker gave no sign of life, or got no answer to a beat, for much of a lease: the machine was busy."""
        own = [e for e in self._of_worker[claim.who] if claim.at <= e.at <= until]
        signs = [claim.at, *(e.at for e in own if e.what == "alive"), until]
        beats = [e for e in own if e.what in ("beating", "beat")]
        ends = [*(e.at for e in beats[1:]), until]
        # The last one may have had no answer at all.
        answers = [
            end - beat.at for beat, end in zip(beats, ends, strict=False) if beat.what == "beating"
        ]
        gaps = [second - first for first, second in pairwise(signs)]
        return max((*gaps, *answers)) > self._lease // 3

    def _is_cleaned_up(self, run: Run, events: list[Event]) -> None:
        """After each body that began and before the next one, or the end."""
        owed: Event | None = None
        for event in events:
            if event.what == "begin":
                if owed is not None:
                    self._fault(run.id, f"delivery {owed.delivery} began and was never cleaned up")
                owed = event
            elif event.what == "cleanup" and owed is not None and event.delivery >= owed.delivery:
                owed = None
        if owed is not None and not _hooks_killed(run):
            self._fault(run.id, f"delivery {owed.delivery} began and was never cleaned up")


def _hooks_killed(run: Run) -> bool:
    return run.deaths > run.request.max_attempts + _CLEANUP_TRIES
