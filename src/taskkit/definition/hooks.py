"""Hooks: functions that run around a task's own, and what each may ask for."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final, cast

from taskkit.errors import HookSignatureError, shown

HookFunction = Callable[..., Any]

WANTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "init": ("payload", "ctx"),
        "on_start": ("payload", "ctx", "init"),
        "on_start_attempt": ("payload", "ctx", "init"),
        "on_success": ("payload", "ctx", "init", "output"),
        "on_failure": ("payload", "ctx", "init", "error"),
        "on_complete": ("payload", "ctx", "init", "result"),
        "on_wait": ("payload", "ctx", "init", "wait"),
        "on_resume": ("payload", "ctx", "init", "wait"),
        "on_cancel": ("payload", "ctx", "init"),
        "cleanup": ("payload", "ctx", "init"),
        "catch_error": ("payload", "ctx", "init", "error"),
        "middleware": ("payload", "ctx", "call_next"),
    }
)
"""Every kind of hook, and the names that its function may have as parameters."""

ALIASES: Mapping[str, str] = MappingProxyType({"handle_error": "catch_error"})


class Hook:
    """A function registered for one kind of hook.

    `wants` are the names of its parameters, in order; `where` is its place, `file:line`.
    """

    __slots__ = ("fn", "is_async", "name", "wants", "where")

    def __init__(
        self, name: str, fn: HookFunction, wants: tuple[str, ...], is_async: bool, where: str
    ) -> None:
        self.name: Final = name
        self.fn: Final = fn
        self.wants: Final = wants
        self.is_async: Final = is_async
        self.where: Final = where

    def arguments(self, values: Mapping[str, object]) -> dict[str, object]:
        """What the function asks for, out of `values`, ready to be passed by keyword."""
        return {name: values[name] for name in self.wants}

    def __repr__(self) -> str:
        return f"<Hook {self.name} {_name_of(self.fn)} at {self.where}>"


class HookSet:
    """Hooks by kind, each kind in order of registration.

    Registering a function again, also in its version after a module was reloaded, replaces it in its
    place. `empty` is kept as a plain attribute: it is looked at for every attempt.
    """

    __slots__ = ("_hooks", "empty")

    def __init__(
        self, hooks: Mapping[str, HookFunction | Sequence[HookFunction] | None] | None = None
    ) -> None:
        self._hooks: dict[str, tuple[Hook, ...]] = {}
        self.empty = True
        for name, functions in (hooks or {}).items():
            for fn in _as_sequence(functions):
                self.add(name, fn)

    def add(self, name: str, fn: HookFunction) -> Hook:
        """Register `fn` for the kind `name`; HookSignatureError when it cannot be one."""
        hook = make_hook(name, fn)
        present = self._hooks.get(hook.name, ())
        for place, other in enumerate(present):
            if _is_same(other.fn, fn):
                self._hooks[hook.name] = (*present[:place], hook, *present[place + 1 :])
                return hook
        self._hooks[hook.name] = (*present, hook)
        self.empty = False
        return hook

    def of(self, name: str) -> tuple[Hook, ...]:
        """The hooks of one kind."""
        return self._hooks.get(name, ())

    def copy(self) -> HookSet:
        """A set with the same hooks that goes its own way."""
        other = HookSet()
        other.adopt(self)
        return other

    def adopt(self, other: HookSet) -> None:
        """Hold exactly what `other` holds now."""
        self._hooks = dict(other._hooks)
        self.empty = other.empty

    def clear(self) -> None:
        """Hold nothing."""
        self._hooks = {}
        self.empty = True

    def __iter__(self) -> Iterator[Hook]:
        return (hook for hooks in self._hooks.values() for hook in hooks)

    def __len__(self) -> int:
        return sum(map(len, self._hooks.values()))

    def __repr__(self) -> str:
        return f"HookSet({', '.join(f'{hook.name}={_name_of(hook.fn)}' for hook in self)})"


GLOBAL_HOOKS: Final = HookSet()
"""The hooks of every task of this process."""


def make_hook(name: str, fn: HookFunction) -> Hook:
    """The hook of kind `name` that calls `fn`.

    Raises HookSignatureError when there is no such kind, or when the function asks for something that
    this kind of hook is not given.
    """
    name = ALIASES.get(name, name)
    if name not in WANTS:
        raise HookSignatureError(
            f"There is no hook {shown(name)}.{_did_you_mean(name, WANTS)} Hooks are: {', '.join(WANTS)}."
        )
    if isinstance(fn, type) or not callable(fn):
        raise HookSignatureError(
            f"The hook {name} is {shown(fn)}; give it a function, `def` or `async def`."
        )
    where = _where(fn)
    label = f"The hook {name}, {_name_of(fn)} at {where},"
    code = _called(fn)
    if inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code):
        raise HookSignatureError(
            f"{label} yields, so calling it would do nothing. Take the `yield` out."
        )
    is_async = inspect.iscoroutinefunction(code)
    if name == "middleware" and not is_async:
        raise HookSignatureError(
            f"{label} is a plain function, but it surrounds what is awaited. "
            f"Write `async def` and `await call_next()`."
        )
    return Hook(name, fn, _wants(name, fn, label), is_async, where)


def _wants(name: str, fn: HookFunction, label: str) -> tuple[str, ...]:
    allowed = WANTS[name]
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (ValueError, TypeError):
        raise HookSignatureError(
            f"{label} has no readable signature. Wrap it in a function."
        ) from None
    for parameter in parameters:
        if parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
            parameter.POSITIONAL_ONLY,
        ):
            raise HookSignatureError(
                f"{label} has the parameter {parameter}; hooks are called by name. Name what it needs of: "
                f"{', '.join(allowed)}."
            )
        if parameter.name not in allowed:
            raise HookSignatureError(
                f"{label} asks for {parameter.name!r}.{_did_you_mean(parameter.name, allowed)} "
                f"It may ask for: {', '.join(allowed)}."
            )
    return tuple(parameter.name for parameter in parameters)


def _as_sequence(functions: HookFunction | Sequence[HookFunction] | None) -> Sequence[HookFunction]:
    if functions is None:
        return ()
    if callable(functions):
        return (functions,)
    # Whatever else it is, make_hook says that it is no function.
    return functions if isinstance(functions, list | tuple) else (cast("HookFunction", functions),)


def _did_you_mean(word: object, known: Mapping[str, object] | Sequence[str]) -> str:
    near = get_close_matches(word, list(known), n=1) if isinstance(word, str) else []
    return f" Did you mean {near[0]!r}?" if near else ""


def _called(fn: HookFunction) -> HookFunction:
    """The function whose code runs: behind partials, and behind `__call__` of an object."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    if inspect.isroutine(fn):
        return fn
    call: HookFunction = type(fn).__call__
    return call


def _where(fn: HookFunction) -> str:
    code = getattr(inspect.unwrap(_called(fn)), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else "<built in>"


def _name_of(fn: HookFunction) -> str:
    name = getattr(fn, "__qualname__", None)
    return (
        name
        if isinstance(name, str)
        else _name_of(fn.func)
        if isinstance(fn, functools.partial)
        else shown(fn)
    )


def _is_same(one: HookFunction, other: HookFunction) -> bool:
    """One function, or two versions of it: functions in functions and lambdas share names without being one."""
    if one is other:
        return True
    name = getattr(one, "__qualname__", None)
    return (
        inspect.isfunction(one)
        and inspect.isfunction(other)
        and name == other.__qualname__
        and "<" not in str(name)
        and one.__module__ == other.__module__
    )
