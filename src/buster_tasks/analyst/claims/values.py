"""The values that a finding names, read from the results and computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from buster_tasks.analyst.claims.expression import ExpressionError, evaluate
from buster_tasks.analyst.claims.index import number_of
from buster_tasks.analyst.claims.rendering import NOTHING, FormatMismatchError, render
from buster_tasks.analyst.evidence import ResultSet, shown
from buster_tasks.analyst.findings import CellRef, Check, NamedValue, Severity

_MOST_NAMES: Final = 20
_DEEPEST: Final = 50
_MOST_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Resolved:
    """A named value with what it came to: a Decimal for any number, else the cell; None is NULL, or a problem."""

    named: NamedValue
    exact: object


@dataclass(slots=True)
class _Resolver:
    values: Mapping[str, NamedValue]
    results: Mapping[str, ResultSet]
    known: dict[str, object] = field(default_factory=dict[str, object])
    failed: dict[str, ExpressionError] = field(default_factory=dict[str, ExpressionError])
    under_way: list[str] = field(default_factory=list[str])

    def exact(self, name: str) -> object:
        """What a value came to. Raises ExpressionError, the same one each time."""
        if name in self.failed:
            raise self.failed[name]
        if name not in self.known:
            try:
                self.known[name] = self._resolved(name)
            except ExpressionError as error:
                self.failed[name] = error
                raise
        return self.known[name]

    def _resolved(self, name: str) -> object:
        value = self.values.get(name)
        if value is None:
            raise ExpressionError(
                "UNKNOWN_VALUE", f"There is no value {name!r}; there are {_list(self.values)}"
            )
        if name in self.under_way or len(self.under_way) > _DEEPEST:
            way = " -> ".join([*self.under_way[:5], name])
            raise ExpressionError("CYCLE", f"The values name each other in a circle: {way}")
        if (value.cell is None) == (value.expression is None):
            raise ExpressionError(
                "VALUE_UNDEFINED", f"{name!r} needs a cell or an expression, and only one of them"
            )
        if value.cell is not None:
            cell = cell_of(value.cell, self.results)
            number = (
                number_of(cell)
                if not isinstance(cell, str) or value.format not in {"text", "date", "month"}
                else None
            )
            return cell if number is None or value.format == "text" else number
        self.under_way.append(name)
        try:
            return evaluate(value.expression or "", self._number)
        finally:
            self.under_way.pop()

    def _number(self, name: str) -> Decimal:
        exact = self.exact(name)
        if isinstance(exact, Decimal):
            return exact
        number = number_of(exact)
        if number is not None:
            return number
        what = "NULL" if exact is None else repr(str(exact)[:40])
        raise ExpressionError(
            "NOT_A_NUMBER", f"{name!r} is {what}, which nothing can be computed with"
        )


def resolve(
    values: Sequence[NamedValue], results: Sequence[ResultSet]
) -> tuple[list[Resolved], list[Check]]:
    """The values with `value` and `text` filled in, and what is wrong with them. Never raises.

    A value with a problem has no value, and the text `no value`. Of a long text the first 500 characters are told.
    """
    checks = [
        Check(
            code="VALUE_TWICE",
            severity="error",
            message=f"Two values have the name {name!r}; rename one",
        )
        for name in _twice([value.name for value in values])
    ]
    resolver = _Resolver(
        {value.name: value for value in values}, {result.id: result for result in results}
    )
    return [_filled(value, resolver, checks) for value in values], checks


def cell_of(ref: CellRef, results: Mapping[str, ResultSet]) -> object:
    """The cell that a reference names; names of columns may differ in case. Raises ExpressionError."""
    result = results.get(ref.result)
    if result is None:
        raise ExpressionError(
            "UNKNOWN_RESULT", f"There is no result {ref.result!r}; there are {_list(results)}"
        )
    place = _column(ref, result)
    if not 0 <= ref.row < result.result.row_count:
        there = f"the rows 0 to {result.result.row_count - 1}" if result.result.rows else "no rows"
        raise ExpressionError("ROW_OUT_OF_RANGE", f"{ref.result} has {there}, and no row {ref.row}")
    return result.result.rows[ref.row][place]


def _column(ref: CellRef, result: ResultSet) -> int:
    for wanted, names in (
        (ref.column, result.columns),
        (ref.column.lower(), [name.lower() for name in result.columns]),
    ):
        if names.count(wanted) == 1:
            return names.index(wanted)
        if wanted in names:
            raise ExpressionError(
                "AMBIGUOUS_COLUMN",
                f"{ref.result} has several columns {ref.column!r}; name them apart with AS",
            )
    raise ExpressionError(
        "UNKNOWN_COLUMN",
        f"{ref.result} has no column {ref.column!r}; it has {_list(result.columns)}",
    )


def _filled(value: NamedValue, resolver: _Resolver, checks: list[Check]) -> Resolved:
    try:
        exact = resolver.exact(value.name)
    except ExpressionError as error:
        checks.append(_check(error.code, "error", value.name, error.message))
        return Resolved(value.model_copy(update={"value": None, "text": NOTHING}), None)
    if exact is None:
        checks.append(_check("VALUE_MISSING", "warning", value.name, "its cell is NULL"))
    try:
        text = render(exact, value.format, decimals=value.decimals, unit=value.unit)
    except FormatMismatchError as error:
        checks.append(
            _check(
                "FORMAT_MISMATCH",
                "warning",
                value.name,
                f"{error}; format {value.format!r} is not used",
            )
        )
        text = render(exact, "text" if not isinstance(exact, Decimal) else "auto", unit=value.unit)
    told = exact if not isinstance(exact, str) else _short(exact)
    return Resolved(value.model_copy(update={"value": shown(told), "text": _short(text)}), exact)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def _check(code: str, severity: Severity, name: str, message: str) -> Check:
    return Check(code=code, severity=severity, message=f"Value {name!r}: {message}.")


def _twice(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _list(names: Mapping[str, object] | Sequence[str]) -> str:
    shown_names = [repr(name) for name in list(names)[:_MOST_NAMES]]
    more = len(names) - len(shown_names)
    return (", ".join(shown_names) or "none") + (f" and {more} more" if more > 0 else "")
