"""The verdict on an answer: its statements are run beside the right ones, and the rows compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from buster_tasks.analyst.findings import Query
from buster_tasks.analyst.models import AnalystAgentTaskOutput, AnalystResult
from buster_tasks.analyst.statements import sqlglot_name
from buster_tasks.errors import SourceError
from buster_tasks.eval.comparison import Rows, same_but_for_ties, same_rows
from buster_tasks.eval.outcome import Verdict
from buster_tasks.eval.question import Question, QuestionSetError
from buster_tasks.sources.base import DataSource

_MOST_ROWS: Final = 100_000
_SECONDS: Final = 60.0


async def judged(
    question: Question, output: AnalystAgentTaskOutput, source: DataSource
) -> tuple[Verdict, str, str | None]:
    """The verdict, why, and the statement that it is on. QuestionSetError for a gold statement that fails."""
    result = output.result
    if result is None or (output.error is not None and not result.findings):
        return (
            "failed",
            output.error.message if output.error is not None else "There is no result.",
            None,
        )
    statements = _statements(result)
    if result.status == "needs_clarification":
        return (
            ("right", "", None)
            if question.expect == "clarify"
            else ("asked", result.clarification or "", None)
        )
    if not statements:
        return (
            ("right", "", None)
            if question.expect == "refuse"
            else ("refused", result.response, None)
        )
    if question.expect != "answer":
        return "wrong", f"It was answered; expected was to {question.expect}.", statements[0]
    for sql in statements:
        if await _is_right(question, sql, source):
            return "right", "", sql
    return "wrong", "The rows are others than those of the right statement.", statements[0]


def _statements(result: AnalystResult) -> list[str]:
    """The statements that findings stand on, those of the last findings first."""
    queries = {
        one.evidence.id: one.evidence.sql for one in result.artifacts if isinstance(one, Query)
    }
    ids = [id_ for finding in reversed(result.findings) for id_ in finding.evidence]
    return [queries[id_] for id_ in dict.fromkeys(ids) if id_ in queries]


async def _is_right(question: Question, sql: str, source: DataSource) -> bool:
    answer = await _rows(source, sql)
    if answer is None:
        return False
    for gold in question.gold_sql:
        right = await _rows(source, gold)
        if right is None:
            raise QuestionSetError(f"The right statement of {question.id} does not run: {gold}")
        if same_rows(answer, right, ordered=question.ordered):
            return True
        whole = _without_limit(gold, source.kind)
        every = None if whole is None else await _rows(source, whole)
        if every is not None and same_but_for_ties(answer, right, every):
            return True
    return False


async def _rows(source: DataSource, sql: str) -> Rows | None:
    try:
        return (await source.execute(sql, max_rows=_MOST_ROWS, timeout=_SECONDS)).rows
    except SourceError:
        return None


def _without_limit(sql: str, kind: str) -> str | None:
    """The statement without the limit of its outermost query; None where it has none."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    dialect = sqlglot_name(kind)
    try:
        tree = sqlglot.parse_one(sql, dialect=dialect)
    except SqlglotError:
        return None
    if not isinstance(tree, exp.Query) or tree.args.get("limit") is None:
        return None
    tree.set("limit", None)
    return tree.sql(dialect=dialect)


__all__: Sequence[str] = ["judged"]
