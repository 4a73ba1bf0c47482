"""Keys that make the same trigger give the same run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from taskkit.backends.base import Capability, SupportsEdit
from taskkit.errors import InvalidOptionError, UnsupportedByBackendError
from taskkit.model.idempotency import IdempotencyKey, as_key, make_key
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.home import Home
from taskkit.runtime.portal import twin
from taskkit.runtime.scope import current_scope
from taskkit.trigger.calls import target

Scope = Literal["run", "attempt", "global"]


def create(key: str | Sequence[str], scope: Scope = "run") -> IdempotencyKey:
    """A hashed key, good for one run's triggers ("run"), one attempt's, or everybody's ("global").

    Always hashes, also "" and 64 digits. Outside of a task every scope is global. The key makes triggers
    idempotent, not what the run does: that may happen again.
    """
    running = current_scope.get()
    suffix: tuple[str, ...] = ()
    if scope not in ("run", "attempt", "global"):
        raise InvalidOptionError("scope", scope, 'give "run", "attempt" or "global".')
    if running is not None and scope != "global":
        suffix = (running.run_id,)
        if scope == "attempt":
            suffix = (running.run_id, str(running.lease.attempt))
    return make_key(key, suffix, scope)


async def reset(task: Any, key: str) -> bool:
    """Let go of a key, so that the next trigger with it starts a new run; whether it was held."""
    home = current_home()
    running = current_scope.get()
    hashed = as_key(key, None if running is None else running.run_id)
    found = target(task)
    return await home.call(_release, home, found if isinstance(found, str) else found.id, hashed)


async def _release(home: Home, task_id: str, key: str) -> bool:
    home.need(Capability.IDEMPOTENCY, "Resetting an idempotency key")
    if not home.supports(SupportsEdit):
        raise UnsupportedByBackendError("Resetting an idempotency key", backend=home.name)
    return await cast("SupportsEdit", home.backend).release_key(task_id, key)


class sync:
    """The same call for plain code; `idempotency_keys.sync.reset(task, key)`."""

    reset = staticmethod(twin(reset))
