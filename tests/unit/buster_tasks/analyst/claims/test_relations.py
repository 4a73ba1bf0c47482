"""How rows stand to each other: generated claims of seeds that nothing was tuned on, and single sentences."""

import pytest

from buster_tasks.analyst.claims import review_text
from buster_tasks.analyst.evidence import ResultSet
from buster_tasks.sources.base import QueryColumn, QueryResult
from tests.unit.buster_tasks.analyst.claims.generated import Case, cases
from tests.unit.buster_tasks.analyst.claims.relations import RELATIONS

SEEDS = [90_001, 90_002, 90_003, 90_004]


def result(names: str, *rows: tuple[object, ...], sql: str = "SELECT 1") -> ResultSet:
    columns = tuple(map(QueryColumn, names.split()))
    return ResultSet("r1", "shop", sql, "", QueryResult(columns, list(rows), truncated=False))


def unsupported(text: str, *results: ResultSet) -> list[str]:
    return [one.mention.text for one in review_text(text, [], results) if not one.supported]


def of_case(case: Case) -> list[str]:
    return unsupported(case.text, *case.results)


@pytest.mark.parametrize("seed", SEEDS)
def test_of_200_changed_relations_all_are_caught(seed: int) -> None:
    changed = cases(seed, 200, changed=True, templates=RELATIONS)
    assert [f"{case.changed} in {case.text}" for case in changed if not of_case(case)] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_of_200_true_relations_four_are_false_alarms_at_most(seed: int) -> None:
    true = cases(seed, 200, changed=False, templates=RELATIONS)
    alarms = [f"{found} in {case.text}" for case in true if (found := of_case(case))]
    assert len(alarms) <= 4, alarms


