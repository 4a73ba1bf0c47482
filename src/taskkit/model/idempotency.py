"""PLACEHOLDER by the lead until the real one arrives: overwrite freely, keep make_key and as_key."""
from __future__ import annotations
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any
class IdempotencyKey(str):
    parts: tuple[str, ...]
    scope: str
def hash_key(parts: Sequence[str], suffix: Sequence[str]) -> str:
    return sha256("-".join((*parts, *suffix)).encode()).hexdigest()
def make_key(key: Any, suffix: Sequence[str], scope: str) -> IdempotencyKey:
    parts = (key,) if isinstance(key, str) else tuple(key)
    made = IdempotencyKey(hash_key(parts, suffix)); made.parts = parts; made.scope = scope
    return made
def as_key(key: Any, run_id: str | None) -> str:
    if isinstance(key, IdempotencyKey) or re.fullmatch("[0-9a-f]{64}", key): return str(key)
    return hash_key((key,) if isinstance(key, str) else tuple(key), () if run_id is None else (run_id,))
