"""A look at a value of somebody else's, which tells what must be mended in it and never raises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeGuard, cast

# What is drawn must not lead anywhere: `url(...)` in a colour would.
_COLOR = re.compile(r"(#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,30})\Z")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}\Z")
_FORMAT = re.compile(r"[-+ (<>=^#$,.~%:/0-9A-Za-z]{1,40}\Z")
_PATH_CHARACTERS = re.compile(r"[.\[\]\\'\"]")
_LARGEST = 1e15

Rule = Callable[["Look", object, str], None]


class Look:
    """One look at one specification over these columns; each rule adds a sentence to `found`."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.found: list[str] = []
        self.fields = {name for name in columns if not _PATH_CHARACTERS.search(name)}
        self._columns = set(columns)

    def wrong(self, where: str, text: str) -> None:
        """What is not let through, and what is."""
        self.found.append(f"{where}: {text}")

    def mapping(self, value: object, rules: Mapping[str, Rule], where: str) -> None:
        """An object whose every key has a rule; they are looked at in the rules' order."""
        known = as_dict(value)
        if known is None:
            self.wrong(where, "must be an object.")
            return
        for name in known.keys() - rules.keys():
            allowed = ", ".join(sorted(rules))
            self.wrong(
                where, f"{str(name)[:60]!r} may not be used; leave it out. Allowed: {allowed}."
            )
        for name, rule in rules.items():
            if name in known:
                rule(self, known[name], f"{where}.{name}")

    def each(self, value: object, rule: Rule, where: str, most: int = 50) -> None:
        """A list, each item by the rule."""
        items = as_list(value)
        if items is None or len(items) > most:
            self.wrong(where, f"must be a list of at most {most}.")
            return
        for n, inner in enumerate(items):
            rule(self, inner, f"{where}[{n}]")

    def field(self, value: object, where: str) -> None:
        """A column of the result, or a name that a transform has made."""
        if not isinstance(value, str):
            self.wrong(where, "must be the name of a column.")
        elif value in self._columns - self.fields and _PATH_CHARACTERS.search(value):
            self.wrong(where, f"Vega-Lite reads {value[:80]!r} as a path; name the column with AS.")
        elif value not in self.fields:
            near = get_close_matches(value[:80], self.fields, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            said = f"there is no column {value[:80]!r}.{hint} There is {listed(self.fields)}."
            self.wrong(where, said)

    def made(self, value: object, where: str) -> None:
        """A name for what a transform makes."""
        if isinstance(value, str) and re.fullmatch(r"\w{1,60}", value):
            self.fields.add(value)
        else:
            self.wrong(where, "must be a name of letters, digits and _.")


def as_dict(value: object) -> dict[object, object] | None:
    """The value if it is an object, else None."""
    return cast("dict[object, object]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[object] | None:
    """The value if it is a list, else None."""
    return cast("list[object]", value) if isinstance(value, list) else None


def words(line: str) -> tuple[str, ...]:
    """The words of a line."""
    return tuple(line.split())


def listed(names: Iterable[str]) -> str:
    """The names with commas in between."""
    return ", ".join(sorted(names)) or "none"


def anything(look: Look, value: object, where: str) -> None:
    """Whatever it is: ours takes its place."""


def text(look: Look, value: object, where: str) -> None:
    """Text in a line or in several, or none."""
    lines = [value] if isinstance(value, str) else as_list(value) or [value]
    if value is not None and not all(isinstance(one, str) for one in lines):
        look.wrong(where, "must be text.")


def number(look: Look, value: object, where: str) -> None:
    """A finite number."""
    if not _is_number(value):
        look.wrong(where, "must be a number.")


def count(look: Look, value: object, where: str) -> None:
    """How many of something; more than 100 would only take time."""
    if not (_is_number(value) and 0 <= value <= 100):
        look.wrong(where, "must be a number up to 100.")


def length(look: Look, value: object, where: str) -> None:
    """A size in pixels."""
    if not (_is_number(value) and 0 < value <= 2_000):
        look.wrong(where, "must be a number of pixels, 2000 at most.")


def flag(look: Look, value: object, where: str) -> None:
    """Yes, no or unsaid."""
    if value is not None and not isinstance(value, bool):
        look.wrong(where, "must be true or false.")


def scalar(look: Look, value: object, where: str) -> None:
    """A number, text, a flag or null."""
    if not (value is None or isinstance(value, bool | str) or _is_number(value)):
        look.wrong(where, "must be a plain value.")


def scalars(look: Look, value: object, where: str) -> None:
    """Plain values."""
    look.each(value, scalar, where, 200)


def color(look: Look, value: object, where: str) -> None:
    """A colour by its name or in hex."""
    if not (isinstance(value, str) and _COLOR.match(value)):
        look.wrong(where, "must be a colour, such as '#3c5ecd' or 'teal'.")


def colors_or_numbers(look: Look, value: object, where: str) -> None:
    """What a scale leads to."""
    items = as_list(value) or []
    look.each(value, color if any(isinstance(one, str) for one in items) else number, where)


def color_or_number(look: Look, value: object, where: str) -> None:
    """What a channel is set to."""
    (color if isinstance(value, str) else scalar)(look, value, where)


def word(look: Look, value: object, where: str) -> None:
    """An option by its name, or yes or no."""
    is_word = isinstance(value, str) and _WORD.match(value)
    if not (value is None or isinstance(value, bool) or is_word):
        look.wrong(where, "must be a plain word.")


def format_(look: Look, value: object, where: str) -> None:
    """How numbers or times are written."""
    if not (isinstance(value, str) and _FORMAT.match(value)):
        look.wrong(where, "must be a d3 format, such as ',.2f' or '%b %Y'.")


def one_of(names: Iterable[str]) -> Rule:
    """One of these words."""
    allowed = sorted(names)

    def rule(look: Look, value: object, where: str) -> None:
        if not (isinstance(value, str) and value in allowed):
            look.wrong(where, f"must be one of {', '.join(allowed)}.")

    return rule


def list_of(rule: Rule, most: int = 10) -> Rule:
    """A list of what the rule lets through."""
    return lambda look, value, where: look.each(value, rule, where, most)


def object_or(other: Rule, rules: Mapping[str, Rule]) -> Rule:
    """An object of these keys, or what the other rule lets through."""

    def rule(look: Look, value: object, where: str) -> None:
        if as_dict(value) is None:
            other(look, value, where)
        else:
            look.mapping(value, rules, where)

    return rule


def _is_number(value: object) -> TypeGuard[float]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= _LARGEST
