"""Currencies, in one spelling each."""

from __future__ import annotations

import re
from typing import Final

SIGNS: Final = "$€£¥₹"
_MONEY: Final = {
    "dollar": "$", "dollars": "$", "usd": "$", "euro": "€", "euros": "€", "eur": "€", "pound": "£",
    "pounds": "£", "gbp": "£", "yen": "¥", "jpy": "¥",
}  # fmt: skip


def currency_of(word: str) -> str:
    """One spelling of a currency: `$` for `USD` and `dollars`, `CHF` for itself; nothing for any other word."""
    known = _MONEY.get(word.strip().lower(), word.strip())
    return known if known and (known in SIGNS or re.fullmatch(r"[A-Z]{3}", known)) else ""
