"""Which backend a call goes to, and URL to instance."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from typing import Any, cast
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from taskkit import config
from taskkit.backends.base import Backend
from taskkit.errors import (
    BackendNotConfiguredError,
    InvalidConfigError,
    InvalidOptionError,
)
from taskkit.model.clock import SYSTEM_CLOCK, Clock
from taskkit.runtime.home import Home, open_homes
from taskkit.runtime.scope import current_scope

_log = logging.getLogger("taskkit.runtime")
GROUP = "taskkit.backends"
"""The entry points that backends are found by, under the schemes of their URLs."""
_IN_BETWEEN = re.compile(r"(?<=:)(?!//).*(?=@)")
"""From the first colon that may stand before a password to the last place that may follow one."""
_PASSWORDS = re.compile(r"([?&]\w*password=)[^&]*")

_chosen: ContextVar[Home | None] = ContextVar("taskkit_backend", default=None)
_serving: list[Home] = []
_by_url: dict[str, Home] = {}
_by_instance: WeakValueDictionary[int, Home] = WeakValueDictionary()
_lock = threading.Lock()
_configured: list[Home] = []
_factories: dict[str, Callable[[str], Backend]] = {}


def current_home() -> Home:
    """The backend of the running task, else of the caller's context, else of this process."""
    scope = current_scope.get()
    if scope is not None:
        return scope.home
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    return _serving[-1] if _serving else configured_home()


def configured_home() -> Home:
    """What `configure`, the environment or the configuration file names; BackendNotConfiguredError otherwise."""
    if _configured:
        return _configured[0]
    url = config.current().backend
    if url is None:
        raise BackendNotConfiguredError
    return home_of(url)


def configure(backend: Backend | None) -> None:
    """An instance that calls go to when nothing nearer is chosen; None goes back to the configured URL."""
    _configured[:] = [] if backend is None else [home_for(backend)]


def home_of(url: str) -> Home:
    """The one instance of this process for a URL; opened at first use."""
    home = _by_url.get(url)
    if home is None:
        with _lock:  # two threads may ask at once
            home = _by_url.get(url) or _by_url.setdefault(url, new_home(url))
    return home


def new_home(url: str, *, clock: Clock = SYSTEM_CLOCK) -> Home:
    """A fresh instance for a URL."""
    factory = _factory_of(url)
    home = Home(lambda: factory(url), name=_without_password(url), clock=clock)
    # A worker's `backend` may be passed on, to another loop too.
    _by_instance[id(home.backend)] = home
    return home


def home_for(backend: str | Backend, *, clock: Clock = SYSTEM_CLOCK) -> Home:
    """A home for what users may pass: a URL or an instance."""
    if isinstance(backend, str):
        return home_of(backend) if clock is SYSTEM_CLOCK else new_home(backend, clock=clock)
    if isinstance(backend, type) or not hasattr(backend, "capabilities"):
        raise InvalidOptionError(
            "The backend",
            backend,
            'give a URL such as "sqlite:///runs.db", or an instance of a backend.',
        )
    with _lock:
        home = _by_instance.get(id(backend))
        if home is not None and home.backend is not backend:
            home = None  # it was opened anew since, and another instance has got the id
        if home is None or clock not in (SYSTEM_CLOCK, home.clock):
            home = Home(lambda: backend, name=type(backend).__name__, clock=clock)
            # Which keeps the instance, so its id is not used again.
            _by_instance[id(backend)] = home
        return home


@contextmanager
def choose(home: Home) -> Generator[None]:
    """Calls from this context go here."""
    token = _chosen.set(home)
    try:
        yield
    finally:
        try:
            _chosen.reset(token)
        except ValueError:
            # Left in another context than it was entered in, as the fixtures of some test runners are: there
            # is nothing to take back here.
            if _chosen.get() is home:
                _chosen.set(None)


def started_serving(home: Home) -> None:
    """Calls that name no other backend go here, from anywhere in the process, until it stops."""
    _serving.append(home)


def stopped_serving(home: Home) -> None:
    if home in _serving:
        _serving.remove(home)


def forget(url: str) -> None:
    """The next use of this URL makes a new instance."""
    _by_url.pop(url, None)


async def close_those_here() -> None:
    """Close each backend that lives on the running event loop, which is about to end."""
    here = asyncio.get_running_loop()
    for home in list(open_homes):
        if home.loop is here:
            try:
                await home.close()
            except Exception as error:  # the others are closed all the same
                _log.warning("the backend %s could not be closed: %s", home.name, error)


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - another thread may have held it
    _lock = threading.Lock()
    _serving.clear()
    for home in list(open_homes):
        home.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _factory_of(url: str) -> Callable[[str], Backend]:
    scheme = urlsplit(url).scheme
    if "://" not in url or not scheme:
        raise InvalidConfigError(
            f"The backend {_hidden(url)!r} is not a URL. Write for example memory:// or sqlite:///runs.db."
        )
    factory = _factories.get(scheme)
    if factory is None:
        factory = _factories[scheme] = _load(scheme, url)
    return factory


def _load(scheme: str, url: str) -> Callable[[str], Backend]:
    from importlib.metadata import entry_points  # reads the disk, and only who uses a URL needs it

    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if scheme not in found:
        near = get_close_matches(scheme, list(found), n=1)
        hint = f" Did you mean {near[0]}://?" if near else ""
        known = (
            ", ".join(f"{name}://" for name in sorted(found)) or "none: is the package installed?"
        )
        raise InvalidConfigError(
            f"No backend is registered for {scheme}:// (from {_hidden(url)!r}).{hint} Installed: {known}. "
            f"A package adds one through the entry-point group {GROUP!r}."
        )
    loaded: Any = found[scheme].load()
    return cast("Callable[[str], Backend]", getattr(loaded, "from_url", loaded))


def _hidden(url: str) -> str:
    """What can be shown of a text that is no URL of ours, whatever it is."""
    return _PASSWORDS.sub(r"\1***", _IN_BETWEEN.sub("***", url))


def _without_password(url: str) -> str:
    shown = _PASSWORDS.sub(r"\1***", url)
    parts = urlsplit(shown)
    if "@" not in parts.netloc:
        return shown  # put together again, sqlite:///runs.db would lose two of its slashes
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.split(':')[0]}:***@{host}").geturl()
