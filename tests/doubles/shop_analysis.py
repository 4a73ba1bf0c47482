"""An analysis of a demo shop as a report gets it: five findings, metrics, charts on a dashboard, warnings."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from buster_tasks.analyst.charting import ChartRequest, build
from buster_tasks.analyst.evidence import ResultSet
from buster_tasks.analyst.findings import (
    Artifact,
    CellRef,
    Check,
    Dashboard,
    Finding,
    Metric,
    NamedValue,
    Plan,
    PlanStep,
    Query,
)
from buster_tasks.analyst.models import (
    AnalystMetadata,
    AnalystResult,
    AnalystUsage,
    ExecutionStep,
)
from buster_tasks.analyst.state import State
from buster_tasks.sources.base import QueryColumn, QueryResult

QUESTION = "How did revenue develop in 2024, and which products and countries carry it?"
FINISHED_AT = datetime(2025, 1, 7, 9, 30, tzinfo=UTC)

_REVENUE = "41250.40 39840.15 44310.00 47020.75 46100.20 51980.90 55340.35 53210.60 58900.10 61475.80 72310.45 80120.30"
_ORDERS = (512, 498, 530, 561, 549, 602, 640, 618, 667, 701, 835, 902)
_PRODUCTS = [
    ("Walnut standing desk", "98410.00"),
    ("Ergonomic office chair, mesh back", "87230.50"),
    ("27-inch monitor", "74055.20"),
    ("Mechanical keyboard", "51320.75"),
    ("Desk lamp with wireless charger", "40118.30"),
    ("USB-C docking station", "38990.00"),
    ("Noise-cancelling headphones", "35475.60"),
    ("Monitor arm", "29310.10"),
    ("Footrest", "18245.00"),
    ("Cable tray", "9120.45"),
]
_COUNTRIES = [
    ("Germany", 1840),
    ("France", 1212),
    ("Austria", 655),
    ("Netherlands", 430),
    ("Spain", 296),
    ("Italy", 181),
]


def result_set(
    name: str,
    sql: str,
    purpose: str,
    columns: str,
    rows: list[tuple[object, ...]],
    *,
    truncated: bool = False,
) -> ResultSet:
    """A result under this id, its columns by their names."""
    answer = QueryResult(tuple(map(QueryColumn, columns.split())), rows, truncated)
    return ResultSet(name, "shop", sql, purpose, answer, is_ordered=True)


def results() -> dict[str, ResultSet]:
    """The statements of the analysis and what they gave."""
    months = [
        (f"2024-{n:02}", Decimal(revenue), orders)
        for n, (revenue, orders) in enumerate(zip(_REVENUE.split(), _ORDERS, strict=True), 1)
    ]
    found = [
        result_set(
            "r1",
            "SELECT\n  STRFTIME('%Y-%m', ordered_at) AS month,\n  SUM(total) AS revenue,\n  COUNT(*) AS orders\n"
            "FROM orders\nWHERE ordered_at >= '2024-01-01' AND ordered_at < '2025-01-01'\n"
            "GROUP BY 1\nORDER BY 1",
            "Revenue and orders by month",
            "month revenue orders",
            list(months),
        ),
        result_set(
            "r2",
            "SELECT\n  p.name AS product,\n  SUM(i.quantity * i.unit_price) AS revenue\nFROM order_items AS i\n"
            "JOIN products AS p ON p.id = i.product_id\nGROUP BY 1\nORDER BY 2 DESC\nLIMIT 10",
            "Products with the most revenue",
            "product revenue",
            [(name, Decimal(revenue)) for name, revenue in _PRODUCTS],
        ),
        result_set(
            "r3",
            "SELECT\n  country,\n  COUNT(*) AS customers\nFROM customers\nGROUP BY 1\nORDER BY 2 DESC",
            "Customers per country",
            "country customers",
            list(_COUNTRIES),
        ),
        result_set(
            "r4",
            "SELECT\n  id, email, note, created_at\nFROM customers\nWHERE note IS NOT NULL",
            "Customers with a note",
            "id email note created_at",
            [
                (
                    7,
                    "omar@example.com",
                    "العميل يفضل التوصيل في المساء",
                    datetime(2024, 3, 1, 18, 5, tzinfo=UTC),
                ),
                (9, None, "Long: " + "very " * 120 + "long", None),
            ],
            truncated=True,
        ),
    ]
    return {one.id: one for one in found}


def findings() -> list[Finding]:
    """One of each verdict that matters."""
    return [
        Finding(
            id="f1",
            claim="Revenue rose from {{january}} in January to {{december}} in December 2024, by {{growth}}.",
            text="Revenue rose from 41,250.40 EUR in January to 80,120.30 EUR in December 2024, by 94.2%.",
            values=[
                _cell("january", "r1", 0, "revenue", "41250.40", "41,250.40 EUR"),
                _cell("december", "r1", 11, "revenue", "80120.30", "80,120.30 EUR"),
                NamedValue(
                    name="growth",
                    expression="(december - january) / january",
                    format="percent",
                    value="0.9423",
                    text="94.2%",
                ),
            ],
            evidence=["r1"],
            verdict="verified",
        ),
        Finding(
            id="f2",
            claim="The {{product}} is the product with the most revenue, {{revenue}}.",
            text="The Walnut standing desk is the product with the most revenue, 98,410 EUR.",
            values=[
                _cell(
                    "product", "r2", 0, "product", "Walnut standing desk", "Walnut standing desk"
                ),
                _cell("revenue", "r2", 0, "revenue", "98410", "98,410 EUR"),
            ],
            evidence=["r2"],
            verdict="verified",
            checks=[
                Check(
                    code="limited",
                    severity="info",
                    message="The statement keeps the ten largest products; others are not in it.",
                )
            ],
        ),
        Finding(
            id="f3",
            claim="Half of all customers are in Germany.",
            text="Half of all customers are in Germany.",
            evidence=["r3"],
            verdict="contradicted",
            checks=[
                Check(
                    code="number_not_found",
                    severity="error",
                    message="By `r3` it is 1,840 of 4,614, which is 39.9%.",
                )
            ],
        ),
        Finding(
            id="f4",
            claim="November and December bring more than a quarter of the revenue of the year, because of Christmas.",
            text="November and December bring more than a quarter of the revenue of the year, because of Christmas.",
            evidence=["r1"],
            verdict="unsupported",
            checks=[
                Check(code="cause", severity="warning", message="No statement shows the cause.")
            ],
        ),
    ]


def artifacts() -> list[Artifact]:
    """Metrics, charts, a dashboard of them, and the statements."""
    found = results()
    metrics: list[Artifact] = [
        _metric("m1", "Revenue", "651859.99", "currency", "EUR", found["r1"]),
        _metric("m2", "Orders", 7615, "integer", "", found["r1"]),
        _metric("m3", "Customers", 4614, "integer", "", found["r3"]),
        _metric("m4", "Growth, January to December", "0.9423", "percent", "", found["r1"]),
    ]
    charts: list[Artifact] = [
        build(
            ChartRequest(
                kind="line", title="Revenue by month", x="month", y=["revenue"], unit="EUR"
            ),
            found["r1"],
            id="c1",
        ),
        build(
            ChartRequest(
                kind="bar",
                title="Products with the most revenue",
                x="product",
                y=["revenue"],
                unit="EUR",
            ),
            found["r2"],
            id="c2",
        ),
        build(
            ChartRequest(kind="pie", title="Customers per country", x="country", y=["customers"]),
            found["r3"],
            id="c3",
        ),
    ]
    board = Dashboard(
        id="d1",
        name="Revenue 2024",
        description="Orders that were paid, in euros, by the day on which they were placed.",
        rows=[["m1", "m2", "m3", "m4"], ["c1"], ["c2", "c3"]],
    )
    queries = [
        Query(id=f"q{n}", name=one.purpose, evidence=one.evidence())
        for n, one in enumerate(found.values(), 1)
    ]
    return [*metrics, *charts, board, *queries]


def analysis() -> AnalystResult:
    """The whole answer."""
    return AnalystResult(
        status="completed_with_warnings",
        response=(
            "Revenue almost **doubled** over 2024, with the steepest rise in November and December. "
            "Three products bring nearly half of what the ten best sell.\n\n"
            "- Revenue rose from 41,250.40 EUR in January to 80,120.30 EUR in December 2024, by 94.2%.\n"
            "- The Walnut standing desk is the product with the most revenue, 98,410 EUR.\n\n"
            "2 of 4 claims did not hold and are left out."
        ),
        findings=findings(),
        artifacts=artifacts(),
        used_data_sources=["shop"],
        execution_steps=[
            ExecutionStep(
                number=1,
                state=State.SEARCHING,
                tool="search_schema",
                summary="Tables for revenue",
                seconds=0.1,
            ),
            ExecutionStep(
                number=2,
                state=State.ANALYZING,
                tool="run_sql",
                summary="Revenue and orders by month",
                seconds=0.4,
            ),
            ExecutionStep(
                number=3,
                state=State.ANALYZING,
                tool="run_sql",
                summary="DELETE FROM orders",
                ok=False,
                seconds=0.0,
            ),
        ],
        plan=Plan(
            steps=[
                PlanStep(
                    question="How does revenue go by month?",
                    method="Sum of totals by month",
                    done=True,
                ),
                PlanStep(
                    question="Which products bring the most?",
                    method="Sum over order items",
                    done=True,
                ),
                PlanStep(question="Do returns change the picture?"),
            ]
        ),
        assumptions=["Revenue is `orders.total`, taxes included.", "Years are calendar years."],
        warnings=[
            Check(
                code="result_cut",
                severity="warning",
                message="The notes of customers were read to 2 rows: there are more.",
            )
        ],
    )


def metadata() -> AnalystMetadata:
    """What it took."""
    return AnalystMetadata(
        states=[
            State.INITIALIZING,
            State.SEARCHING,
            State.PLANNING,
            State.ANALYZING,
            State.REVIEWING,
        ],
        model="anthropic/claude-sonnet-4-5",
        usage=AnalystUsage(
            model_calls=9,
            prompt_tokens=48_210,
            completion_tokens=2_904,
            cached_tokens=31_000,
            cost_usd=0.1042,
            statements=4,
            seconds={"total": 38.2},
        ),
    )


def _cell(name: str, result: str, row: int, column: str, value: str, text: str) -> NamedValue:
    return NamedValue(
        name=name, cell=CellRef(result=result, row=row, column=column), value=value, text=text
    )


def _metric(
    name: str, title: str, value: str | int, shape: str, unit: str, result: ResultSet
) -> Metric:
    return Metric.model_validate(
        {
            "id": name,
            "name": title,
            "time_frame": "2024",
            "source": result.source,
            "sql": result.sql,
            "evidence": result.id,
            "value": value,
            "format": shape,
            "unit": unit,
        }
    )
