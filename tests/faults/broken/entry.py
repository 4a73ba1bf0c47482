"""Faults of what is appended to runs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from broken.fault import Faulty, fault, wrap

from taskkit.errors import LeaseLostError
from taskkit.model import metadata_operations
from taskkit.model.exchange import Entry, EntryKind, Page
from taskkit.model.ids import new_id
from taskkit.model.request import TriggerRequest


@fault("a_flush_counts_once", "a_flush_of_metadata_counts_once")
class AFlushCountsAgain(Faulty):
    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        await super().append(run_id, entries, **{**rest, "flush_id": new_id("flush")})


@fault("a_flush_counts_once")
class EqualFlushesCountOnce(Faulty):
    """Entries that were appended before are taken for a repetition."""

    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        await super().append(run_id, entries, **{**rest, "flush_id": repr(entries)})


@fault("an_append_to_an_unknown_run_is_refused")
class AnAppendToAnUnknownRunIsLost(Faulty):
    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        if self._find(run_id) is not None:
            await super().append(run_id, entries, **rest)


@fault("what_was_appended_survives_the_lease")
class EntriesDieWithTheirWorker(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_bury", self._bury_with_all)

    @staticmethod
    def _bury_with_all(bury: Any, record: Any, now: datetime) -> None:
        record.entries = None
        bury(record, now)


class _RetriesWithout(Faulty):
    """Loses something of a run when its attempt is retried."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_retry", self._retry_without)

    def _retry_without(self, retry: Any, record: Any, *rest: Any) -> None:
        self.lose(record)
        retry(record, *rest)

    def lose(self, record: Any) -> None:
        return None


@fault("a_memo_survives_the_attempt")
class MemosDieWithTheirAttempt(_RetriesWithout):
    def lose(self, record: Any) -> None:
        super().lose(record)
        (record.entries or {}).pop(EntryKind.MEMO, None)


@fault("a_stream_survives_the_lease")
class StreamsDieWithTheirAttempt(_RetriesWithout):
    def lose(self, record: Any) -> None:
        super().lose(record)
        (record.entries or {}).pop(EntryKind.STREAM, None)


@fault("tags_survive_the_attempt")
class TagsDieWithTheirAttempt(_RetriesWithout):
    def lose(self, record: Any) -> None:
        super().lose(record)
        record.tags = record.request.tags


@fault("a_memo_is_kept_once")
class AFlushCountsOnceForEachLease(Faulty):
    async def append(
        self, run_id: str, entries: Sequence[Entry], *, flush_id: str, lease: Any
    ) -> None:
        flush = flush_id if lease is None else f"{flush_id} {lease.token}"
        await super().append(run_id, entries, flush_id=flush, lease=lease)


