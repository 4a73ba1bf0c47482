"""A check: one rule of the backend contract, and how a breach of it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from taskkit.backends.base import Capability, QueueBackend
from taskkit.errors import shown

if TYPE_CHECKING:
    from taskkit.testing.conformance.trial import Trial

AnswerT = TypeVar("AnswerT")
Body = Callable[["Trial"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of the contract, as a plain async function of a `Trial`.

    `name` says what must hold and `rule` says it in a sentence. `read` names the method of
    `taskkit.backends.base` that promises it. The rule applies to backends that declare all of `needs`
    (nothing: to every backend) and that implement `protocol`. One that `needs_another` is about two
    instances on one store.
    """

    name: str
    rule: str
    read: str
    needs: tuple[Capability, ...]
    protocol: type
    body: Body
    needs_another: bool = False


class CheckFailedError(AssertionError):
    """A backend breaks a rule: which one, what was expected, what came, and where to read about it."""

    def __init__(self, what: str, *, expected: str, came: str) -> None:
        super().__init__(what, expected, came)
        self.what = what
        self.expected = expected
        self.came = came
        self.check: Check | None = None

    def __str__(self) -> str:
        lines = [f"{self.what}", f"  expected: {self.expected}", f"  came:     {self.came}"]
        if self.check is not None:
            lines[:0] = [f"check {self.check.name} failed", f"  rule:     {self.check.rule}"]
            lines[2] = f"  what:     {self.what}"
            lines.append(f"  read:     {self.check.read} in taskkit/backends/base.py")
        return "\n".join(lines)


_checks: dict[str, Check] = {}


def check(
    read: str,
    *needs: Capability,
    protocol: type = QueueBackend,
    needs_another: bool = False,
) -> Callable[[Body], Body]:
    """Make an async function a check: its name is the rule in short, its docstring the rule."""

    def register(body: Body) -> Body:
        name = getattr(body, "__name__", repr(body))
        rule = (body.__doc__ or "").strip()
        _checks[name] = Check(name, rule, read, needs, protocol, body, needs_another)
        return body

    return register


def shared_check(
    read: str, *needs: Capability, protocol: type = QueueBackend
) -> Callable[[Body], Body]:
    """Make an async function a check of two instances on one store: `trial`, and `trial.other`."""
    return check(read, Capability.SHARED, *needs, protocol=protocol, needs_another=True)


def registered() -> tuple[Check, ...]:
    """Every check of the modules that have been imported, in order."""
    return tuple(_checks.values())


def expect(what: str, came: object, expected: object) -> None:
    """Fail the check unless both are equal."""
    if came != expected:
        raise CheckFailedError(what, expected=shown(expected), came=shown(came))


def expect_that(what: str, holds: object, *, expected: str, came: object) -> None:
    """Fail the check unless `holds`; `expected` says in words what would."""
    if not holds:
        raise CheckFailedError(what, expected=expected, came=shown(came))


async def expect_error(
    what: str, error: type[BaseException], call: Awaitable[object]
) -> BaseException:
    """The error that the call raises; fails the check when it raises none, or another."""
    try:
        came = await call
    except error as raised:
        return raised
    except Exception as other:
        told = f"{type(other).__name__}: {other}"
        raise CheckFailedError(what, expected=error.__name__, came=told) from other
    raise CheckFailedError(what, expected=error.__name__, came=f"{shown(came)}, and no error")


async def at_once(what: str, *calls: Awaitable[AnswerT]) -> list[AnswerT]:
    """What these calls give, made at the same moment, in order; fails the check when one raises."""
    came = await asyncio.gather(*calls, return_exceptions=True)
    answers: list[AnswerT] = []
    for answer in came:
        if isinstance(answer, CheckFailedError):
            raise answer
        if isinstance(answer, BaseException):
            told = f"{type(answer).__name__}: {answer}"
            expected = "an answer to each, and no error"
            raise CheckFailedError(what, expected=expected, came=told) from answer
        answers.append(answer)
    return answers
