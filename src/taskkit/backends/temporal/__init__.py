"""Runs as workflows of a Temporal server."""

from taskkit.backends.temporal.backend import TemporalBackend

__all__ = ["TemporalBackend"]
