"""Configuration: which file counts, what the environment overrides, and what is refused by name."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taskkit import config
from taskkit.config import Config, Retries, load
from taskkit.errors import InvalidConfigError
from taskkit.model.retry import Retry

VARIABLES = ["TASKKIT_BACKEND", "TASKKIT_PROJECT", "TASKKIT_LOG_LEVEL", "TASKKIT_MAX_DURATION"]


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No variable and no file of whoever runs the tests is seen."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    config.reset()
    yield
    config.reset()


def own_file(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "taskkit.toml"
    file.write_text(text, "utf-8")
    return file


def shared_file(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "pyproject.toml"
    file.write_text(text, "utf-8")
    return file


def test_defaults(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert found == Config(root=tmp_path)
    assert (found.project, found.dirs, found.machine, found.ttl, found.backend) == (
        None,
        (),
        None,
        None,
        None,
    )
    assert (found.max_duration, found.log_level) == (3600.0, "info")
    assert found.retries == Retries(enabled_in_dev=True, default=Retry(3, 1, 10, 2, True))


FULL = """
project = "shop"
dirs = ["tasks", "more/tasks"]
max_duration = "5m"
machine = "small-2x"
log_level = "debug"
ttl = "1h"
backend = "sqlite:///runs.db"
[retries]
enabled_in_dev = false
[retries.default]
max_attempts = 5
max_timeout = "30s"
"""


def test_every_setting_of_a_file(tmp_path: Path) -> None:
    own_file(tmp_path, FULL)
    assert load(tmp_path) == Config(
        project="shop",
        dirs=("tasks", "more/tasks"),
        max_duration=300.0,
        machine="small-2x",
        log_level="debug",
        ttl=3600.0,
        backend="sqlite:///runs.db",
        retries=Retries(enabled_in_dev=False, default=Retry(5, 1, 30, 2, True)),
        root=tmp_path,
    )


def test_both_files_say_the_same(tmp_path: Path) -> None:
    own_file(tmp_path / "own", FULL)
    shared_file(
        tmp_path / "shared", "[tool.taskkit]" + FULL.replace("[retries", "[tool.taskkit.retries")
    )
    own, shared = load(tmp_path / "own"), load(tmp_path / "shared")
    assert own.root == tmp_path / "own"
    assert [getattr(own, key) for key in ("project", "retries", "ttl")] == [
        getattr(shared, key) for key in ("project", "retries", "ttl")
    ]


def test_nearest_file_counts_and_taskkit_toml_first(tmp_path: Path) -> None:
    own_file(tmp_path, 'project = "far"')
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert (load(deep).project, load(deep).root) == ("far", tmp_path)
    shared_file(tmp_path / "a", '[tool.taskkit]\nproject = "near"')
    assert load(deep).project == "near"
    own_file(tmp_path / "a", 'project = "own"')
    assert load(deep).project == "own"


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[project]\nname = "x"',
        "[tool.ruff]\nline-length = 100",
        '[project]\ndependencies = ["taskkit"]',
    ],
)
def test_a_pyproject_of_others_is_passed_by(tmp_path: Path, text: str) -> None:
    own_file(tmp_path, 'project = "far"')
    shared_file(tmp_path / "a", text)
    assert load(tmp_path / "a").project == "far"


def test_an_unrelated_broken_pyproject_is_no_concern(tmp_path: Path) -> None:
    shared_file(tmp_path, "this is [no TOML")
    assert load(tmp_path) == Config(root=tmp_path)


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("projekt = 'shop'", "projekt", "Did you mean 'project'"),
        ("colour = 'red'", "colour", "Settings are: project, dirs, max_duration"),
        ("root = '/'", "root", "is no setting"),
        ("project = 3", "project", "project is 3"),
        ("project = ''", "project", "project is ''"),
        ("dirs = 'tasks'", "dirs", "dirs is 'tasks'"),
        ("dirs = ['a', 3]", "dirs", "give a list of folders"),
        ("dirs = ['']", "dirs", "give a list of folders"),
        ("max_duration = 0", "max_duration", "needs some time"),
        ("max_duration = -1", "max_duration", "max_duration is -1"),
        ("max_duration = nan", "max_duration", "max_duration is nan"),
        ("max_duration = '1H'", "max_duration", "max_duration is '1H'"),
        ("max_duration = true", "max_duration", "max_duration is True"),
        ("ttl = -1", "ttl", "ttl is -1"),
        ("ttl = inf", "ttl", "ttl is inf"),
        ("machine = 'huge'", "machine", "small-1x"),
        ("log_level = 'trace'", "log_level", "none, error, warn, info, debug"),
        ("backend = 1", "backend", "backend is 1"),
        ("retries = true", "retries", "must be a table"),
        ("[retries]\nenabled_in_dev = 1", "retries.enabled_in_dev", "true or false"),
        (
            "[retries]\nenable_in_dev = true",
            "retries.enable_in_dev",
            "Did you mean 'enabled_in_dev'",
        ),
        ("[retries]\ndefault = 3", "retries.default", "must be a table"),
        (
            "[retries.default]\nattempts = 3",
            "retries.default.attempts",
            "Did you mean 'max_attempts'",
        ),
        ("[retries.default]\nmax_attempts = 0", "retries.default.max_attempts", "is 0"),
        ("[retries.default]\nmin_timeout = '1H'", "retries.default.min_timeout", "is '1H'"),
        ("[retries.default]\nfactor = -1", "retries.default.factor", "is -1"),
        ("[retries.default]\nrandomize = 1", "retries.default.randomize", "is 1"),
        ("[retries.default]\nout_of_memory = 'big'", "retries.default.out_of_memory", "is 'big'"),
    ],
)
def test_errors_name_file_key_and_value(tmp_path: Path, text: str, key: str, hint: str) -> None:
    file = own_file(tmp_path, text)
    with pytest.raises(InvalidConfigError) as caught:
        load(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{file}: {key}")
    assert hint in message
    assert (caught.value.file, caught.value.key) == (str(file), key)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    file = own_file(tmp_path / "toml", "a = [")
    with pytest.raises(InvalidConfigError, match="is not TOML") as caught:
        load(tmp_path / "toml")
    assert str(file) in str(caught.value)
    broken = own_file(tmp_path / "bytes", "")
    broken.write_bytes(b"project = '\xff'")
    with pytest.raises(InvalidConfigError, match="cannot be read"):
        load(tmp_path / "bytes")
    shared_file(tmp_path / "table", "tool = 'taskkit'")
    with pytest.raises(InvalidConfigError, match=r"\[tool\] is 'taskkit': it must be a table"):
        load(tmp_path / "table")


def test_an_error_never_shows_a_password(tmp_path: Path) -> None:
    own_file(tmp_path, 'backnd = "postgresql://me:s3cr3t@host/db"')
    with pytest.raises(InvalidConfigError) as caught:
        load(tmp_path)
    assert "s3cr3t" not in str(caught.value)
    assert "postgresql://me:********@host/db" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("inf", math.inf), ("90", 90.0), ("0.5", 0.5), ("'2m'", 120.0), ("'PT1H'", 3600.0)],
)
def test_spellings_of_max_duration(tmp_path: Path, text: str, expected: float) -> None:
    own_file(tmp_path, f"max_duration = {text}")
    assert load(tmp_path).max_duration == expected


def test_ttl_of_zero_means_none(tmp_path: Path) -> None:
    own_file(tmp_path, "ttl = 0")
    assert load(tmp_path).ttl is None


# --- environment ------------------------------------------------------------------------------------


def test_the_environment_overrides_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_file(tmp_path, FULL)
    for variable, value in zip(VARIABLES, ["memory://", "other", "error", "90"], strict=True):
        monkeypatch.setenv(variable, value)
    found = load(tmp_path)
    assert (found.backend, found.project, found.log_level, found.max_duration) == (
        "memory://",
        "other",
        "error",
        90.0,
    )
    assert found.machine == "small-2x"


@pytest.mark.parametrize(("text", "expected"), [("5m", 300.0), ("inf", math.inf), ("1.5", 1.5)])
def test_max_duration_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: float
) -> None:
    monkeypatch.setenv("TASKKIT_MAX_DURATION", text)
    assert load().max_duration == expected


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKKIT_BACKEND", "")
    assert load().backend is None


@pytest.mark.parametrize(
    ("variable", "value"), [("TASKKIT_MAX_DURATION", "soon"), ("TASKKIT_LOG_LEVEL", "loud")]
)
def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidConfigError, match=f"^{variable}: .*'{value}'"):
        load()


# --- the process's own ------------------------------------------------------------------------------


def test_current_is_read_once(tmp_path: Path) -> None:
    first = config.current()
    own_file(tmp_path, 'project = "later"')
    assert config.current() is first
    config.reset()
    assert config.current().project == "later"


def test_override_goes_before_file_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_file(tmp_path, FULL)
    monkeypatch.setenv("TASKKIT_BACKEND", "sqlite:///env.db")
    changes: dict[str, Any] = {
        "backend": "memory://",
        "max_duration": math.inf,
        "dirs": [Path("jobs")],
        "retries": {"default": {"max_attempts": 9}},
    }
    found = config.override(**changes)
    assert found is config.current()
    assert (found.backend, found.max_duration, found.dirs) == ("memory://", math.inf, ("jobs",))
    assert found.retries == Retries(enabled_in_dev=False, default=Retry(9, 1, 30, 2, True))
    assert found.project == "shop"
    assert config.override(retries=Retries(default=Retry(1))).retries.default == Retry(1)
    assert config.override(retries={"default": Retry(2)}).retries.default == Retry(2)
    assert (
        config.override(max_duration=None, machine=None, project=None, backend=None).max_duration
        == math.inf
    )


def test_a_wrong_override_changes_nothing() -> None:
    with pytest.raises(InvalidConfigError, match=r"^configure\(\): projekt = 'x' is no setting"):
        config.override(backend="memory://", projekt="x")
    assert config.current().backend is None
