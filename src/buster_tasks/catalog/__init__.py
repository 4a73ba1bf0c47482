"""The catalog: introspections that were kept, a search over them, and what changed between two."""

from buster_tasks.catalog.drift import Change, ChangedObject, Drift, DriftObject, diff
from buster_tasks.catalog.joins import Join, JoinPath
from buster_tasks.catalog.place import catalog_path
from buster_tasks.catalog.snapshot import SearchHit, Snapshot, SnapshotInfo
from buster_tasks.catalog.store import CatalogStore

__all__ = [
    "CatalogStore",
    "Change",
    "ChangedObject",
    "Drift",
    "DriftObject",
    "Join",
    "JoinPath",
    "SearchHit",
    "Snapshot",
    "SnapshotInfo",
    "catalog_path",
    "diff",
]
