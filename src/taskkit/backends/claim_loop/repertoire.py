"""Which runs a worker takes, while tasks are still being defined."""

from __future__ import annotations

from dataclasses import replace

from taskkit.backends.base import QueueBackend, Runner
from taskkit.model.exchange import ClaimSpec, Manifest


class Repertoire:
    """What a worker claims by: tasks that are defined in its process after it has started belong to it, too."""

    def __init__(self, backend: QueueBackend, runner: Runner, spec: ClaimSpec) -> None:
        self.spec = spec
        self._backend = backend
        self._runner = runner
        self._manifest: Manifest = runner.manifest

    async def renewed(self) -> bool:
        """Whether there is something new, which the store then knows of."""
        if self.spec.tasks is None:
            return False
        manifest = self._runner.manifest
        if manifest is self._manifest or manifest == self._manifest:
            return False
        await self._backend.register(manifest)
        self._manifest = manifest
        self.spec = replace(self.spec, tasks=manifest.tasks)
        return True
