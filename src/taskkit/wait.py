"""Waiting inside a task, without holding a slot; and the tokens that somebody outside completes."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast, get_args

from taskkit.backends.base import Capability, SupportsTokens
from taskkit.errors import (
    InvalidDurationError,
    InvalidOptionError,
    TokenNotFoundError,
    WaitTimeoutError,
)
from taskkit.model.clock import after
from taskkit.model.codec import PAYLOAD_LIMIT, check_size, json_of
from taskkit.model.duration import Duration, delay_until, seconds as seconds_of
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Page, Token, TokenRef, TokenStatus, Until, Wait
from taskkit.model.idempotency import as_key
from taskkit.model.ids import new_id
from taskkit.model.result import WaitResult
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.home import Home
from taskkit.runtime.portal import iterator_twin, twin
from taskkit.runtime.scope import RunScope, current_scope, need_scope
from taskkit.trigger.pending import Pending
from taskkit.trigger.submit import tags_of

T = TypeVar("T")
_PAGE = 100
_STATUSES = get_args(TokenStatus)


async def sleep(duration: Duration) -> None:
    """Go on after this long: `await wait.sleep("30s")`. The slot is free meanwhile, and max_duration stands still."""
    await _sleep("wait.sleep", duration)


async def _sleep(call: str, duration: Duration) -> None:
    scope = need_scope(call)
    length = seconds_of(duration, what=f"{call}'s duration")
    if length > 0:
        await _until(scope, after(scope.now(), length), f"sleep {length!r}")


async def for_(
    *,
    seconds: float | None = None,
    minutes: float | None = None,
    hours: float | None = None,
    days: float | None = None,
    weeks: float | None = None,
) -> None:
    """`wait.sleep` with the length in units, added up."""
    given = {"seconds": seconds, "minutes": minutes, "hours": hours, "days": days, "weeks": weeks}
    parts = {unit: value for unit, value in given.items() if value is not None}
    if not parts:
        raise InvalidOptionError("wait.for_'s duration", None, "give a length, such as seconds=30.")
    try:
        length = timedelta(**parts)
    except (TypeError, ValueError, OverflowError):
        raise InvalidDurationError(
            "wait.for_'s duration", parts, "give numbers, such as seconds=30."
        ) from None
    await _sleep("wait.for_", length)


async def until(when: datetime, *, raise_if_past: bool = False) -> None:
    """Go on at this moment, which must be aware; a past one returns at once, or raises if that is asked for."""
    scope = need_scope("wait.until")
    when = _aware(when)
    if when <= scope.now():
        if raise_if_past:
            raise InvalidOptionError("wait.until's moment", when, "it is in the past.")
        return
    await _until(scope, when, f"until {when.isoformat()}")


def _aware(when: object) -> datetime:
    if not isinstance(when, datetime) or when.tzinfo is None:
        raise InvalidOptionError(
            "wait.until's moment", when, "give an aware datetime, such as datetime.now(UTC)."
        )
    return when


async def _until(scope: RunScope, at: datetime, what: str) -> None:
    scope.home.need(Capability.WAITS, "Waiting in a task")
    wait = Wait(scope.derived_id("wait", "timer", what), Until(at), "duration")
    await scope.wait_for(wait)


# --- tokens -----------------------------------------------------------------------------------------


async def create_token(
    *,
    timeout: Duration | datetime | None = None,
    idempotency_key: str | Sequence[str] | None = None,
    tags: str | Sequence[str] | None = None,
) -> Token:
    """A token that somebody else completes: hand out its `id`, and `await wait.for_token(token)` in a task.

    `timeout` is how long it may take, or until when; without one the token waits for ever. The same key
    gives the same token, however that stands. A raw text as a key counts for the current run inside a task,
    globally outside. A task that is entered again after a crash meets the token that it had made.
    """
    home, scope = current_home(), current_scope.get()
    allowed = None if timeout is None else _allowed(timeout, home.time())
    key = None
    if idempotency_key is not None:
        key = as_key(idempotency_key, None if scope is None else scope.run_id)
    token_id = new_id("token") if scope is None else scope.derived_id("token", "token", key or "")
    labels = () if tags is None else tags_of(tags)
    return await _ask(
        home,
        lambda store: store.create_token(
            token_id, timeout=allowed, tags=labels, idempotency_key=key, now=home.now
        ),
    )


def for_token(token: Token | str) -> Pending[WaitResult[Any], Any]:
    """How a token ended, once it has; only inside a task, whose slot is free meanwhile.

    `result.ok` is False when its time ran out; `await wait.for_token(token).unwrap()` gives the output
    itself, or raises WaitTimeoutError. TokenNotFoundError when there is no such token.
    """
    return Pending(_for_token(_token_id(token)), _unwrap, "wait.for_token")


async def complete_token(token: Token | str, data: Any = None) -> bool:
    """Complete a token with JSON data, from anywhere; False when it was over already, and then nothing changes."""
    home, token_id = current_home(), _token_id(token)
    what = f"The data for token {token_id}"
    output = None if data is None else json_of(data, what)
    if output is not None:
        check_size(output, PAYLOAD_LIMIT, what)
    return await _ask(home, lambda store: store.complete_token(token_id, output, now=home.now))


async def retrieve_token(token: Token | str) -> Token:
    """The token as it stands; TokenNotFoundError when there is none."""
    home, token_id = current_home(), _token_id(token)
    found = await _ask(home, lambda store: store.get_token(token_id, now=home.now))
    if found is None:
        raise TokenNotFoundError(token_id)
    return found


def list_tokens(
    *,
    status: TokenStatus | Collection[TokenStatus] | None = None,
    tag: str | Collection[str] | None = None,
    limit: int | None = None,
) -> AsyncIterator[Token]:
    """Tokens that match all filters, newest first: `async for token in wait.list_tokens(status="WAITING")`."""
    for unknown in sorted((_several(status) or frozenset()).difference(_STATUSES)):
        raise InvalidOptionError("status", unknown, f"give one of {', '.join(_STATUSES)}.")
    return _listed(current_home(), _several(status), _several(tag), limit)


async def _listed(
    home: Home,
    statuses: frozenset[str] | None,
    tags: frozenset[str] | None,
    limit: int | None,
) -> AsyncIterator[Token]:
    cursor: int | str | None = None
    left = math.inf if limit is None else limit
    while left > 0:
        page = await _page(home, cursor)
        for token in page.items:
            if (statuses is None or token.status in statuses) and (
                tags is None or not tags.isdisjoint(token.tags)
            ):
                yield token
                left -= 1
                if left <= 0:
                    return
        cursor = page.cursor
        if cursor is None:
            return


async def _for_token(token_id: str) -> WaitResult[Any]:
    scope = need_scope("wait.for_token")
    scope.home.need(Capability.WAITS, "Waiting in a task")
    token = await retrieve_token(token_id)
    if token.status == "WAITING":
        wait = Wait(scope.derived_id("wait", "token", token_id), TokenRef(token_id), "token")
        answer = await scope.wait_for(wait)
        if not isinstance(answer, Token):  # forgotten since
            raise TokenNotFoundError(token_id)
        token = answer
    if token.status == "COMPLETED":
        return WaitResult(True, token.output, None, token_id)
    error = WaitTimeoutError(token_id)
    return WaitResult(
        False, None, ErrorInfo.verdict("WAIT_TIMEOUT", type(error).__name__, str(error)), token_id
    )


async def _page(home: Home, cursor: int | str | None) -> Page[Token]:
    return await _ask(
        home, lambda store: store.list_tokens(cursor=cursor, limit=_PAGE, now=home.now)
    )


async def _ask(home: Home, ask: Callable[[SupportsTokens], Coroutine[Any, Any, T]]) -> T:
    home.need(Capability.TOKENS, "A wait token")
    return await home.call(_asked, home, ask)


async def _asked(home: Home, ask: Callable[[SupportsTokens], Coroutine[Any, Any, T]]) -> T:
    """On the backend's loop, where it is the one that is open."""
    return await ask(cast("SupportsTokens", home.backend))


