"""The search attributes by which runs and schedules are listed. The server has to know them before a run names one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
)
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.place import Place
from taskkit.errors import BackendError
from taskkit.model.request import TriggerRequest

TASK: Final = SearchAttributeKey.for_keyword("TaskkitTask")
TAGS: Final = SearchAttributeKey.for_keyword_list("TaskkitTags")
BATCH: Final = SearchAttributeKey.for_keyword("TaskkitBatch")
SCHEDULE: Final = SearchAttributeKey.for_keyword("TaskkitSchedule")
RANK: Final = SearchAttributeKey.for_int("TaskkitRank")
NEXT: Final = SearchAttributeKey.for_datetime("TaskkitNext")
_KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
_TYPES: Final = {
    "TaskkitTask": _KEYWORD,
    "TaskkitStatus": _KEYWORD,  # set by the workflow, where a run ends otherwise than COMPLETED
    "TaskkitTags": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
    "TaskkitBatch": _KEYWORD,
    "TaskkitSchedule": _KEYWORD,
    "TaskkitRank": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "TaskkitNext": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,  # of a schedule
}
_NAMES: Final = {
    _KEYWORD: "Keyword",
    IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST: "KeywordList",
    IndexedValueType.INDEXED_VALUE_TYPE_INT: "Int",
    IndexedValueType.INDEXED_VALUE_TYPE_DATETIME: "Datetime",
}

_FOR_OPERATORS: Final = frozenset(
    {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.UNAUTHENTICATED}
)
_NOT_FOUND_BY: Final = frozenset({RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.UNIMPLEMENTED})
"""What a search says that names an unknown attribute; the test server that skips time has none, and lets us add."""
_SOME: Final = {
    "Keyword": "''",
    "KeywordList": "''",
    "Int": "0",
    "Datetime": "'2000-01-01T00:00:00Z'",
}
"""A value of each type, as a search takes it."""
_CLOUD: Final = (".tmprl.cloud", ".api.temporal.io")


def attributes_of(
    request: TriggerRequest, batch_id: str | None, rank: int
) -> TypedSearchAttributes:
    """What a run is found by; `rank` is its place in the order of all that were asked for."""
    pairs: list[
        SearchAttributePair[str] | SearchAttributePair[int] | SearchAttributePair[Sequence[str]]
    ]
    pairs = [SearchAttributePair(TASK, request.task_id), SearchAttributePair(RANK, rank)]
    if request.tags:
        pairs.append(SearchAttributePair(TAGS, list(request.tags)))
    if batch_id is not None:
        pairs.append(SearchAttributePair(BATCH, batch_id))
    if request.schedule_id is not None:
        pairs.append(SearchAttributePair(SCHEDULE, request.schedule_id))
    return TypedSearchAttributes(pairs)


async def register_attributes(client: Client, place: Place) -> None:
    """Make the server know them; BackendError that says how, where it does not let us."""
    missing = await _missing(client, place)
    if not missing:
        return
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=place.namespace, search_attributes=missing)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:
            return  # somebody was faster
        raise BackendError(
            f"The Temporal namespace {place.shown} lacks the search attributes {', '.join(missing)}, and does not let "
            f"us add them ({error.message}). Run: {_command(place, missing)}"
        ) from error


async def _missing(client: Client, place: Place) -> dict[str, IndexedValueType.ValueType]:
    """Those that the namespace lacks; found by a search where only operators may see the list, as in Temporal Cloud."""
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=place.namespace)
        )
    except RPCError as error:
        if error.status not in _FOR_OPERATORS:
            raise
        found = await asyncio.gather(*(_is_known(client, *one) for one in _TYPES.items()))
        names = {name for name, is_known in zip(_TYPES, found, strict=True) if is_known}
    else:
        names = set(known.custom_attributes)
    return {name: kind for name, kind in _TYPES.items() if name not in names}


async def _is_known(client: Client, name: str, kind: IndexedValueType.ValueType) -> bool:
    try:
        await client.count_workflows(f"{name} = {_SOME[_NAMES[kind]]}")
    except RPCError as error:
        if error.status not in _NOT_FOUND_BY:
            raise
        return False
    return True


def _command(place: Place, missing: Mapping[str, IndexedValueType.ValueType]) -> str:
    """What an operator types."""
    if place.host.endswith(_CLOUD):
        told = " ".join(
            f"--search-attribute {name}={_NAMES[kind]}" for name, kind in missing.items()
        )
        return f"tcld namespace search-attributes add --namespace {place.namespace} {told}"
    told = " ".join(f"--name {name} --type {_NAMES[kind]}" for name, kind in missing.items())
    return f"temporal operator search-attribute create --namespace {place.namespace} {told}"
