import pytest

from buster_tasks.errors import QueryFailedError
from buster_tasks.sources.comments import end_of_comment


@pytest.mark.parametrize(
    ("sql", "rest"),
    [
        ("/* a */ SELECT", " SELECT"),
        ("/* a /* b */ c */SELECT", "SELECT"),
        ("/*/*/**/*/*/ x", " x"),
        ("/***/x", "x"),
    ],
)
def test_a_comment_ends_where_those_within_it_have_ended(sql: str, rest: str) -> None:
    assert sql[end_of_comment(sql, 2) :] == rest


@pytest.mark.parametrize("sql", ["/*", "/* a /* b */", "/*/"])
def test_a_comment_without_an_end_is_wrong_sql(sql: str) -> None:
    with pytest.raises(QueryFailedError, match="no end"):
        end_of_comment(sql, 2)
