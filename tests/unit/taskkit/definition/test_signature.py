"""Reading a task's function: payload, context, types, and the call."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import inspect
import typing
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import BaseModel

import taskkit.definition.context as context_module
from taskkit.definition.context import Context
from taskkit.definition.signature import is_partial, place_of, read
from taskkit.errors import TaskSignatureError

if TYPE_CHECKING:
    from taskkit.definition.context import Context as LaterContext
    from taskkit.somewhere import OnlyForCheckers  # type: ignore[import-not-found]  # never imported


class User(BaseModel):
    name: str


PAYLOAD, CTX = object(), object()


def none() -> str: ...
def payload_only(payload: User) -> str: ...
def context_only(ctx: Context) -> str: ...
def both(payload: User, ctx: Context) -> str: ...
def swapped(ctx: Context, payload: User) -> str: ...
def other_names(user: User, context: Context) -> str: ...
def named(payload: User, *, ctx: Context) -> str: ...
def named_payload(ctx: Context, *, payload: User) -> str: ...
def all_named(*, ctx: Context, payload: User) -> str: ...
def payload_named(*, payload: User) -> str: ...
def context_named(*, ctx: Context) -> str: ...
def by_position(payload: User, ctx: Context, /) -> str: ...
def with_defaults(payload: User | None = None, ctx: Context | None = None) -> str: ...


def recording(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the same signature that gives back what each parameter was bound to."""
    signature = inspect.signature(fn)

    @functools.wraps(fn)
    def record(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return dict(signature.bind(*args, **kwargs).arguments)

    return record


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (none, {}),
        (payload_only, {"payload": PAYLOAD}),
        (context_only, {"ctx": CTX}),
        (both, {"payload": PAYLOAD, "ctx": CTX}),
        (swapped, {"payload": PAYLOAD, "ctx": CTX}),
        (other_names, {"user": PAYLOAD, "context": CTX}),
        (named, {"payload": PAYLOAD, "ctx": CTX}),
        (named_payload, {"payload": PAYLOAD, "ctx": CTX}),
        (all_named, {"payload": PAYLOAD, "ctx": CTX}),
        (payload_named, {"payload": PAYLOAD}),
        (context_named, {"ctx": CTX}),
        (by_position, {"payload": PAYLOAD, "ctx": CTX}),
        (with_defaults, {"payload": PAYLOAD, "ctx": CTX}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_payload_and_context_are_put_where_the_function_has_them(
    fn: Any, expected: dict[str, Any]
) -> None:
    signature = read(recording(fn), {})
    assert signature.invoke(PAYLOAD, CTX) == expected
    assert signature.has_payload is (PAYLOAD in expected.values())
    assert signature.wants_context is (CTX in expected.values())
    assert signature.output_type is str
    if signature.has_payload:
        assert signature.payload_type in (User, User | None)
    else:
        assert signature.payload_type is None


def test_a_function_in_the_usual_order_is_called_without_detour() -> None:
    assert read(both, {}).invoke is both


def test_types_are_any_where_nothing_is_written() -> None:
    def bare(payload, ctx): ...  # type: ignore[no-untyped-def]  # the lack is what is tested

    signature = read(bare, {})
    assert (signature.payload_type, signature.output_type) == (Any, Any)
    assert signature.wants_context


def test_none_as_a_return_type() -> None:
    def nothing() -> None: ...

    assert read(nothing, {}).output_type is type(None)


def test_defaults_of_the_payload_are_known() -> None:
    signature = read(with_defaults, {})
    assert (signature.has_default, signature.payload_default) == (True, None)
    assert not read(both, {}).has_default


# --- which one is the context -----------------------------------------------------------------------


def through_the_module(c: context_module.Context) -> None: ...
def annotated(c: Annotated[Context, "note"]) -> None: ...
def as_text(c: "Context") -> None: ...  # noqa: UP037 - text in text is what is tested
def only_for_checkers(ctx: LaterContext) -> None: ...
def any_protocol(ctx: OnlyForCheckers) -> None: ...
def optional_ctx(ctx: Context | None) -> None: ...


@pytest.mark.parametrize(
    "fn",
    [through_the_module, annotated, as_text, only_for_checkers, any_protocol, optional_ctx],
    ids=lambda fn: fn.__name__,
)
def test_context_is_known_by_annotation_or_by_the_name_ctx(fn: Any) -> None:
    signature = read(fn, {})
    assert (signature.has_payload, signature.wants_context) == (False, True)


@pytest.mark.parametrize("annotation", ["Context", "taskkit.Context"])
def test_context_imported_for_checkers_alone_is_known_by_its_text(annotation: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def f(c: {annotation!r}): ...", scope)  # text in text, by the import at the top
    assert read(scope["f"], {}).wants_context
    scope["f"].__annotations__["c"] = annotation
    assert read(scope["f"], {}).wants_context


def test_a_class_of_ones_own_that_is_called_context_is_a_payload() -> None:
    class Context(BaseModel):
        a: int

    def task(c: Context) -> None: ...

    signature = read(task, locals())
    assert (signature.payload_type, signature.wants_context) == (Context, False)


def test_an_optional_context_of_another_name_is_refused() -> None:
    def task(c: Context | None) -> None: ...

    with pytest.raises(TaskSignatureError, match="Write `c: Context`"):
        read(task, {})


# --- refused ----------------------------------------------------------------------------------------


def two_payloads(one: User, two: User) -> None: ...
def two_contexts(ctx: Context, other: Context) -> None: ...
def starred(*payload: User) -> None: ...
def keywords(**payload: User) -> None: ...
def starred_too(payload: User, ctx: Context, *rest: Any) -> None: ...
def defaulted(payload: User, ctx: Context, verbose: bool = False) -> None: ...
def defaulted_by_name(payload: User, *, verbose: bool = False) -> None: ...
def method(self, payload: User) -> None: ...  # type: ignore[no-untyped-def]  # like a method
def lonely_method(self) -> None: ...  # type: ignore[no-untyped-def]  # like a method
def class_method(cls, ctx: Context) -> None: ...  # type: ignore[no-untyped-def]  # like a method


@pytest.mark.parametrize(
    "fn",
    [
        two_payloads,
        two_contexts,
        starred,
        keywords,
        starred_too,
        defaulted,
        defaulted_by_name,
        method,
        lonely_method,
        class_method,
    ],
    ids=lambda fn: fn.__name__,
)
def test_other_parameters_are_refused(fn: Any) -> None:
    with pytest.raises(TaskSignatureError) as caught:
        read(fn, {})
    message = str(caught.value)
    assert f"The function {fn.__name__} at {__file__}:{fn.__code__.co_firstlineno}" in message
    assert all(name in message for name in inspect.signature(fn).parameters)
    assert "def f(payload, ctx: Context)" in message
    assert ("looks like a method" in message) is ("method" in fn.__name__)


def generator(payload: User) -> Iterator[int]:
    yield 1


async def async_generator(payload: User) -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("fn", "hint"),
    [
        (generator, "yields"),
        (async_generator, "yields"),
        (functools.partial(generator), "yields"),
        (User, "is a class"),
        (3, "3 is no function"),
        (None, "None is no function"),
        (classmethod(none), "is no function"),
        (dict.update, "no readable signature|has the parameters"),
    ],
)
def test_what_is_no_function_is_refused(fn: Any, hint: str) -> None:
    with pytest.raises(TaskSignatureError, match=hint):
        read(fn, {})


# --- annotations ------------------------------------------------------------------------------------


def test_local_classes_resolve_by_closure_and_by_frame() -> None:
    @dataclasses.dataclass
    class Enclosed:
        a: int

    class OnlyInFrame(BaseModel):
        a: int

    def closing_over(payload: Enclosed) -> list[Enclosed]:
        return [Enclosed(1)]

    def from_the_frame(payload: OnlyInFrame) -> dict[str, OnlyInFrame]: ...

    assert read(closing_over, {}).payload_type is Enclosed
    assert read(closing_over, {}).output_type == list[Enclosed]
    signature = read(from_the_frame, locals())
    assert signature.payload_type is OnlyInFrame
    assert signature.output_type == dict[str, OnlyInFrame]
    with pytest.raises(TaskSignatureError, match="the name 'OnlyInFrame' is unknown there"):
        read(from_the_frame, {})


def test_a_forward_reference_within_a_type_resolves() -> None:
    def task(payload: list["User"]) -> None: ...  # noqa: UP037 - text in text is what is tested

    assert read(task, {}).payload_type == list[User]


def test_extras_of_annotated_are_kept() -> None:
    def task(payload: Annotated[int, "even"]) -> None: ...

    assert typing.get_args(read(task, {}).payload_type) == (int, "even")


def test_a_name_in_the_closure_may_still_be_unbound() -> None:
    def read_now(fn: Any) -> Any:
        return read(fn, {})

    @read_now
    def task(payload: User) -> Any:
        return task  # its own cell is empty while it is decorated

    assert task.payload_type is User


@pytest.mark.parametrize(
    ("annotation", "hint"),
    [
        ("Unknown", "the name 'Unknown' is unknown there"),
        ("list[Unknown]", "the name 'Unknown' is unknown there"),
        ("int |", "SyntaxError"),
        ("int.missing", "AttributeError"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
@pytest.mark.parametrize("place", ["payload", "return"])
def test_annotations_that_cannot_be_resolved_are_refused(
    annotation: str, hint: str, place: str
) -> None:
    def task(payload: int) -> None: ...

    task.__annotations__[place] = annotation
    with pytest.raises(TaskSignatureError, match=hint) as caught:
        read(task, {})
    assert f"'{annotation}' for '{place}'" in str(caught.value)
    assert f"{__file__}:{task.__code__.co_firstlineno}" in str(caught.value)


# --- functions behind others ------------------------------------------------------------------------


async def fetch(payload: User, ctx: Context) -> str:
    return payload.name


def plain_wrapper(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return wrapper


def finishing_wrapper(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return "finished"

    return wrapper


class Fetcher:
    async def fetch(self, payload: User) -> str:
        return payload.name

    async def __call__(self, payload: User) -> str:
        return payload.name


@pytest.mark.parametrize(
    ("fn", "output"),
    [
        (fetch, "Ada"),
        (plain_wrapper(fetch), "Ada"),
        (finishing_wrapper(fetch), "finished"),
        (Fetcher().fetch, "Ada"),
        (Fetcher(), "Ada"),
        (functools.partial(fetch), "Ada"),
        (functools.partial(plain_wrapper(fetch)), "Ada"),
    ],
)
def test_async_functions_are_known_behind_wrappers(fn: Any, output: str) -> None:
    signature = read(fn, {})
    assert signature.is_async
    assert signature.payload_type is User
    assert asyncio.run(signature.invoke(User(name="Ada"), CTX)) == output


def test_plain_functions_are_not_async() -> None:
    assert not read(both, {}).is_async
    assert not read(plain_wrapper(both), {}).is_async
    assert not read(functools.partial(both), {}).is_async


def test_a_partial_that_binds_the_rest_can_be_a_task() -> None:
    def with_setting(setting: int, payload: User) -> tuple[int, User]:
        return setting, payload

    signature = read(functools.partial(with_setting, 7), locals())
    assert signature.invoke(PAYLOAD, CTX) == (7, PAYLOAD)
    assert is_partial(functools.partial(none))
    assert not is_partial(none)


def test_place_is_that_of_the_innermost_function() -> None:
    for fn in (fetch, plain_wrapper(fetch), functools.partial(plain_wrapper(fetch))):
        place = place_of(fn)
        assert (place.module, place.qualname, place.file_path) == (__name__, "fetch", __file__)
        assert str(place) == f"{__file__}:{fetch.__code__.co_firstlineno}"
    assert place_of(Fetcher()).qualname == "Fetcher.__call__"
    assert str(place_of(len)) == "<built in>:0"
