"""A draft as a statement in the dialect of its source."""

from __future__ import annotations

from datetime import date

from buster_tasks.analyst.offline.draft import Condition, Dimension, Draft, Measure
from buster_tasks.analyst.offline.schema import Column, Schema
from buster_tasks.analyst.offline.times import Grain
from buster_tasks.sources.quoting import in_back_quotes, in_brackets, in_double_quotes

_QUOTES = {
    "mysql": in_back_quotes,
    "databricks": in_back_quotes,
    "bigquery": in_back_quotes,
    "sqlserver": in_brackets,
}
_WITH_DATABASE = ("snowflake", "bigquery", "sqlserver", "databricks")
_FUNCTIONS = {"sum": "SUM", "average": "AVG", "least": "MIN", "greatest": "MAX"}


class Spelling:
    """Writes drafts over a schema for one kind of source."""

    def __init__(self, kind: str, schema: Schema) -> None:
        self._kind, self._schema = kind, schema
        self._quote = _QUOTES.get(kind, in_double_quotes)

    def sql(self, draft: Draft) -> str:
        """The statement."""
        alias = {name: f"t{at}" for at, name in enumerate(draft.tables)}
        shown = [self._shown(one, alias) for one in draft.dimensions]
        shown += [
            f"{self._measure(one, alias)} AS {self._quote(one.name)}" for one in draft.measures
        ]
        is_grouped = bool(draft.measures) and bool(draft.dimensions)
        distinct = "DISTINCT " if draft.is_distinct and not draft.measures else ""
        top = f"TOP {draft.limit} " if draft.limit is not None and self._kind == "sqlserver" else ""
        parts = [f"SELECT {distinct}{top}{', '.join(shown)}", self._from(draft, alias)]
        conditions = self._conditions(draft, alias)
        if conditions:
            parts.append("WHERE " + " AND ".join(conditions))
        if is_grouped:
            parts.append(
                "GROUP BY " + ", ".join(self._dimension(one, alias) for one in draft.dimensions)
            )
        if draft.having:
            held = [
                f"{self._measure(one, alias)} {operator} {number:g}"
                for one, operator, number in draft.having
            ]
            parts.append("HAVING " + " AND ".join(held))
        order = self._order(draft, alias)
        if order:
            parts.append(f"ORDER BY {order}")
        if draft.limit is not None and not top:
            parts.append(f"LIMIT {draft.limit}")
        return " ".join(parts)

    def _from(self, draft: Draft, alias: dict[str, str]) -> str:
        text = f"FROM {self._table(draft.fact)} AS {alias[draft.fact]}"
        joined = {draft.fact}
        for name in draft.tables:
            for edge in draft.ways.get(name, ()):
                if edge.to in joined:
                    continue
                joined.add(edge.to)
                pairs = " AND ".join(
                    f"{alias[edge.table]}.{self._quote(one)} = {alias[edge.to]}.{self._quote(other)}"
                    for one, other in zip(edge.columns, edge.to_columns, strict=True)
                )
                text += f" JOIN {self._table(edge.to)} AS {alias[edge.to]} ON {pairs}"
        return text

    def _conditions(self, draft: Draft, alias: dict[str, str]) -> list[str]:
        found = [self._condition(one, alias) for one in draft.conditions]
        column, span = draft.span_column, draft.span
        if column is not None and span is not None:
            named = self._named(column, alias)
            if span.begin is not None:
                found.append(f"{named} >= {self._day(span.begin)}")
            if span.end is not None:
                found.append(f"{named} < {self._day(span.end)}")
        if draft.without is not None:
            edge = draft.without
            other = alias[edge.table]
            pairs = " AND ".join(
                f"{other}.{self._quote(one)} = {alias[edge.to]}.{self._quote(key)}"
                for one, key in zip(edge.columns, edge.to_columns, strict=True)
            )
            found.append(
                f"NOT EXISTS (SELECT 1 FROM {self._table(edge.table)} AS {other} WHERE {pairs})"
            )  # noqa: S608 - names, each quoted
        return found

    def _condition(self, condition: Condition, alias: dict[str, str]) -> str:
        named = self._named(condition.column, alias)
        if condition.operator == "contains":
            return f"LOWER({named}) LIKE {self._text(f'%{str(condition.value).lower()}%')}"
        if isinstance(condition.value, str):
            return f"{named} {condition.operator} {self._text(condition.value)}"
        return f"{named} {condition.operator} {condition.value:g}"

    def _measure(self, measure: Measure, alias: dict[str, str]) -> str:
        if measure.aggregate == "count":
            if not measure.columns:
                return "COUNT(*)"
            inner = self._named(measure.columns[0], alias)
            return f"COUNT({'DISTINCT ' if measure.is_distinct else ''}{inner})"
        inner = " * ".join(self._named(column, alias) for column in measure.columns)
        if measure.less is not None:
            inner += f" * (1 - {self._named(measure.less, alias)})"
        return f"{_FUNCTIONS[measure.aggregate]}({inner})"

    def _shown(self, dimension: Dimension, alias: dict[str, str]) -> str:
        return f"{self._dimension(dimension, alias)} AS {self._quote(dimension.name)}"

    def _dimension(self, dimension: Dimension, alias: dict[str, str]) -> str:
        named = self._named(dimension.column, alias)
        return (
            named
            if dimension.grain is None
            else self._cut(named, dimension.grain, dimension.column)
        )

    def _order(self, draft: Draft, alias: dict[str, str]) -> str:
        """What decides, and then the names, so that rows of one rank are always in one order."""
        if draft.order is None:
            named = [self._dimension(one, alias) for one in draft.dimensions]
            return ", ".join(named) if not draft.measures and not draft.is_distinct else ""
        way = " DESC" if draft.is_descending else ""
        if isinstance(draft.order, Dimension):
            return f"{self._dimension(draft.order, alias)}{way}"
        if not draft.dimensions:
            return ""
        rest = [self._dimension(one, alias) for one in draft.dimensions]
        return ", ".join([f"{self._measure(draft.order, alias)}{way}", *rest])

    def _cut(self, named: str, grain: Grain, column: Column) -> str:
        """The time cut to its grain, as text where the dialect has no dates of its own."""
        match self._kind:
            case "sqlite":
                return _SQLITE[grain].format(c=named)
            case "mysql":
                return _MYSQL[grain].format(c=named)
            case "sqlserver":
                return _TSQL[grain].format(c=named)
            case "bigquery":
                return f"DATE_TRUNC(CAST({named} AS DATE), {grain.upper()})"
            case _:
                is_typed = any(word in column.type.lower() for word in ("date", "time"))
                cast = named if is_typed else f"CAST({named} AS DATE)"
                return f"CAST(DATE_TRUNC('{grain}', {cast}) AS DATE)"

    def _day(self, day: date) -> str:
        return f"DATE '{day.isoformat()}'" if self._kind == "bigquery" else f"'{day.isoformat()}'"

    def _named(self, column: Column, alias: dict[str, str]) -> str:
        return f"{alias[column.table]}.{self._quote(column.name)}"

    def _table(self, name: str) -> str:
        parts = [part for part in self._schema.tables[name].place.split(".") if part]
        kept = parts if self._kind in _WITH_DATABASE else parts[-2:]
        return ".".join(self._quote(part) for part in kept)

    def _text(self, text: str) -> str:
        escaped = text.replace("'", "''")
        if self._kind in ("mysql", "bigquery", "databricks"):
            escaped = text.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"


_SQLITE: dict[Grain, str] = {
    "day": "DATE({c})",
    "week": "STRFTIME('%Y-%W', {c})",
    "month": "STRFTIME('%Y-%m', {c})",
    "quarter": "STRFTIME('%Y', {c}) || '-Q' || ((CAST(STRFTIME('%m', {c}) AS INTEGER) + 2) / 3)",
    "year": "STRFTIME('%Y', {c})",
}
_MYSQL: dict[Grain, str] = {
    "day": "DATE({c})",
    "week": "DATE_FORMAT({c}, '%x-%v')",
    "month": "DATE_FORMAT({c}, '%Y-%m')",
    "quarter": "CONCAT(YEAR({c}), '-Q', QUARTER({c}))",
    "year": "YEAR({c})",
}
_TSQL: dict[Grain, str] = {
    "day": "CAST({c} AS DATE)",
    "week": "DATEADD(WEEK, DATEDIFF(WEEK, 0, {c}), 0)",
    "month": "DATEFROMPARTS(YEAR({c}), MONTH({c}), 1)",
    "quarter": "DATEFROMPARTS(YEAR({c}), 3 * DATEPART(QUARTER, {c}) - 2, 1)",
    "year": "YEAR({c})",
}
