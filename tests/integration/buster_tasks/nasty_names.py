"""Sixty names that tables and columns can have, and what must hold for them in every database that takes them."""

import glob
from collections.abc import Sequence
from typing import Any

from buster_tasks.sources import DataSource, Filters

NAMES: tuple[str, ...] = (
    # signs that quote, escape or separate
    'double"quote', '"', '""', "single'quote", "'", "back`quote", "`", "square[bracket]", "[a]", "]", "back\\slash",
    "\\", "dot.dot", ".", "a.b.c", "semi;colon", "comma,comma", "(round)", "a/b", "$$", "#hash", "@at", "a|b",
    # what some layer might take for a placeholder, a pattern or a comment
    "100%", "%s", "%(name)s", "{}", "{name}", "{0!r}", "$1", ":name", "?", "*", "a*b?", "_", "--", ";--", "/*", "*/ x",
    # statements
    "'; DROP TABLE t; --", '"; DELETE FROM t; --', "x' OR '1'='1", "1) UNION SELECT 1 --",
    # blanks and characters that nobody sees
    " leading", "trailing ", "new\nline", "tab\tstop", "\u200bzero\u200dwidth", "\u202eright-to-left\u202c", "مرحبا",
    # letters
    "Mixed CASE", "é", "e\u0301", "z\u0335\u0327\u0301", "日本語", "Straße", "fox 🦊", "1234567890", "select", "x" * 63,
)  # fmt: skip
"""All different also where the case of A to Z is ignored."""


def statements(quote: Any, names: Sequence[str], *, text: str = "VARCHAR(20)") -> list[str]:
    """A table of each name, with a column of the same name that is its key and has one value."""
    made: list[str] = []
    for number, name in enumerate(names):
        table = quote(name)
        made.append(f"CREATE TABLE {table} ({table} {text} PRIMARY KEY, other INT)")
        made.append(f"INSERT INTO {table} VALUES ('value {number}', {number})")
    return made


async def prove(source: DataSource, names: Sequence[str], schema: str) -> None:
    """Each name is told as it is, can be filtered, queried and sampled."""
    found = await source.introspect(Filters(schemas=[glob.escape(schema)]))
    assert sorted(one.name for one in found.tables) == sorted(names)
    told = sorted((one.table, one.name) for one in found.columns if one.name != "other")
    assert told == sorted((name, name) for name in names)
    keys = sorted((one.table, *one.columns) for one in found.primary_keys)
    assert keys == sorted((name, name) for name in names)
    assert (found.issues, found.complete) == ([], True)
    for number, name in enumerate(names):
        table = source.qualified(found.databases[0].name, schema, name)
        sql = f"SELECT {source.quote(name)} FROM {table} WHERE {source.quote(name)} <> ''"
        result = await source.execute(sql)
        assert [column.name for column in result.columns] == [name]
        assert result.rows == [(f"value {number}",)]
        kept = await source.introspect(Filters(tables=[glob.escape(name)]))
        assert [one.name for one in kept.tables if one.schema_name == schema] == [name]
        assert not kept.issues
    await _sampled(source, names, schema)


async def _sampled(source: DataSource, names: Sequence[str], schema: str) -> None:
    found = await source.introspect(Filters(schemas=[glob.escape(schema)]), statistics="sample")
    assert sorted(one.name for one in found.tables) == sorted(names)
    assert (found.statistics, found.issues, found.complete) == ("sample", [], True)
    numbers = {one.table: one.distinct_count for one in found.columns if one.name == one.table}
    assert numbers == dict.fromkeys(names, 1)
