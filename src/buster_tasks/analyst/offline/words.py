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
    """a an and are as at be been being by did do does done each every for from had has have having he her his how i if
    in into is it its just many me much my no not of on or our out over per please she so such than that the their
    them then there these they this those through to up us was we were what when where which who whom whose why will
    with would you your all any also can could give list tell find display get made during between within using
    based only including ones data different distinct unique individual altogether want know more less most least
    anything something nothing without either however various several ever never both like show showing i'd don't
    didn't doesn't haven't hasn't hadn't isn't aren't wasn't weren't what's who's placed took take respective
    corresponding associated together along well ago among across"""
)
"""Words that say nothing about data."""

SOFT: Final = words(
    """total sum average avg mean number count percentage percent share rate proportion ratio top bottom start end
    record entry row table inclusive ascending descending current currently given exist available contain value
    detail information info list place receive recorded belong related according break down group split name id
    first best worst highest lowest largest smallest biggest minimum maximum greatest high low overall combination
    type date time day week month quarter year amount good people person last use used have go work live there rank
    position from since until about fraction after before above below under long old young new late early happen occur
    hold own stand sorted ranked make return ending letter starting beginning begin containing signup registration
    whole kind combined take lead led went come came result operate run offer handle teach treat produce generate
    attend visit raise raised perform assign assigned collect collected serve employ fly member took register
    installed made through received dollar usd euro eur sold different case insensitive attribute matched please
    round rounded decimal"""
)
"""Words that may name a column, and that need not."""

_IRREGULAR: Final = {
    "ids": "id", "people": "person", "men": "man", "women": "woman", "children": "child", "staff": "employee",
    "countries": "country", "cities": "city", "companies": "company", "categories": "category",
    "currencies": "currency", "statuses": "status", "addresses": "address", "sold": "sale", "selling": "sale",
    "bought": "purchase", "buy": "purchase", "paid": "payment", "pay": "payment", "movies": "movie", "data": "data",
    "series": "series", "news": "news", "qty": "quantity", "amt": "amount", "cust": "customer", "prod": "product",
    "emp": "employee", "dept": "department", "tx": "transaction", "txn": "transaction", "inv": "invoice",
    "addr": "address", "num": "number", "desc": "description", "sell": "sale", "lent": "loan", "borrowed": "loan",
    "flew": "flight", "fly": "flight", "sent": "send", "wrote": "author", "written": "author", "born": "birth",
    "taught": "teach", "grew": "growth", "employed": "employee", "earn": "earning", "earned": "earning",
    "earns": "earning", "spent": "spending", "spends": "spending", "spend": "spending", "cost": "cost",
    "costs": "cost", "diagnoses": "diagnosis", "salaries": "salary", "media": "media", "genres": "genre",
    "released": "release", "published": "publication", "publish": "publication", "joined": "join", "hired": "hire",
    "admitted": "admission", "enrolled": "enrollment", "enrolment": "enrollment", "enrolments": "enrollment",
    "taken": "take", "lives": "live", "living": "live", "dob": "birth", "qtr": "quarter", "temp": "temperature",
    "nbr": "number", "nr": "number", "msrp": "price", "purchases": "purchase", "leaves": "leave",
    "courses": "course", "houses": "house", "prices": "price", "nurses": "nurse", "expenses": "expense",
    "purchased": "purchase", "licenses": "license", "warehouses": "warehouse", "buses": "bus",
    "analyses": "analysis", "indices": "index", "wages": "wage", "cat": "category", "avg": "average", "yr": "year",
    "acct": "account", "mgr": "manager", "org": "organization",
}  # fmt: skip

_ALIKE: Final = (
    ("customer", "client", "buyer", "shopper"),
    ("product", "item", "article", "good"),
    ("employee", "worker", "salesperson", "rep"),
    ("revenue", "sale", "turnover", "earning", "income", "spend", "spending", "spent"),
    ("amount", "total", "value", "sum"),
    ("price", "cost", "fee", "rate"),
    ("order", "purchase", "sale"),
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
    ("loan", "checkout", "rental", "rent"),
    ("member", "borrower", "patron", "reader"),
    ("visit", "appointment"),
    ("physician", "doctor"),
    ("reading", "measurement", "observation"),
    ("sensor", "device"),
    ("location", "site"),
    ("student", "pupil"),
    ("course", "subject"),
    ("grade", "mark", "score"),
    ("teacher", "instructor", "professor", "lecturer"),
    ("carrier", "airline"),
    ("passenger", "traveller", "traveler"),
    ("author", "writer"),
    ("store", "shop", "branch", "outlet"),
    ("purchase", "sale"),
    ("join", "signup", "registration", "register"),
    ("publication", "publish", "release"),
    ("enrollment", "enroll", "registration"),
    ("city", "town"),
    ("gender", "sex"),
    ("length", "duration", "millisecond", "runtime"),
    ("sum", "amount"),
    ("live", "city", "country", "state", "address"),
    ("email", "mail"),
    ("user", "customer", "account"),
    ("stock", "ticker", "inventory"),
    ("job", "position", "role"),
    ("ship", "shipped", "shipment"),
    ("staff", "employee"),
    ("cancelled", "canceled"),
    ("birth", "birthday", "birthdate"),
    ("payment", "pay"),
    ("weigh", "weight", "kg", "kilogram"),
    ("distance", "km", "kilometer", "mile"),
    ("charge", "fee", "cost"),
    ("earning", "salary", "wage", "pay"),
)


_ENDINGS: Final = (
    ("ies", "y"),
    ("sses", "ss"),
    ("shes", "sh"),
    ("ches", "ch"),
    ("xes", "x"),
    ("zes", "z"),
)
_SHORTEST: Final = 4
_LONGEST_ENDING: Final = 4


