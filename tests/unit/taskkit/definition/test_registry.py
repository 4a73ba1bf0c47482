"""The registry: one task per id, one meaning per queue, and tests that see nothing of each other."""

import subprocess
import sys
from typing import Any

import pytest

from taskkit.definition.hooks import GLOBAL_HOOKS
from taskkit.definition.registry import REGISTRY, Registry
from taskkit.definition.task_definition import TaskDefinition, define
from taskkit.errors import DuplicateTaskIdError, InvalidOptionError
from taskkit.model.queue import Queue


def nightly() -> None: ...
def other() -> None: ...


def loaded(
    source: str, *, module: str, file: str, name: str = "sync_user", **options: Any
) -> TaskDefinition:
    """A task as if `source` had been imported from a file."""
    scope: dict[str, Any] = {"__name__": module}
    exec(compile(source, file, "exec"), scope)
    return define(scope[name], **options)


def test_tasks_are_found_by_id() -> None:
    registry = Registry()
    first, second = define(nightly), define(other)
    registry.add(first)
    registry.add(second)
    assert registry.get("nightly") is first
    assert registry.get("missing") is None
    assert registry.ids() == ("nightly", "other")
    assert registry.definitions() == (first, second)
    assert registry.near("nightli") == ["nightly"]
    assert registry.near("xyz") == []


def test_the_same_function_in_a_newer_version_replaces() -> None:
    registry = Registry()
    registry.add(loaded("def sync_user(): ...", module="app.tasks", file="app/tasks.py"))
    newer = loaded("\n\ndef sync_user(payload): ...", module="app.tasks", file="app/tasks.py")
    registry.add(newer)
    assert registry.definitions() == (newer,)


def test_a_notebook_cell_run_again_replaces() -> None:
    registry = Registry()
    registry.add(loaded("def sync_user(): ...", module="__main__", file="<cell 1>"))
    newer = loaded("def sync_user(): ...", module="__main__", file="<cell 2>")
    registry.add(newer)
    assert registry.get("sync-user") is newer


def test_one_file_under_two_names_is_one_place() -> None:
    registry = Registry()
    registry.add(loaded("def sync_user(): ...", module="__main__", file="app/tasks.py"))
    registry.add(loaded("def sync_user(): ...", module="app.tasks", file="app/tasks.py"))
    assert len(registry.definitions()) == 1


@pytest.mark.parametrize(
    "second",
    [
        lambda: loaded("def sync_user(): ...", module="app.more", file="app/more.py"),
        lambda: loaded(
            "\ndef fetch(): ...",
            module="app.tasks",
            file="app/tasks.py",
            name="fetch",
            id="sync-user",
        ),
    ],
)
def test_another_function_under_one_id_is_refused(second: Any) -> None:
    registry = Registry()
    first = loaded("def sync_user(): ...", module="app.tasks", file="app/tasks.py")
    registry.add(first)
    duplicate = second()
    with pytest.raises(DuplicateTaskIdError) as caught:
        registry.add(duplicate)
    assert "app/tasks.py:1" in str(caught.value)
    assert duplicate.where in str(caught.value)
    assert registry.get("sync-user") is first


# --- queues -----------------------------------------------------------------------------------------


def test_queues_come_from_tasks_and_declarations() -> None:
    registry = Registry()
    registry.add(define(nightly))
    registry.add(define(other, queue=Queue("users", 4)))
    registry.add_queue(Queue("mails", 2))
    assert dict(registry.queues()) == {
        "mails": Queue("mails", 2),
        "task/nightly": Queue("task/nightly"),
        "users": Queue("users", 4),
    }


@pytest.mark.parametrize("reverse", [False, True])
def test_a_queue_by_name_takes_the_limits_it_has_elsewhere(reverse: bool) -> None:
    registry = Registry()
    definitions = [define(nightly, queue="users"), define(other, queue=Queue("users", 4))]
    for definition in reversed(definitions) if reverse else definitions:
        registry.add(definition)
    assert registry.queues()["users"] == Queue("users", 4)


def test_two_limits_for_one_queue_are_refused_with_both_places() -> None:
    registry = Registry()
    registry.add(define(nightly, queue=Queue("users", 4)))
    registry.add(define(other, queue=Queue("users", 5)))
    with pytest.raises(InvalidOptionError) as caught:
        registry.queues()
    message = str(caught.value)
    assert f"task 'nightly' at {__file__}:{nightly.__code__.co_firstlineno}" in message
    assert f"task 'other' at {__file__}:{other.__code__.co_firstlineno}" in message
    assert "concurrency_limit=4" in message
    assert "concurrency_limit=5" in message


def test_equal_limits_agree_and_a_reload_may_change_them() -> None:
    registry = Registry()
    for limit in (4, 5):  # a reload defines one task after the other
        registry.add(define(nightly, queue=Queue("users", limit)))
        registry.add(define(other, queue=Queue("users", limit)))
        assert registry.queues()["users"] == Queue("users", limit)


def test_a_later_declaration_replaces_an_earlier_one() -> None:
    registry = Registry()
    registry.add_queue(Queue("mails", 2))
    registry.add_queue(Queue("mails", 3))
    assert registry.queues()["mails"] == Queue("mails", 3)


def test_queues_cannot_be_changed_from_outside() -> None:
    registry = Registry()
    with pytest.raises(TypeError):
        registry.queues()["x"] = Queue("x")  # type: ignore[index]  # read-only is what is tested


# --- isolation --------------------------------------------------------------------------------------


def test_isolated_hides_and_restores_everything() -> None:
    REGISTRY.add(define(nightly))
    REGISTRY.add_queue(Queue("mails"))
    GLOBAL_HOOKS.add("on_start", other)
    with REGISTRY.isolated():
        assert REGISTRY.ids() == ()
        assert dict(REGISTRY.queues()) == {}
        assert GLOBAL_HOOKS.empty
        REGISTRY.add(define(other))
        GLOBAL_HOOKS.add("cleanup", other)
    assert REGISTRY.ids() == ("nightly",)
    assert set(REGISTRY.queues()) == {"mails", "task/nightly"}
    assert [hook.name for hook in GLOBAL_HOOKS] == ["on_start"]


def test_isolated_restores_after_an_error() -> None:
    REGISTRY.add(define(nightly))
    with pytest.raises(KeyError), REGISTRY.isolated():
        raise KeyError
    assert REGISTRY.ids() == ("nightly",)


def test_isolated_can_be_nested() -> None:
    with REGISTRY.isolated():
        REGISTRY.add(define(nightly))
        with REGISTRY.isolated():
            REGISTRY.add(define(other))
        assert REGISTRY.ids() == ("nightly",)


def test_the_definition_room_loads_no_heavy_package() -> None:
    rooms = ["registry", "task_definition", "schedule", "hooks", "context", "discovery"]
    code = (
        f"import sys, {', '.join(f'taskkit.definition.{room}' for room in rooms)}; "
        "print({'cronsim', 'tomllib', 'tenacity', 'opentelemetry', 'sqlite3'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
