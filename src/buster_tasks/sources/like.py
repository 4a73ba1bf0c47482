"""Filters as patterns of SQL's LIKE, for the readers that push them into the catalog's statements."""

from __future__ import annotations

ESCAPE = "|"
"""What the patterns escape with: `LIKE ... ESCAPE '|'`."""


def like(glob: str, special: str = "%_") -> str:
    """A pattern that matches all that the glob does, and its own spelling, and maybe more.

    `special` are the letters that mean something to this database's LIKE; SQL Server's takes brackets too.
    """
    made, at = "", 0
    while at < len(glob):
        end = glob.find("]", at + 2)
        if glob[at] == "[" and end > 0:
            made, at = made + "%", end
        elif glob[at] in "*?":
            made += "%" if glob[at] == "*" else "_"
        else:
            made += f"{ESCAPE}{glob[at]}" if glob[at] in ESCAPE + special else glob[at]
        at += 1
    return made
