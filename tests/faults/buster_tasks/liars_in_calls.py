"""Sources that understand wrongly what they are asked, or are particular about when."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from buster_tasks.errors import ConnectionFailedError, InvalidFilterError, QueryCanceledError
from buster_tasks.sources import ConnectionTest, QueryResult
from buster_tasks.sources.base import Progress, no_progress
from buster_tasks.sources.schema import Filters, Introspection, StatisticsLevel
from tests.faults.buster_tasks.liars import PASSWORD, Liar, but, changed, lie

ALL = Filters()


class Misunderstands(Liar):
    """Takes other filters than it is given, and tells those that it was given."""

    def understood(self, filters: Filters) -> Filters:
        return filters

    async def introspect(self, filters: Filters = ALL, *given: Any, **more: Any) -> Introspection:
        found = await super().introspect(self.understood(filters), *given, **more)
        return but(found, filters=filters)


@lie("a_table_filter_keeps_that_table")
class KeepsEveryIndex(Liar):
    async def introspect(self, *given: Any, **more: Any) -> Introspection:
        found = await super().introspect(*given, **more)
        return but(found, indexes=self._found.indexes)


@lie("a_filter_is_a_glob")
class KnowsNoGlobs(Misunderstands):
    def understood(self, filters: Filters) -> Filters:
        exact = [one.replace("*", "[*]").replace("?", "[?]") for one in filters.tables or ()]
        return but(filters, tables=exact or None)


@lie("a_filter_may_name_schema_and_database")
class LooksAtTheLastPart(Misunderstands):
    def understood(self, filters: Filters) -> Filters:
        last = [one.rpartition(".")[2] for one in filters.tables or ()]
        return but(filters, tables=last or None)


@lie("a_schema_filter_keeps_that_schema")
class IgnoresSchemaFilters(Misunderstands):
    def understood(self, filters: Filters) -> Filters:
        return but(filters, schemas=filters.schemas and ["*"])


@lie("another_schema_can_be_chosen")
class OnlyReadsTheMainSchema(Misunderstands):
    def understood(self, filters: Filters) -> Filters:
        return but(filters, schemas=["main"])


@lie("a_database_filter_keeps_that_database")
class IgnoresDatabaseFilters(Misunderstands):
    def understood(self, filters: Filters) -> Filters:
        return but(filters, databases=filters.databases and ["*"])


@lie("an_exclusion_wins")
class ExcludesNothing(Misunderstands):
    def understood(self, filters: Filters) -> Filters:
        return but(filters, exclude_tables=None)


@lie("an_empty_filter_is_an_error")
class TakesEmptyForAll(Liar):
    async def introspect(self, *given: Any, **more: Any) -> Introspection:
        try:
            return await super().introspect(*given, **more)
        except InvalidFilterError:
            return await super().introspect()


@lie("a_reference_out_of_the_filter_is_told")
class DropsReferencesOutOfTheFilter(Liar):
    def told(self, found: Introspection) -> Introspection:
        kept = {one.name for one in found.tables}
        return changed(
            found, "foreign_keys", lambda one: one if one.referenced_table in kept else None
        )


@lie("statistics_are_as_asked")
class SaysNothingOfTheLevel(Liar):
    async def introspect(
        self,
        filters: Filters = ALL,
        progress: Progress = no_progress,
        *,
        statistics: StatisticsLevel = "none",
        time_limit: float | None = None,
    ) -> Introspection:
        return await super().introspect(filters, progress)


@lie("progress_goes_up_to_the_end")
class TellsNoProgress(Liar):
    async def introspect(self, filters: Filters = ALL, *_given: Any, **_more: Any) -> Introspection:
        return await super().introspect(filters)


@lie("no_time_loses_no_tables_and_is_told")
class HurriesSilently(Liar):
    async def introspect(
        self, filters: Filters = ALL, *given: Any, time_limit: float | None = None, **more: Any
    ) -> Introspection:
        found = await super().introspect(filters, *given, **more)
        return found if time_limit is None else but(found, foreign_keys=[])


@lie("no_time_loses_no_tables_and_is_told")
class HurriesTooMuch(Liar):
    async def introspect(
        self,
        filters: Filters = ALL,
        progress: Progress = no_progress,
        *,
        statistics: StatisticsLevel = "none",
        time_limit: float | None = None,
    ) -> Introspection:
        found = await super().introspect(filters, progress, statistics=statistics)
        return found if time_limit is None else but(found, columns=found.columns[:1])


@lie("tables_are_of_type_table")
class TakesTablesForExternal(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "tables", lambda one: but(one, type="EXTERNAL_TABLE"))


@lie("every_object_is_in_a_listed_place")
class ListsNoSchemas(Liar):
    def told(self, found: Introspection) -> Introspection:
        return but(found, schemas=[one for one in found.schemas if one.name == "main"])


@lie("sizes_of_types_are_numbers_or_none")
class InventsSizes(Liar):
    def told(self, found: Introspection) -> Introspection:
        return changed(found, "columns", lambda one: but(one, scale=one.scale or 0))


@lie("two_looks_see_the_same")
class ForgetsAfterTheFirstLook(Liar):
    looks = 0

    def told(self, found: Introspection) -> Introspection:
        self.looks += 1
        return found if self.looks == 1 else but(found, views=[])


@lie("rows_and_columns_are_as_asked")
class SortsRows(Liar):
    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        return replace(answer, rows=sorted(answer.rows, key=repr))


@lie("columns_of_one_name_are_kept")
class MergesColumnsOfOneName(Liar):
    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        names = [column.name for column in answer.columns]
        last = sorted({name: at for at, name in enumerate(names)}.values())
        rows: Sequence[tuple[object, ...]] = [tuple(row[at] for at in last) for row in answer.rows]
        return replace(answer, columns=tuple(answer.columns[at] for at in last), rows=list(rows))


class Rewrites(Liar):
    """Runs another text than it is given."""

    def rewritten(self, sql: str) -> str:
        return sql

    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        return await super().execute(self.rewritten(sql), max_rows=max_rows, **more)


@lie("percent_and_colon_are_no_placeholders")
class FillsInPlaceholders(Rewrites):
    def rewritten(self, sql: str) -> str:
        return sql.replace("%s", "''").replace(":x", "NULL")


@lie("wrong_sql_is_a_failed_query")
class CallsWrongSqlALostConnection(Liar):
    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        if "no_such_table" in sql:
            raise ConnectionFailedError("Gone.")
        return await super().execute(sql, max_rows=max_rows, **more)


@lie("a_semicolon_at_the_end_is_let_be")
class WrapsStatements(Rewrites):
    def rewritten(self, sql: str) -> str:
        return f"SELECT * FROM ({sql}) LIMIT 1000"


@lie("cancel_of_nothing_does_nothing")
class RemembersACancel(Liar):
    is_canceled = False

    async def cancel(self) -> None:
        self.is_canceled = True

    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        if self.is_canceled:
            self.is_canceled = False
            raise QueryCanceledError("Late.")
        return await super().execute(sql, max_rows=max_rows, **more)


class ParticularAboutClosing(Liar):
    is_open = False

    async def open(self) -> None:
        await super().open()
        self.is_open = True


@lie("close_may_be_called_twice")
class ClosesOnce(ParticularAboutClosing):
    async def close(self) -> None:
        if self.is_closed:
            raise ConnectionFailedError("It is closed.")
        await super().close()


@lie("close_without_open")
class ClosesOnlyWhatIsOpen(ParticularAboutClosing):
    async def close(self) -> None:
        if not self.is_open:
            raise ConnectionFailedError("It is not open.")
        await super().close()


@lie("nothing_needs_to_be_opened_first")
class WantsToBeOpened(ParticularAboutClosing):
    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        if not self.is_open:
            raise ConnectionFailedError("It is not open.")
        return await super().execute(sql, max_rows=max_rows, **more)


@lie("test_tells_where_we_are")
class TellsNoVersion(Liar):
    async def test(self) -> ConnectionTest:
        return but(await super().test(), server_version=None)


@lie("a_refused_connection_is_told_by_type")
class TakesEveryPassword(Liar):
    async def open(self) -> None:
        return


@lie("a_refused_connection_is_told_by_type")
class QuotesThePassword(Liar):
    async def test(self) -> ConnectionTest:
        test = await super().test()
        return test if test.ok else but(test, message=f"{PASSWORD} is wrong")


@lie("cancel_stops_a_call_that_still_connects")
class CancelsOnlyWhatIsConnected(ParticularAboutClosing):
    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        await asyncio.to_thread(lambda: None)
        self.is_open = True
        return await super().execute(sql, max_rows=max_rows, **more)

    async def cancel(self) -> None:
        if self.is_open:
            await super().cancel()


@lie("cancel_stops_an_introspection_between_two_steps")
class CancelsStatementsAlone(Liar):
    async def introspect(
        self, filters: Filters = ALL, progress: Progress = no_progress, **more: Any
    ) -> Introspection:
        found = await super().introspect(filters, **more)
        await progress("introspecting", 0.0, {})
        await progress("introspecting", 1.0, found.counts())
        return found


@lie("cancel_stops_statistics_between_two_tables")
class CancelsNothingOfStatistics(Liar):
    async def introspect(
        self, filters: Filters = ALL, progress: Progress = no_progress, **more: Any
    ) -> Introspection:
        found = await super().introspect(filters, progress)
        if more.get("statistics") == "sample":
            await progress("measuring", 0.0, {})
        return found


@lie("max_rows_is_exact_around_a_page")
class GivesNoMoreThanAPage(Liar):
    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        return replace(answer, rows=answer.rows[:1_000])


@lie("max_rows_is_exact_around_a_page")
class SeesNothingAfterAFullPage(Liar):
    def answered(self, answer: QueryResult, max_rows: int) -> QueryResult:
        return replace(answer, truncated=answer.truncated and len(answer.rows) != 1_000)


@lie("unique_keys_and_indexes_of_the_same_name_are_kept_apart")
class FindsIndexesByTheirName(Liar):
    def told(self, found: Introspection) -> Introspection:
        first = {one.name: one for one in reversed(found.indexes)}
        return changed(
            found, "indexes", lambda one: but(first[one.name], schema_name=one.schema_name)
        )


@lie("exact_counts_are_true")
class CountsByTheName(Liar):
    def told(self, found: Introspection) -> Introspection:
        counts = {one.name: one.row_count for one in reversed(found.tables)}
        return changed(found, "tables", lambda one: but(one, row_count=counts[one.name]))


@lie("max_bytes_bounds_a_result")
class CountsNoBytes(Liar):
    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        return await super().execute(sql, max_rows=max_rows, **{**more, "max_bytes": None})


@lie("max_bytes_bounds_a_result")
class HidesWhatBytesCutOff(Liar):
    async def execute(self, sql: str, *, max_rows: int = 1_000, **more: Any) -> QueryResult:
        answer = await super().execute(sql, max_rows=max_rows, **more)
        return replace(answer, truncated=answer.truncated and len(answer.rows) == max_rows)
