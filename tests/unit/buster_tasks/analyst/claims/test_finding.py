"""Findings with their claims written out."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.claims import render_finding, resolve, review_text
from buster_tasks.analyst.evidence import ResultSet
from buster_tasks.analyst.findings import CellRef, Finding, NamedValue, ValueFormat
from buster_tasks.sources.base import QueryColumn, QueryResult


def result(names: str, *rows: tuple[object, ...]) -> ResultSet:
    columns = tuple(QueryColumn(name) for name in names.split())
    return ResultSet(
        "r1", "shop", "SELECT 1", "", QueryResult(columns, list(rows), truncated=False)
    )


MONTHS = result("month revenue orders", ("2024-02", 1250.0, 40), ("2024-03", 1000.0, 30))
VALUES = [
    NamedValue(
        name="revenue",
        cell=CellRef(result="r1", row=1, column="revenue"),
        format="currency",
        unit="$",
    ),
    NamedValue(
        name="before",
        cell=CellRef(result="r1", row=0, column="revenue"),
        format="currency",
        unit="$",
    ),
    NamedValue(name="month", cell=CellRef(result="r1", row=1, column="month"), format="month"),
    NamedValue(name="change", expression="(revenue - before) / before", format="percent"),
]


def rendered(
    claim: str, values: list[NamedValue] = VALUES, results: list[ResultSet] | None = None
) -> Finding:
    finding = Finding(id="f1", claim=claim, values=values, evidence=["r1"])
    return render_finding(finding, [MONTHS] if results is None else results)


def test_a_claim_is_written_out() -> None:
    finding = rendered("Revenue fell by {{change}} to {{revenue}} in {{month}}.")
    assert finding.text == "Revenue fell by 20% to $1,000 in March 2024."
    assert [value.text for value in finding.values] == ["$1,000", "$1,250", "March 2024", "-20%"]
    assert finding.checks == []
    assert finding.verdict == "not_checked"


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ("Revenue rose by {{change}} to {{revenue}} in {{month}}.", "-20%"),
        ("Revenue fell by 21% to {{revenue}} in {{month}}.", "21%"),
        ("Revenue fell by 2% to {{revenue}} in {{month}}.", "2%"),
        ("Revenue was $1,001 in {{month}}.", "$1,001"),
        ("Revenue was {{revenue}} in April 2024.", "April 2024"),
        ("Revenue was {{revenue}} million in {{month}}.", "$1,000 million"),
        ("Revenue was {{revenue}} in {{month}} from thirty-one orders.", "thirty-one"),
        ("Revenue was \u20ac1,000 in {{month}}.", "\u20ac1,000"),
    ],
)
def test_what_is_written_beside_the_values_is_held_against_them(claim: str, told: str) -> None:
    [check] = [one for one in rendered(claim).checks if one.code != "UNUSED_VALUE"]
    assert check.code == "UNSUPPORTED_NUMBER"
    assert check.severity == "error"
    assert repr(told) in check.message


def test_values_that_are_written_as_digits_are_supported_by_their_names() -> None:
    text = "Revenue fell by 20 % from $1,250 to $1,000 in March 2024 (30 orders)."
    verdicts = review_text(text, VALUES, [MONTHS])
    assert all(one.supported for one in verdicts)
    assert {one.by for one in verdicts if one.by.startswith("the value")} >= {
        "the value revenue",
        "the value change",
    }


def test_unknown_places_and_unused_values_are_told() -> None:
    codes = [check.code for check in rendered("Revenue was {{revenu}}.").checks]
    assert codes == ["UNKNOWN_PLACE", "UNUSED_VALUE", "UNUSED_VALUE"]


def test_a_value_that_another_is_computed_of_is_used() -> None:
    finding = rendered("It fell by {{change}}.", VALUES[:2] + VALUES[3:])
    assert finding.checks == []


def test_the_results_of_its_evidence_alone_count() -> None:
    other = ResultSet(
        "r2", "shop", "SELECT 1", "", QueryResult((QueryColumn("n"),), [(77,)], truncated=False)
    )
    assert rendered("There are 77.", [], [MONTHS, other]).checks
    cited = NamedValue(name="n", cell=CellRef(result="r2", column="n"))
    assert not rendered("There are {{n}}.", [cited], [MONTHS, other]).checks


shapes = st.sampled_from(
    ["auto", "integer", "number", "percent", "currency", "date", "month", "text"]
)
exact = st.one_of(
    st.integers(-(10**12), 10**12),
    st.decimals(min_value=-(10**9), max_value=10**9, places=4),
    st.floats(-1e9, 1e9),
    st.dates(date(1700, 1, 1), date(2150, 1, 1)),
    st.none(),
)


@given(exact, shapes, st.none() | st.integers(0, 4), st.sampled_from(["", "$", "EUR", "days", "%"]))
def test_a_value_that_is_filled_in_is_supported(
    cell: object, shape: ValueFormat, decimals: int | None, unit: str
) -> None:
    found = result("thing", (cell,))
    value = NamedValue(
        name="thing",
        cell=CellRef(result="r1", column="thing"),
        format=shape,
        decimals=decimals,
        unit=unit,
    )
    finding = Finding(id="f1", claim="It was {{thing}} then.", values=[value], evidence=["r1"])
    checks = render_finding(finding, [found]).checks
    assert [check for check in checks if check.code == "UNSUPPORTED_NUMBER"] == []


@given(
    st.decimals(min_value=-(10**6), max_value=10**6, places=3),
    st.decimals(min_value=1, max_value=10**6, places=3),
)
def test_what_is_computed_and_filled_in_is_supported(one: Decimal, other: Decimal) -> None:
    found = result("a b", (one, other))
    values = [
        NamedValue(name="a", cell=CellRef(result="r1", column="a")),
        NamedValue(name="b", cell=CellRef(result="r1", column="b")),
        NamedValue(name="ratio", expression="a / b", format="percent"),
        NamedValue(name="gap", expression="a - b", format="number"),
    ]
    claim = "{{a}} and {{b}} make {{ratio}}, and the rest {{gap}}."
    finding = Finding(id="f1", claim=claim, values=values, evidence=["r1"])
    assert render_finding(finding, [found]).checks == []


@given(st.text(max_size=100), st.text(max_size=30), st.text(max_size=12))
def test_no_finding_raises(claim: str, expression: str, column: str) -> None:
    values = [
        NamedValue(name="x", expression=expression),
        NamedValue(name="y", cell=CellRef(result="r1", row=5, column=column)),
        NamedValue(name="z"),
    ]
    resolve(values, [MONTHS])
    render_finding(
        Finding(id="f", claim=f"{claim} {{{{x}}}} {{{{y}}}}", values=values),
        [MONTHS],
        question=claim,
    )
