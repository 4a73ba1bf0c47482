"""What SHOW GRANTS tells about the objects that we cannot see: MySQL's catalog hides them without a word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

# any of these on a whole database shows all its tables
_SHOWING = {
    "ALL PRIVILEGES",
    "ALTER",
    "CREATE",
    "CREATE VIEW",
    "DELETE",
    "DELETE HISTORY",
    "DROP",
    "INDEX",
    "INSERT",
    "REFERENCES",
    "SELECT",
    "SHOW VIEW",
    "TRIGGER",
    "UPDATE",
}
_WILDCARDS = {"%": "*", "_": "?"}
_NAME = r"(?:`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"|\*)"
_LINE = re.compile(
    rf"(GRANT|REVOKE) (.+?) ON (?:TABLE )?({_NAME})\.({_NAME}) (?:TO|FROM) ", re.DOTALL
)


@dataclass(slots=True)
class Rights:
    """On which databases, as patterns of LIKE, we have a right that shows every table."""

    everywhere: bool = False
    databases: list[str] = field(default_factory=list[str])
    revoked: list[str] = field(default_factory=list[str])

    def show_all(self, database: str) -> bool:
        """Whether the catalog shows us every table of this database."""
        if any(_like(pattern, database) for pattern in self.databases):
            return True
        return self.everywhere and database not in self.revoked


def read_rights(lines: Iterable[str]) -> Rights:
    """The rights in the lines of SHOW GRANTS, those of active roles too."""
    rights = Rights()
    for line in lines:
        match = _LINE.match(line)
        if match is None or match[4] != "*":
            continue
        if not _SHOWING & {privilege.strip().upper() for privilege in match[2].split(",")}:
            continue
        if match[1] == "REVOKE":
            rights.revoked.append(_unquoted(match[3]))
        elif match[3] == "*":
            rights.everywhere = True
        else:
            rights.databases.append(_unquoted(match[3]))
    return rights


def _unquoted(name: str) -> str:
    quote = name[0]
    return name[1:-1].replace(quote * 2, quote)


def _like(pattern: str, name: str) -> bool:
    """Whether a database is meant by the pattern of a grant: `_` one character, `%` any, unless after a backslash."""
    if pattern == name:
        return True
    parts: list[str] = re.findall(r"\\.|.", pattern, re.DOTALL)
    return fnmatchcase(name, "".join(map(_as_glob, parts)))


def _as_glob(part: str) -> str:
    letter = part[-1]
    if len(part) == 1 and letter in _WILDCARDS:
        return _WILDCARDS[letter]
    return f"[{letter}]" if letter in "*?[" else letter
