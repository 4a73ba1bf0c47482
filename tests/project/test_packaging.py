"""The wheel holds what its users import, and says what it needs."""

import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import chdir
from email import message_from_string
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hatchling.build import build_wheel

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = {
    "sql", "postgres", "temporal", "cli", "server", "http", "otel", "secrets", "mcp",
    "snowflake", "mysql", "bigquery", "sqlserver", "redshift", "databricks", "duckdb", "sources",
    "sqlguard", "agent", "charts", "all",
}  # fmt: skip


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    with chdir(ROOT):
        name = build_wheel(str(folder))
    with ZipFile(folder / name) as archive:
        yield archive


def text_of(wheel: ZipFile, name: str) -> str:
    [path] = [path for path in wheel.namelist() if path.endswith(f".dist-info/{name}")]
    return wheel.read(path).decode("utf-8")


def test_wheel_holds_both_packages_and_nothing_else(wheel: ZipFile) -> None:
    names = set(wheel.namelist())
    for package in ("taskkit", "buster_tasks"):
        assert {f"{package}/__init__.py", f"{package}/py.typed"} <= names
    top = {name.split("/")[0] for name in names}
    modules = {name for name in top if not name.endswith(".dist-info")}
    plugin = "taskkit_pytest.py"
    assert modules == {"taskkit", "buster_tasks", plugin}
    assert [name for name in names if "__pycache__" in name or "_cache/" in name] == []


def test_wheel_holds_every_module(wheel: ZipFile) -> None:
    modules = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    assert modules - set(wheel.namelist()) == set()


def test_wheel_holds_the_licence(wheel: ZipFile) -> None:
    assert text_of(wheel, "licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert message_from_string(text_of(wheel, "METADATA"))["License-Expression"] == "Apache-2.0"


def test_wheel_names_every_extra_and_bounds_every_requirement(
    wheel: ZipFile, project: dict[str, Any]
) -> None:
    metadata = message_from_string(text_of(wheel, "METADATA"))
    assert metadata["Version"] == project["version"]
    assert set(metadata.get_all("Provides-Extra", [])) == EXTRAS
    requirements = metadata.get_all("Requires-Dist", [])
    foreign = [text for text in requirements if not text.startswith("buster-tasks")]
    assert [text for text in foreign if ">=" not in text] == []


def test_wheel_declares_its_entry_points(wheel: ZipFile, project: dict[str, Any]) -> None:
    declared = ConfigParser(delimiters="=")
    declared.read_string(text_of(wheel, "entry_points.txt"))
    for group, points in project["entry-points"].items():
        assert dict(declared[group]) == points
    modules = {name.removesuffix(".py").removesuffix("/__init__") for name in wheel.namelist()}
    targets = {
        point.split(":")[0].replace(".", "/")
        for points in project["entry-points"].values()
        for point in points.values()
    }
    assert targets - modules == set()
