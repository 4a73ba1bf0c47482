"""Trying a part of a task again, without another attempt of the whole.

The pauses pass in the process: the run keeps its slot, and they count to its max_duration.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from taskkit.errors import (
    AbortTaskRunError,
    CompleteTaskWithOutput,
    InvalidOptionError,
    MissingExtraError,
)
from taskkit.model.clock import SYSTEM_CLOCK, Clock, sleep
from taskkit.model.duration import Duration, seconds
from taskkit.model.retry import Retry
from taskkit.runtime.portal import block_on, refuse_in_event_loop, twin
from taskkit.runtime.scope import current_scope

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
_MOST_REQUESTS = 10
_RETRIED: Mapping[str, Retry] = {"429,408,409,5xx": Retry()}
_STATUSES = re.compile(r"([0-9])xx|([0-9]{3})(?:-([0-9]{3}))?|all")


# --- on_throw ---------------------------------------------------------------------------------------


@overload
async def on_throw(fn: Callable[[], Awaitable[T]], retry: Retry | None = None) -> T: ...
@overload
async def on_throw(fn: Callable[[int], Awaitable[T]], retry: Retry | None = None) -> T: ...
@overload
async def on_throw(fn: Callable[[], T], retry: Retry | None = None) -> T: ...
@overload
async def on_throw(fn: Callable[[int], T], retry: Retry | None = None) -> T: ...
async def on_throw(fn: Callable[..., Any], retry: Retry | None = None) -> Any:
    """What `fn` returns, called again after an error: `await retry.on_throw(fetch, Retry(max_attempts=5))`.

    `fn` is plain or async; one that takes a parameter is given the number of the call, from 1. Without a
    policy `Retry()`. The last error is raised when no call is left, AbortTaskRunError at once. Works
    outside of a task too.
    """
    policy, clock = retry or Retry(), _clock()
    call, number = _numbered(fn), 1
    while True:
        try:
            made = call(number)
            return await made if inspect.isawaitable(made) else made
        except Exception as error:
            delay = _pause(policy, number, error)
            if delay is None:
                raise
        await sleep(clock, delay)
        number += 1


def _pause(policy: Retry, number: int, error: Exception) -> float | None:
    if isinstance(error, AbortTaskRunError | CompleteTaskWithOutput):
        return None
    return policy.next_delay(number)


def _numbered(fn: Callable[..., Any]) -> Callable[[int], Any]:
    """The function as one of the number of its call; what has a default is not a parameter of ours."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # a builtin that does not tell
        return lambda _: fn()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    asked = [one for one in parameters if one.kind in positional and one.default is one.empty]
    return fn if asked else lambda _: fn()


def _itself(made: Awaitable[T]) -> Awaitable[T]:
    return made


def _clock() -> Clock:
    scope = current_scope.get()
    return SYSTEM_CLOCK if scope is None else scope.home.clock


# --- http -------------------------------------------------------------------------------------------


async def http(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
    content: str | bytes | None = None,
    data: Mapping[str, Any] | None = None,
    timeout: Duration | None = 30,
    by_status: Mapping[str, Retry] | None = None,
    connection_error: Retry | None = None,
    timeout_error: Retry | None = None,
    client: httpx.AsyncClient | None = None,
) -> httpx.Response:
    """The response to a request that is sent again where that may help: `await retry.http("https://...")`.

    Needs the extra `http`. `by_status` maps statuses ("429", "5xx", "500-504", "all", several with commas) to
    the policy for them, the first that matches; without it 429, 408, 409 and 5xx are tried by `Retry()`, as
    are failing connections (`connection_error`) and requests that take longer than `timeout`
    (`timeout_error`). At most 10 requests are sent; the header x-retry-count numbers them from 1. The last
    response is returned whatever its status, the last error is raised, as httpx's. `client` brings what
    else is to be set: transport, auth, cookies.
    """
    policies = _Policies(by_status, connection_error, timeout_error)
    request = {"params": params, "json": json, "content": content, "data": data}
    request["timeout"] = None if timeout is None else seconds(timeout, what="timeout")
    if client is not None:
        return await _send(client, method, url, headers or {}, request, policies)
    async with policies.httpx.AsyncClient() as own:
        return await _send(own, method, url, headers or {}, request, policies)


