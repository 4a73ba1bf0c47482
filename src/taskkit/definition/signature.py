"""Reading a task's function: which parameter is the payload, which the context, and how to call it."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

from taskkit.definition.context import Context
from taskkit.errors import TaskSignatureError, shown

_LEGAL = (
    "A task takes at most a payload and a context: def f(), def f(payload), def f(ctx: Context), "
    "def f(payload, ctx: Context); the context is the parameter annotated Context or named ctx."
)
_CONTEXT_TEXTS = frozenset({"Context", "taskkit.Context"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a function stands; its text is `file:line`."""

    module: str
    qualname: str
    file_path: str
    line: int

    def __str__(self) -> str:
        return f"{self.file_path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Signature:
    """A task's function as far as taskkit cares. `invoke(payload, ctx)` calls it."""

    is_async: bool
    has_payload: bool
    payload_type: Any
    payload_default: Any
    has_default: bool
    wants_context: bool
    output_type: Any
    invoke: Callable[[object, Any], Any]


def place_of(fn: Callable[..., Any]) -> Place:
    """Where the code of `fn` is written, behind decorators and partials."""
    inner = _innermost(fn)
    code = getattr(inner, "__code__", None)
    return Place(
        module=getattr(inner, "__module__", None) or "",
        qualname=getattr(inner, "__qualname__", None) or shown(inner),
        file_path=code.co_filename if code else "<built in>",
        line=code.co_firstlineno if code else 0,
    )


def is_partial(fn: object) -> bool:
    """It is a `functools.partial`, which has no name of its own."""
    return isinstance(fn, functools.partial)


def read(fn: Callable[..., Any], frame_locals: Mapping[str, Any]) -> Signature:
    """The signature of a task's function; TaskSignatureError when it cannot be a task."""
    label = f"The function {place_of(fn).qualname} at {place_of(fn)}"
    _refuse_what_is_no_task(fn, label)
    try:
        signature = inspect.signature(fn)
    except (ValueError, TypeError):
        raise TaskSignatureError(
            f"{label} has no readable signature. Wrap it in a function."
        ) from None
    names = _Names(fn, frame_locals, label)
    parameters = tuple(signature.parameters.values())
    types_of = {parameter.name: names.type_of(parameter) for parameter in parameters}
    context, payload = _roles(parameters, types_of, label)
    payload_type = types_of[payload.name] if payload else None
    if payload and Context in typing.get_args(payload_type):
        raise TaskSignatureError(
            f"{label} annotates {payload} with a union that holds Context. Write `{payload.name}: Context`."
        )
    has_default = payload is not None and payload.default is not Parameter.empty
    is_async, call = _callable(fn)
    return Signature(
        is_async=is_async,
        has_payload=payload is not None,
        payload_type=payload_type,
        payload_default=payload.default if payload and has_default else None,
        has_default=has_default,
        wants_context=context is not None,
        output_type=names.resolve("return", signature.return_annotation),
        invoke=_placed(call, parameters, payload, context),
    )


def _refuse_what_is_no_task(fn: Callable[..., Any], label: str) -> None:
    if isinstance(fn, type):
        raise TaskSignatureError(f"{label} is a class. Put the decorator on a function.")
    if not callable(fn):
        raise TaskSignatureError(
            f"{shown(fn)} is no function. Put the decorator on `def` or `async def`."
        )
    code = _innermost(fn)
    if inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code):
        raise TaskSignatureError(
            f"{label} yields. Return its output; stream parts with streams.pipe()."
        )


def _innermost(fn: Callable[..., Any]) -> Callable[..., Any]:
    while True:
        if isinstance(fn, functools.partial):
            fn = fn.func
        elif (wrapped := getattr(fn, "__wrapped__", None)) is not None:
            fn = wrapped
        elif inspect.isroutine(fn) or isinstance(fn, type):
            return fn
        else:
            return getattr(type(fn), "__call__", fn)  # noqa: B004 - the function behind it is wanted


