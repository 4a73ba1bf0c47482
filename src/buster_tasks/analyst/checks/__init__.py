"""What a statement and its result tell without a model: joins that repeat rows, filters for nothing, and so on.

`check_statement` gives a `Check` for each; what a catalog does not know is not told. An error says that the numbers are
wrong, a warning that they may be, information what to bear in mind.

| Code | Severity | Tells of |
|---|---|---|
| `FAN_OUT` | warning | SUM, AVG or COUNT of columns whose rows a join repeats, by the declared keys |
| `MISSING_JOIN_CONDITION` | error | tables that nothing connects; else, where CROSS JOIN is meant, a warning |
| `UNKNOWN_LITERAL` | error | a text that the column does not have, with nothing in the result; else a warning |
| `TRUNCATED_EVIDENCE` | warning | a result that was cut |
| `EMPTY_EVIDENCE`, `ALL_NULL` | warning | a result without rows, or of NULLs |
| `NON_REPRODUCIBLE` | warning | chance, samples, LIMIT without an order that decides; info: the clock |
| `AVERAGE_OF_AVERAGES` | warning | AVG of a column that is an AVG of groups |
| `INTEGER_DIVISION` | warning | whole numbers divided where the dialect cuts (PostgreSQL, Redshift, SQLite, T-SQL) |
| `DATE_RANGE` | warning | times up to a day's midnight, which leaves out the day |
| `NOT_IN_NULLS` | warning | NOT IN over a column that may be NULL |
| `UNGROUPED_COLUMN` | warning | a column beside aggregates that is not grouped by (MySQL, SQLite) |
| `INNER_JOIN` | info | the question asks for all, and an inner join leaves some out |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from buster_tasks.analyst.checks.arithmetic import (
    average_of_averages,
    integer_division,
    not_in_nulls,
    ungrouped,
)
from buster_tasks.analyst.checks.dates import cut_day
from buster_tasks.analyst.checks.facts import ColumnFacts, Facts, Reference, TableFacts, facts_of
from buster_tasks.analyst.checks.joins import fan_out, inner_join, missing_condition
from buster_tasks.analyst.checks.literals import unknown_literal
from buster_tasks.analyst.checks.reproducibility import non_reproducible
from buster_tasks.analyst.checks.results import empty, has_nothing, truncated
from buster_tasks.analyst.checks.statement import Statement, parsed
from buster_tasks.analyst.findings import Check
from buster_tasks.sources.base import QueryResult

__all__ = ["ColumnFacts", "Facts", "Reference", "TableFacts", "check_statement", "facts_of"]

_OF_STATEMENT: Final[tuple[Callable[[Statement], Iterator[Check]], ...]] = (
    fan_out,
    missing_condition,
    average_of_averages,
    integer_division,
    cut_day,
    not_in_nulls,
    ungrouped,
)
_DIALECTS: Final = {
    "postgresql": "postgres",
    "sqlserver": "tsql",
    "mssql": "tsql",
    "mariadb": "mysql",
}
_LONGEST: Final = 100_000


def check_statement(
    sql: str, dialect: str, result: QueryResult, facts: Facts, *, question: str = ""
) -> list[Check]:
    """What is to be said of a statement and its result, each once. Never raises; needs sqlglot.

    `dialect` is sqlglot's name, or the kind of a source. What cannot be parsed is not judged: it did not run.
    """
    found = [*truncated(result), *empty(result)]
    name = _DIALECTS.get(dialect.lower(), dialect.lower())
    statement = parsed(sql, name, facts) if len(sql) <= _LONGEST else None
    if statement is not None:
        for look in _OF_STATEMENT:
            found += look(statement)
        found += unknown_literal(statement, is_empty=has_nothing(result))
        found += non_reproducible(statement, result)
        found += inner_join(statement, question)
    return list({(check.code, check.message): check for check in found}.values())