def _allowed(timeout: Duration | datetime, now: datetime) -> float:
    """Seconds until a token's time is over; 0 for a moment in the past."""
    if isinstance(timeout, datetime):
        return (delay_until(timeout, now=now) - now).total_seconds()
    return seconds_of(timeout, what="the timeout of a token")


def _token_id(token: object) -> str:
    if isinstance(token, Token):
        return token.id
    if not isinstance(token, str):
        raise InvalidOptionError(
            "the token", token, "give what wait.create_token gave, or its id, a text."
        )
    return token


def _several(value: str | Collection[str] | None) -> frozenset[str] | None:
    if value is None:
        return None
    return frozenset((value,) if isinstance(value, str) else value)


def _unwrap(result: WaitResult[Any]) -> Any:
    return result.unwrap()


class sync:
    """The same calls for plain code; `wait.sync.sleep("30s")` in a `def` task, tokens anywhere."""

    sleep = staticmethod(twin(sleep))
    for_ = staticmethod(twin(for_))
    until = staticmethod(twin(until))
    create_token = staticmethod(twin(create_token))
    for_token = staticmethod(twin(for_token))
    complete_token = staticmethod(twin(complete_token))
    retrieve_token = staticmethod(twin(retrieve_token))
    list_tokens = staticmethod(iterator_twin(list_tokens))
