"""The answer to a question in words, from the full-text index."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from buster_tasks.catalog.snapshot import SearchHit
from buster_tasks.catalog.words import beginning_with, terms_of

# name, related, place, comment, sample: an object's own name says most about it
_WEIGHTS = "10.0, 3.0, 0.5, 4.0, 2.0"
# Ranking costs 2 us a row; a word that is met more often than this says little.
_MOST_RANKED = 4_000
_ANY = 2
_RANK = 1_000.0  # what meets fewer words comes behind all that meets more

_Identity = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Words, how many answers are wanted, and from which source if not all."""

    text: str
    limit: int
    source: str | None


class _Part(NamedTuple):
    """A snapshot that can be searched, and its rows in the index."""

    source: str
    snapshot: str
    first: int
    last: int


def answer(connection: sqlite3.Connection, question: Question) -> Sequence[SearchHit]:
    """The objects that fit best; each once, as the newest snapshot shows it."""
    terms = terms_of(question.text)
    if not terms or question.limit < 1:
        return []
    parts = _parts(connection, question.source)
    hits: dict[_Identity, SearchHit] = {}
    for rank, expression in enumerate(_expressions(connection, terms)):
        if not expression:
            continue
        for identity, hit in _matches(connection, expression, parts, question.limit, rank):
            hits.setdefault(identity, hit)
        if len(hits) >= question.limit or (hits and rank == _ANY):
            break
    return list(hits.values())[: question.limit]


def _parts(connection: sqlite3.Connection, source: str | None) -> list[_Part]:
    """The newest first."""
    rows = connection.execute(
        "SELECT source, snapshot, first, last FROM indexed"
        " WHERE ? IN (source, '') AND last >= first ORDER BY taken_at DESC",
        (source or "",),
    )
    return [_Part(*row) for row in rows]


def _expressions(connection: sqlite3.Connection, terms: Sequence[str]) -> Iterator[str]:
    """All words; all as beginnings; any of those that are not everywhere; any at all. Empty for none."""
    yield " AND ".join(terms)
    beginnings = [beginning_with(term) for term in terms]
    yield " AND ".join(beginnings)
    yield " OR ".join(term for term in beginnings if not _is_everywhere(connection, term))
    yield " OR ".join(beginnings)


def _is_everywhere(connection: sqlite3.Connection, term: str) -> bool:
    (met,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)",
        (term, _MOST_RANKED),
    ).fetchone()
    return bool(met == _MOST_RANKED)


def _matches(
    connection: sqlite3.Connection,
    expression: str,
    parts: Sequence[_Part],
    limit: int,
    rank: int,
) -> list[tuple[_Identity, SearchHit]]:
    found: dict[_Identity, SearchHit] = {}
    for part in parts:
        rows = connection.execute(
            "SELECT object, score FROM ("  # noqa: S608 - put together of our own numbers
            f" SELECT object, bm25(search, {_WEIGHTS}) AS score FROM search"
            "  WHERE search MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?"
            ") ORDER BY score LIMIT ?",
            (expression, part.first, part.last, _MOST_RANKED, limit),
        )
        for object_, score in rows:
            hit = _hit(part, object_, -score - rank * _RANK)
            identity = (part.source, hit.kind, hit.database, hit.schema, hit.table, hit.name)
            found.setdefault(identity, hit)
    return sorted(found.items(), key=lambda item: -item[1].score)


def _hit(part: _Part, object_: str, score: float) -> SearchHit:
    known: list[Any] = json.loads(object_)
    kind, database, schema, table, name, data_type, comment = known
    return SearchHit(
        kind, part.source, part.snapshot, database, schema, table, name, data_type, comment, score
    )
