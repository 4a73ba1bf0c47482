"""PLACEHOLDER by the lead until the real one arrives: overwrite freely."""
from __future__ import annotations
from dataclasses import dataclass
@dataclass
class Applied:
    changed: bool
    reason: str | None = None
def apply(m, op):
    k=op["key"]; v=op.get("value")
    if op["type"]=="set": m[k]=v
    elif op["type"]=="increment": m[k]=(m.get(k) or 0)+v
    elif op["type"]=="append": m.setdefault(k,[]).append(v)
    return Applied(True)
def collapse(ops): return list(ops)
