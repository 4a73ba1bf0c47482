import sys
from pathlib import Path
from typing import Any

import pytest

from buster_tasks.errors import DriverMissingError
from buster_tasks.sources.sqlserver import driver as module
from buster_tasks.sources.sqlserver.driver import bundled_driver, find_driver, load_pyodbc

FILE = Path("/x/libmsodbcsql-18.6.so.2.1")


def test_the_newest_of_microsofts_is_taken_first() -> None:
    installed = [
        "FreeTDS",
        "ODBC Driver 17 for SQL Server",
        "ODBC Driver 18 for SQL Server",
        "SQLite3",
    ]
    assert find_driver(None, installed, FILE).name == "ODBC Driver 18 for SQL Server"


@pytest.mark.parametrize("installed", [[], ["FreeTDS"], ["ODBC Driver 13 for SQL Server"]])
def test_then_the_wheels_file(installed: list[str]) -> None:
    assert find_driver(None, installed, FILE).name == str(FILE)


def test_then_freetds() -> None:
    found = find_driver(None, ["SQLite3", "FreeTDS"])
    assert (found.name, found.is_freetds) == ("FreeTDS", True)


def test_else_an_error_names_them_all() -> None:
    with pytest.raises(DriverMissingError) as caught:
        find_driver(None, ["SQLite3"])
    for word in (
        "`driver`",
        "pyodbc.drivers()",
        "SQLite3",
        "mssql-python-odbc",
        "FreeTDS",
        "ODBC Driver 18",
    ):
        assert word in str(caught.value)
    assert caught.value.extra == "sqlserver"


def test_what_is_given_goes_before_all_and_is_never_a_file(tmp_path: Path) -> None:
    file = tmp_path / "libtdsodbc.so"
    file.touch()
    assert find_driver("Mine", ["ODBC Driver 18 for SQL Server", "Mine"], FILE).name == "Mine"
    for wanted in ("Yours", str(file), str(FILE)):
        with pytest.raises(DriverMissingError, match="Mine"):
            find_driver(wanted, ["Mine"], FILE)


@pytest.mark.parametrize(
    ("system", "machine", "release", "place"),
    [
        ("linux", "x86_64", {"ID": "debian"}, "linux/debian_ubuntu/x86_64"),
        ("linux", "aarch64", {"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "linux/rhel/arm64"),
        ("linux", "x86_64", {"ID": "alpine"}, "linux/alpine/x86_64"),
        (
            "linux",
            "x86_64",
            {"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"},
            "linux/suse/x86_64",
        ),
        ("darwin", "arm64", {}, "macos/arm64"),
    ],
)
def test_the_wheel_has_a_folder_for_each_machine(
    monkeypatch: Any, tmp_path: Path, system: str, machine: str, release: dict[str, str], place: str
) -> None:
    folder = tmp_path / "libs" / place / "lib"
    folder.mkdir(parents=True)
    name = "libmsodbcsql.18.dylib" if system == "darwin" else "libmsodbcsql-18.6.so.2.1"
    (folder / name).touch()
    package = type(sys)("mssql_python_odbc")
    package.__dict__["get_libs_dir"] = lambda: str(tmp_path / "libs")
    monkeypatch.setitem(sys.modules, "mssql_python_odbc", package)
    monkeypatch.setattr(module.sys, "platform", system)
    monkeypatch.setattr(module.platform, "machine", lambda: machine)
    monkeypatch.setattr(module.platform, "freedesktop_os_release", lambda: release)
    assert bundled_driver() == folder / name
    (folder / name).unlink()
    assert bundled_driver() is None


def test_without_the_wheel_there_is_no_file(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "mssql_python_odbc", None)
    assert bundled_driver() is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError("No module named 'pyodbc'"), "pip install"),
        (ImportError("libodbc.so.2: cannot open shared object file"), "apt-get install libodbc2"),
    ],
)
def test_a_missing_package_or_driver_manager_is_told(
    monkeypatch: Any, error: ImportError, words: str
) -> None:
    def missing(name: str) -> Any:
        raise error

    monkeypatch.setattr(module, "import_module", missing)
    with pytest.raises(DriverMissingError, match=words):
        load_pyodbc()
