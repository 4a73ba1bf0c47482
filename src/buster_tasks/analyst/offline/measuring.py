"""What a question wants computed, as a table can compute it without meeting a row twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from buster_tasks.analyst.offline.draft import Condition, Draft, Measure
from buster_tasks.analyst.offline.intent import Aggregate, Formula, Wanted
from buster_tasks.analyst.offline.matching import GOOD, LIGHT, Matcher
from buster_tasks.analyst.offline.relation import Column, Table
from buster_tasks.analyst.offline.words import best, plural, spoken, words as listed

MONEY = listed(
    "revenue sale turnover income spending earning spend profit money value amount purchase payment spent order"
)
SURELY_MONEY = listed("revenue sale turnover income spending earning spend spent")
_AMOUNTS = ("revenue", "amount", "total", "turnover", "sale", "value", "payment", "price")
_ADDITIVE = listed(
    """quantity amount revenue total unit hour minute cost payment sale share volume fee salary budget copy duration
    mile distance seat passenger weight expense tax"""
)
SAYS_LITTLE = listed("signup registration record entry row total overall")
_UNITS = listed("unit copy item piece quantity")
IN_STOCK = listed("stock inventory hand reorder reserved available per minimum maximum min max")
_SURE = 0.8
_DONE = listed("sale purchase order make spending spent")
_SUMS = listed("amount value price money quantity")
_TOTALS = listed("total amount revenue subtotal")
_PART_OF_MONEY = listed(
    "tax discount commission shipping freight tip fee refund balance budget due net sub limit"
)
_NAMES = {"sum": "total", "average": "average", "least": "lowest", "greatest": "highest"}

Scored = tuple[Measure, float]


class Measuring:
    """Measures over one fact and what its rows lead to."""

    def __init__(self, matcher: Matcher, draft: Draft) -> None:
        self._matcher, self._draft = matcher, draft
        self._fact = matcher.schema.tables[draft.fact]

    def measure(self, wanted: Wanted, *, is_extreme: bool = False) -> Scored | None:
        """The measure that fits best, and how well; None where the fact has nothing for it."""
        match wanted.aggregate:
            case "count":
                return self._count_or_sum(wanted)
            case "sum":
                return self._sum(wanted)
            case "average" | "least" | "greatest":
                over = self._over(wanted.aggregate, wanted.words)
                return None if wanted.is_nested and (over is None or over[1] < _SURE) else over
            case "share":
                return None
            case None:
                return self._unsaid(wanted, is_extreme=is_extreme)

    def only(self, scored: Scored, where: Sequence[Condition]) -> Scored:
        """The count of the rows alone that meet the conditions."""
        return replace(scored[0], where=tuple(where)), scored[1]

    def formula(self, formula: Formula, where: Sequence[Measure]) -> Measure:
        """The arithmetic of parts that were found."""
        return Measure("share", formula.name.lower(), formula=formula.text, parts=tuple(where))

    # --- rows -------------------------------------------------------------------------------------

    def _count_or_sum(self, wanted: Wanted) -> Scored | None:
        counted = self.count(wanted)
        summed = None
        words = wanted.words
        if not wanted.is_distinct and words:
            for column in self._numbers():
                is_named = best(column.words[-1], words) >= 0.8 if column.words else False
                score = self._matcher.column(words, column) if is_named else 0.0
                if (
                    set(words) <= _UNITS | {"sale", "purchase", "order"}
                    and set(words) & _UNITS
                    and set(column.words) & _UNITS
                ):
                    score = max(score, 0.8)
                if score >= 0.75 and (summed is None or score > summed[1]):
                    summed = Measure("sum", called("sum", column), (column,)), score
        if summed is not None and (counted is None or summed[1] > counted[1]):
            return summed
        return counted

    def count(self, wanted: Wanted) -> Scored | None:
        """Rows of the fact, or different rows of a table or values of a column that it leads to."""
        words = tuple(word for word in wanted.words if word not in SAYS_LITTLE) or wanted.words
        if not words:
            if self._draft.entity and self._draft.entity != self._fact.name:
                return None
            return Measure("count", counted(self._fact)), 0.6
        found: Scored | None = None
        for name, way in self._draft.ways.items():
            table = self._matcher.schema.tables[name]
            score = max(
                self._matcher.table(words, table),
                0.9 * self._matcher.table(words[-1:], table),
                *(0.88 * self._matcher.table((word,), table) for word in words),
            )
            if score < GOOD or (found is not None and score - 0.06 * len(way) <= found[1]):
                continue
            key = self._key(table)
            if key is not None or name == self._fact.name:
                rows = name == self._fact.name
                measure = Measure(
                    "count",
                    counted(table),
                    () if rows or key is None else (key,),
                    is_distinct=not rows,
                )
                found = measure, score - 0.06 * len(way)
        if found is None and self._happened(words):
            found = (
                Measure("count", f"number_of_{'_'.join([*words[:-1], plural(words[-1])])}"),
                0.75,
            )
        for score, column in self._matcher.find(words, self._draft.ways):
            if (
                (found is None or score > found[1] + 0.05)
                and (wanted.is_distinct or column.is_text)
                and not column.is_date
            ):
                found = (
                    Measure(
                        "count",
                        f"number_of_{plain(' '.join([*column.words[:-1], plural(column.words[-1])]))}",
                        (column,),
                        is_distinct=True,
                    ),
                    score - 0.03,
                )
        return found

    def _happened(self, words: Sequence[str]) -> bool:
        """Whether the words name what a date of the fact tells of: `hires`, of rows with a hire date."""
        dates = [one for one in self._fact.columns.values() if one.is_date]
        return len(words) == 1 and any(best(words[0], one.words[:1]) >= _SURE for one in dates)

    def _key(self, table: Table) -> Column | None:
        """A column of the fact, or of the table, that tells its rows apart."""
        way = self._draft.ways[table.name]
        if way and len(way[-1].columns) == 1:
            edge = way[-1]
            return self._matcher.schema.tables[edge.table].columns[edge.columns[0]]
        return table.columns[table.key[0]] if len(table.key) == 1 else None

    # --- numbers ----------------------------------------------------------------------------------

    def _sum(self, wanted: Wanted) -> Scored | None:
        words = wanted.words
        over = self._over("sum", words)
        if words and not set(words) & (SURELY_MONEY | _SUMS):
            counted = self._count_or_sum(replace(wanted, aggregate="count"))
            if counted is not None and (over is None or counted[1] > over[1] + 0.1):
                return counted
        if over is None and set(words) & SURELY_MONEY:
            return None
        return over

    def _over(self, kind: Aggregate, words: Sequence[str]) -> Scored | None:
        if not words:
            return None
        found: Scored | None = None
        for column in self._numbers(dates=kind in ("least", "greatest")):
            score = self._fit(kind, words, column) - 0.3 * self._is_stock(column)
            steps = len(self._draft.ways[column.table])
            score -= (0.3 if kind == "sum" else 0.12) * steps
            if score >= GOOD - 0.05 and (found is None or score > found[1]):
                found = Measure(kind, _called_after(kind, words, column), (column,)), score
        if found is None and len(words) > 1 and set(words) & _DONE:
            return self._over(kind, [word for word in words if word not in _DONE])
        if found is None and len(words) > 1 and words[-1].endswith("ed"):
            return self._over(kind, words[:-1])
        product = self._product(kind, words)
        is_line = found is not None and self._is_line_total(found[0])
        if product is not None and (found is None or (product[1] > found[1] and not is_line)):
            return product
        return found if found is None or product is None or not is_line else (found[0], product[1])

    def _is_stock(self, column: Column) -> bool:
        """Whether it tells what is in stock, of which the question does not speak."""
        return bool(set(column.words) & IN_STOCK) and not set(self._matcher.words) & IN_STOCK

    def _is_line_total(self, measure: Measure) -> bool:
        """Whether it is of a column in which price and quantity of the row are multiplied already."""
        column = measure.columns[0]
        return column.table == self._fact.name and bool(set(column.words) & _TOTALS)

    def _fit(self, kind: Aggregate, words: Sequence[str], column: Column) -> float:
        """How well a number fits; money is also found by what is usual for it."""
        score = self._matcher.column(words, column)
        words = [
            word for word in words if word in MONEY or best(word, self._fact.words) < GOOD
        ] or words
        if (
            kind in ("sum", "average")
            and set(words) - set(column.words) <= MONEY | LIGHT
            and set(words) & MONEY
            and not set(column.words) & _PART_OF_MONEY
        ):
            for at, usual in enumerate(_AMOUNTS):
                if usual in column.words:
                    is_unit = usual == "price" and bool({"unit", "list"} & set(column.words))
                    beside = 0.03 * sum(best(one, self._fact.words) >= GOOD for one in words)
                    usually = (
                        0.82
                        - 0.02 * at
                        - 0.15 * is_unit
                        - (0.1 if usual == "price" else 0.0)
                        + beside
                    )
                    if (
                        usual == "price"
                        and not set(words) & set(column.words) - MONEY
                        and not (
                            set(column.words) & SURELY_MONEY
                            or best("sale", self._fact.words) >= GOOD
                        )
                    ):
                        continue
                    score = max(score, usually)
                    break
        return score

    def _product(self, kind: Aggregate, words: Sequence[str]) -> Scored | None:
        """Price times quantity, less a discount, where money is asked for and the rows have both."""
        if (
            kind not in ("sum", "average")
            or not set(words) & SURELY_MONEY
            or not set(words) <= MONEY | LIGHT
        ):
            return None
        columns = list(self._fact.columns.values())
        prices = [
            one
            for one in columns
            if "price" in one.words and one.is_number and "total" not in one.words
        ]
        amounts = [
            one
            for one in columns
            if one.words[-1:] in (("quantity",), ("unit",), ("count",))
            and one.is_number
            and not set(one.words) & IN_STOCK
        ]
        if not prices or not amounts:
            return None
        less = next(
            (
                one
                for one in columns
                if one.words[:1] == ("discount",) and one.is_number and "amount" not in one.words
            ),
            None,
        )
        return Measure(kind, f"{_NAMES[kind]}_revenue", (prices[0], amounts[0]), less), 0.86

    def _unsaid(self, wanted: Wanted, *, is_extreme: bool) -> Scored | None:
        """Words without an aggregate: money and amounts are added up, things counted, of others the extreme taken."""
        words = wanted.words
        if set(words) & SURELY_MONEY or "quantity" in words:
            over = self._over(
                "sum", [word for word in words if not (word == "sale" and "quantity" in words)]
            )
            if over is not None:
                return over
        counted = self.count(wanted)
        for score, column in self._matcher.find(words, self._draft.ways):
            if column.is_number and not column.is_key and (counted is None or score > counted[1]):
                is_additive = (
                    bool(set(column.words) & _ADDITIVE)
                    and not set(column.words) & {"unit", "price"}
                ) or not is_extreme
                kind: Aggregate = "sum" if is_additive else "greatest"
                steps = len(self._draft.ways[column.table])
                if kind == "sum" and steps:
                    continue
                return Measure(kind, called(kind, column), (column,)), score - 0.1
        return counted if counted is not None and counted[1] >= GOOD else self._over("sum", words)

    def _numbers(self, *, dates: bool = False) -> list[Column]:
        return [
            column
            for name in self._draft.ways
            for column in self._matcher.schema.tables[name].columns.values()
            if (column.is_number and not column.is_key and not column.is_flag)
            or (dates and column.is_date)
        ]


def called(kind: Aggregate, column: Column) -> str:
    """A name for an aggregate of a column."""
    word = _NAMES.get(kind, kind)
    words = "_".join(column.words) or plain(column.name)
    return words if words.startswith(word) else f"{word}_{words}"


def _called_after(kind: Aggregate, words: Sequence[str], column: Column) -> str:
    """The name of an aggregate; of a column that is called no more than `total`, after the money that was asked for."""
    money = [word for word in words if word in SURELY_MONEY]
    return (
        f"{_NAMES[kind]}_{money[0]}"
        if money and set(column.words) <= LIGHT
        else called(kind, column)
    )


def counted(table: Table) -> str:
    """A name for how many rows of a table there are."""
    return f"number_of_{table.plural.replace(' ', '_') or plain(table.name)}"


def plain(name: str) -> str:
    """A name in small letters with underscores."""
    return "_".join(spoken(name)) or "value"
