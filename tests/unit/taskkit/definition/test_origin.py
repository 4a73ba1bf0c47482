"""Where a task is found again by an interpreter that knows nothing but its module."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

import taskkit
from taskkit import task
from taskkit.definition.hooks import GLOBAL_HOOKS
from taskkit.definition.origin import Origin, check_reachable, import_origin, origin_of, origins_of
from taskkit.errors import InvalidOptionError

pytestmark = pytest.mark.anyio


def factory(name: str):  # type: ignore[no-untyped-def]  # a task of any kind
    def work() -> str:
        return name

    return work


class Tasks:
    @task(id="in-a-class", isolation="process")
    @staticmethod
    def in_a_class() -> None: ...


made = task(id="made", isolation="process")(factory("made"))


async def test_a_task_in_a_function_is_refused_when_it_is_triggered() -> None:
    @task(id="local", isolation="process")
    def local() -> None: ...

    async with taskkit.local():
        with pytest.raises(InvalidOptionError) as raised:
            await local.trigger()
    assert raised.value.option == "isolation"
    assert "task 'local'" in str(raised.value)
    assert "test_origin.py:" in str(raised.value)
    assert "is defined inside a function" in str(raised.value)
    assert "move the task to the top level of a module" in str(raised.value)


async def test_a_task_typed_into_an_interpreter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typed_in", module := ModuleType("typed_in"))
    source = "from taskkit import task\n@task(isolation='process')\ndef typed() -> None: ...\n"
    exec(source, module.__dict__)
    async with taskkit.local():
        with pytest.raises(InvalidOptionError, match="is defined in typed_in, which is no file"):
            await module.typed.trigger()


@pytest.mark.parametrize("reachable", [made, Tasks.in_a_class])
def test_what_a_module_makes_when_it_is_imported_is_found(reachable: taskkit.Task) -> None:  # type: ignore[type-arg]  # of any kind
    check_reachable(reachable.definition)
    assert reachable.definition.declared_in == __name__
    (origin,) = origins_of(reachable.definition)
    assert origin == Origin(__name__, str(Path(__file__)))


def test_the_modules_of_hooks_are_imported_too_in_the_order_they_were(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "with_hook.py"
    file.write_text("def hook() -> None: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    import with_hook  # type: ignore[import-not-found]  # written just now

    GLOBAL_HOOKS.add("cleanup", with_hook.hook)
    names = [origin.name for origin in origins_of(made.definition)]
    assert names == [__name__, "with_hook"]
    del sys.modules["with_hook"]


def test_a_file_that_no_name_leads_to_is_imported_under_its_name(tmp_path: Path) -> None:
    file = tmp_path / "not-a-name.py"
    file.write_text("HERE = __name__\n")
    import_origin(Origin("some_name_of_ours", str(file)))
    assert sys.modules.pop("some_name_of_ours").HERE == "some_name_of_ours"


def test_a_file_that_fails_leaves_no_module(tmp_path: Path) -> None:
    file = tmp_path / "fails.py"
    file.write_text("raise LookupError('inside')\n")
    with pytest.raises(LookupError, match="inside"):
        import_origin(Origin("a_module_that_fails", str(file)))
    assert "a_module_that_fails" not in sys.modules


def test_the_main_module_is_imported_without_being_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.delitem(sys.modules, "__mp_main__", raising=False)
    file = tmp_path / "program"
    file.write_text("started = __name__ == '__main__'\n")
    import_origin(Origin("__main__", str(file)))
    module = sys.modules.pop("__mp_main__")
    assert module.started is False
    assert sys.modules["__main__"] is module


def test_a_module_that_is_not_there_has_no_file() -> None:
    assert origin_of("no_such_module") == Origin("no_such_module", None)
