"""The model `offline`: schema matching behind the protocol of a language model; no provider, no intelligence.

It understands questions of common shapes: how many, totals, averages, extremes, by something or by time, the top few,
lists, with simple conditions. What it cannot map to the schema it says it cannot answer.
"""

from buster_tasks.analyst.offline.model import OfflineModel

__all__ = ["OfflineModel"]
