"""Words of questions and of identifiers, brought to a form in which they can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def words(text: str) -> frozenset[str]:
    """The words of a list that is written as a text."""
    return frozenset(text.split())


STOP: Final = words(
    """a an and are as at be been being by did do does each every for from had has have having he her his how i if in
    into is it its just many me much my no not of on or our out over per please she show so such than that the their
    them then there these they this those through to up us was we were what when where which who whom whose why will
    with would you your all any also can could give list tell return find display get made make during between within
    using based only including ones data"""
)

_IRREGULAR: Final = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "staff": "employee",
    "countries": "country", "cities": "city", "companies": "company", "categories": "category",
    "currencies": "currency", "statuses": "status", "addresses": "address", "sold": "sale", "selling": "sale",
    "bought": "purchase", "paid": "payment", "movies": "movie", "data": "data", "series": "series", "news": "news",
    "qty": "quantity", "amt": "amount", "cust": "customer", "prod": "product", "emp": "employee", "dept": "department",
    "tx": "transaction", "txn": "transaction", "inv": "invoice", "addr": "address", "num": "number",
    "desc": "description",
    "cat": "category", "avg": "average", "yr": "year", "acct": "account", "mgr": "manager", "org": "organization",
}  # fmt: skip

_ALIKE: Final = (
    ("customer", "client", "buyer", "shopper"),
    ("product", "item", "article", "good"),
    ("employee", "worker", "salesperson", "rep"),
    ("revenue", "sale", "turnover", "earning", "income", "spend", "spending", "spent"),
    ("amount", "total", "value", "sum"),
    ("price", "cost", "fee", "rate"),
    ("order", "purchase"),
    ("invoice", "bill"),
    ("supplier", "vendor"),
    ("country", "nation"),
    ("song", "track"),
    ("artist", "singer", "band", "musician"),
    ("movie", "film"),
    ("department", "division"),
    ("salary", "wage", "pay"),
    ("symbol", "ticker"),
    ("name", "title"),
    ("signup", "registration"),
    ("car", "vehicle"),
    ("quantity", "unit"),
    ("category", "type", "kind", "class"),
    ("state", "province"),
    ("zip", "postal", "postcode"),
)


@cache
def stem(word: str) -> str:
    """The word in the singular, as far as simple rules tell."""
    word = word.lower()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, instead in (
        ("ies", "y"),
        ("sses", "ss"),
        ("shes", "sh"),
        ("ches", "ch"),
        ("xes", "x"),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + instead
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


@cache
def parts_of(identifier: str) -> tuple[str, ...]:
    """The words of an identifier: `sbCustName`, `order_items`, `OrderID`."""
    return tuple(stem(part) for part in _PARTS.findall(identifier))


@cache
def _alike() -> dict[str, frozenset[str]]:
    known: dict[str, frozenset[str]] = {}
    for group in _ALIKE:
        for word in group:
            known[word] = known.get(word, frozenset()) | frozenset(group)
    return known


def likeness(word: str, other: str) -> float:
    """How alike two stems are: 1 for the same, less for another word for it or for its beginning, 0 for others."""
    if word == other:
        return 1.0
    if other in _alike().get(word, ()):
        return 0.6
    shorter, longer = sorted((word, other), key=len)
    if len(shorter) >= 4 and longer.startswith(shorter) and len(longer) - len(shorter) <= 4:
        return 0.7
    return 0.0


def overlap(wanted: Iterable[str], known: Iterable[str]) -> float:
    """How much of the wanted words is among the known ones, each word once; 0 to 1."""
    wanted, there = list(wanted), list(known)
    if not wanted or not there:
        return 0.0
    return sum(max(likeness(word, other) for other in there) for word in wanted) / len(wanted)
