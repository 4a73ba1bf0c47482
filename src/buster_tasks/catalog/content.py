"""An introspection made ready to be kept, before anybody is kept from the file."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Self

from pydantic import TypeAdapter

from buster_tasks.catalog.documents import searched_digest
from buster_tasks.catalog.joins import as_json
from buster_tasks.errors import CatalogError
from buster_tasks.sources.schema import Filters, Introspection, Issue
from buster_tasks.sources.serialization import json_chunks

_ISSUES = TypeAdapter(list[Issue])
_PIECE = 64 * 1024
_LEVEL = 1  # a sixteenth of the size; a better level takes three times as long for little


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into the file. `body` is JSON without the moment, so that what is the same is kept once.

    `digest` is that of what is searched, which stays the same while rows come and go; `found` is the introspection.
    """

    EVERYTHING: ClassVar[str] = Filters().model_dump_json(by_alias=True)

    id: str
    source: str
    taken_at: str
    filters: str
    hash: str
    body: bytes
    row: Sequence[object]
    keys: str
    digest: str
    found: Introspection

    @classmethod
    def of(cls, found: Introspection) -> Self:
        """The content of an introspection. Raises CatalogError for text that is no Unicode."""
        try:
            digest, body = _packed(json_chunks(found, without="introspected_at"))
            issues = _ISSUES.dump_json(found.issues, by_alias=True).decode()
            searched = searched_digest(found)
        except ValueError as error:  # pydantic's error of serialization, and that of Unicode
            raise CatalogError(
                f"The introspection of {found.data_source_name!r} cannot be written as JSON: {error}.",
                fix="Look for names that are no Unicode text in the data source.",
            ) from error
        moment = found.introspected_at.astimezone(UTC)
        taken_at = moment.isoformat(timespec="microseconds")
        identity = f"snap_{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03}Z_{digest[:12]}"
        filters = found.filters.model_dump_json(by_alias=True)
        source, kind = found.data_source_name, found.data_source_type
        counts = json.dumps(found.counts())
        row = (identity, source, kind, taken_at, digest, found.complete, filters, counts, issues)
        return cls(
            id=identity,
            source=source,
            taken_at=taken_at,
            filters=filters,
            hash=digest,
            body=body,
            row=row,
            keys=as_json(found.foreign_keys),
            digest=searched,
            found=found,
        )

    @classmethod
    def unpacked(cls, body: bytes, taken_at: str) -> Introspection:
        """The introspection again."""
        return Introspection.model_validate_json(b"".join(cls.pieces([body], taken_at)))

    @staticmethod
    def pieces(packed: Iterable[bytes], taken_at: str) -> Iterator[bytes]:
        """Its JSON, with the moment again in front."""
        moment = datetime.fromisoformat(taken_at).isoformat().replace("+00:00", "Z")
        yield b'{"introspectedAt":"%s",' % moment.encode()
        unpacking = zlib.decompressobj()
        brace = 1  # that of the body
        for piece in packed:
            left = piece
            while left:
                # what repeats itself would be a thousand times as long at once
                data = unpacking.decompress(left, _PIECE)
                yield data[brace:]
                brace -= min(brace, len(data))
                left = unpacking.unconsumed_tail
        yield unpacking.flush()


def _packed(pieces: Iterable[bytes]) -> tuple[str, bytes]:
    """The hash of a text, and the text compressed: it is never in memory whole."""
    digest, packing = hashlib.sha256(), zlib.compressobj(_LEVEL)
    packed: list[bytes] = []
    for piece in pieces:
        digest.update(piece)
        packed.append(packing.compress(piece))
    packed.append(packing.flush())
    return digest.hexdigest(), b"".join(packed)
