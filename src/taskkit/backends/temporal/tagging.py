"""Tags that are added to a run: its workflow is told. Lists find it by them also where no worker is there to hear."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final

from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.attributes import BATCH, RANK, SCHEDULE, TAGS, TASK
from taskkit.backends.temporal.entries import LIFE
from taskkit.backends.temporal.place import Place
from taskkit.backends.temporal.reading import Reader
from taskkit.backends.temporal.workflow import RunWorkflow
from taskkit.errors import RunNotFoundError

_TYPE: Final = "taskkit.tags"
_MARK: Final = "/tags/"
_LISTED_BY: Final[Sequence[object]] = (TASK, BATCH, SCHEDULE, RANK)


def tagged_run(workflow_id: str) -> str:
    """The run that a listed workflow stands for."""
    return workflow_id.partition(_MARK)[0]


class Tagging:
    """Adds tags.

    Only a workflow can change what it is listed by. So a tag from outside, where nobody may be there to carry the
    workflow on, gets a workflow of its own beside the run, which has the tag and else what the run is listed by.
    """

    def __init__(self, client: Client, place: Place, reader: Reader) -> None:
        self._client = client
        self._place = place
        self._reader = reader

    async def add(self, run_id: str, tags: Sequence[str], *, is_held: bool) -> None:
        """Add them; a run that is over hears nothing more. RunNotFoundError for an unknown run."""
        try:
            await self._reader.handle(run_id).signal(RunWorkflow.tag, list(tags))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            if await self._reader.describe(run_id) is None:
                raise RunNotFoundError(run_id, backend=self._place.shown) from error
            return
        if not is_held and (run := await self._reader.describe(run_id)) is not None:
            await self._mark(run, tags)

    async def _mark(self, run: WorkflowExecutionDescription, tags: Sequence[str]) -> None:
        digest = sha256("\0".join(tags).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        known: Any = run.typed_search_attributes  # of several types
        pairs = [pair for pair in known if pair.key in _LISTED_BY]
        pairs.append(SearchAttributePair(TAGS, list(tags)))
        with suppress(WorkflowAlreadyStartedError):  # by who added the same before
            await self._client.start_workflow(
                _TYPE,
                id=f"{run.id}{_MARK}{digest}",
                task_queue=self._place.tag_queue,
                search_attributes=TypedSearchAttributes(pairs),
                execution_timeout=LIFE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            )