@fault("metadata_survives_the_lease")
class MetadataGoesWithTheLease(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_again", self._again_without)

    @staticmethod
    def _again_without(again: Any, record: Any, *rest: Any) -> None:
        record.metadata = {}
        again(record, *rest)


@fault("anybody_may_append_without_a_lease")
class OnlyTheHolderAppends(Faulty):
    async def append(self, run_id: str, entries: Any, *, flush_id: str, lease: Any) -> None:
        if lease is None and self._known(run_id).token is not None:
            raise LeaseLostError(run_id)
        await super().append(run_id, entries, flush_id=flush_id, lease=lease)


@fault("a_run_begins_with_the_metadata_of_its_request")
class MetadataOfARequestIsForgotten(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        return replace(super().asked(request, now), metadata=None)


@fault("a_run_begins_with_the_metadata_of_its_request")
class MetadataIsShared(Faulty):
    """Metadata is changed where it stands, in the dict that was given."""

    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        given = self._known(run_id).request.metadata
        await super().append(run_id, entries, **rest)
        for entry in entries:
            if isinstance(given, dict) and entry.kind is EntryKind.METADATA:
                metadata_operations.apply(given, entry.data)


@fault("metadata_operations_are_applied_in_order")
class OperationsAreAppliedBackwards(Faulty):
    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        metadata = [one for one in entries if one.kind is EntryKind.METADATA]
        others = [one for one in entries if one.kind is not EntryKind.METADATA]
        await super().append(run_id, [*metadata[::-1], *others], **rest)


# --- reading ------------------------------------------------------------------------------------


@fault("entries_are_read_page_by_page")
class PagesOverlap(Faulty):
    async def read(self, run_id: str, kind: EntryKind, **rest: Any) -> Page[Entry]:
        return await super().read(run_id, kind, **{**rest, "after": rest["after"] - 1})


@fault("entries_are_read_page_by_page")
class EveryPageHasACursor(Faulty):
    async def read(self, run_id: str, kind: EntryKind, **rest: Any) -> Page[Entry]:
        page = await super().read(run_id, kind, **rest)
        return replace(page, cursor=page.items[-1].position if page.items else page.cursor)


@fault("entries_are_read_page_by_page")
class EntriesComeNewestFirst(Faulty):
    async def read(self, run_id: str, kind: EntryKind, **rest: Any) -> Page[Entry]:
        page = await super().read(run_id, kind, **rest)
        return replace(page, items=list(page.items)[::-1])


@fault("an_entry_comes_back_as_it_was_appended")
class EntriesLoseTheirMoment(Faulty):
    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        await super().append(run_id, [replace(entry, at=None) for entry in entries], **rest)


@fault("a_stream_is_read_by_its_key")
class StreamsAreMixed(Faulty):
    async def read(self, run_id: str, kind: EntryKind, **rest: Any) -> Page[Entry]:
        if kind is EntryKind.STREAM:
            rest["key"] = None
        return await super().read(run_id, kind, **rest)


@fault("a_stream_is_read_by_its_key")
class EntriesOfAllRunsAreMixed(Faulty):
    async def read(self, run_id: str, kind: EntryKind, **rest: Any) -> Page[Entry]:
        page = await super().read(run_id, kind, **rest)
        found = list(page.items)
        for other in self._records:
            if other != run_id:
                found += (await super().read(other, kind, **rest)).items
        return replace(page, items=found)


@fault("a_stream_is_read_on_from_a_position")
class PositionsCountWithinAStream(Faulty):
    """What a reader has seen is taken for a number of parts of its stream."""

    async def read(self, run_id: str, kind: EntryKind, **rest: Any) -> Page[Entry]:
        if kind is not EntryKind.STREAM or rest["key"] is None:
            return await super().read(run_id, kind, **rest)
        seen, limit = rest["after"], rest["limit"]
        page = await super().read(run_id, kind, key=rest["key"], after=0, limit=seen + limit)
        return replace(page, items=page.items[seen:])


@fault("a_stream_is_read_on_from_a_position")
class AReaderMissesAPart(Faulty):
    """Reading on begins one part too late."""

    async def read(self, run_id: str, kind: EntryKind, **rest: Any) -> Page[Entry]:
        if kind is EntryKind.STREAM and rest["after"]:
            rest["after"] += 1
        return await super().read(run_id, kind, **rest)


@fault("a_memo_is_read_by_its_key")
class KindsAreMixed(Faulty):
    async def read(self, run_id: str, kind: EntryKind, **rest: Any) -> Page[Entry]:
        page = await super().read(run_id, kind, **rest)
        if kind is EntryKind.STREAM:
            memos = await super().read(run_id, EntryKind.MEMO, **rest)
            return replace(page, items=[*page.items, *memos.items])
        return page


@fault("a_memo_is_read_by_its_key", "an_entry_comes_back_as_it_was_appended")
class KeysOfEntriesAreForgotten(Faulty):
    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        await super().append(run_id, [replace(entry, key=None) for entry in entries], **rest)


@fault("tags_are_added_to_a_run")
class ATagIsAddedTwice(Faulty):
    def _tag(self, run: Any, tag: str) -> None:
        run.tags = (*run.tags, tag)


@fault("tags_are_added_to_a_run")
class ATagReplacesTheOthers(Faulty):
    def _tag(self, run: Any, tag: str) -> None:
        run.tags = ()
        super()._tag(run, tag)
