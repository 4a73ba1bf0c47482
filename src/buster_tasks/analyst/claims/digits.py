"""Numbers that are written in digits: `1,234.5`, `1 234,5`, `$1.2M`, `12.5 %`, `2.5x`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from buster_tasks.analyst.claims.currency import currency_of
from buster_tasks.analyst.claims.mention import Kind, Mention
from buster_tasks.analyst.claims.number_words import place_of

_SPACE = "[ \u00a0\u2009\u202f]"
_CODES = "USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD"
_NUMBER: Final = re.compile(
    rf"""
    (?<![A-Za-z0-9.,])
    (?P<sign>[-\u2212\u2013+](?=[\d$€£¥₹.])|\bminus\s+)?
    (?P<money>[$€£¥₹]|\b(?:{_CODES})\s?)?
    (?P<inner>-(?=\d))?
    (?P<digits>
        \d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?(?!\d|,\d)   # 1,234,567.8
      | \d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?:\.\d+)?       # 12,34,567
      | \d{{1,3}}(?:\.\d{{3}})+,\d+                    # 1.234,56
      | \d{{1,3}}(?:\.\d{{3}}){{2,}}(?!\d|\.\d)          # 1.234.567
      | \d{{1,3}}(?:{_SPACE}\d{{3}})+(?:[.,]\d+)?(?![\d])  # 1 234,5
      | \d{{1,3}}(?:['\u2019]\d{{3}})+(?:\.\d+)?            # 1'234.5
      | \d+,\d{{1,2}}(?!\d|,\d)                        # 12,5
      | \d+(?:\.\d+)?(?:[eE][+-]?\d{{1,3}}(?!\w))?
      | \.\d+
    )
    (?:(?P<scale>k|K|mn|mln|mio|bn|bln|tn|m|M|B|T)(?![\w])
      |(?:{_SPACE}|-)?(?P<word>thousand|million|billion|trillion|hundred|dozen|mn|bn|mln|mio)\b)?
    (?: (?P<percent>\s?%|[\s-]?(?:percent|per\s+cent|pct)\b\.?)(?P<after_percent>[\s-]points?\b)?
      | (?P<points>[\s-](?:percentage[\s-]points?|pp|ppt|p\.p\.)(?!\w)|pp\b)
      | (?P<basis>[\s-]?(?:basis\s+points?|bps|bp)\b)
      | (?P<times>\s?[x\u00d7](?!\w)|\s+times\b(?=\s+(?:as|more|the|higher|larger|greater|its|bigger)\b)|[\s-]?fold\b)
      | (?P<paid>\s?[€$£¥₹](?!\d)|\s?(?:{_CODES})\b|\s+(?:dollars?|euros?|pounds?|yen)\b)
    )?
    (?P<tail>(?:st|nd|rd|th)\b|-[A-Za-z]+)?
    """,
    re.VERBOSE,
)
_SCALES: Final = {
    "k": 3, "thousand": 3, "m": 6, "mn": 6, "mln": 6, "mio": 6, "million": 6,
    "b": 9, "bn": 9, "bln": 9, "billion": 9, "t": 12, "tn": 12, "trillion": 12, "hundred": 2,
}  # fmt: skip
_LISTED: Final = re.compile(r"(?m)^[ \t]*(?:[-*>][ \t]+)?\d{1,3}[.)](?=\s)")
_MOST_DIGITS: Final = 60


def digits(text: str) -> Iterator[Mention]:
    """The mentions in digits, but for numbers of list items, parts of names, versions and times."""
    items = {found.start() for found in _LISTED.finditer(text)}
    marks = {found.end() - 1 for found in _LISTED.finditer(text)} if items else set[int]()
    for found in _NUMBER.finditer(text):
        end = found.end("digits")
        following = text[end : end + 2]
        if end in marks or len(found["digits"]) > _MOST_DIGITS:
            continue
        if _is_part_of_name(found, text, following):
            continue
        mention = _mention(found)
        if mention is not None:
            yield mention


def _is_part_of_name(found: re.Match[str], text: str, following: str) -> bool:
    """Whether the digits belong to a name (`3D`, `1.2.3`, `A-5`), a time or an ordinal."""
    if any(
        found[part] for part in ("scale", "word", "percent", "points", "basis", "times", "paid")
    ):
        return False
    if found["tail"] and not found["tail"].startswith("-"):
        return True  # ordinals are found by their words
    if re.match(r"[A-Za-z]|_\w|[.:/]\d", following):
        return True
    before = text[: found.start()]
    return bool(
        re.search(r"[A-Za-z]-?$|[A-Za-z0-9]_$|\d[:/]$|[#@]$", before)
    )  # a dash joins in "COVID-19"


def _mention(found: re.Match[str]) -> Mention | None:
    written = _plain(found["digits"])
    number = Decimal(written)
    if not -300 < number.adjusted() < 300:
        return None
    scale = _SCALES.get((found["scale"] or found["word"] or "").lower(), 0)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    quantum = Decimal(1).scaleb(
        scale + min(exponent, 0) if "e" not in written.lower() else exponent
    )
    number = number.scaleb(scale)
    if (found["word"] or "").lower() == "dozen":
        number *= 12
    if found["basis"]:
        number, quantum = number / 100, quantum / 100
    kind = _kind(found)
    sign = (found["sign"] or found["inner"] or "+").strip().lower()
    is_negative = sign in {"-", "\u2212", "\u2013", "minus"}
    money = found["money"] or found["paid"] or ""
    tail = found["tail"] or ""
    return Mention(
        text=found[0].strip().removesuffix(tail) if tail else found[0].strip(),
        start=found.start(),
        end=found.end() - len(tail),
        kind=kind,
        value=-number if is_negative else number,
        quantum=quantum,
        significant=max(place_of(number), quantum),
        currency=currency_of(money),
        weak=tail.startswith("-") and kind == "number" and not money,
    )


def _kind(found: re.Match[str]) -> Kind:
    if found["points"] or found["basis"] or found["after_percent"]:
        return "points"
    if found["percent"]:
        return "percent"
    return "factor" if found["times"] else "number"


def _plain(written: str) -> str:
    """The digits as Python reads them: `1234.5`."""
    text = re.sub(rf"{_SPACE}|['\u2019]", "", written)
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}", text):
        return text.replace(".", "").replace(",", ".")
    if re.fullmatch(r"\d+,\d{1,2}", text) or ("," in text and re.search(_SPACE, written)):
        return text.replace(",", ".")
    return text.replace(",", "")
