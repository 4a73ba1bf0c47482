import sys
from pathlib import Path

import pytest

from buster_tasks.catalog import CatalogStore, catalog_path
from buster_tasks.catalog.place import VARIABLE
from buster_tasks.errors import CatalogError


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="each system has its own folder for data")
def test_the_users_folder_for_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert catalog_path() == tmp_path / "data" / "buster-tasks" / "catalog.db"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")  # which the standard forbids
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert catalog_path() == tmp_path / "me/.local/share/buster-tasks/catalog.db"


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.buster-tasks]\ncatalog = "kept.db"\n')
    assert catalog_path() == tmp_path / "kept.db"
    monkeypatch.setenv(VARIABLE, "here.db")
    assert catalog_path() == tmp_path / "here.db"
    assert CatalogStore().path == tmp_path / "here.db"
    monkeypatch.setenv(VARIABLE, "~/there.db")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert catalog_path() == tmp_path / "me" / "there.db"


def test_the_nearest_project_that_says_something_counts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.buster-tasks]\ncatalog = "kept.db"\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text(
        '[project]\nname = "b"\ndependencies = ["buster-tasks"]\n'
    )
    assert catalog_path(inner) == tmp_path / "kept.db"


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "OFF")
    assert catalog_path() is None
    with pytest.raises(CatalogError, match="switched off"):
        CatalogStore()


@pytest.mark.parametrize("value", ["3", "''", "['a']"])
def test_a_setting_that_is_no_path_is_told(tmp_path: Path, value: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.buster-tasks]\ncatalog = {value}\n")
    with pytest.raises(CatalogError, match=r"pyproject\.toml"):
        catalog_path()


def test_a_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("buster-tasks = [")
    with pytest.raises(CatalogError, match="is not TOML"):
        catalog_path()


def test_a_user_without_a_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(Path, "home", none)
    with pytest.raises(CatalogError, match="home"):
        catalog_path()
