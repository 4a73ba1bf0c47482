"""A shop whose keys, references and values are known."""

from buster_tasks.analyst.checks import ColumnFacts, Facts, Reference, TableFacts, check_statement
from buster_tasks.analyst.findings import Check
from buster_tasks.sources.base import QueryColumn, QueryResult


def table(
    name: str, columns: list[ColumnFacts], *keys: str, refers: dict[str, str] | None = None
) -> TableFacts:
    return TableFacts(
        name,
        "public",
        {column.name: column for column in columns},
        tuple(frozenset(key.split()) for key in keys),
        tuple(Reference((column,), to, ("id",)) for column, to in (refers or {}).items()),
    )


def text(name: str, *values: str, nullable: bool | None = None) -> ColumnFacts:
    return ColumnFacts(name, "text", nullable, frozenset(values) if values else None)


def whole(name: str, *, nullable: bool | None = False) -> ColumnFacts:
    return ColumnFacts(name, "integer", nullable)


SHOP = Facts(
    {
        one.name: [one]
        for one in (
            table(
                "customers",
                [whole("id"), text("name"), text("country", "France", "Germany", "New Zealand")],
                "id",
            ),
            table(
                "orders",
                [
                    whole("id"),
                    whole("customer_id", nullable=True),
                    text("status", "open", "paid", "sent"),
                    ColumnFacts("amount", "decimal"),
                    ColumnFacts("placed_at", "timestamp", has_times=True),
                    ColumnFacts("due", "date"),
                    whole("points"),
                ],
                "id",
                refers={"customer_id": "customers"},
            ),
            table(
                "lines",
                [
                    whole("order_id"),
                    whole("number"),
                    whole("product_id"),
                    whole("quantity"),
                    ColumnFacts("price", "decimal"),
                ],
                "order_id number",
                refers={"order_id": "orders", "product_id": "products"},
            ),
            table(
                "products",
                [whole("id"), text("title"), ColumnFacts("cost", "decimal"), text("code")],
                "id",
                "code",
            ),
            table(
                "payments",
                [whole("id"), whole("order_id"), ColumnFacts("paid", "decimal")],
                "id",
                refers={"order_id": "orders"},
            ),
            table("notes", [text("body"), whole("order_id")]),
        )
    }
)
SOME = QueryResult((QueryColumn("a"), QueryColumn("b")), [("x", 5), ("y", 3)], truncated=False)
NONE = QueryResult((QueryColumn("a"),), [], truncated=False)


def checks(
    sql: str, dialect: str = "postgres", result: QueryResult = SOME, *, question: str = ""
) -> list[Check]:
    return check_statement(sql, dialect, result, SHOP, question=question)


def codes(
    sql: str, dialect: str = "postgres", result: QueryResult = SOME, *, question: str = ""
) -> list[str]:
    return [check.code for check in checks(sql, dialect, result, question=question)]
