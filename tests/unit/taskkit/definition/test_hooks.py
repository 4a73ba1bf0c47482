"""Hooks: what each may ask for, and what is refused where it is written."""

import functools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from taskkit.definition.hooks import GLOBAL_HOOKS, WANTS, HookSet, make_hook
from taskkit.errors import HookSignatureError

EXPECTED = {
    "init": {"payload", "ctx"},
    "on_start": {"payload", "ctx", "init"},
    "on_start_attempt": {"payload", "ctx", "init"},
    "on_success": {"payload", "ctx", "init", "output"},
    "on_failure": {"payload", "ctx", "init", "error"},
    "on_complete": {"payload", "ctx", "init", "result"},
    "on_wait": {"payload", "ctx", "init", "wait"},
    "on_resume": {"payload", "ctx", "init", "wait"},
    "on_cancel": {"payload", "ctx", "init"},
    "cleanup": {"payload", "ctx", "init"},
    "catch_error": {"payload", "ctx", "init", "error"},
    "middleware": {"payload", "ctx", "call_next"},
}
EVERYTHING = set().union(*EXPECTED.values())


def taking(*names: str, is_async: bool = True) -> Any:
    """A function with these parameters."""
    scope: dict[str, Any] = {}
    exec(f"{'async ' if is_async else ''}def hook({', '.join(names)}): pass", scope)
    return scope["hook"]


def on_start(payload: object) -> None: ...


async def on_failure(*, error: object, payload: object, ctx: object) -> None: ...


def test_table_of_names() -> None:
    assert {name: set(allowed) for name, allowed in WANTS.items()} == EXPECTED


@pytest.mark.parametrize(
    ("name", "asked"), [(name, asked) for name in EXPECTED for asked in sorted(EVERYTHING)]
)
def test_each_hook_gets_its_names_and_no_others(name: str, asked: str) -> None:
    if asked in EXPECTED[name]:
        assert make_hook(name, taking(asked)).wants == (asked,)
        return
    with pytest.raises(HookSignatureError) as caught:
        make_hook(name, taking(asked))
    message = str(caught.value)
    assert f"The hook {name}, hook at <string>:1," in message
    assert repr(asked) in message
    assert f"It may ask for: {', '.join(WANTS[name])}." in message


def test_a_hook_may_ask_for_everything_or_nothing() -> None:
    for name, allowed in WANTS.items():
        assert make_hook(name, taking(*allowed)).wants == allowed
        assert make_hook(name, taking()).wants == ()


def test_handle_error_is_catch_error() -> None:
    hooks = HookSet({"handle_error": taking("error")})
    assert [hook.name for hook in hooks.of("catch_error")] == ["catch_error"]


def test_arguments_are_what_is_asked_for() -> None:
    hook = make_hook("on_failure", on_failure)
    values = {"payload": 1, "ctx": 2, "init": 3, "error": 4}
    assert hook.arguments(values) == {"error": 4, "payload": 1, "ctx": 2}
    assert hook.is_async
    assert hook.where == f"{__file__}:{on_failure.__code__.co_firstlineno}"
    assert repr(hook) == f"<Hook on_failure on_failure at {hook.where}>"


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (("payloads",), "Did you mean 'payload'?"),
        (("context",), "asks for 'context'"),
        (("task",), "asks for 'task'"),
        (("task_definition",), "asks for 'task_definition'"),
        (("payload", "extra=1"), "asks for 'extra'"),
        (("*args",), r"the parameter \*args"),
        (("**kwargs",), r"the parameter \*\*kwargs"),
        (("payload", "/"), "the parameter payload; hooks are called by name"),
    ],
)
def test_bad_parameters_are_refused(names: tuple[str, ...], hint: str) -> None:
    with pytest.raises(HookSignatureError, match=hint):
        make_hook("on_start", taking(*names))


def test_defaults_on_allowed_names_are_fine() -> None:
    assert make_hook("on_start", taking("payload", "*", "ctx=None")).wants == ("payload", "ctx")


