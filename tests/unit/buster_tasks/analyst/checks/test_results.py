"""TRUNCATED_EVIDENCE, EMPTY_EVIDENCE and ALL_NULL."""

import pytest

from buster_tasks.sources.base import QueryColumn, QueryResult
from tests.unit.buster_tasks.analyst.checks.shop import codes


@pytest.mark.parametrize(
    ("rows", "truncated", "told"),
    [
        ([], False, ["EMPTY_EVIDENCE"]),
        ([(None, None)], False, ["ALL_NULL"]),
        ([(None, None), (None, None)], False, ["ALL_NULL"]),
        ([(1, None)], True, ["TRUNCATED_EVIDENCE"]),
        ([(None, None)], True, ["TRUNCATED_EVIDENCE", "ALL_NULL"]),
        ([(0, None)], False, []),
        ([(1, 2)], False, []),
        ([("", "")], False, []),
        ([(None, 1), (None, None)], False, []),
        ([(False, 0)], False, []),
    ],
)
def test_what_a_result_shows(
    rows: list[tuple[object, ...]], truncated: bool, told: list[str]
) -> None:
    result = QueryResult((QueryColumn("a"), QueryColumn("b")), rows, truncated=truncated)
    assert codes("SELECT a, b FROM t", result=result) == told
