"""How much a server takes: it refuses what is larger than 2 MiB on the wire, and a workflow with it does not go on."""

from __future__ import annotations

from typing import Any, Final

from temporalio.converter import DataConverter

from taskkit.backends.temporal.encoding import error_list
from taskkit.backends.temporal.record import Reply
from taskkit.errors import PayloadTooLargeError
from taskkit.model.error_info import ErrorInfo

DATA_LIMIT: Final = 1_000_000
"""Bytes of a payload or an output: a delivery carries it beside the state of the run."""
MEMO_LIMIT: Final = 4_000
"""Bytes of a payload that each reading of the run may carry; a larger one is in the workflow's input."""
_WIRE_LIMIT: Final = 1_900_000
_SURELY_FITS: Final = 200_000


def too_large(what: str, data: bytes | None) -> PayloadTooLargeError | None:
    """The error for data that no server takes."""
    size = len(data or b"")
    return PayloadTooLargeError(what, size, DATA_LIMIT) if size > DATA_LIMIT else None


async def wire_size(converter: DataConverter, *values: Any) -> int:
    """Bytes that these take as the server gets them, codec included."""
    return sum(payload.ByteSize() for payload in await converter.encode(values))


async def fitting(reply: Reply, converter: DataConverter, task_id: str) -> Reply:
    """The reply; where it is too large for the server, the failure that says so."""
    if len(reply.output or "") + len(reply.metadata or "") < _SURELY_FITS:
        return reply
    size = await wire_size(converter, reply)
    if size <= _WIRE_LIMIT:
        return reply
    what = f"The output of task {task_id!r} with the run's metadata"
    error = PayloadTooLargeError(
        what,
        size,
        _WIRE_LIMIT,
        f"{what} takes {size:,} bytes as Temporal gets it, {_WIRE_LIMIT:,} are allowed. Store the data elsewhere and "
        f"return a reference to it.",
    )
    reply.outcome, reply.output = "failed", None
    reply.error = error_list(ErrorInfo.of(error, code="TASK_OUTPUT_ERROR"))
    return reply
