from decimal import Decimal
from typing import Any

import pytest

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics.semantics import semantic_type

U1, U2 = "6f9619ff-8b86-d011-b42d-00c04fc964ff", "{6F9619FF-8B86-D011-B42D-00C04FC964FE}"

TRUE: list[tuple[str, str, NormalizedType, list[Any]]] = [
    ("email", "contact", "text", ["ada@example.org", "a.b+c@sub.example.co.uk", "ünï@exämple.de"]),
    ("url", "x", "text", ["https://example.org/a?b=c", "http://localhost:8080", "s3://bucket/key"]),
    ("uuid", "x", "text", [U1, U2]),
    ("uuid", "x", "uuid", []),
    ("json", "payload", "text", ['{"a": 1}', "[1, 2]", "{}"]),
    ("json", "x", "json", []),
    ("ip_address", "x", "text", ["10.0.0.1", "192.168.1.0/24", "2001:db8::1"]),
    ("date_like", "x", "text", ["2024-02-29", "2024-02-29T12:00:00Z", "20240229T1200"]),
    ("date_like", "x", "text", ["29.02.2024", "1/2/24", "12/31/1999"]),
    ("phone", "x", "text", ["+49 170 1234567", "+1 (415) 555-2671"]),
    ("phone", "mobilePhone", "text", ["0170 1234567", "(415) 555-2671"]),
    ("country", "country_code", "text", ["DE", "fr", "USA"]),
    ("country", "Country", "text", ["Germany", "United States", "France"]),
    ("language", "lang", "text", ["en", "de-AT", "pt_BR"]),
    ("currency", "currency", "text", ["EUR", "usd", "JPY"]),
    ("postal_code", "zip", "text", ["80331", "SW1A 1AA", "1010-AB"]),
    ("postal_code", "zipCode", "integer", [80331, 10115]),
    ("postal_code", "postal_code", "integer", [80331, 10115]),
    ("latitude", "lat", "float", [48.1, -33.9]),
    ("longitude", "geo_lng", "decimal", [Decimal("11.5"), Decimal(-180)]),
    ("longitude", "longitude", "text", ["11.5", "-70.66"]),
    ("percentage", "discount_pct", "float", [0.5, 12.0]),
    ("percentage", "percent_done", "integer", [0, 100]),
    ("percentage", "pct", "text", ["12 %", "0.5%"]),
    ("id", "id", "integer", [1, 2, 3]),
    ("id", "customerID", "integer", [7]),
    ("id", "order_key", "text", ["o-1", "o-2"]),
    ("amount", "total_price", "decimal", [Decimal("1.50")]),
    ("amount", "Amount", "float", [1.0]),
    ("boolean_like", "active", "text", ["Y", "n"]),
    ("boolean_like", "x", "text", ["true", "FALSE"]),
    ("boolean_like", "is_active", "integer", [0, 1]),
    ("code", "product", "text", ["AB-12", "CD-34", "X9"]),
    ("code", "sku", "text", ["widget", "gadget"]),
    ("free_text", "note", "text", ["It was late when we came home.", "Nobody knows what it is for, really."]),
]  # fmt: skip


@pytest.mark.parametrize(("guess", "name", "kind", "values"), TRUE)
def test_what_it_is(guess: str, name: str, kind: NormalizedType, values: list[Any]) -> None:
    assert semantic_type(name, kind, values) == guess


NONE: list[tuple[str, NormalizedType, list[Any]]] = [
    ("name", "text", ["Ada", "Grace", "Alan"]),
    ("word", "text", ["hello", "world", "self-employed"]),
    ("shout", "text", ["HELLO", "WORLD", "SELF-EMPLOYED"]),
    ("title", "text", ["at @ home", "me@home", "@ada"]),
    ("title", "text", ["http", "www.example.org", "https://"]),
    ("text", "text", ["{not json}", "[neither", "{}x"]),
    ("version", "text", ["1.2.3", "10.0", "2.0.1"]),
    ("time", "text", ["12:30", "23:59", "a:b"]),
    ("code_of_nothing", "text", ["DE", "FR", "IT"]),
    ("region", "text", ["DE", "FR", "no country"]),
    ("country", "text", ["Bavaria", "Tyrol", "Burgundy"]),
    ("currency", "text", ["dollars", "euros"]),
    ("number", "text", ["1234567", "7654321"]),
    ("ratio", "float", [0.1, 0.5]),
    ("latest", "float", [1.0, 2.0]),
    ("lat", "float", [48.1, 91.0]),
    ("plate", "integer", [12, 13]),
    ("id", "float", [0.5]),
    ("paid", "integer", [1, 2]),
    ("order_count", "integer", [1, 2]),
    ("price_count", "integer", [1, 2]),
    ("fractions", "text", ["1/2", "3/4", "99/99/9999"]),
    ("day", "text", ["2024-13-45", "9999-99-99"]),
    ("anything", "text", []),
    ("anything", "text", ["", " "]),
    ("flag", "boolean", [True, False]),
    ("when", "date", []),
    ("mixed", "text", ["ada@example.org", "grace", "alan", "edsger"]),
    ("blob", "binary", [b"ada@example.org"]),
]


@pytest.mark.parametrize(("name", "kind", "values"), NONE)
def test_no_guess_is_better_than_a_wrong_one(
    name: str, kind: NormalizedType, values: list[Any]
) -> None:
    assert semantic_type(name, kind, values) is None


def test_nine_of_ten_are_enough() -> None:
    values = [f"user{at}@example.org" for at in range(9)]
    assert semantic_type("x", "text", [*values, "unknown"]) == "email"
    assert semantic_type("x", "text", [*values[:8], "unknown", "none"]) is None


def test_a_category_is_a_few_values_that_come_again() -> None:
    values = ["new", "paid", "sent"]
    assert semantic_type("status", "text", values, rows=1_000) == "category"
    assert semantic_type("status", "text", values, rows=3) is None
    assert (
        semantic_type("status", "text", [f"w{'x' * at}" for at in range(60)], rows=10_000) is None
    )
    assert semantic_type("status", "text", ["x" * 70, "y"], rows=1_000) is None
