"""Sources that lie, one fault each, and the check that is there to catch it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from buster_tasks.errors import QueryFailedError
from buster_tasks.sources import QueryResult
from buster_tasks.sources.schema import Introspection
from buster_tasks.testing import FakeSource

PASSWORD = "correct-horse-battery"


class Liar(FakeSource):
    """Honest by itself; a fault changes what it tells."""

    caught_by: ClassVar[str] = ""

    async def introspect(self, *given: Any, **more: Any) -> Introspection:
        found = await super().introspect(*given, **more)
        return self.told(found)

    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        answer = await super().execute(sql, max_rows=max_rows, **more)
        return self.answered(answer, max_rows)

    def told(self, found: Introspection) -> Introspection:
        return found

    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        return answer


LIARS: list[type[Liar]] = []
LiarT = TypeVar("LiarT", bound=type[Liar])


def lie(caught_by: str) -> Callable[[LiarT], LiarT]:
    def enter(liar: LiarT) -> LiarT:
        liar.caught_by = caught_by
        LIARS.append(liar)
        return liar

    return enter


def changed(found: Introspection, name: str, change: Callable[[Any], Any]) -> Introspection:
    """With each object of this list as `change` makes it; None leaves it out."""
    items = [change(one) for one in getattr(found, name)]
    return found.model_copy(update={name: [one for one in items if one is not None]})


def but(one: Any, **fields: Any) -> Any:
    return one.model_copy(update=fields)


@lie("many_rows_come_all")
class LosesARow(Liar):
    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        rows = answer.rows[:-1] if len(answer.rows) > 1_000 else answer.rows
        return replace(answer, rows=rows)


@lie("truncated_is_true_exactly_when_there_is_more")
class NeverTruncated(Liar):
    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        return replace(answer, truncated=False)


@lie("truncated_is_true_exactly_when_there_is_more")
class TruncatedWhenFull(Liar):
    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        return replace(answer, truncated=len(answer.rows) >= max_rows)


@lie("truncated_is_true_exactly_when_there_is_more")
class IgnoresMaxRows(Liar):
    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        return await super().execute(sql, max_rows=10_000, **more)


@lie("every_table_is_found")
class HidesTables(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "tables", lambda one: None if one.name == "empty" else one)


@lie("every_table_is_found")
class NeverComplete(Liar):
    def told(self, found: Introspection) -> Introspection:
        return but(found, complete=False)


@lie("foreign_keys_pair_the_right_columns")
class SwapsKeyColumns(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(
            found,
            "foreign_keys",
            lambda one: but(one, referenced_columns=one.referenced_columns[::-1]),
        )


@lie("primary_keys_are_in_key_order")
class OrdersKeysAsTheTable(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "primary_keys", lambda one: but(one, columns=sorted(one.columns)))


@lie("foreign_keys_of_the_same_name_are_kept_apart")
class LeadsToTheWrongSchema(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "foreign_keys", lambda one: but(one, referenced_schema="main"))


@lie("foreign_keys_stay_in_their_schema")
class ForgetsTheReferencedSchema(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "foreign_keys", lambda one: but(one, referenced_schema=""))


@lie("tables_of_the_same_name_are_kept_apart")
class MixesTablesOfOneName(Liar):
    def told(self, found: Introspection) -> Introspection:
        own = [one for one in found.columns if one.schema_name == "main"]
        mixed = [but(one, schema_name="other") for one in own if one.table == "customer"]
        return but(found, columns=[*found.columns, *mixed])


@lie("columns_are_in_order")
class DropsTheLastColumn(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "columns", lambda one: None if one.name == "a_binary" else one)


@lie("columns_are_in_order")
class SortsColumnsByName(Liar):
    def told(self, found: Introspection) -> Introspection:
        return but(found, columns=sorted(found.columns, key=lambda one: one.name))


@lie("columns_are_in_order")
class CountsFromZero(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "columns", lambda one: but(one, position=one.position - 1))


@lie("unknown_is_none")
class InventsZeros(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "tables", lambda one: but(one, row_count=0, row_count_kind="unknown"))


@lie("unknown_is_none")
class InventsNullCounts(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "columns", lambda one: but(one, null_count=0))


@lie("exact_counts_are_true")
class CallsAGuessExact(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "tables", lambda one: but(one, row_count=100, row_count_kind="exact"))


@lie("counts_are_of_the_promised_kind")
class CallsCountsEstimates(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "tables", lambda one: but(one, row_count_kind="estimate"))


@lie("types_are_as_declared")
class KnowsNoTypes(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "columns", lambda one: but(one, normalized_type="unknown"))


@lie("nullability_is_as_declared")
class TakesAllForNullable(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "columns", lambda one: but(one, is_nullable=True))


@lie("defaults_are_told")
class TellsNoDefaultAsText(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(
            found, "columns", lambda one: but(one, default_value=one.default_value or "NULL")
        )


@lie("comments_are_told")
class TellsNoCommentAsText(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "columns", lambda one: but(one, comment=one.comment or ""))


@lie("views_are_told_with_their_text")
class HidesTheTextOfViews(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "views", lambda one: but(one, definition=None))


@lie("indexes_are_told")
class TurnsIndexesRound(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "indexes", lambda one: but(one, columns=one.columns[::-1]))


@lie("unique_keys_are_told")
class ForgetsUniqueKeys(Liar):
    def told(self, found: Introspection) -> Introspection:
        return but(found, unique_keys=[])


@lie("columns_know_their_keys")
class FlagsNoKeys(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "columns", lambda one: but(one, is_foreign_key=False))


@lie("actions_of_foreign_keys_are_told")
class ForgetsActions(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "foreign_keys", lambda one: but(one, on_delete=None))


@lie("a_filter_that_matches_nothing_warns")
class SaysNothingOfFilters(Liar):
    def told(self, found: Introspection) -> Introspection:
        return but(found, issues=[])


@lie("values_have_their_type")
class TurnsValuesToText(Liar):
    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        rows = [tuple(None if one is None else str(one) for one in row) for row in answer.rows]
        return replace(answer, rows=rows)


@lie("values_have_their_type")
class TurnsNullToText(Liar):
    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        rows = [tuple("" if one is None else one for one in row) for row in answer.rows]
        return replace(answer, rows=rows)


@lie("an_empty_result_has_its_columns")
class ForgetsColumnsOfNothing(Liar):
    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        return answer if answer.rows else replace(answer, columns=())


@lie("a_write_is_refused")
class Writes(Liar):
    """Carries out whatever it is sent, and tells an empty result."""

    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            return QueryResult((), [], truncated=False)
        return await super().execute(sql, max_rows=max_rows, **more)


@lie("one_statement_at_a_time")
class RunsTheFirstStatement(Liar):
    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        first = "SELECT 1" if sql.startswith("SELECT 1;") else sql
        return await super().execute(first, max_rows=max_rows, **more)


@lie("a_closed_source_is_closed")
class NeverCloses(Liar):
    async def close(self) -> None:
        await self.cancel()


@lie("close_ends_what_runs")
class ClosesWithoutStopping(Liar):
    async def close(self) -> None:
        self.is_closed = True


@lie("cancel_stops_what_runs")
class DoesNotCancel(Liar):
    async def cancel(self) -> None:
        return


@lie("a_timeout_ends_a_statement")
class HasNoTimeout(Liar):
    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        return await super().execute(sql, max_rows=max_rows, **{**more, "timeout": 600})


@lie("a_canceled_caller_stops_its_statement")
class SwallowsCancellation(Liar):
    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        try:
            return await super().execute(sql, max_rows=max_rows, **more)
        except asyncio.CancelledError:
            return QueryResult((), [], truncated=False)


@lie("no_repr_holds_a_secret")
class LeaksInARepr(Liar):
    def __repr__(self) -> str:
        return f"LeaksInARepr(password={PASSWORD!r})"


@lie("no_repr_holds_a_secret")
class LeaksInACause(Liar):
    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        try:
            return await super().execute(sql, max_rows=max_rows, **more)
        except QueryFailedError as error:
            raise error from RuntimeError(f"postgresql://me:{PASSWORD}@db")


@lie("no_statement_is_an_error")
class AnswersNothingWithNothing(Liar):
    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        if not sql.strip("; \n"):
            return QueryResult((), [], truncated=False)
        return await super().execute(sql, max_rows=max_rows, **more)


@lie("strange_names_survive")
class QuotesCarelessly(Liar):
    def quote(self, identifier: str) -> str:
        return f'"{identifier}"'


@lie("the_kind_is_told")
class TellsAnotherKind(Liar):
    def told(self, found: Introspection) -> Introspection:
        return but(found, data_source_type="other")


@lie("the_answer_names_its_filters")
class ForgetsTheFilters(Liar):
    def told(self, found: Introspection) -> Introspection:
        return but(found, filters=type(found.filters)())


@lie("calls_are_made_one_after_the_other")
class MixesAnswers(Liar):
    _last: QueryResult | None = None

    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        before, self._last = self._last, answer
        return before or answer
