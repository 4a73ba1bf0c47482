"""Which ODBC driver talks to the server: the one that is named, that is installed, that a wheel brought, or FreeTDS."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from buster_tasks.errors import DriverMissingError

EXTRA = "sqlserver"
_MICROSOFT = re.compile(r"ODBC Driver (\d+) for SQL Server")
_FAMILIES = {
    "alpine": "alpine",
    "debian": "debian_ubuntu",
    "ubuntu": "debian_ubuntu",
    "rhel": "rhel",
    "fedora": "rhel",
    "centos": "rhel",
    "suse": "suse",
}
_ARCHITECTURES = {"amd64": "x86_64", "aarch64": "arm64"}
_OLDEST = 17


@dataclass(frozen=True, slots=True)
class Driver:
    """An ODBC driver, by its name or its file."""

    name: str

    @property
    def is_freetds(self) -> bool:
        """Whether it is FreeTDS, which spells its options in another way; all else is Microsoft's."""
        return any(word in self.name.lower() for word in ("freetds", "tdsodbc"))


def load_pyodbc() -> Any:
    """The module `pyodbc`. Raises DriverMissingError, also where the driver manager that it needs is missing."""
    try:
        return import_module("pyodbc")
    except ImportError as error:
        if "libodbc" not in str(error):
            raise DriverMissingError.of("SQL Server", EXTRA, error) from error
        raise DriverMissingError(
            f"Reading SQL Server needs the driver manager unixODBC, which is not installed: {error}.",
            fix="Install it: apt-get install libodbc2, dnf install unixODBC, or brew install unixodbc.",
            extra=EXTRA,
        ) from error


def find_driver(
    wanted: str | None, installed: Sequence[str], bundled: Path | None = None
) -> Driver:
    """The wanted driver, which must be installed; else Microsoft's newest of those, else the wheel's, else FreeTDS.

    Raises DriverMissingError, which names every place that was looked at.
    """
    if wanted is not None:
        return _named(wanted, installed)
    known = [(int(match[1]), name) for name in installed if (match := _MICROSOFT.fullmatch(name))]
    newest = max(known, default=(0, ""))
    if newest[0] >= _OLDEST:
        return Driver(newest[1])
    if bundled is not None:
        return Driver(str(bundled))
    for name in installed:
        if Driver(name).is_freetds:
            return Driver(name)
    raise DriverMissingError(
        "No ODBC driver for SQL Server was found: `driver` is not given, pyodbc.drivers() lists "
        f"{', '.join(map(repr, installed)) or 'none'}, the package mssql-python-odbc brings none for this "
        "machine, and FreeTDS is not among them.",
        fix='Run: pip install "buster-tasks[sqlserver]", or install Microsoft\'s "ODBC Driver 18 for SQL Server" '
        "or FreeTDS (apt-get install tdsodbc), or give the name of another as `driver`.",
        extra=EXTRA,
    )


def _named(wanted: str, installed: Sequence[str]) -> Driver:
    # a file is not loaded for the asking: that would let whoever writes the credentials choose what code runs here
    if wanted in installed:
        return Driver(wanted)
    raise DriverMissingError(
        f"There is no ODBC driver of the name {wanted!r}: pyodbc.drivers() lists "
        f"{', '.join(map(repr, installed)) or 'none'}.",
        fix="Correct `driver`, enter it in odbcinst.ini, or leave it out: Microsoft's or FreeTDS is then found by "
        "itself.",
        extra=EXTRA,
    )


def bundled_driver() -> Path | None:
    """The file that the package `mssql-python-odbc` brings for this machine, None without the package or the file."""
    try:
        root = Path(import_module("mssql_python_odbc").get_libs_dir())
    except ImportError:
        return None
    found = sorted(path for place in _places() for path in (root / place).glob("**/*msodbcsql*"))
    wanted = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")
    return next((path for path in reversed(found) if wanted in path.name), None)


def _places() -> list[str]:
    """The folders of the package that fit this machine."""
    machine = platform.machine().lower()
    machine = _ARCHITECTURES.get(machine, machine)
    if sys.platform == "darwin":
        return [f"macos/{machine}"]
    if sys.platform == "win32":
        return [f"windows/{'x64' if machine == 'x86_64' else machine}"]
    return [f"linux/{_family()}/{machine}"]


def _family() -> str:
    """Which family of Linux this is, as the package calls it; Debian's where that is not told."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "debian_ubuntu"
    words = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".lower().split()
    return next((_FAMILIES[word] for word in words if word in _FAMILIES), "debian_ubuntu")
