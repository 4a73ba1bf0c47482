"""HTML put together so that text is always escaped: only what `element` and `verbatim` return counts as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Final, TypeAlias

from buster_tasks.analyst.quoting import seen


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = "str | int | Iterable[Child] | None"
Attribute: TypeAlias = "str | int | bool | None"

_NAME: Final = re.compile(r"[a-z][a-z0-9-]*\Z")
_VOID: Final = frozenset({"br", "meta", "hr"})


def element(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """The element; `class_` and `aria_label` are the attributes `class` and `aria-label`.

    Attributes that are None or False are left out. Raises ValueError for a name that is none of HTML's.
    """
    opening = name + "".join(_attribute(key, value) for key, value in attributes.items())
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is no name of an element")
    if name in _VOID:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{join(children)}</{name}>")


def join(children: Child) -> Markup:
    """All of them after one another, whatever is no markup escaped."""
    match children:
        case None:
            return Markup()
        case Markup():
            return children
        case str():
            return Markup(escape(seen(children)))
        case int():
            return Markup(f"{children:,}")
        case _:
            return Markup("".join(map(join, children)))


def verbatim(html: str) -> Markup:
    """HTML that was checked elsewhere or is our own."""
    return Markup(html)


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if not _NAME.match(name) or name.startswith("on"):
        raise ValueError(f"{name!r} is no attribute that this page has")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(seen(str(value)))}"'
