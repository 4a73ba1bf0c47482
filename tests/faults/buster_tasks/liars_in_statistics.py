"""Sources that measure their columns wrongly, one fault each."""

from dataclasses import replace
from typing import Any

from buster_tasks.errors import QueryFailedError
from buster_tasks.sources import QueryResult
from buster_tasks.sources.schema import Column, Introspection
from tests.faults.buster_tasks.liars import Liar, but, changed, lie


class Mismeasures(Liar):
    """Honest where nothing is measured."""

    def told(self, found: Introspection) -> Introspection:
        if found.statistics not in ("sample", "full"):
            return found
        return changed(found, "columns", self.measured)

    def measured(self, column: Column) -> Any:
        return column


@lie("statistics_are_as_asked")
class CallsTheWholeAnEstimate(Mismeasures):
    def measured(self, column: Column) -> Any:
        return but(column, statistics_kind="estimate")


@lie("statistics_are_as_asked")
class OverlooksNulls(Mismeasures):
    def measured(self, column: Column) -> Any:
        return but(column, null_count=0)


@lie("statistics_are_as_asked")
class CountsNullAsAValue(Mismeasures):
    def measured(self, column: Column) -> Any:
        return but(column, distinct_count=(column.distinct_count or 0) + bool(column.null_count))


@lie("statistics_are_as_asked")
class ComparesNumbersAsTexts(Mismeasures):
    def measured(self, column: Column) -> Any:
        return but(column, max_value=str(column.max_value))


@lie("statistics_are_as_asked")
class CountsBytesAsCharacters(Mismeasures):
    def measured(self, column: Column) -> Any:
        longest = column.longest_length
        if column.name != "a_text" or longest is None:
            return column
        return but(column, longest_length=longest + 1)


@lie("statistics_are_as_asked")
class PicksOtherValuesEachTime(Mismeasures):
    """Though all of them were read."""

    times = 0

    def told(self, found: Introspection) -> Introspection:
        self.times += 1
        return super().told(found)

    def measured(self, column: Column) -> Any:
        return but(column, sample_values=[self.times])


@lie("statistics_are_as_asked")
class PromisesAndDoesNotMeasure(Mismeasures):
    def measured(self, column: Column) -> Any:
        return but(column, statistics_kind=None, null_count=None, distinct_count=None)


@lie("what_the_source_counts_is_true")
class CountsARowTooMany(Liar):
    async def execute(self, sql: str, **more: Any) -> QueryResult:
        answer = await super().execute(sql, **more)
        if not sql.startswith("SELECT COUNT(*) AS c0"):
            return answer
        rows = [(int(str(row[0])) + 1, *row[1:]) for row in answer.rows]
        return replace(answer, rows=rows)


@lie("what_the_source_counts_is_true")
class KnowsNoDistinctValues(Liar):
    async def execute(self, sql: str, **more: Any) -> QueryResult:
        if "DISTINCT" in sql:
            raise QueryFailedError("There is no such word.", fix="Leave it out.")
        return await super().execute(sql, **more)
