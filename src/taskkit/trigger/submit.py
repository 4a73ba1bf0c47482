"""How a run is asked for: a payload and options in, a stored request out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence, Set as AbstractSet
from datetime import datetime
from difflib import get_close_matches
from hashlib import blake2b
from typing import Any, cast

from pydantic_core import from_json

from taskkit.backends.base import Capability
from taskkit.definition.policy import policy_of
from taskkit.definition.registry import REGISTRY
from taskkit.definition.task_definition import UNSET, TaskDefinition
from taskkit.errors import (
    InvalidOptionError,
    PayloadValidationError,
    QueueNotFoundError,
    TaskNotFoundError,
)
from taskkit.model.codec import METADATA_LIMIT, PAYLOAD_LIMIT, check_size, json_of
from taskkit.model.duration import delay_until, seconds, ttl_seconds
from taskkit.model.exchange import Enqueued
from taskkit.model.idempotency import as_key
from taskkit.model.ids import new_id, new_run_id
from taskkit.model.machine import preset_name
from taskkit.model.options import Debounce, TriggerOptions, check_text
from taskkit.model.queue import Queue
from taskkit.model.request import SEALED, TriggerRequest
from taskkit.runtime.home import Home
from taskkit.runtime.scope import RunScope, current_scope

TAGS_LIMIT, TAG_LENGTH = 10, 128
_log = logging.getLogger("taskkit.trigger")
_SHORT = 64
_LARGEST = sys.float_info.max

_NEEDS: Mapping[str, Capability] = {
    "delay": Capability.DELAY,
    "ttl": Capability.TTL,
    "priority": Capability.PRIORITY,
    "concurrency_key": Capability.KEY_LIMIT,
    "idempotency_key": Capability.IDEMPOTENCY,
    "idempotency_key_ttl": Capability.IDEMPOTENCY_TTL,
    "debounce": Capability.DEBOUNCE,
    "metadata": Capability.METADATA,
}


def build(
    task: TaskDefinition | str,
    payload: object,
    options: TriggerOptions,
    home: Home,
    *,
    awaited: bool = False,
) -> TriggerRequest:
    """A request that a backend can store; every fault of the payload and the options is raised here."""
    request = draft(task, payload, options, home, awaited=awaited)
    seal(request, home)
    return request


def draft(
    task: TaskDefinition | str,
    payload: object,
    options: TriggerOptions,
    home: Home,
    *,
    awaited: bool = False,
) -> TriggerRequest:
    """The same before `seal`: no backend may be given it."""
    definition = task if isinstance(task, TaskDefinition) else find(task, home)
    if definition is None:
        request = _unknown_task(str(task), payload, home)
    else:
        request = _known_task(definition, payload, home)
    scope = current_scope.get()
    if scope is None:
        request.run_id = new_run_id()
    else:
        _belong(request, scope, awaited)
    request.trace_parent = trace_parent(scope)
    if options:
        _apply(request, options, home, scope)
    return request


def seal(request: TriggerRequest, home: Home) -> None:
    """Leave no clear secret in a request for a backend that writes it down; SecretInPayloadError without a key."""
    if request.secrets and Capability.DURABLE in home.backend.capabilities:
        from taskkit.model import sealing  # which hardly any payload needs

        sealing.seal(request)
    elif request.payload is not None and request.payload.startswith(SEALED):
        from taskkit.model import sealing

        sealing.escape(request)


def digest_of(request: TriggerRequest) -> bytes:
    """What the id of a draft may be derived from; tells nothing of its secrets."""
    if not request.secrets:
        return request.payload or b""
    from taskkit.model import sealing  # which hardly any payload needs

    return sealing.digest(request)


def trace_parent(scope: RunScope | None) -> str | None:
    """The span that a run is asked for in; where there is no OpenTelemetry, that of the run that asks."""
    if "opentelemetry.trace" in sys.modules:  # nobody has a span without it
        from taskkit.runtime.tracing import current

        if (here := current()) is not None:
            return here
    return None if scope is None else scope.lease.run.request.trace_parent


def find(task_id: str, home: Home) -> TaskDefinition | None:
    """The task of this id; None where another process may know it. TaskNotFoundError otherwise."""
    definition = REGISTRY.get(task_id)
    if definition is None and not home.is_shared:
        raise TaskNotFoundError(task_id, REGISTRY.near(task_id))
    return definition


def _known_task(definition: TaskDefinition, payload: object, home: Home) -> TriggerRequest:
    policy = policy_of(definition)
    if definition.isolation == "process":
        from taskkit.definition.origin import check_reachable  # which most tasks have no need of

        check_reachable(definition)
    data, secrets = None, None
    if definition.has_payload:
        if payload is None and definition.payload_default is not UNSET:
            payload = definition.payload_default
        data, secrets = policy.payload.encode(payload)
    elif payload is not None:
        raise PayloadValidationError(
            f"Task {definition.id!r} ({definition.file_path}:{definition.line}) takes no payload, but one of type "
            f"{type(payload).__name__} was given. Trigger it without, or give its function a parameter."
        )
    request = TriggerRequest(
        "",
        definition.id,
        data,
        definition.queue.name,
        secrets,
        max_attempts=policy.retry.max_attempts,
        machine=policy.machine,
    )
    if definition.concurrency_key is not None and data is not None:
        key = definition.concurrency_key(policy.payload.decode(data, secrets))
        if key is not None:
            home.need(Capability.KEY_LIMIT, f"The concurrency_key of task {definition.id!r}")
            request.concurrency_key = _text("concurrency_key", key)
    if policy.ttl is not None:
        home.need(Capability.TTL, f"The ttl of task {definition.id!r}")
        request.ttl = policy.ttl
    queue = definition.queue
    if queue.concurrency_limit is not None or queue.max_length is not None:
        _need_limits(queue, home)
    return request


def _need_limits(queue: Queue, home: Home) -> None:
    if queue.concurrency_limit is not None:
        home.need(Capability.QUEUE_LIMIT, f"The concurrency limit of queue {queue.name!r}")
    if queue.max_length is not None:
        home.need(Capability.QUEUE_LENGTH, f"The max_length of queue {queue.name!r}")


def _unknown_task(task_id: str, payload: object, home: Home) -> TriggerRequest:
    if home.is_new(task_id):
        _log.warning(
            "no task has the id %r in this process; the run waits until a worker that knows it has come",
            task_id,
        )
    what = f"The payload for task {task_id!r}"
    data = None if payload is None else json_of(payload, what)
    if data is not None:
        check_size(data, PAYLOAD_LIMIT, what)
    request = TriggerRequest("", task_id, data, f"task/{task_id}")
    if data is not None and Capability.DURABLE in home.backend.capabilities:
        from taskkit.model import sealing  # which hardly any payload needs

        sealing.keep_whole(request)
    return request


def _belong(request: TriggerRequest, scope: RunScope, awaited: bool) -> None:
    """Make it a child of the running attempt, with an id that a second entry of the attempt meets again."""
    parent = scope.lease.run
    digest = digest_of(request)
    if len(digest) > _SHORT:  # the scope keeps it as long as the attempt lasts
        digest = blake2b(digest, digest_size=_SHORT).digest()
    kind = "wait" if awaited else "trigger"
    request.run_id = scope.derived_id("run", kind, request.task_id, digest)
    request.parent_id = parent.id
    request.root_id = parent.root_id or parent.id
    if awaited:
        request.awaited = True
        request.queue_time = parent.queue_time


# --- options ----------------------------------------------------------------------------------------


def _apply(
    request: TriggerRequest, options: TriggerOptions, home: Home, scope: RunScope | None
) -> None:
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    unknown = given.keys() - TriggerOptions.__annotations__.keys()
    if unknown:
        name = min(unknown)
        known = ", ".join(TriggerOptions.__annotations__)
        near = get_close_matches(name, TriggerOptions.__annotations__, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise InvalidOptionError(
            name, given[name], f"a trigger has no such option.{guess} It has: {known}."
        )
    for name in given:
        if name in _NEEDS:
            home.need(_NEEDS[name], f"The option {name}")
    _apply_times(request, given, home, scope)
    _apply_place(request, given, home)
    if "idempotency_key" in given:
        request.idempotency_key = as_key(
            given["idempotency_key"], None if scope is None else scope.run_id
        )
    elif "idempotency_key_ttl" in given:
        ttl = given["idempotency_key_ttl"]
        raise InvalidOptionError(
            "idempotency_key_ttl", ttl, "it needs an idempotency_key beside it."
        )
    if "tags" in given:
        request.tags = tags_of(given["tags"])
    if "metadata" in given:
        request.metadata = metadata_of(given["metadata"])
    if "debounce" in given:
        request.debounce = _debounce(given)


def _apply_times(
    request: TriggerRequest, given: Mapping[str, Any], home: Home, scope: RunScope | None
) -> None:
    if "delay" in given:
        now: datetime = scope.now() if scope is not None else home.time()
        request.delay_until = delay_until(given["delay"], now=now)
    if "ttl" in given:
        request.ttl = ttl_seconds(given["ttl"])
    if "idempotency_key_ttl" in given:
        request.idempotency_key_ttl = seconds(
            given["idempotency_key_ttl"], what="idempotency_key_ttl"
        )
    if "max_duration" in given:
        request.max_duration = max_duration(given["max_duration"])


def _apply_place(request: TriggerRequest, given: Mapping[str, Any], home: Home) -> None:
    if "queue" in given:
        request.queue = _queue(given["queue"], request.queue, home)
    if "concurrency_key" in given:
        request.concurrency_key = _text("concurrency_key", given["concurrency_key"])
    if "priority" in given:
        request.priority = _priority(given["priority"])
    if "max_attempts" in given:
        request.max_attempts = _attempts(given["max_attempts"])
    if "machine" in given:
        request.machine = preset_name(given["machine"])


def max_duration(value: Any) -> float:
    """Seconds, more than 0; infinite for none."""
    limit = seconds(value, what="max_duration", allow_infinite=True)
    if limit == 0:
        raise InvalidOptionError(
            "max_duration", value, "give more than 0 seconds, or math.inf for no limit."
        )
    return limit


def tags_of(value: Any) -> tuple[str, ...]:
    """Tags without repetitions, in the order given; InvalidOptionError when there are too many or one is none."""
    tags = checked_tags(value)
    if len(tags) > TAGS_LIMIT:
        raise InvalidOptionError(
            "tags", tags, f"a run has at most {TAGS_LIMIT} tags; these are {len(tags)}."
        )
    return tags


def checked_tags(value: Any) -> tuple[str, ...]:
    """The same, however many they are."""
    if not isinstance(value, str | Sequence | AbstractSet):
        raise InvalidOptionError("tags", value, "give a text, or a list of texts.")
    tags = (value,) if isinstance(value, str) else tuple(cast("Sequence[Any]", value))
    for tag in tags:
        if not isinstance(tag, str) or not 1 <= len(tag) <= TAG_LENGTH:
            raise InvalidOptionError(
                "tags", tag, f"a tag is a text of 1 to {TAG_LENGTH} characters."
            )
        check_text("tags", tag)
    return tuple(dict.fromkeys(tags))


def metadata_of(value: object) -> dict[str, Any]:
    """Initial metadata as JSON data of its own."""
    if not isinstance(value, Mapping):
        raise InvalidOptionError("metadata", value, "give a mapping of names to JSON data.")
    json = json_of(cast("object", value), "The metadata")
    check_size(json, METADATA_LIMIT, "The metadata")
    data: dict[str, Any] = from_json(json)
    return data


def _queue(name: object, own: str, home: Home) -> str:
    if not isinstance(name, str):
        raise InvalidOptionError("queue", name, "give the name of a declared queue.")
    queues = REGISTRY.queues()
    if name != own and name not in queues and not home.is_shared:
        raise QueueNotFoundError(name, get_close_matches(name, list(queues), n=3))
    if name in queues:
        _need_limits(queues[name], home)
    return name


def _debounce(given: Mapping[str, Any]) -> Debounce:
    debounce = given["debounce"]
    if not isinstance(debounce, Debounce):
        raise InvalidOptionError("debounce", debounce, 'give a Debounce("key", delay="5s").')
    if "delay" in given:
        raise InvalidOptionError(
            "delay",
            given["delay"],
            "a debounced run starts by the delay of its Debounce. Leave it out.",
        )
    return debounce


def _text(option: str, value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 512:
        raise InvalidOptionError(option, value, "give a text of 1 to 512 characters.")
    check_text(option, value)
    return value


def _priority(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise InvalidOptionError(
            "priority", value, "give the head start in seconds, as a finite number."
        )
    return float(value)


def _attempts(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidOptionError("max_attempts", value, "give a whole number of at least 1.")
    return value


# --- sending ----------------------------------------------------------------------------------------


async def send(
    home: Home, requests: Sequence[TriggerRequest], batch_id: str | None
) -> Sequence[Enqueued]:
    """Store the requests; raises the first refusal after everything that could be stored was stored."""
    answers = await home.enqueue(requests, batch_id)
    for answer in answers:
        if answer.error is not None:
            raise answer.error
    return answers


def batch_id_of(requests: Sequence[TriggerRequest]) -> str:
    """A batch's id: derived inside a task, as its runs' ids are."""
    scope = current_scope.get()
    if scope is None:
        return new_id("batch")
    return scope.derived_id("batch", "batch", ",".join(request.run_id for request in requests))
