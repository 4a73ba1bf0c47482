"""The memory backend keeps the contract; with nothing declared, everything is refused."""

from taskkit.backends.memory import MemoryBackend
from taskkit.testing import BackendSuite


class TestMemoryBackend(BackendSuite):
    def make_backend(self) -> MemoryBackend:
        return MemoryBackend()


class Undeclared(MemoryBackend):
    """Can do everything and says so of nothing."""

    capabilities = frozenset()


class TestMemoryBackendThatDeclaresNothing(BackendSuite):
    async def make_backend(self) -> MemoryBackend:
        return Undeclared()
