"""What doctor finds: extras, and tasks that no module exports."""

import sys
from types import ModuleType

import pytest

from taskkit import Queue, task
from taskkit.cli.extras import Extra, Requirement, extras, numbers, requirement
from taskkit.cli.inspection import task_faults


@pytest.mark.parametrize(
    ("older", "newer"), [("1.9", "1.10"), ("", "0.1"), ("4.0", "4.0.1"), ("2.0rc1", "2.1")]
)
def test_versions_are_compared_by_their_numbers(older: str, newer: str) -> None:
    assert numbers(older) < numbers(newer)


def test_versions_of_another_length_can_be_equal() -> None:
    assert numbers("4.0") == numbers("4.0.0") == numbers("4")


def test_requirement_is_met_missing_or_too_old() -> None:
    assert requirement("pydantic", "2.0").is_met
    assert requirement("no-such-package-anywhere", "1.0").version is None
    old = requirement("pydantic", "999")
    assert (old.is_met, old.fault) == (False, "999 or newer is needed")


def test_extra_names_the_command_that_installs_it() -> None:
    extra = Extra("sql", (Requirement("sqlalchemy", "2", None),))
    assert (extra.is_installed, extra.command) == (False, 'pip install "buster-tasks[sql]"')


def test_extras_are_those_of_the_package() -> None:
    by_name = {extra.name: extra for extra in extras()}
    assert {one.name for one in by_name["cli"].requirements} == {"cyclopts", "rich", "watchfiles"}
    assert "all" not in by_name
    assert {one.name for one in by_name["postgres"].requirements} == {"sqlalchemy", "psycopg"}


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    made = ModuleType("some_tasks")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


def test_task_that_no_module_has_as_an_attribute_is_found(module: ModuleType) -> None:
    @task(id="kept")
    async def kept() -> None: ...

    @task(id="lost")
    async def lost() -> None: ...

    module.kept = kept
    [finding] = task_faults()
    assert "'lost' is not reachable" in finding.what
    assert finding.where.endswith(f":{lost.definition.line}")
    module.lost = lost
    assert list(task_faults()) == []


def test_queue_with_two_limits_is_found(module: ModuleType) -> None:
    @task(id="a", queue=Queue("q", concurrency_limit=1))
    async def one() -> None: ...

    @task(id="b", queue=Queue("q", concurrency_limit=2))
    async def two() -> None: ...

    module.one, module.two = one, two
    [finding] = task_faults()
    assert "Queue 'q' is declared twice" in finding.what
