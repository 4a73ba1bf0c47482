"""Sentences as they are written about results, and each of their numbers, months and verbs changed."""

import random
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from buster_tasks.analyst.claims import review_text
from buster_tasks.analyst.evidence import ResultSet
from buster_tasks.sources.base import QueryColumn, QueryResult

QUESTION = "How did we do in 2024?"


def result(
    identity: str, names: str, rows: list[tuple[object, ...]], sql: str = "SELECT 1"
) -> ResultSet:
    columns = tuple(QueryColumn(name) for name in names.split())
    return ResultSet(identity, "shop", sql, "", QueryResult(columns, rows, truncated=False))


KPI = result(
    "r1",
    "total_revenue order_count avg_order_value",
    [(Decimal("152340.75"), 1234, Decimal("123.4528"))],
    "SELECT SUM(a), COUNT(*), AVG(a) FROM o WHERE day >= '2024-01-01' AND day < '2025-01-01'",
)
MONTHS = result(
    "r2",
    "month revenue",
    [("2024-01", 10000.0), ("2024-02", 12500.0), ("2024-03", 11000.0), ("2024-04", 14300.0)],
)
CATEGORIES = result(
    "r3",
    "category revenue share_pct",
    [
        ("Electronics", 60936.3, 40.0),
        ("Books", 45702.2, 30.0),
        ("Toys", 30468.15, 20.0),
        ("Garden", 15234.1, 10.0),
    ],
)
PRODUCTS = result(
    "r4",
    "product_name units_sold revenue",
    [("Laptop Pro 15", 120, 180000), ("Phone X", 340, 170000), ("USB-C Cable", 2100, 21000)],
)
COUNTRIES = result(
    "r5",
    "country customers",
    [("Germany", 412), ("United States", 389), ("France", 120), ("Spain", None)],
)
YEARS = result(
    "r6",
    "year revenue yoy_growth",
    [(2022, 100000, None), (2023, 125000, 0.25), (2024, 112500, -0.1)],
)
COHORTS = result(
    "r7",
    "cohort users retention_rate",
    [(date(2024, 1, 1), 500, 0.42), (date(2024, 2, 1), 620, 0.385)],
)
PROSE = [
    (
        KPI,
        "Total revenue in 2024 was $152,340.75 across 1,234 orders, for an average order value of $123.45.",
    ),
    (KPI, "We made roughly $152k in 2024 from about 1,200 orders (\u2248 $123 each)."),
    (KPI, "Revenue for calendar year 2024 amounted to 152.3 thousand dollars."),
    (KPI, "**Total revenue:** $152,340.75  \n**Orders:** 1,234  \n**AOV:** $123.45"),
    (MONTHS, "Revenue peaked in April 2024 at $14,300, up 30% from March."),
    (MONTHS, "From January to April 2024, revenue grew by 43%, from $10,000 to $14,300."),
    (
        MONTHS,
        "Revenue dipped by 12% in March (from 12,500 to 11,000) before recovering to 14,300 in April.",
    ),
    (MONTHS, "Average monthly revenue was $11,950."),
    (MONTHS, "The four months total $47,800."),
    (MONTHS, "February's revenue of $12,500 was 25% higher than January's $10,000."),
    (MONTHS, "January was the weakest month, with $10,000."),
    (MONTHS, "In three of the four months, revenue exceeded $10,500."),
    (
        CATEGORIES,
        "Electronics is the top category with $60,936.30 (40% of revenue), followed by Books at 30%.",
    ),
    (CATEGORIES, "Electronics and Books together make up 70% of revenue."),
    (CATEGORIES, "Electronics earned twice as much as Toys."),
    (CATEGORIES, "Garden contributes just 10%, a quarter of what Electronics does."),
    (CATEGORIES, "Books trails Electronics by 10 percentage points."),
    (CATEGORIES, "The four categories generated $152,340.75 in total."),
    (
        PRODUCTS,
        "The Laptop Pro 15 generated the highest revenue ($180,000) despite selling only 120 units.",
    ),
    (PRODUCTS, "USB-C Cable sold the most units (2,100) but brought in only $21,000."),
    (PRODUCTS, "The top 3 products are Laptop Pro 15, Phone X and USB-C Cable."),
    (PRODUCTS, "Phone X sold 340 units at an average price of $500."),
    (COUNTRIES, "Germany has the most customers (412), 23 more than the United States (389)."),
    (COUNTRIES, "Together, the three countries have 921 customers."),
    (COUNTRIES, "France has 120 customers, about 29% of Germany's 412."),
    (YEARS, "Revenue grew 25% in 2023 to $125,000, then declined 10% in 2024 to $112,500."),
    (YEARS, "After growing by a quarter in 2023, revenue fell by a tenth in 2024."),
    (YEARS, "Revenue in 2024 was still 12.5% above 2022."),
    (YEARS, "Revenue decreased from $125,000 to $112,500, a drop of $12,500."),
    (
        COHORTS,
        "The January 2024 cohort (500 users) retained 42%, compared with 38.5% for February's 620 users.",
    ),
    (COHORTS, "Retention fell by 3.5 percentage points between the January and February cohorts."),
    (COHORTS, "About 210 of the 500 users of January 2024 were retained."),
]
MONTH_NAMES = ["January", "February", "March", "April", "May", "June"]
OPPOSITES = {
    "up": "down", "higher": "lower", "above": "below", "grew": "fell", "rose": "fell", "declined": "rose",
    "dipped": "rose", "decreased": "rose", "more": "fewer", "twice": "three times", "quarter": "third",
    "tenth": "fifth",
}  # fmt: skip
PLACE = re.compile(
    rf"(?<![\w.,])\d[\d,]*(?:\.\d+)?|\b(?:two|three|four|{'|'.join([*MONTH_NAMES, *OPPOSITES])})\b"
)
# what is not exact may be another number, and a number of a name is none
LOOSE = re.compile(r"(?:[Aa]bout|roughly|exceeded|\u2248|Pro|Phone) \$?$")