@cache
def stem(word: str) -> str:
    """The word in the singular, as far as simple rules tell."""
    word = word.lower()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + instead
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) >= _SHORTEST:
        single = word[:-1]
        return _IRREGULAR.get(single, single)
    return word


@cache
def parts_of(identifier: str) -> tuple[str, ...]:
    """The words of an identifier: `sbCustName`, `order_items`, `OrderID`."""
    parts = [stem(part) for part in _PARTS.findall(identifier)]
    if len(parts) > 1 and parts[-1] == "min":
        parts[-1] = "minute"  # `duration_min`, where `min_price` is a minimum
    return tuple(parts)


@cache
def _alike() -> dict[str, frozenset[str]]:
    known: dict[str, frozenset[str]] = {}
    for group in _ALIKE:
        for word in group:
            known[word] = known.get(word, frozenset()) | frozenset(group)
    return known


@cache
def likeness(word: str, other: str) -> float:
    """How alike two stems are: 1 for the same, less for another word for it or for its beginning, 0 for others."""
    if word == other:
        return 1.0
    if _is_form(word, other):
        return 0.8
    if other in _alike().get(word, ()):
        return 0.6
    return 0.65 if _root(word, other) >= _LONG_ROOT else 0.0


def _root(word: str, other: str) -> int:
    """How many letters both begin with."""
    pairs = zip(word, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(word), len(other)))


_LONG_ROOT: Final = 7


def _is_form(word: str, other: str) -> bool:
    """Whether one is the other with another ending: `join` and `joined`, `reserved` and `reservation`."""
    shorter, longer = sorted((word, other), key=len)
    bare = shorter.removesuffix("e")
    for base in (shorter, bare if len(bare) >= _SHORTEST else shorter, _bare(shorter)):
        if len(base) < _SHORTEST - 1 or not longer.startswith(base):
            continue
        rest = longer[len(base) :]
        if rest in _FORMS or (rest[:1] == base[-1:] and rest[1:] in _FORMS):
            return True
    return False


def _bare(word: str) -> str:
    """The word without the ending of a participle."""
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word.removesuffix(ending)
    return word


_FORMS: Final = words("e d ed ing y al ion ure ation ment ance ally ive it ly s es n en")


def best(word: str, known: Iterable[str]) -> float:
    """How alike the word is to the one of the known that it is most like."""
    return max((likeness(word, other) for other in known), default=0.0)


def overlap(wanted: Iterable[str], known: Iterable[str]) -> float:
    """How much of the wanted words is among the known ones, each word once; 0 to 1."""
    wanted, there = list(wanted), list(known)
    if not wanted or not there:
        return 0.0
    return sum(best(word, there) for word in wanted) / len(wanted)


def spoken(identifier: str) -> list[str]:
    """The words of an identifier as they are written, in small letters."""
    return [part.lower() for part in _PARTS.findall(identifier)]


def plural(word: str) -> str:
    """The plural of a word, as far as simple rules tell."""
    if word in _PLURALS:
        return _PLURALS[word]
    if word.endswith("ed"):
        return word
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


_PLURALS: Final = {
    "person": "people", "child": "children", "man": "men", "woman": "women", "staff": "staff", "data": "data",
    "series": "series", "news": "news", "media": "media", "inventory": "inventory",
}  # fmt: skip


_COMMON: Final = words(
    """id name first last full middle nick user date time day week month year quarter number code key type kind class
    level status state city country region address street zip postal phone email mail title job role price unit total
    amount quantity count cost fee rate tax discount order product item customer client supplier employee manager staff
    department category group account invoice payment sale start end begin due birth hire join sign up created updated
    at on is has no of in by to per age gender sex score grade rating rank review comment description note text value
    size weight height width length distance duration minute second hour version device sensor site room hotel guest
    check out member loan return book author flight origin destination departure arrival delay ticket seat student
    teacher course credit term patient doctor visit blood drug salary budget bonus contract check amount net gross"""
)


def pieces_of(part: str, known: frozenset[str]) -> tuple[str, ...]:
    """The words that a word is put together of, as `hiredate`, by those that are known; itself where they do "
    "not make it up.
    """
    if (
        len(part) <= _SHORTEST
        or part in known
        or stem(part) in known
        or part in _COMMON
        or not part.isalpha()
    ):
        return (part,)
    best_to: list[tuple[str, ...] | None] = [(), *([None] * len(part))]
    for end in range(1, len(part) + 1):
        for begin in range(max(0, end - _LONGEST_WORD), end):
            before, piece = best_to[begin], part[begin:end]
            if before is None or not _is_known(piece, known):
                continue
            found, now = (*before, piece), best_to[end]
            if now is None or len(found) < len(now):
                best_to[end] = found
    whole = best_to[-1] or _adjective_and_noun(part, known)
    return (part,) if whole is None else tuple(stem(piece) for piece in whole)


def is_usual(word: str) -> bool:
    """Whether it is a word that many tables are called by, and no prefix."""
    return word in _COMMON or word in SOFT or word in _alike() or word in _IRREGULAR.values()


def _adjective_and_noun(part: str, known: frozenset[str]) -> tuple[str, ...] | None:
    """`nightlyrate`: a word that is not known, but looks like an adjective, before one that is."""
    for at in range(len(part) - 3, _SHORTEST, -1):
        if part[:at].endswith(("ly", "ing", "ed")) and _is_known(part[at:], known):
            return part[:at], part[at:]
    return None


_LONGEST_WORD: Final = 16


def _is_known(piece: str, known: frozenset[str]) -> bool:
    return len(piece) > 1 and (
        piece in _COMMON or piece in known or stem(piece) in known or stem(piece) in _COMMON
    )
