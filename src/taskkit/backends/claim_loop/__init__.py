"""The serve() of stores: claim, hand to the runner, beat, settle, advance."""

from __future__ import annotations

from taskkit.backends.base import QueueBackend, Runner
from taskkit.backends.claim_loop.worker import Worker
from taskkit.model.exchange import WorkerOptions


class ClaimLoop:
    """Gives a `QueueBackend` its `serve`. A store inherits it and adds nothing.

    A call that raises StoreUnavailableError is repeated until the store is back; any other error that is no
    lost lease ends the loop. `WorkerOptions.announce` is given what tells how the worker is.
    """

    async def serve(self: QueueBackend, runner: Runner, options: WorkerOptions) -> None:
        """See `Backend.serve`."""
        worker = Worker(self, runner, options)
        await self.register(runner.manifest)
        await worker.run()