REGIONS = result(
    "region revenue orders",
    ("Bern", 94_995, 758),
    ("Bonn", 93_404, 802),
    ("Lyon", 72_943, 333),
    ("Malmo", 23_881, 45),
    ("Graz", 12_000, 99),
)
MONTHS = result(
    "month sales",
    ("2022-01", 100),
    ("2022-02", 250),
    ("2022-03", 180),
    ("2022-04", 90),
    ("2022-05", 300),
)
GOODS = result(
    "product units price returns",
    ("Lamp", 405, 9.5, 7),
    ("Chair", 730, 20.0, 9),
    ("Rug", 120, 99.9, 1),
)
BRANCHES = result(
    "month branch visits",
    ("2024-01", "Ada", 50),
    ("2024-01", "Bea", 70),
    ("2024-02", "Ada", 90),
    ("2024-02", "Bea", 60),
)
TRUE = [
    (REGIONS, "Bern outsold Bonn."),
    (REGIONS, "Bonn had more orders than Bern."),
    (REGIONS, "Malmo trails Lyon."),
    (REGIONS, "Bern leads Bonn by 1,591."),
    (REGIONS, "Malmo has the second lowest revenue."),
    (REGIONS, "Malmo had fewer orders than any other region."),
    (REGIONS, "Bonn's orders were the highest, at 802."),
    (REGIONS, "Both Bern and Bonn made more than 90,000."),
    (REGIONS, "Neither Malmo nor Graz reached 30,000."),
    (REGIONS, "More than 23,000 was earned in Malmo."),
    (REGIONS, "Only Bern had a revenue of more than 94,000."),
    (REGIONS, "The top 2 regions are Bern and Bonn."),
    (REGIONS, "Bern has the highest revenue (94,995) and Malmo the fewest orders (45)."),
    (REGIONS, "Bonn has the most orders (802), but is behind Bern in revenue."),
    (REGIONS, "Graz, the smallest region, made 12,000."),
    (REGIONS, "Revenue per order is highest in Malmo."),
    (REGIONS, "No region made more than 95,000."),
    (REGIONS, "The runner-up is Bonn with 93,404."),
    (REGIONS, "Bern, followed by Bonn, leads the regions."),
    (REGIONS, "Bern's lead over Bonn is 1,591."),
    (MONTHS, "Sales rose from January to February."),
    (MONTHS, "May leads with 300."),
    (MONTHS, "Q1 2022 brought in 530, compared with 390 in Q2 2022."),
    (MONTHS, "Every month from February to March had sales of more than 150."),
    (MONTHS, "The highest month was May at 300."),
    (MONTHS, "Between 2022-01 and 2022-04, February was the best month with 250."),
    (MONTHS, "Between January and March 2022, sales averaged 176.67."),
    (MONTHS, "In the first quarter of 2022, sales were 530."),
    (MONTHS, "2022 adds up to 920."),
    (MONTHS, "Sales in February were higher than in March."),
    (GOODS, "Chair is the best seller."),
    (GOODS, "Rug is the most expensive product."),
    (GOODS, "Total revenue is 30,435.50."),
    (BRANCHES, "In February 2024, Ada had the most visits (90)."),
    (BRANCHES, "In January 2024, Bea leads with 70."),
]
FALSE = [
    (REGIONS, "Bonn outsold Bern."),
    (REGIONS, "Bern had more orders than Bonn."),
    (REGIONS, "Lyon trails Malmo."),
    (REGIONS, "Bern leads Bonn by 1,691."),
    (REGIONS, "Lyon has the second lowest revenue."),
    (REGIONS, "Bern had fewer orders than any other region."),
    (REGIONS, "Bern's orders were the highest, at 758."),
    (REGIONS, "Both Bern and Lyon made more than 90,000."),
    (REGIONS, "Neither Malmo nor Graz reached 20,000."),
    (REGIONS, "More than 25,000 was earned in Malmo."),
    (REGIONS, "Only Bern had a revenue of more than 93,000."),
    (REGIONS, "The top 2 regions are Bern and Lyon."),
    (REGIONS, "Bern has the highest revenue (94,995) and Graz the fewest orders (99)."),
    (REGIONS, "Bonn has the most orders (802), but is ahead of Bern in revenue."),
    (REGIONS, "Malmo, the smallest region, made 23,881."),
    (MONTHS, "Q1 2022 brought in 390, compared with 530 in Q2 2022."),
    (MONTHS, "Every month from February to April had sales of more than 150."),
    (REGIONS, "No region made more than 90,000."),
    (REGIONS, "The runner-up is Lyon with 72,943."),
    (REGIONS, "Bern's lead over Bonn is 1,691."),
    (MONTHS, "Sales fell from January to February."),
    (MONTHS, "May leads with 250."),
    (MONTHS, "The lowest month was May at 300."),
    (MONTHS, "Between 2022-01 and 2022-04, March was the best month with 180."),
    (MONTHS, "Between January and March 2022, sales averaged 184.00."),
    (MONTHS, "In the first quarter of 2022, sales were 620."),
    (MONTHS, "2022 adds up to 910."),
    (MONTHS, "Sales in March were higher than in February."),
    (GOODS, "Lamp is the best seller."),
    (GOODS, "Chair is the most expensive product."),
    (GOODS, "Total revenue is 30,435.60."),
    (GOODS, "The stock of Chair is 14,600."),
    (GOODS, "Rug sold 120 units, up 12%."),
    (BRANCHES, "In February 2024, Bea had the most visits (60)."),
    (BRANCHES, "In January 2024, Ada leads with 50."),
]


@pytest.mark.parametrize(("found", "text"), TRUE, ids=[text for _, text in TRUE])
def test_what_holds_is_supported(found: ResultSet, text: str) -> None:
    assert review_text(text, [], [found])
    assert unsupported(text, found) == []


@pytest.mark.parametrize(("found", "text"), FALSE, ids=[text for _, text in FALSE])
def test_what_does_not_hold_is_not(found: ResultSet, text: str) -> None:
    assert unsupported(text, found)


def test_the_first_row_leads_where_the_order_is_by_what_is_not_shown() -> None:
    rows = (("Lamp", 9.5), ("Chair", 20.0), ("Rug", 2.0))
    hidden = result("product price", *rows, sql="SELECT product, price FROM p ORDER BY SUM(units)")
    shown = result("product price", *rows, sql="SELECT product, price FROM p ORDER BY product")
    assert unsupported("Lamp leads.", hidden) == []
    assert unsupported("Lamp leads.", shown) == ["Lamp"]


def test_words_without_end_need_no_evidence_and_numbers_among_them_do() -> None:
    words = "and more word and more " * 8_000
    assert unsupported(f"Bern leads with 94,995 {words}.", REGIONS) == []
    assert unsupported(f"Bern leads with 94,995 {words} and 77 orders.", REGIONS) == ["77"]
    assert unsupported(f"Bern leads with 94,995 {words} and seventy orders.", REGIONS) == [
        "seventy"
    ]
