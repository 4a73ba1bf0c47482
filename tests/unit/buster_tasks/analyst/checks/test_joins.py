"""FAN_OUT, MISSING_JOIN_CONDITION and INNER_JOIN."""

import pytest

from tests.unit.buster_tasks.analyst.checks.shop import checks, codes

FAN_OUT = [
    ("postgres", "SELECT SUM(o.amount) FROM orders o JOIN lines l ON l.order_id = o.id"),
    (
        "mysql",
        (
            "SELECT c.country, AVG(o.amount) FROM customers c JOIN orders o ON o.customer_id = "
            "c.id JOIN lines l ON l.order_id = o.id GROUP BY c.country"
        ),
    ),
    (
        "bigquery",
        "SELECT COUNT(c.id) FROM customers AS c LEFT JOIN orders AS o ON c.id = o.customer_id",
    ),
    (
        "snowflake",
        (
            "SELECT SUM(l.price) FROM lines l JOIN orders o ON o.id = l.order_id JOIN payments p "
            "ON p.order_id = o.id"
        ),
    ),
    (
        "tsql",
        "SELECT SUM(o.amount) FROM orders o, lines l WHERE l.order_id = o.id AND l.quantity > 2",
    ),
    ("sqlite", "SELECT SUM(amount) FROM orders JOIN payments ON payments.order_id = orders.id"),
    (
        "duckdb",
        (
            "SELECT SUM(o.amount) FROM orders o JOIN (SELECT order_id, product_id, SUM(quantity) q "
            "FROM lines GROUP BY order_id, product_id) l ON l.order_id = o.id"
        ),
    ),
    (
        "postgres",
        (
            "WITH big AS (SELECT o.id, SUM(o.amount) AS total FROM orders o JOIN lines l ON "
            "l.order_id = o.id GROUP BY o.id) SELECT SUM(total) FROM big"
        ),
    ),
]
NO_FAN_OUT = [
    (
        "postgres",
        "SELECT SUM(l.quantity * l.price) FROM orders o JOIN lines l ON l.order_id = o.id",
    ),
    (
        "mysql",
        (
            "SELECT c.country, SUM(o.amount) FROM customers c JOIN orders o ON o.customer_id = "
            "c.id GROUP BY c.country"
        ),
    ),
    (
        "bigquery",
        "SELECT COUNT(DISTINCT c.id) FROM customers c JOIN orders o ON o.customer_id = c.id",
    ),
    (
        "snowflake",
        "SELECT MAX(o.amount), MIN(o.amount) FROM orders o JOIN lines l ON l.order_id = o.id",
    ),
    ("tsql", "SELECT COUNT(*) FROM orders o JOIN lines l ON l.order_id = o.id"),
    (
        "sqlite",
        (
            "SELECT SUM(o.amount) FROM orders o JOIN (SELECT order_id, SUM(quantity) q FROM lines "
            "GROUP BY order_id) l ON l.order_id = o.id"
        ),
    ),
    (
        "duckdb",
        (
            "WITH l AS (SELECT DISTINCT order_id FROM lines) SELECT SUM(o.amount) FROM orders o "
            "JOIN l ON l.order_id = o.id"
        ),
    ),
    (
        "postgres",
        (
            "SELECT l.order_id, l.number, SUM(o.amount) FROM orders o JOIN lines l ON l.order_id = "
            "o.id GROUP BY l.order_id, l.number"
        ),
    ),
    (
        "postgres",
        "SELECT SUM(o.amount) FROM orders o JOIN lines l ON l.order_id = o.id AND l.number = 1",
    ),
    (
        "mysql",
        "SELECT SUM(l.quantity * p.cost) FROM lines l JOIN products p ON p.id = l.product_id",
    ),
    (
        "mysql",
        "SELECT SUM(o.amount) FROM orders o JOIN notes n ON n.order_id = o.id",
    ),  # keys are unknown
    ("mysql", "SELECT SUM(o.amount) FROM orders o JOIN elsewhere e ON e.order_id = o.id"),
    (
        "postgres",
        (
            "SELECT SUM(o.amount) FROM orders o WHERE EXISTS (SELECT 1 FROM lines l WHERE "
            "l.order_id = o.id)"
        ),
    ),
    ("redshift", "SELECT SUM(l.price) FROM lines l JOIN products p ON p.code = l.product_id"),
    (
        "postgres",
        (
            "SELECT o.id, SUM(o.amount) OVER (ORDER BY o.id) FROM orders o JOIN lines l ON "
            "l.order_id = o.id"
        ),
    ),
]


@pytest.mark.parametrize(("dialect", "sql"), FAN_OUT)
def test_rows_that_a_join_repeats_are_told(dialect: str, sql: str) -> None:
    assert "FAN_OUT" in codes(sql, dialect)


