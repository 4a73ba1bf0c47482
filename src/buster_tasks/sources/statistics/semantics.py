"""What the values of a column seem to be: by their type, by what nearly all of them look like, and by the name.

A guess needs values that nothing else looks like, such as email addresses, or values that fit together with a name that
says so. Where neither holds there is none: no guess is better than a wrong one.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from buster_tasks.sources.schema import NormalizedType, SemanticType
from buster_tasks.sources.statistics.codes import COUNTRIES, CURRENCIES, LANGUAGES

ENOUGH = 0.9
"""The share of values that must look like it."""

_NUMBERS = ("integer", "decimal", "float")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_EMAIL = re.compile(r"[^\s@<>,;\"]+@[^\s@.<>,;]+(\.[^\s@.<>,;]+)+")
_URL = re.compile(r"(?:https?|ftp|s3|gs)://[^\s/]+\S*", re.IGNORECASE)
_UUID = re.compile(r"\{?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?", re.IGNORECASE)
_PHONE = re.compile(r"\+?[\d\s()./-]{7,20}")
_CODE = re.compile(r"(?=.*\d)(?=.*[A-Z])[A-Z0-9]+(?:[-_./][A-Z0-9]+)*")
_POSTAL = re.compile(r"(?=.*\d)[A-Za-z0-9]{2,5}(?:[ -]?[A-Za-z0-9]{2,5})?")
_CLOCK = re.compile(r"\d{4}-\d{2}-\d{2}.*|\d{8}T\d{4,6}.*", re.DOTALL)
_OTHER_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})")
_YES_AND_NO = (
    {"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"}, {"on", "off"}, {"0", "1"},
)  # fmt: skip
_AMOUNTS = {
    "amount", "price", "cost", "total", "subtotal", "revenue", "salary", "fee", "fees", "balance", "payment", "tax",
    "discount", "turnover", "profit", "budget",
}  # fmt: skip
_NO_AMOUNTS = {
    "count", "number", "num", "qty", "quantity", "id", "pct", "percent", "percentage", "rate", "days", "hours", "rows",
    "minutes", "seconds", "items", "code",
}  # fmt: skip
_PERCENTAGES = {"percent", "percentage", "pct"}
_POSTAL_NAMES = {"zip", "zipcode", "postcode", "postal", "plz"}
_IDS = {"id", "ids", "key"}
_LATITUDES, _LONGITUDES = {"lat", "latitude"}, {"lon", "lng", "long", "longitude"}
_PHONE_NAMES = {"phone", "mobile", "fax", "tel", "telephone", "cell", "cellphone"}
_CATEGORY_SHARE, _MOST_CATEGORIES, _LEAST_FOR_CATEGORY = 0.2, 50, 5
_LONGEST_CATEGORY = 60
_SENTENCE_WORDS, _SENTENCE_LENGTH = 4, 25


def semantic_type(
    name: str, normalized_type: NormalizedType, values: Sequence[object], *, rows: int | None = None
) -> SemanticType | None:
    """What these values, each of them once and none null, seem to be; None where they do not say it.

    `rows` is in how many rows they stand, for telling a category from values that are all different.
    """
    words = _words(name)
    if normalized_type == "uuid":
        return "uuid"
    if normalized_type == "json":
        return "json"
    if not values:
        return None
    if normalized_type in _NUMBERS or all(_is_number(value) for value in values):
        return _of_numbers(words, values, normalized_type)
    texts = [value.strip() for value in values if isinstance(value, str) and value.strip()]
    if normalized_type not in ("text", "unknown") or len(texts) < ENOUGH * len(values):
        return None
    return _of_texts(words, texts, len(values) if rows is None else rows)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(name)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _of_numbers(
    words: list[str], values: Sequence[object], normalized_type: NormalizedType
) -> SemanticType | None:
    """The name says what they may be; all of them must be able to."""
    numbers = [float(value) for value in values if isinstance(value, int | float | Decimal)]
    if words[:1] in (["is"], ["has"]) and set(numbers) <= {0.0, 1.0}:
        return "boolean_like"
    for guess, named, low, high in _NUMBERS_BY_NAME:
        if named & set(words[-1:] if guess in _BY_LAST_WORD else words):
            fit = all(low <= number <= high for number in numbers)
            return guess if fit and (guess != "id" or _are_whole(numbers)) else None
    if normalized_type in _NUMBERS and set(words) & _AMOUNTS and not set(words) & _NO_AMOUNTS:
        return "amount"
    return None


def _are_whole(numbers: list[float]) -> bool:
    return all(number.is_integer() for number in numbers)


def _of_texts(words: list[str], texts: list[str], rows: int) -> SemanticType | None:
    for guess, looks in _BY_LOOK:
        if _share(texts, looks):
            return guess
    for guess, named, looks in _TEXTS_BY_NAME:
        is_named = named & set(words[-1:] if guess in _BY_LAST_WORD else words)
        if is_named and _share(texts, looks):
            return guess
    if {text.lower() for text in texts} in _YES_AND_NO:
        return "boolean_like"
    return _by_shape(texts, rows)


def _by_shape(texts: list[str], rows: int) -> SemanticType | None:
    """What is left when neither look nor name say it: codes, sentences, or a few values that come again."""
    if len(texts) > 1 and _share(texts, _CODE.fullmatch):
        return "code"
    if _share(texts, _is_sentence):
        return "free_text"
    short = max(map(len, texts)) <= _LONGEST_CATEGORY
    few = len(texts) <= min(_MOST_CATEGORIES, rows * _CATEGORY_SHARE)
    if short and few and rows >= _LEAST_FOR_CATEGORY:
        return "category"
    return None


def _share(texts: list[str], looks: Callable[[str], object]) -> bool:
    return sum(1 for text in texts if looks(text)) >= ENOUGH * len(texts)


def _is_json(text: str) -> bool:
    if text[0] + text[-1] not in ("{}", "[]"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_ip(text: str) -> bool:
    if "." not in text and ":" not in text:
        return False
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return text.count(".") == 3 or text.count(":") >= 2


def _is_date(text: str) -> bool:
    if _CLOCK.fullmatch(text):
        try:
            datetime.fromisoformat(text.removesuffix(" UTC"))
        except ValueError:
            return False
        return True
    match = _OTHER_DATE.fullmatch(text)
    if match is None:
        return False
    first, second = int(match[1]), int(match[3])
    return 1 <= min(first, second) <= 12 and 1 <= max(first, second) <= 31


def _is_phone(text: str) -> bool:
    return bool(_PHONE.fullmatch(text)) and 7 <= sum(map(str.isdigit, text)) <= 15


def _is_international_phone(text: str) -> bool:
    return text.startswith("+") and _is_phone(text)


def _is_country(text: str) -> bool:
    return text.upper() in COUNTRIES


def _is_language(text: str) -> bool:
    return re.split("[-_]", text, maxsplit=1)[0].lower() in LANGUAGES


def _is_currency(text: str) -> bool:
    return text.upper() in CURRENCIES


def _is_word(text: str) -> bool:
    return " " not in text


def _within(most: float) -> Callable[[str], bool]:
    def is_within(text: str) -> bool:
        try:
            return abs(float(text.rstrip("% "))) <= most
        except ValueError:
            return False

    return is_within


def _is_sentence(text: str) -> bool:
    return len(text) >= _SENTENCE_LENGTH and text.count(" ") >= _SENTENCE_WORDS - 1


_BY_LOOK: tuple[tuple[SemanticType, Callable[[str], object]], ...] = (
    ("email", _EMAIL.fullmatch),
    ("url", _URL.fullmatch),
    ("uuid", _UUID.fullmatch),
    ("json", _is_json),
    ("ip_address", _is_ip),
    ("date_like", _is_date),
    ("phone", _is_international_phone),
)
_TEXTS_BY_NAME: tuple[tuple[SemanticType, set[str], Callable[[str], object]], ...] = (
    ("postal_code", _POSTAL_NAMES, _POSTAL.fullmatch),
    ("phone", _PHONE_NAMES, _is_phone),
    ("country", {"country", "nation"}, _is_country),
    ("language", {"language", "lang", "locale"}, _is_language),
    ("currency", {"currency", "ccy"}, _is_currency),
    ("latitude", _LATITUDES, _within(90)),
    ("longitude", _LONGITUDES, _within(180)),
    ("id", _IDS, _is_word),
    ("percentage", _PERCENTAGES, _within(100)),
    ("code", {"code", "sku", "iban", "isbn", "ean", "vin", "bic"}, _is_word),
)
_BY_LAST_WORD = ("latitude", "longitude", "id", "code")
_NUMBERS_BY_NAME: tuple[tuple[SemanticType, set[str], float, float], ...] = (
    ("id", _IDS, float("-inf"), float("inf")),
    ("latitude", _LATITUDES, -90, 90),
    ("longitude", _LONGITUDES, -180, 180),
    ("percentage", _PERCENTAGES, -100, 100),
    ("postal_code", _POSTAL_NAMES, 1_000, 99_999),
)
