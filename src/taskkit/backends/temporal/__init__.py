"""Runs as workflows of a Temporal server, for any number of processes and machines."""

from importlib import import_module

from taskkit.errors import MissingExtraError

try:
    import_module("temporalio")  # before the parts of this package, which all need it
except ImportError as error:
    raise MissingExtraError("temporal", "The Temporal backend needs temporalio") from error

from taskkit.backends.temporal.backend import TemporalBackend

__all__ = ["TemporalBackend"]
