"""Credentials by a name: the payload's, else a URL in the environment, else one in pyproject.toml."""

from pathlib import Path

import pytest

from buster_tasks.analyst.errors import UnknownSourceError
from buster_tasks.analyst.known_sources import credentials_of, variable_of
from buster_tasks.analyst.models import AnalystDataSource
from buster_tasks.errors import SourceError

PROJECT = """
[tool.buster-tasks.sources]
shop = "sqlite:///from-project.db"
number = 7
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a pyproject.toml, in which one works."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUSTER_TASKS_SOURCE_SHOP", raising=False)
    return tmp_path


def path_of(source: AnalystDataSource) -> str:
    found = credentials_of(source).model_dump()
    return Path(found["path"]).name


def test_those_of_the_payload_count_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSTER_TASKS_SOURCE_SHOP", "sqlite:///from-environment.db")
    given = {"name": "shop", "credentials": {"type": "sqlite", "path": "given.db"}}
    assert path_of(AnalystDataSource.model_validate(given)) == "given.db"


def test_then_the_environment_then_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    source = AnalystDataSource(name="shop")
    assert path_of(source) == "from-project.db"
    monkeypatch.setenv("BUSTER_TASKS_SOURCE_SHOP", "  ")
    assert path_of(source) == "from-project.db"
    monkeypatch.setenv("BUSTER_TASKS_SOURCE_SHOP", "sqlite:///from-environment.db")
    assert path_of(source) == "from-environment.db"


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("shop", "BUSTER_TASKS_SOURCE_SHOP"),
        ("my-shop.eu", "BUSTER_TASKS_SOURCE_MY_SHOP_EU"),
        ("Größe", "BUSTER_TASKS_SOURCE_GR__E"),
        ("=\0;rm", "BUSTER_TASKS_SOURCE____RM"),
    ],
)
def test_a_name_becomes_a_variable(name: str, variable: str) -> None:
    assert variable_of(name) == variable


@pytest.mark.parametrize("name", ["elsewhere", "number", "../shop", "=\0;rm"])
def test_an_unknown_name_says_where_to_put_it(name: str) -> None:
    with pytest.raises(UnknownSourceError) as caught:
        credentials_of(AnalystDataSource(name=name))
    assert variable_of(name) in caught.value.fix


@pytest.mark.parametrize("said", ["sqlite", "postgres", "postgresql"])
def test_a_type_has_to_be_that_of_the_credentials(said: str) -> None:
    kind = "sqlite" if said == "sqlite" else "postgres"
    rest = {"path": "a.db"} if kind == "sqlite" else {"host": "h", "database": "d", "username": "u"}
    known = (
        {"type": kind, "password": "p", **rest} if kind == "postgres" else {"type": kind, **rest}
    )
    right = AnalystDataSource.model_validate({"name": "a", "type": said, "credentials": known})
    assert credentials_of(right).type == kind
    wrong = right.model_copy(update={"type": "mysql"})
    with pytest.raises(UnknownSourceError, match="is said to be 'mysql'"):
        credentials_of(wrong)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://me:canary7f3a@host:notaport/db",
        "postgres://me:canary7f3a@/",
        "mongodb://me:canary7f3a@host/db",
        "canary7f3a",
        "sqlite:///a.db?canary7f3a=1",
    ],
)
def test_a_url_that_cannot_be_read_is_said_without_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUSTER_TASKS_SOURCE_SHOP", url)
    with pytest.raises((UnknownSourceError, SourceError)) as caught:
        credentials_of(AnalystDataSource(name="shop"))
    assert ":canary7f3a@" not in str(caught.value)