def test_middleware_is_async() -> None:
    with pytest.raises(HookSignatureError, match="Write `async def` and `await call_next"):
        make_hook("middleware", taking("call_next", is_async=False))


def test_functions_that_yield_are_refused() -> None:
    def plain(payload: object) -> Iterator[int]:
        yield 1

    async def asynchronous(payload: object) -> AsyncIterator[int]:
        yield 1

    for fn in (plain, asynchronous):
        with pytest.raises(HookSignatureError, match="yields"):
            make_hook("cleanup", fn)


@pytest.mark.parametrize("fn", [None, 3, "on_start", dict, object()])
def test_only_functions_are_hooks(fn: Any) -> None:
    with pytest.raises(HookSignatureError, match="give it a function"):
        make_hook("on_start", fn)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("on_sucess", "Did you mean 'on_success'"), ("xyz", "Hooks are: init"), (3, "no hook 3")],
)
def test_unknown_hooks_are_refused(name: Any, hint: str) -> None:
    with pytest.raises(HookSignatureError, match=hint):
        make_hook(name, on_start)


def test_async_is_seen_behind_partials_methods_and_objects() -> None:
    class Hooks:
        async def method(self, payload: object) -> None: ...
        async def __call__(self, payload: object) -> None: ...

    async def with_more(setting: int, payload: object) -> None: ...

    for fn in (Hooks().method, Hooks(), functools.partial(with_more, 1)):
        hook = make_hook("on_start", fn)
        assert (hook.is_async, hook.wants) == (True, ("payload",))
        assert hook.where.startswith(f"{__file__}:")


# --- sets -------------------------------------------------------------------------------------------


def test_hooks_keep_their_order() -> None:
    first, second = taking("payload"), taking("ctx")
    second.__qualname__ = "other"
    hooks = HookSet({"on_start": [first, second], "cleanup": on_start, "init": None, "on_wait": ()})
    assert [hook.fn for hook in hooks.of("on_start")] == [first, second]
    assert [hook.name for hook in hooks] == ["on_start", "on_start", "cleanup"]
    assert hooks.of("init") == hooks.of("on_wait") == ()
    assert len(hooks) == 3
    assert not hooks.empty
    assert HookSet().empty


@pytest.mark.parametrize("functions", ["ab", 3, [None], {"a": 1}])
def test_a_set_refuses_what_is_no_function(functions: Any) -> None:
    with pytest.raises(HookSignatureError):
        HookSet({"on_start": functions})


def test_a_reloaded_function_replaces_its_older_self_in_place() -> None:
    old, new, other = taking("payload"), taking("ctx"), on_start
    for fn in (old, new):
        fn.__module__ = "app.tasks"
    hooks = HookSet({"on_start": [old, other]})
    hooks.add("on_start", new)
    assert [hook.fn for hook in hooks.of("on_start")] == [new, other]
    hooks.add("cleanup", new)
    assert len(hooks) == 3


def test_inner_functions_and_lambdas_of_one_name_are_different_hooks() -> None:
    def make() -> Any:
        def hook(payload: object) -> None: ...

        return hook

    hooks = HookSet()
    for fn in (make(), make(), lambda payload: None, lambda payload: None):
        hooks.add("on_start", fn)
        hooks.add("on_start", fn)
    assert len(hooks) == 4


def test_a_copy_goes_its_own_way() -> None:
    hooks = HookSet({"on_start": on_start})
    twin = hooks.copy()
    twin.add("on_failure", on_failure)
    assert (len(hooks), len(twin)) == (1, 2)
    hooks.adopt(twin)
    assert len(hooks) == 2
    hooks.clear()
    assert hooks.empty
    assert len(hooks) == 0
    assert len(twin) == 2
    assert repr(twin) == "HookSet(on_start=on_start, on_failure=on_failure)"


def test_global_hooks_are_empty_at_first() -> None:
    assert GLOBAL_HOOKS.empty
