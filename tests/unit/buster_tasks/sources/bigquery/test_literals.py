"""Values of options as BigQuery writes them."""

import pytest
from pydantic import JsonValue

from buster_tasks.sources.bigquery.literals import value_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"orders"', "orders"),
        (r'"a \"b\" \\ \n\t\x41\u00e9\101 c"', 'a "b" \\ \n\tAéA c'),
        ("'it''", "'it''"),
        (r"'it\'s'", "it's"),
        (r'r"a\n"', r"a\n"),
        ('"""two\n"lines" end"""', 'two\n"lines" end'),
        ("true", True),
        ("NULL", None),
        ("30.0", 30.0),
        ("007", 7),
        ("-5", -5),
        ('TIMESTAMP "2025-01-01"', "2025-01-01"),
        ('["a", "b",]', ["a", "b"]),
        ('[STRUCT("a", "b"), ("c", NULL)]', [["a", "b"], ["c", None]]),
        ("[]", []),
        ('["open', '["open'),
        ('"a" "b"', '"a" "b"'),
        ("INTERVAL", "INTERVAL"),
        ("", ""),
        ("[" * 10_000, "[" * 10_000),
    ],
)
def test_values(text: str, value: JsonValue) -> None:
    assert value_of(text) == value
