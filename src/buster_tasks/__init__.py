"""Buster's background tasks on taskkit: reading what a data source holds."""

from buster_tasks.introspection.direct import introspect
from buster_tasks.introspection.models import (
    IntrospectDataInput,
    IntrospectDataOptions,
    IntrospectDataOutput,
)
from buster_tasks.introspection.task import introspect_data

__all__ = [
    "IntrospectDataInput",
    "IntrospectDataOptions",
    "IntrospectDataOutput",
    "introspect",
    "introspect_data",
]