async def _send(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    headers: Mapping[str, str],
    request: Mapping[str, Any],
    policies: _Policies,
) -> httpx.Response:
    number, clock = 1, _clock()
    while True:
        numbered = {**headers, "x-retry-count": str(number)}
        outcome: httpx.Response | Exception
        try:
            outcome = await client.request(method, url, headers=numbered, **request)
        except policies.httpx.TransportError as error:
            outcome = error
        delay = policies.pause(outcome, number)
        if delay is None and isinstance(outcome, Exception):
            raise outcome
        if delay is None:
            return cast("httpx.Response", outcome)
        await sleep(clock, delay)
        number += 1


class _Policies:
    """What is tried again by which policy."""

    def __init__(
        self,
        by_status: Mapping[str, Retry] | None,
        connection_error: Retry | None,
        timeout_error: Retry | None,
    ) -> None:
        self.httpx = _import_httpx()
        given = _RETRIED if by_status is None else by_status
        self._by_status = [(_statuses(text), policy) for text, policy in given.items()]
        self._connection_error = connection_error or Retry()
        self._timeout_error = timeout_error or Retry()

    def pause(self, outcome: httpx.Response | Exception, number: int) -> float | None:
        """Seconds until the next request; None when this was the last."""
        policy = self._policy(outcome)
        if policy is None or number >= _MOST_REQUESTS:
            return None
        return policy.next_delay(number)

    def _policy(self, outcome: httpx.Response | Exception) -> Retry | None:
        httpx = self.httpx
        if isinstance(outcome, httpx.TimeoutException):
            return self._timeout_error
        if isinstance(outcome, (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)):
            return self._connection_error
        if isinstance(outcome, Exception) or outcome.is_success:
            return None
        status = outcome.status_code
        found = (policy for ranges, policy in self._by_status if any(status in r for r in ranges))
        return next(found, None)


def _statuses(text: str) -> list[range]:
    """What a key of `by_status` means."""
    ranges: list[range] = []
    for part in text.split(","):
        match = _STATUSES.fullmatch(part.strip())
        if match is None:
            raise InvalidOptionError(
                "by_status",
                text,
                'give statuses such as "429", "5xx", "500-504", "408,5xx" or "all".',
            )
        hundred, first, last = match.groups()
        if hundred is not None:
            ranges.append(range(int(hundred) * 100, int(hundred) * 100 + 100))
        elif first is not None:
            ranges.append(range(int(first), int(last or first) + 1))
        else:
            ranges.append(range(1000))
    return ranges


def _import_httpx() -> ModuleType:
    try:
        import httpx
    except ImportError:
        raise MissingExtraError("http", "retry.http needs httpx") from None
    return httpx


class sync:
    """The same calls for plain code; `retry.sync.on_throw(fetch)`."""

    http = staticmethod(twin(http))

    @overload
    @staticmethod
    def on_throw(fn: Callable[[], Awaitable[T]], retry: Retry | None = None) -> T: ...
    @overload
    @staticmethod
    def on_throw(fn: Callable[[int], Awaitable[T]], retry: Retry | None = None) -> T: ...
    @overload
    @staticmethod
    def on_throw(fn: Callable[[], T], retry: Retry | None = None) -> T: ...
    @overload
    @staticmethod
    def on_throw(fn: Callable[[int], T], retry: Retry | None = None) -> T: ...
    @staticmethod
    def on_throw(fn: Callable[..., Any], retry: Retry | None = None) -> Any:
        """See `retry.on_throw`; a plain `fn` is called in this thread."""
        refuse_in_event_loop("retry.on_throw")
        policy, clock = retry or Retry(), _clock()
        call, number = _numbered(fn), 1
        while True:
            try:
                made = call(number)
                return block_on(partial(_itself, made)) if inspect.isawaitable(made) else made
            except Exception as error:
                delay = _pause(policy, number, error)
                if delay is None:
                    raise
            block_on(partial(sleep, clock, delay))
            number += 1
