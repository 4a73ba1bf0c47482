"""A draft as a statement in the dialect of its source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from buster_tasks.analyst.offline.draft import Absent, Condition, Dimension, Draft, Measure
from buster_tasks.analyst.offline.relation import Column, Edge
from buster_tasks.analyst.offline.schema import Schema
from buster_tasks.analyst.offline.times import Grain, Span
from buster_tasks.sources.quoting import in_back_quotes, in_brackets, in_double_quotes

_QUOTES = {
    "mysql": in_back_quotes,
    "databricks": in_back_quotes,
    "bigquery": in_back_quotes,
    "sqlserver": in_brackets,
}
_WITH_DATABASE = ("snowflake", "bigquery", "sqlserver", "databricks")
_NULLS_FIRST = ("postgres", "snowflake", "redshift")
_FUNCTIONS = {"sum": "SUM", "average": "AVG", "least": "MIN", "greatest": "MAX"}


class Spelling:
    """Writes drafts over a schema for one kind of source."""

    def __init__(self, kind: str, schema: Schema) -> None:
        self._kind, self._schema = kind, schema
        self._quote = _QUOTES.get(kind, in_double_quotes)

    def sql(self, draft: Draft) -> str:
        """The statement."""
        alias = {name: f"t{at}" for at, name in enumerate(draft.tables)}
        shown = [f"{self._item(one, alias)} AS {self._quote(one.name)}" for one in draft.columns]
        distinct = "DISTINCT " if draft.is_distinct and not draft.is_grouped else ""
        top = f"TOP {draft.limit} " if draft.limit is not None and self._kind == "sqlserver" else ""
        parts = [f"SELECT {distinct}{top}{', '.join(shown)}", self._from(draft, alias)]
        conditions = self._conditions(draft, alias)
        if conditions:
            parts.append("WHERE " + " AND ".join(conditions))
        if draft.is_grouped and draft.dimensions:
            parts.append(f"GROUP BY {', '.join(self._groups(draft, alias))}")
        if draft.having:
            held = [
                f"{self._measure(one, alias)} {how} {number:.12g}"
                for one, how, number in draft.having
            ]
            parts.append("HAVING " + " AND ".join(held))
        order = self._order(draft, alias)
        if order:
            parts.append(f"ORDER BY {order}")
        if draft.limit is not None and not top and (draft.dimensions or not draft.measures):
            parts.append(f"LIMIT {draft.limit}")
        return " ".join(parts)

    def _groups(self, draft: Draft, alias: dict[str, str]) -> list[str]:
        found = [self._dimension(one, alias) for one in draft.dimensions]
        found += [self._named(one, alias) for one in draft.keys]
        return list(dict.fromkeys(found))

    def _item(self, one: Measure | Dimension, alias: dict[str, str]) -> str:
        return (
            self._measure(one, alias) if isinstance(one, Measure) else self._dimension(one, alias)
        )

    def _from(self, draft: Draft, alias: dict[str, str]) -> str:
        text = f"FROM {self._table(draft.fact)} AS {alias[draft.fact]}"
        joined = {draft.fact}
        for name in draft.tables:
            for edge in draft.ways.get(name, ()):
                if edge.to in joined:
                    continue
                joined.add(edge.to)
                pairs = self._pairs(edge, alias, alias)
                text += f" JOIN {self._table(edge.to)} AS {alias[edge.to]} ON {pairs}"
        return text

    def _conditions(self, draft: Draft, alias: dict[str, str]) -> list[str]:
        found = [self._any_of(one, alias) for one in draft.conditions]
        found += self._within(draft.span_column, draft.span, alias)
        if draft.absent is not None:
            found.append(self._absent(draft.absent, draft, alias))
        return found

    def _any_of(self, any_of: Sequence[Condition], alias: dict[str, str]) -> str:
        first = any_of[0]
        if len(any_of) > 1 and all(
            one.column == first.column and one.operator in ("=", "<>") for one in any_of
        ):
            values = ", ".join(self._value(one.value) for one in any_of)
            return f"{self._named(first.column, alias)} {'NOT ' if first.operator == '<>' else ''}IN ({values})"
        held = [self._condition(one, alias) for one in any_of]
        return held[0] if len(held) == 1 else f"({' OR '.join(held)})"

    def _within(self, column: Column | None, span: Span | None, alias: dict[str, str]) -> list[str]:
        if column is None or span is None:
            return []
        named = self._named(column, alias)
        found = [] if span.begin is None else [f"{named} >= {self._day(span.begin, column)}"]
        return found if span.end is None else [*found, f"{named} < {self._day(span.end, column)}"]

    def _absent(self, absent: Absent, draft: Draft, alias: dict[str, str]) -> str:
        """That no row of another table leads here."""
        inner = {absent.table: "n0"} | {
            edge.to: f"n{at}" for at, edge in enumerate(absent.way[:-1], 1)
        }
        text = f"{self._table(absent.table)} AS n0"
        for edge in absent.way[:-1]:
            text += f" JOIN {self._table(edge.to)} AS {inner[edge.to]} ON {self._pairs(edge, inner, inner)}"
        held = [self._pairs(absent.way[-1], inner, alias)]
        held += [self._condition(one, inner) for one in absent.conditions]
        held += self._within(absent.span_column, absent.span, inner)
        return f"NOT EXISTS (SELECT 1 FROM {text} WHERE {' AND '.join(held)})"  # noqa: S608 - names, each quoted

    def _pairs(self, edge: Edge, alias: dict[str, str], other: dict[str, str]) -> str:
        return " AND ".join(
            f"{alias[edge.table]}.{self._quote(one)} = {other[edge.to]}.{self._quote(key)}"
            for one, key in zip(edge.columns, edge.to_columns, strict=True)
        )

    def _condition(self, condition: Condition, alias: dict[str, str]) -> str:
        named = self._named(condition.column, alias)
        text = str(condition.value).lower().replace("%", "").replace("_", "")
        match condition.operator:
            case "contains":
                return f"LOWER({named}) LIKE {self._text(f'%{text}%')}"
            case "begins":
                return f"LOWER({named}) LIKE {self._text(f'{text}%')}"
            case "ends":
                return f"LOWER({named}) LIKE {self._text(f'%{text}')}"
            case "empty":
                return f"{named} IS NULL"
            case "filled":
                return f"{named} IS NOT NULL"
            case _:
                return f"{named} {condition.operator} {self._value(condition.value)}"

    def _value(self, value: str | float | bool | None) -> str:
        if isinstance(value, bool):
            return str(int(value)) if self._kind in ("sqlite", "sqlserver") else str(value).upper()
        return self._text(value) if isinstance(value, str) else f"{value or 0:.12g}"

    def _measure(self, measure: Measure, alias: dict[str, str]) -> str:
        if measure.formula:
            parts = [self._measure(one, alias) for one in measure.parts]
            text = re.sub(r"/ (\{\d+\})", r"/ NULLIF(\1, 0)", measure.formula)
            return re.sub(r"\{(\d+)\}", lambda match: f"(1.0 * {parts[int(match[1])]})", text)
        if measure.aggregate == "share":
            held = " AND ".join(self._condition(one, alias) for one in measure.where)
            return f"{measure.scale:.1f} * SUM(CASE WHEN {held} THEN 1 ELSE 0 END) / COUNT(*)"
        if measure.aggregate == "count":
            inner = self._named(measure.columns[0], alias) if measure.columns else ""
            if measure.where:
                held = " AND ".join(self._condition(one, alias) for one in measure.where)
                inner = f"CASE WHEN {held} THEN {inner or '1'} END"
            if not inner:
                return "COUNT(*)"
            return f"COUNT({'DISTINCT ' if measure.is_distinct else ''}{inner})"
        inner = " * ".join(self._named(column, alias) for column in measure.columns)
        if measure.less is not None:
            share = self._named(measure.less, alias)
            inner += (
                f" * (1 - {share} / 100.0)" if measure.less.is_percentage else f" * (1 - {share})"
            )
        if measure.aggregate == "average" and self._kind == "sqlserver":
            inner = f"1.0 * {inner}"
        return f"{_FUNCTIONS[measure.aggregate]}({inner})"

    def _dimension(self, dimension: Dimension, alias: dict[str, str]) -> str:
        named = self._named(dimension.column, alias)
        return (
            named
            if dimension.grain is None
            else self._cut(named, dimension.grain, dimension.column)
        )

    def _order(self, draft: Draft, alias: dict[str, str]) -> str:
        """What decides, and then the names, so that rows of one rank are always in one order."""
        names = [self._dimension(one, alias) for one in draft.dimensions]
        is_distinct = draft.is_distinct and not draft.is_grouped
        if is_distinct:
            names = [self._item(one, alias) for one in draft.columns]
        if draft.order is None:
            return ", ".join(dict.fromkeys(names)) if draft.dimensions or is_distinct else ""
        if draft.is_grouped and not draft.dimensions:
            return ""
        named = self._item(draft.order, alias)
        if is_distinct and named not in names:
            return ", ".join(dict.fromkeys(names))
        first = f"{named} DESC" if draft.is_descending else named
        if draft.is_descending and draft.is_ranked and self._kind in _NULLS_FIRST:
            first += " NULLS LAST"
        return ", ".join(dict.fromkeys([first, *(one for one in names if one != named)]))

    def _cut(self, named: str, grain: Grain, column: Column) -> str:
        """The time cut to its grain, as text where the dialect has no dates of its own."""
        match self._kind:
            case "sqlite":
                return _SQLITE[grain].format(c=named)
            case "mysql":
                return _MYSQL[grain].format(c=named)
            case "sqlserver":
                return _TSQL[grain].format(c=named)
            case _ if grain == "year":
                is_typed = any(word in column.type.lower() for word in ("date", "time"))
                cast = named if is_typed else f"CAST({named} AS DATE)"
                return f"CAST(EXTRACT(YEAR FROM {cast}) AS {'INT64' if self._kind == 'bigquery' else 'INTEGER'})"
            case "bigquery":
                return f"DATE_TRUNC(CAST({named} AS DATE), {grain.upper()})"
            case _:
                is_typed = any(word in column.type.lower() for word in ("date", "time"))
                cast = named if is_typed else f"CAST({named} AS DATE)"
                return f"CAST(DATE_TRUNC('{grain}', {cast}) AS DATE)"

    def _day(self, day: date, column: Column) -> str:
        is_text = not any(word in column.type.lower() for word in ("date", "time"))
        return (
            f"'{day.isoformat()}'"
            if is_text or self._kind in ("sqlite", "sqlserver")
            else f"DATE '{day.isoformat()}'"
        )

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
    "year": "CAST(STRFTIME('%Y', {c}) AS INTEGER)",
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
