"""A source only reads: whatever would write is refused, and nothing of it happens."""

from __future__ import annotations

from buster_tasks.errors import PermissionDeniedError, SourceError
from buster_tasks.testing.conformance.check import Trial, check
from buster_tasks.testing.fixture import CUSTOMER
from taskkit.testing.conformance.check import expect, expect_error


def _writes(trial: Trial) -> list[str]:
    customer, empty = trial.table(CUSTOMER.name), trial.table("empty")
    return [
        f"INSERT INTO {empty} VALUES (99, 'written')",
        f"UPDATE {customer} SET name = 'written'",
        f"DELETE FROM {customer}",
        f"CREATE TABLE {trial.table('made')} (id integer)",
        f"DROP TABLE {empty}",
        f"ALTER TABLE {empty} ADD COLUMN more integer",
        *trial.dialect.writes,
    ]


async def _state(trial: Trial) -> object:
    customer, empty = trial.table(CUSTOMER.name), trial.table("empty")
    rows = await trial.rows(f"SELECT id, name FROM {customer} ORDER BY id")
    more = await trial.rows(f"SELECT * FROM {empty}")
    found = await trial.found()
    return rows, more, [(one.table, one.name) for one in found.columns]


@check()
async def a_write_is_refused(trial: Trial) -> None:
    """A statement that would write is a PermissionDeniedError, nothing is written, and the source goes on."""
    before = await _state(trial)
    for sql in _writes(trial):
        what = f"execute({sql!r})"
        await expect_error(what, PermissionDeniedError, trial.source.execute(sql))
        expect(f"the database after {sql!r}", await _state(trial), before)


@check()
async def one_statement_at_a_time(trial: Trial) -> None:
    """Two statements in one text are refused, and the second does not run."""
    before = await _state(trial)
    written = [f"SELECT 1; {sql}" for sql in _writes(trial)]
    ended = [f"COMMIT; {sql}" for sql in _writes(trial)]
    for sql in ("SELECT 1; SELECT 2", *written, *ended):
        await expect_error(f"execute({sql!r})", SourceError, trial.source.execute(sql))
    expect("the database", await _state(trial), before)


@check()
async def a_semicolon_at_the_end_is_let_be(trial: Trial) -> None:
    """One statement with a semicolon behind it is one statement."""
    expect("the rows", await trial.rows("SELECT 'a;b';"), [("a;b",)])
