import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given, strategies as st

from buster_tasks.sources.postgres.patterns import condition, parameters, regular_expression

LETTERS = st.text(alphabet="ab-!]^*?[\\.$é\n", max_size=6)


@given(LETTERS, LETTERS)
@example("[!a]", "b")
@example("[]a]", "]")
@example("[!]a]", "b")
@example("[b-a]", "a")
@example("[!b-a]", "b")
@example("[a-]", "-")
@example("[^a]", "^")
@example("[a", "[a")
@example("[]", "[]")
@example("*a*", "\na")
def test_it_matches_what_fnmatch_does(glob: str, name: str) -> None:
    expression = regular_expression(glob)
    # what is written here is understood by Python's expressions too, in which `.` takes a line end when told so
    found = expression is not None and re.search(expression.replace("$", r"\Z"), name, re.DOTALL)
    assert bool(found) == fnmatchcase(name, glob)


def test_only_globs_become_expressions() -> None:
    assert parameters("tables", ["orders", "a.b", "o*", "x\0", "\0*"]) == {
        "tables_names": ["orders", "a.b", "o*"],
        "tables_globs": ["^o.*$"],
    }


@pytest.mark.parametrize("pattern", ["'; DROP TABLE t; --", "%(x)s", "{}"])
def test_no_pattern_is_in_the_sql(pattern: str) -> None:
    sql = condition("tables", ["c.relname::text"])
    assert pattern not in sql
    assert "%(tables_names)s" in sql
    assert "%(tables_globs)s" in sql