def _outermost(fn: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(fn, functools.partial):
        fn = fn.func
    return fn if inspect.isroutine(fn) else type(fn).__call__


def _callable(fn: Callable[..., Any]) -> tuple[bool, Callable[..., Any]]:
    """Whether calling gives a coroutine, and what to call."""
    if inspect.iscoroutinefunction(_outermost(fn)):
        return True, fn
    if not inspect.iscoroutinefunction(_innermost(fn)):
        return False, fn

    # A plain wrapper round an `async def`: most hand the coroutine on, some have run it to its end.
    async def settled(*args: Any, **kwargs: Any) -> Any:
        result = fn(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    return True, settled


class _Names:
    """What the annotations of a function mean: its module's names, its closure's, and those of its frame."""

    def __init__(self, fn: Callable[..., Any], frame_locals: Mapping[str, Any], label: str) -> None:
        inner = _innermost(fn)
        inner = getattr(inner, "__func__", inner)
        self._label = label
        self._globals: dict[str, Any] = getattr(inner, "__globals__", {})
        self._locals = {**frame_locals, **_closure(inner)}
        for parameter in getattr(inner, "__type_params__", ()):
            self._locals[parameter.__name__] = parameter

    def type_of(self, parameter: Parameter) -> Any:
        """The parameter's annotation, `Any` without one, Context for the context whatever it says."""
        # `ctx` is the context by its name, and Context is often imported for type checkers alone.
        if parameter.name == "ctx":
            return Context
        try:
            found = self.resolve(parameter.name, parameter.annotation)
        except TaskSignatureError:
            if str(parameter.annotation).strip("'\"") in _CONTEXT_TEXTS:
                return Context
            raise
        bare = found.__origin__ if typing.get_origin(found) is typing.Annotated else found
        return Context if isinstance(bare, type) and issubclass(bare, Context) else found

    def resolve(self, name: str, annotation: Any) -> Any:
        """What an annotation stands for; `Any` for none, TaskSignatureError when it cannot be told."""
        if annotation is Parameter.empty:
            return Any
        holder = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            return typing.get_type_hints(holder, self._globals, self._locals, include_extras=True)[
                name
            ]
        except NameError as error:
            reason = f"the name {error.name!r} is unknown there"
            hint = "Import it outside `if TYPE_CHECKING:`, or define it before the task."
        except Exception as error:  # annotations are expressions and may raise anything
            reason = f"{type(error).__name__}: {error}"
            hint = "Write a type that Python can evaluate."
        raise TaskSignatureError(
            f"{self._label} has the annotation {shown(annotation)} for {name!r}, which cannot be resolved: "
            f"{reason}. {hint}"
        )


def _closure(fn: Callable[..., Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    code = getattr(fn, "__code__", None)
    for name, cell in zip(
        code.co_freevars if code else (), getattr(fn, "__closure__", None) or (), strict=True
    ):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not bound yet, as the function's own name while it is being decorated
            continue
    return found


def _roles(
    parameters: tuple[Parameter, ...], types_of: Mapping[str, Any], label: str
) -> tuple[Parameter | None, Parameter | None]:
    """The context and the payload among the parameters; TaskSignatureError when something is left over."""
    contexts = [parameter for parameter in parameters if types_of[parameter.name] is Context]
    payloads = [parameter for parameter in parameters if types_of[parameter.name] is not Context]
    variadic = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)
    method = any(p.name in ("self", "cls") and p.annotation is p.empty for p in payloads)
    if variadic or method or len(contexts) > 1 or len(payloads) > 1:
        listed = ", ".join(str(parameter) for parameter in parameters)
        why = " It looks like a method: decorate a function outside the class." if method else ""
        raise TaskSignatureError(f"{label} has the parameters ({listed}).{why} {_LEGAL}")
    return (contexts[0] if contexts else None, payloads[0] if payloads else None)


def _placed(
    fn: Callable[..., Any],
    parameters: tuple[Parameter, ...],
    payload: Parameter | None,
    context: Parameter | None,
) -> Callable[[object, Any], Any]:
    """A call `(payload, ctx)` that puts both where the function has them, at the price of one lambda."""
    by_name = [parameter for parameter in parameters if parameter.kind is Parameter.KEYWORD_ONLY]
    if by_name:
        return _by_name(fn, payload, context, all_named=len(by_name) == len(parameters))
    if payload and context:
        return fn if parameters[0] is payload else lambda payload, ctx: fn(ctx, payload)
    if payload:
        return lambda payload, ctx: fn(payload)
    if context:
        return lambda payload, ctx: fn(ctx)
    return lambda payload, ctx: fn()


def _by_name(
    fn: Callable[..., Any], payload: Parameter | None, context: Parameter | None, *, all_named: bool
) -> Callable[[object, Any], Any]:
    p = payload.name if payload else ""
    c = context.name if context else ""
    if not context:
        return lambda payload, ctx: fn(**{p: payload})
    if not payload:
        return lambda payload, ctx: fn(**{c: ctx})
    if all_named:
        return lambda payload, ctx: fn(**{p: payload, c: ctx})
    if context.kind is Parameter.KEYWORD_ONLY:
        return lambda given, ctx: fn(given, **{c: ctx})
    return lambda given, ctx: fn(ctx, **{p: given})
