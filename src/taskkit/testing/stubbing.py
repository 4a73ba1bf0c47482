"""Something else in the place of a task."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from taskkit.definition.policy import policy_of
from taskkit.definition.registry import REGISTRY
from taskkit.definition.task_definition import UNSET
from taskkit.errors import InvalidOptionError, TaskNotFoundError
from taskkit.trigger.calls import target
from taskkit.trigger.task import Task


class Stub:
    """What stands in the place of a task: `payloads` of the runs that it answered, in order."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self._answer = answer
        self.payloads: list[Any] = []

    @property
    def times(self) -> int:
        """How many runs it answered."""
        return len(self.payloads)

    def __call__(self, payload: Any) -> Any:
        self.payloads.append(payload)
        return self._answer(payload)


@contextmanager
def stub(
    task: Task[Any, Any, Any] | str,
    *,
    returns: Any = UNSET,
    raises: BaseException | type[BaseException] | None = None,
    side_effect: Callable[[Any], Any] | None = None,
) -> Generator[Stub]:
    """Inside, runs of this task have this output without its function being called.

        with stub(fetch, returns={"rows": 3}) as fetched:
            result = await parent.trigger(...)
        assert fetched.payloads == [{"table": "users"}]

    `raises` lets the runs fail with an error, at once and without a retry; `side_effect`, a plain or an async
    function, is called with the payload in the worker's event loop, and what it returns or raises counts.
    Give one of the three. It holds for runs that a worker of this process starts inside the block, however
    they were triggered, also with `trigger_and_wait`. Payloads are validated as ever, outputs pass through
    JSON. Neither the task's hooks nor global ones run, nor does a time limit. Calling the task as a function
    is not a run. An inner stub of the same task counts while it lasts.
    """
    stand_in = Stub(_answer_of(returns, raises, side_effect))
    found = target(task)
    task_id = found if isinstance(found, str) else found.id
    definition = REGISTRY.get(task_id)
    if definition is None:
        raise TaskNotFoundError(task_id, REGISTRY.near(task_id))
    if returns is not UNSET:
        policy_of(definition).output.encode(returns)  # what is no JSON is told here
    with REGISTRY.stand_in(task_id, stand_in):
        yield stand_in


def _answer_of(
    returns: Any,
    raises: BaseException | type[BaseException] | None,
    side_effect: Callable[[Any], Any] | None,
) -> Callable[[Any], Any]:
    given = [returns is not UNSET, raises is not None, side_effect is not None]
    if sum(given) != 1:
        raise InvalidOptionError(
            "a stub",
            f"{sum(given)} of returns, raises and side_effect",
            "give one of them: what its runs return, what they raise, or a function of the payload.",
        )
    if side_effect is not None:
        return side_effect
    if raises is not None:
        return _raiser(raises)
    return lambda _: returns


def _raiser(error: BaseException | type[BaseException]) -> Callable[[Any], Any]:
    def answer(_: Any) -> Any:
        raise error

    return answer
