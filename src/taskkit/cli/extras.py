"""Which optional dependencies are installed, by the package's own word on them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

PACKAGE = "buster-tasks"
_COLLECTIONS = ("all", "sources")
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)")
_OF_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_AT_LEAST = re.compile(r">=\s*([0-9.]+)")
_NEEDS_A_LIBRARY = {"pyodbc": "apt install unixodbc, or brew install unixodbc"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that an extra needs. `version` is the installed one, `fault` what is wrong with it."""

    name: str
    least: str
    version: str | None
    fault: str = ""

    @property
    def is_met(self) -> bool:
        """It is there, new enough, and can be loaded."""
        return self.version is not None and not self.fault


@dataclass(frozen=True, slots=True)
class Extra:
    """An extra and what it needs."""

    name: str
    requirements: tuple[Requirement, ...]

    @property
    def is_installed(self) -> bool:
        """Everything that it needs is there."""
        return all(requirement.is_met for requirement in self.requirements)

    @property
    def command(self) -> str:
        """What installs it."""
        return f'pip install "{PACKAGE}[{self.name}]"'


def extras() -> list[Extra]:
    """Every extra but those that only collect others."""
    found = metadata.metadata(PACKAGE)
    lines = metadata.requires(PACKAGE) or []
    names = [name for name in found.get_all("Provides-Extra", []) if name not in _COLLECTIONS]
    return [Extra(name, tuple(_requirements(lines, name))) for name in names]


def core() -> list[Requirement]:
    """What the package needs in any case."""
    return list(_requirements(metadata.requires(PACKAGE) or [], None))


def _requirements(lines: Sequence[str], extra: str | None) -> Iterator[Requirement]:
    for line in lines:
        wanted = _OF_EXTRA.search(line)
        parts = _REQUIREMENT.match(line)
        if parts is None or (wanted.group(1) if wanted else None) != extra:
            continue
        if parts.group(1) != PACKAGE:  # another extra of ours, whose own needs are listed too
            least = _AT_LEAST.search(parts.group(2))
            yield requirement(parts.group(1), least.group(1) if least else "")


def requirement(name: str, least: str) -> Requirement:
    """How a package stands."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Requirement(name, least, None)
    if numbers(version) < numbers(least):
        return Requirement(name, least, version, f"{least} or newer is needed")
    return Requirement(name, least, version, _load_fault(name))


def _load_fault(name: str) -> str:
    """Why a package that needs a library of the system cannot be used."""
    if name not in _NEEDS_A_LIBRARY:
        return ""
    try:
        importlib.import_module(name)
    except ImportError as error:
        return f"{error}; {_NEEDS_A_LIBRARY[name]}"
    return ""


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparison."""
    found: list[int] = []
    for part in version.split("."):
        digits = re.match(r"\d+", part)
        if digits is None:
            break
        found.append(int(digits.group()))
    while found and found[-1] == 0:
        found.pop()
    return tuple(found)