@pytest.mark.parametrize(("dialect", "sql"), NO_FAN_OUT)
def test_rows_that_are_counted_once_are_not(dialect: str, sql: str) -> None:
    assert "FAN_OUT" not in codes(sql, dialect)


def test_the_message_names_both() -> None:
    [check] = checks("SELECT SUM(o.amount) FROM orders o JOIN lines l ON l.order_id = o.id")
    assert "SUM(o.amount)" in check.message
    assert "the join with l repeats" in check.message


MISSING = [
    ("postgres", "SELECT COUNT(*) FROM orders, customers", "error"),
    ("mysql", "SELECT c.name FROM customers c, orders o WHERE o.amount > 5", "error"),
    ("sqlite", "SELECT c.name FROM customers c JOIN orders o", "error"),
    (
        "tsql",
        "SELECT c.name FROM customers c JOIN orders o ON o.customer_id = c.id, products p",
        "error",
    ),
    ("duckdb", "SELECT COUNT(*) FROM (SELECT * FROM orders) o, (SELECT * FROM lines) l", "error"),
    ("snowflake", "SELECT COUNT(*) FROM customers CROSS JOIN products", "warning"),
    ("sqlite", "SELECT COUNT(*) FROM customers, orders", "error"),
    ("databricks", "SELECT COUNT(*) FROM customers CROSS JOIN orders", "error"),
]
CONNECTED = [
    ("postgres", "SELECT COUNT(*) FROM orders o, customers c WHERE o.customer_id = c.id"),
    ("postgres", "SELECT COUNT(*) FROM orders JOIN lines USING (order_id)"),
    ("mysql", "SELECT COUNT(*) FROM orders NATURAL JOIN lines"),
    ("sqlite", "SELECT COUNT(*) FROM orders a, orders b WHERE a.amount < b.amount"),
    ("bigquery", "SELECT x FROM orders o, UNNEST([1, 2]) AS x"),
    ("snowflake", "SELECT f.value FROM orders o, LATERAL FLATTEN(input => o.points) f"),
    ("postgres", "SELECT d FROM orders o, generate_series(1, 3) AS d"),
    (
        "duckdb",
        "SELECT o.amount / t.total FROM orders o, (SELECT SUM(amount) AS total FROM orders) t",
    ),
    (
        "tsql",
        (
            "SELECT o.amount FROM orders o CROSS APPLY (SELECT TOP 1 l.price FROM lines l WHERE "
            "l.order_id = o.id) x"
        ),
    ),
    ("postgres", "SELECT COUNT(*) FROM elsewhere e, orders o WHERE customer = order_ref"),
    (
        "postgres",
        "WITH t AS (SELECT COUNT(*) AS n FROM orders) SELECT o.id, t.n FROM orders o CROSS JOIN t",
    ),
]


@pytest.mark.parametrize(("dialect", "sql", "severity"), MISSING)
def test_tables_that_nothing_connects_are_told(dialect: str, sql: str, severity: str) -> None:
    found = [
        check.severity for check in checks(sql, dialect) if check.code == "MISSING_JOIN_CONDITION"
    ]
    assert found == [severity]


@pytest.mark.parametrize(("dialect", "sql"), CONNECTED)
def test_tables_that_something_connects_are_not(dialect: str, sql: str) -> None:
    assert "MISSING_JOIN_CONDITION" not in codes(sql, dialect)


INNER = "SELECT c.name, COUNT(o.id) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id, c.name"


@pytest.mark.parametrize(
    ("sql", "question", "told"),
    [
        (INNER, "How many orders for each customer?", True),
        (INNER, "Orders of all customers", True),
        (INNER, "every customer's orders, please", True),
        (
            INNER.replace("customers c JOIN orders o", "orders o JOIN customers c"),
            "For all: orders",
            True,
        ),
        (INNER.replace("JOIN", "INNER JOIN"), "Orders for every customer", True),
        (INNER, "Who has the most orders?", False),
        (INNER, "", False),
        (INNER.replace("JOIN", "LEFT JOIN"), "How many orders for each customer?", False),
        ("SELECT status, COUNT(*) FROM orders GROUP BY status", "How many for each status?", False),
        (
            (
                "SELECT o.id, SUM(o.amount) FROM orders o JOIN customers c ON c.id = o.customer_id "
                "GROUP BY o.id"
            ),
            "for each",
            False,
        ),
    ],
)
def test_inner_joins_under_a_question_for_all(sql: str, question: str, told: bool) -> None:
    found = [
        check.severity for check in checks(sql, question=question) if check.code == "INNER_JOIN"
    ]
    assert found == (["info"] if told else [])
