"""Task modules are imported once, by the name that Python itself would use."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskkit.definition.discovery import discover
from taskkit.definition.registry import REGISTRY
from taskkit.errors import InvalidConfigError, TaskSignatureError


@pytest.fixture(autouse=True)
def import_state() -> Iterator[None]:
    """What a test imports is forgotten afterwards."""
    modules, path = set(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    sys.path[:] = path
    sys.path_importer_cache.clear()


def lay_out(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


TASK = """
from taskkit.definition.registry import REGISTRY
from taskkit.definition.task_definition import define
count = 1
def task_in_{0}(): ...
REGISTRY.add(define(task_in_{0}))
"""


def test_a_plain_folder_is_imported_by_its_path_from_the_root(tmp_path: Path) -> None:
    lay_out(
        tmp_path, {"jobs_a/one.py": TASK.format("one"), "jobs_a/deeper/two.py": TASK.format("two")}
    )
    assert discover(["jobs_a"], tmp_path) == ["jobs_a.deeper.two", "jobs_a.one"]
    assert set(REGISTRY.ids()) == {"task-in-one", "task-in-two"}
    assert sys.modules["jobs_a.one"].__file__ == str((tmp_path / "jobs_a/one.py").resolve())


def test_a_package_is_imported_by_its_name(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        {
            "src/shop_b/__init__.py": "",
            "src/shop_b/prices.py": "vat = 20",
            "src/shop_b/tasks/__init__.py": TASK.format("package"),
            "src/shop_b/tasks/billing.py": "from ..prices import vat\n" + TASK.format("billing"),
        },
    )
    assert discover(["src/shop_b/tasks"], tmp_path) == ["shop_b.tasks", "shop_b.tasks.billing"]
    assert set(REGISTRY.ids()) == {"task-in-package", "task-in-billing"}


def test_tests_and_private_names_are_left_out(tmp_path: Path) -> None:
    broken = "raise KeyError('must not be imported')"
    names = [
        "_private.py", "test_one.py", "one_test.py", "conftest.py", "setup.py", ".hidden.py", "notes.txt",
        "tests/one.py", "test/one.py", "_old/one.py", "__pycache__/one.py", ".venv/one.py",
    ]  # fmt: skip
    lay_out(tmp_path / "jobs_c", dict.fromkeys(names, broken) | {"fine.py": "", "attest.py": ""})
    assert discover(["jobs_c"], tmp_path) == ["jobs_c.attest", "jobs_c.fine"]


def test_a_module_is_imported_once(tmp_path: Path) -> None:
    lay_out(tmp_path, {"jobs_d/one.py": TASK.format("one")})
    names = discover(["jobs_d"], tmp_path)
    module = sys.modules["jobs_d.one"]
    module.count = 2  # type: ignore[attr-defined]  # a second import would reset it
    assert discover(["jobs_d", tmp_path / "jobs_d", "./jobs_d/."], tmp_path) == names
    assert sys.modules["jobs_d.one"] is module
    assert module.count == 2  # type: ignore[attr-defined]  # see above


def test_a_module_that_runs_as_the_program_is_not_imported_again(tmp_path: Path) -> None:
    lay_out(tmp_path, {"jobs_e/program.py": "raise KeyError('must not be imported')"})
    program = type(sys)("program_e")
    program.__file__ = str(tmp_path / "jobs_e/program.py")
    sys.modules["program_e"] = program
    assert discover(["jobs_e"], tmp_path) == ["program_e"]


def test_the_same_name_in_another_place_is_not_mistaken(tmp_path: Path) -> None:
    lay_out(tmp_path, {"one/jobs_f/task.py": "place = 1", "two/jobs_f/task.py": "place = 2"})
    (first,) = discover(["jobs_f"], tmp_path / "one")
    (second,) = discover(["jobs_f"], tmp_path / "two")
    assert first != second
    assert (sys.modules[first].place, sys.modules[second].place) == (1, 2)  # type: ignore[attr-defined]  # as written


@pytest.mark.parametrize("name", ["my-task.py", "3rd.py", "größe.py"])
def test_any_file_name_can_be_imported(tmp_path: Path, name: str) -> None:
    lay_out(tmp_path, {f"my jobs/{name}": "place = 1"})
    (found,) = discover(["my jobs"], tmp_path)
    assert sys.modules[found].place == 1  # type: ignore[attr-defined]  # as written
    assert discover(["my jobs"], tmp_path) == [found]


def test_modules_may_import_each_other(tmp_path: Path) -> None:
    lay_out(tmp_path, {"jobs_g/a.py": "from jobs_g.b import value", "jobs_g/b.py": "value = []"})
    assert discover(["jobs_g"], tmp_path) == ["jobs_g.a", "jobs_g.b"]
    assert sys.modules["jobs_g.a"].value is sys.modules["jobs_g.b"].value  # type: ignore[attr-defined]  # as written


def test_a_folder_outside_the_root(tmp_path: Path) -> None:
    lay_out(tmp_path, {"elsewhere/one_h.py": "place = 1", "project/unused.py": ""})
    (found,) = discover(["../elsewhere"], tmp_path / "project")
    assert sys.modules[found].place == 1  # type: ignore[attr-defined]  # as written


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
@pytest.mark.parametrize("folder", ["jobs_i", "my jobs"])
def test_a_module_that_fails_is_named(
    tmp_path: Path, source: str, reason: str, folder: str
) -> None:
    lay_out(tmp_path, {f"{folder}/broken.py": source})
    for _ in range(2):  # a half-imported module must not look fine the second time
        with pytest.raises(InvalidConfigError) as caught:
            discover([folder], tmp_path)
        assert str((tmp_path / folder / "broken.py").resolve()) in str(caught.value)
        assert reason in str(caught.value)
        assert caught.value.__cause__ is not None


def test_our_own_errors_name_their_place_themselves(tmp_path: Path) -> None:
    lay_out(tmp_path, {"jobs_j/bad.py": TASK.format("bad").replace("():", "(a, b):")})
    with pytest.raises(TaskSignatureError, match=r"jobs_j/bad\.py:5"):
        discover(["jobs_j"], tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match="dirs names 'jobs_k', but there is no folder"):
        discover(["jobs_k"], tmp_path)


def test_nothing_to_discover(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert discover([], tmp_path) == discover(["empty"], tmp_path) == []
