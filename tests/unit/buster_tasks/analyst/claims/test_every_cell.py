"""Each cell of some results, told in plain sentences, and told wrong."""

import random
import re
from collections.abc import Iterator
from decimal import Decimal

import pytest

from buster_tasks.analyst.claims import review_text
from buster_tasks.analyst.evidence import ResultSet
from buster_tasks.sources.base import QueryColumn, QueryResult

TREES = """
Alder Birch Cedar Dogwood Elm Fir Ginkgo Hazel Juniper Larch Maple Oak Pine Rowan Spruce Willow
"""
TEMPLATES = [
    "{name} has {column} of {value}.",
    "The {column} of {name} is {value}.",
    "{name}: {value} {column}",
    "With {value} ({column}), {name} stands out.",
    "For {name}, the {column} came to {value}.",
    "{name} had {value} {column}.",
    "- **{name}**: {value}",
    "| {name} | {value} |",
]


def tables(rng: random.Random) -> Iterator[ResultSet]:
    names = TREES.split()
    shapes = {
        "sbCustName num_transactions total_amount": (9, 1e6),
        "Name UnitsSold AvgPrice": (900, 300),
        "treeKind n ASP": (99_999, 5_000),
        "kind customers revenue": (40, 90_000),
    }
    for at, (columns, (most, high)) in enumerate(shapes.items()):
        rows: list[tuple[object, ...]] = [
            (name, rng.randint(1, most), round(rng.uniform(1, high), 2)) for name in names
        ]
        result = QueryResult(tuple(map(QueryColumn, columns.split())), rows, truncated=False)
        yield ResultSet(f"r{at}", "shop", "SELECT 1", "", result)


def words_of(column: str) -> str:
    return " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", column)).lower()


def changed(rng: random.Random, shown: str) -> str:
    """Another number: one digit, two swapped, ten times as much, or one off."""
    places = [at for at, letter in enumerate(shown) if letter.isdigit()]
    step = Decimal(1).scaleb(-len(shown.partition(".")[2]))
    value = Decimal(shown.replace(",", ""))
    letters = list(shown)
    match rng.randrange(4):
        case 0:
            at = rng.choice(places)
            letters[at] = rng.choice([digit for digit in "123456789" if digit != shown[at]])
            return "".join(letters)
        case 1 if len(places) > 1:
            at = rng.randrange(len(places) - 1)
            one, other = places[at], places[at + 1]
            letters[one], letters[other] = letters[other], letters[one]
            return "".join(letters)
        case 2:
            return f"{value * 10:,.0f}"
        case _:
            return f"{value + step:,f}"


def cases(seed: int) -> Iterator[tuple[str, str, ResultSet]]:
    rng = random.Random(seed)
    for found in tables(rng):
        for row in found.result.rows:
            for column in (1, 2):
                value = row[column]
                exact = Decimal(str(value))
                places = 0 if isinstance(value, int) else rng.choice([1, 2])
                shown = f"{exact:,.{places}f}"
                wrong = changed(rng, shown)
                step = Decimal(1).scaleb(-len(wrong.partition(".")[2]))
                if (
                    wrong.startswith("0")
                    or abs(Decimal(wrong.replace(",", "")) - exact) * 2 <= step
                ):
                    continue
                template = rng.choice(TEMPLATES)
                # a row in a table of a report names no column, so that one of its other cells is as good
                if "column" not in template and any(
                    abs(Decimal(wrong.replace(",", "")) - Decimal(str(cell))) * 2 <= step
                    for cell in row[1:]
                ):
                    continue
                made = {"name": row[0], "column": words_of(found.columns[column])}
                yield (
                    template.format(value=shown, **made),
                    template.format(value=wrong, **made),
                    found,
                )


@pytest.mark.parametrize("seed", range(4))
def test_each_cell_is_found_and_no_other_number(seed: int) -> None:
    alarms: list[str] = []
    missed: list[str] = []
    count = 0
    for right, wrong, found in cases(seed):
        count += 1
        if not all(one.supported for one in review_text(right, [], [found])):
            alarms.append(right)
        if all(one.supported for one in review_text(wrong, [], [found])):
            missed.append(f"{wrong} instead of {right}")
    assert missed == []
    assert len(alarms) <= count // 50, alarms
