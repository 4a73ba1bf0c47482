"""The search attributes by which runs are listed. The server has to know them before a run names one."""

from __future__ import annotations

from collections.abc import Sequence
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
_KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
_TYPES: Final = {
    "TaskkitTask": _KEYWORD,
    "TaskkitStatus": _KEYWORD,  # set by the workflow, where a run ends otherwise than COMPLETED
    "TaskkitTags": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
    "TaskkitBatch": _KEYWORD,
    "TaskkitSchedule": _KEYWORD,
    "TaskkitRank": IndexedValueType.INDEXED_VALUE_TYPE_INT,
}
_NAMES: Final = {
    _KEYWORD: "Keyword",
    IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST: "KeywordList",
    IndexedValueType.INDEXED_VALUE_TYPE_INT: "Int",
}


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
    operator = client.operator_service
    known = await operator.list_search_attributes(
        ListSearchAttributesRequest(namespace=place.namespace)
    )
    missing = {name: kind for name, kind in _TYPES.items() if name not in known.custom_attributes}
    if not missing:
        return
    try:
        await operator.add_search_attributes(
            AddSearchAttributesRequest(namespace=place.namespace, search_attributes=missing)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:
            return  # somebody was faster
        told = " ".join(f"--name {name} --type {_NAMES[kind]}" for name, kind in missing.items())
        raise BackendError(
            f"The Temporal namespace {place.shown} lacks the search attributes {', '.join(missing)}, and does not let "
            f"us add them ({error.message}). Run: temporal operator search-attribute create --namespace "
            f"{place.namespace} {told}"
        ) from error
