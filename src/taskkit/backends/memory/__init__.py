"""Runs in the memory of this process: for tests, local work, and services that may lose their runs."""

from taskkit.backends.memory.backend import MemoryBackend

__all__ = ["MemoryBackend"]
