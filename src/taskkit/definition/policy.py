"""What applies to a task once its own settings and the configuration are put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from taskkit import config
from taskkit.config import Config
from taskkit.definition.task_definition import UNSET, TaskDefinition
from taskkit.errors import NotSerializableError
from taskkit.model.codec import OutputCodec, PayloadCodec
from taskkit.model.retry import Retry

ONE_ATTEMPT = Retry(max_attempts=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """A task's settings with the configuration's in the place of those that it left out.

    `ttl` and `max_duration` in seconds; no ttl is None, no max_duration is infinite.
    """

    config: Config
    retry: Retry
    ttl: float | None
    machine: str | None
    max_duration: float
    payload: PayloadCodec
    output: OutputCodec


def policy_of(definition: TaskDefinition) -> Policy:
    """The task's policy, put together anew only when the configuration has changed.

    Made at first use: building pydantic's validators at import would slow every import of a task module.
    """
    settings = config.current()
    policy: Policy | None = definition.policy
    if policy is None or policy.config is not settings:
        policy = definition.policy = _put_together(definition, settings)
    return policy


def presets_of(definitions: Iterable[TaskDefinition]) -> dict[str, frozenset[str]]:
    """For each queue the machine presets that its tasks name, for their first attempt or for one out of memory."""
    settings = config.current()
    found: dict[str, set[str]] = {}
    for definition in definitions:
        retry = settings.retries.default if definition.retry is UNSET else definition.retry
        larger = None if retry is None else retry.out_of_memory
        for preset in (definition.machine or settings.machine, larger):
            if preset is not None:
                found.setdefault(definition.queue.name, set()).add(preset)
    return {queue: frozenset(presets) for queue, presets in found.items()}


def _put_together(definition: TaskDefinition, settings: Config) -> Policy:
    retry = definition.retry
    ttl = definition.ttl if definition.ttl is not None else settings.ttl
    limit = (
        definition.max_duration if definition.max_duration is not None else settings.max_duration
    )
    payload, output = _codecs(definition)
    return Policy(
        settings,
        settings.retries.default if retry is UNSET else ONE_ATTEMPT if retry is None else retry,
        ttl or None,
        definition.machine or settings.machine,
        limit,
        payload,
        output,
    )


def _codecs(definition: TaskDefinition) -> tuple[PayloadCodec, OutputCodec]:
    owner = f"task {definition.id!r}"
    try:
        return PayloadCodec(definition.payload_type, owner), OutputCodec(
            definition.output_type, owner
        )
    except NotSerializableError as error:
        raise NotSerializableError(f"{error} The task is defined at {definition.where}.") from None
