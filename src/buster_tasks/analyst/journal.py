"""What was paid for: replies of models and results of statements, kept and played back after a crash."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Protocol, cast
from uuid import UUID

from pydantic import JsonValue

from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.language_model import (
    LanguageModel,
    ModelReply,
    ModelRequest,
    TextListener,
    Usage,
    no_listener,
)
from buster_tasks.sources.base import QueryColumn, QueryResult
from taskkit import memo

MOST_BYTES = 256 * 1024
"""A result that takes more is not kept: its statement is run again."""


class Journal(Protocol):
    """Keeps what a call gave under a key, for all attempts of a run."""

    async def keep(self, key: str, made: Callable[[], Awaitable[JsonValue]]) -> JsonValue:
        """What was kept under the key, else what `made` gives, kept before this returns."""
        ...


class RunJournal:
    """Kept with the run, by `taskkit.memo`: what comes back after a crash was asked for once."""

    async def keep(self, key: str, made: Callable[[], Awaitable[JsonValue]]) -> JsonValue:
        """See `Journal`."""
        kept: JsonValue = await memo(f"analyst/{key}", made)
        return kept


class PlainJournal:
    """Kept in memory: outside of a run, or on a backend without memos. `entries` has what was kept, in order."""

    def __init__(self, entries: Mapping[str, JsonValue] | None = None) -> None:
        self.entries: dict[str, JsonValue] = dict(entries or {})

    async def keep(self, key: str, made: Callable[[], Awaitable[JsonValue]]) -> JsonValue:
        """See `Journal`."""
        if key not in self.entries:
            self.entries[key] = await made()
        return self.entries[key]


class JournaledModel:
    """A model whose n-th reply is kept under the request that it answers: another request is asked anew."""

    def __init__(self, model: LanguageModel, journal: Journal, name: str = "") -> None:
        """`name` tells several models of one journal apart."""
        self._model, self._journal, self._name = model, journal, name
        self._number = 0

    async def reply(
        self,
        request: ModelRequest,
        *,
        on_text: TextListener = no_listener,
        timeout: float = 600.0,
    ) -> ModelReply:
        """See `LanguageModel`. Text of a reply that was kept is not told again."""
        self._number += 1
        key = f"model/{self._name}/{self._number}/{request.digest[:16]}"

        async def asked() -> JsonValue:
            reply = await self._model.reply(request, on_text=on_text, timeout=timeout)
            return cast("JsonValue", reply.model_dump(mode="json", exclude_defaults=True))

        return ModelReply.model_validate(await self._journal.keep(key, asked))

    async def estimate(self, request: ModelRequest) -> Usage:
        """See `LanguageModel`."""
        return await self._model.estimate(request)


async def kept_result(
    journal: Journal,
    number: int,
    what: Sequence[JsonValue],
    run: Callable[[], Awaitable[QueryResult]],
) -> QueryResult:
    """The result of the n-th statement, or how it was refused; `what` says which it is.

    What is too large is run again each time.
    """
    name = sha256(json.dumps(what).encode()).hexdigest()[:16]
    fresh: list[QueryResult] = []

    async def ran() -> JsonValue:
        try:
            result = await run()
        except ToolRefusedError as error:
            return {"refused": [error.message, error.fix]}
        fresh.append(result)
        data = encoded(result)
        return data if len(json.dumps(data)) <= MOST_BYTES else None

    kept = await journal.keep(f"sql/{number}/{name}", ran)
    if fresh:
        return fresh[0]
    if kept is None:
        return await run()
    known = cast("dict[str, Any]", kept)
    if "refused" in known:
        message, fix = known["refused"]
        raise ToolRefusedError(message, fix=fix)
    return decoded(kept)


def encoded(result: QueryResult) -> JsonValue:
    """A result as JSON that `decoded` makes the same of, types included."""
    return {
        "columns": [[column.name, column.data_type] for column in result.columns],
        "rows": [[_cell(cell) for cell in row] for row in result.rows],
        "truncated": result.truncated,
    }


def decoded(data: JsonValue) -> QueryResult:
    """The result that was encoded."""
    known = cast("dict[str, Any]", data)
    return QueryResult(
        tuple(QueryColumn(name, data_type) for name, data_type in known["columns"]),
        [tuple(_value(cell) for cell in row) for row in known["rows"]],
        truncated=known["truncated"],
    )


def _cell(cell: object) -> JsonValue:
    """JSON's own types as they are, all else as a list of its sort and its text."""
    match cell:
        case None | bool() | str():
            return cell
        case int() if abs(cell) < 2**53:
            return cell
        case list() | tuple():
            return ["list", [_cell(one) for one in cast("Sequence[object]", cell)]]
        case dict():
            known = cast("Mapping[object, object]", cell)
            return ["dict", [[str(name), _cell(one)] for name, one in known.items()]]
        case _:
            return _as_text(cell)


def _as_text(cell: object) -> JsonValue:
    """By the first sort that it is one of: drivers have subclasses of their own."""
    for sort, write in _WRITERS:
        if isinstance(cell, sort):
            return [sort.__name__, write(cell)]
    return str(cell)


_WRITERS: Sequence[tuple[type, Callable[[Any], str]]] = (
    (int, str),
    (float, float.__repr__),
    (Decimal, str),
    (UUID, str),
    (datetime, datetime.isoformat),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, lambda cell: f"{cell.days} {cell.seconds} {cell.microseconds}"),
    (bytes, lambda cell: base64.b64encode(cell).decode()),
    (bytearray, lambda cell: base64.b64encode(cell).decode()),
)


def _duration(text: str) -> timedelta:
    days, seconds, microseconds = map(int, text.split())
    return timedelta(days, seconds, microseconds)


_READERS: dict[str, Callable[[Any], object]] = {
    "int": int,
    "float": float,
    "Decimal": Decimal,
    "UUID": UUID,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": _duration,
    "bytes": base64.b64decode,
    "bytearray": base64.b64decode,
    "list": lambda parts: [_value(part) for part in parts],
    "dict": lambda parts: {name: _value(part) for name, part in parts},
}


def _value(cell: Any) -> object:
    if isinstance(cell, list):
        kind, text = cast("tuple[str, Any]", cell)
        return _READERS[kind](text)
    return cell
