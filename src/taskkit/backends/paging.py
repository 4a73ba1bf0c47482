"""Where a page of a list goes on, for backends that number what they list."""

from __future__ import annotations

from taskkit.errors import InvalidOptionError


def page_number(cursor: int | str | None) -> int | None:
    """The number that a cursor is; InvalidOptionError for what no page had as its cursor."""
    if cursor is None:
        return None
    text = str(cursor)
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 2**63):
        raise InvalidOptionError("cursor", cursor, "give what a page had as its cursor, or None.")
    return int(text)