def unsupported(found: ResultSet, text: str) -> list[str]:
    verdicts = review_text(text, [], [found], question=QUESTION)
    return [one.mention.text for one in verdicts if not one.supported]


@pytest.mark.parametrize(("found", "text"), PROSE, ids=range(len(PROSE)))
def test_what_is_written_is_supported(found: ResultSet, text: str) -> None:
    assert unsupported(found, text) == []


def others(rng: random.Random, said: str) -> Iterator[str]:
    if said in MONTH_NAMES:
        yield from (name for name in MONTH_NAMES if name != said)
    elif said in OPPOSITES:
        yield OPPOSITES[said]
    elif said.isalpha():
        yield from (word for word in ("two", "five", "six", "nine") if word != said)
    else:
        digits = [at for at, letter in enumerate(said) if letter.isdigit()]
        for at in digits:
            for digit in rng.sample([one for one in "123456789" if one != said[at]], 2):
                yield said[:at] + digit + said[at + 1 :]
        for one, other in pairwise(digits):
            if other == one + 1 and said[one] != said[other] and said[other] != "0":
                yield said[:one] + said[other] + said[one] + said[other + 1 :]


@pytest.mark.parametrize("seed", range(3))
def test_each_change_of_it_is_caught(seed: int) -> None:
    rng = random.Random(seed)
    count = 0
    missed: list[str] = []
    for found, text in PROSE:
        for place in PLACE.finditer(text):
            said = place[0].rstrip(",.")
            if LOOSE.search(text[: place.start()]):
                continue
            for other in others(rng, said):
                count += 1
                changed = text[: place.start()] + other + text[place.start() + len(said) :]
                if not unsupported(found, changed):
                    missed.append(changed)
    assert count > 600
    assert missed == []
