"""What applies to a task once its own settings, a trigger's options and the configuration are put together."""

from __future__ import annotations

import math
from typing import Any

from taskkit import config
from taskkit.definition.task_definition import UNSET, TaskDefinition
from taskkit.model.codec import OutputCodec, PayloadCodec
from taskkit.model.retry import Retry

ONE_ATTEMPT = Retry(max_attempts=1)


def retry_of(definition: TaskDefinition) -> Retry:
    """The task's retry policy: its own, none at all (one attempt), or the configured default."""
    retry = definition.retry
    if retry is UNSET:
        return config.current().retries.default
    return ONE_ATTEMPT if retry is None else retry


def max_duration_of(definition: TaskDefinition, asked: float | None) -> float:
    """Seconds that one attempt may take; infinite for none."""
    limit = asked if asked is not None else definition.max_duration
    if limit is None:
        limit = config.current().max_duration
    return math.inf if limit is None else limit


def payload_codec(definition: TaskDefinition) -> PayloadCodec:
    """Made at first use: building pydantic's validators at import would slow every import of a task module."""
    codec: PayloadCodec | None = definition.payload_codec
    if codec is None:
        codec = definition.payload_codec = PayloadCodec(
            definition.payload_type, f"task {definition.id!r}"
        )
    return codec


def output_codec(definition: TaskDefinition) -> OutputCodec:
    codec: OutputCodec | None = definition.output_codec
    if codec is None:
        output_type: Any = definition.output_type
        codec = definition.output_codec = OutputCodec(output_type, f"task {definition.id!r}")
    return codec
