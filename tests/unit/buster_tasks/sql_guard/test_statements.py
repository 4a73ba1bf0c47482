"""Statements from the manuals of the databases: what writes, waits or reaches out is refused, analysis is allowed."""

from buster_tasks.sql_guard import Allowed, Code, Refused, check

FEWEST = 60


def test_hostile_statements_are_refused(dialect: str, hostile: list[str]) -> None:
    assert len(hostile) >= FEWEST
    assert [sql for sql in hostile if isinstance(check(sql, dialect), Allowed)] == []


def test_refusals_say_why_and_what_to_do(dialect: str, hostile: list[str]) -> None:
    for sql in hostile:
        refused = check(sql, dialect)
        assert isinstance(refused, Refused)
        assert refused.code in Code
        assert refused.reason.endswith((".", ")"))
        assert refused.fix.endswith(".")
        assert "\x1b" not in refused.reason
        assert len(refused.reason) < 500


def test_legitimate_statements_are_allowed(dialect: str, legitimate: list[str]) -> None:
    assert len(legitimate) >= FEWEST
    verdicts = {sql: check(sql, dialect) for sql in legitimate}
    assert {sql: v for sql, v in verdicts.items() if isinstance(v, Refused)} == {}


def test_what_is_allowed_is_allowed_again_as_it_is(dialect: str, legitimate: list[str]) -> None:
    for sql in legitimate:
        allowed = check(sql, dialect)
        assert isinstance(allowed, Allowed)
        assert check(allowed.sql, dialect) == allowed


def test_hostile_parts_are_found_anywhere(dialect: str, legitimate: list[str]) -> None:
    for place in (
        "SELECT evil_function(1)",
        "SELECT a FROM t WHERE b = evil_function(1)",
        "SELECT a FROM t ORDER BY evil_function(1)",
        "SELECT a FROM t GROUP BY evil_function(1)",
        "SELECT count(*) FROM t GROUP BY a HAVING evil_function(1) = 1",
        "SELECT sum(a) OVER (PARTITION BY evil_function(1) ORDER BY a) FROM t",
        "SELECT CASE WHEN a = 1 THEN evil_function(1) ELSE 2 END FROM t",
        "SELECT coalesce(a, evil_function(1)) FROM t",
        "SELECT a FROM t JOIN u ON evil_function(1) = u.a",
        "SELECT a FROM (SELECT evil_function(1) AS a) x",
        "WITH x AS (SELECT evil_function(1) AS a) SELECT a FROM x",
        "SELECT a FROM t WHERE a IN (SELECT evil_function(1))",
        "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE evil_function(1) = 1)",
        "SELECT a FROM t UNION ALL SELECT evil_function(1)",
        "SELECT CAST(evil_function(1) AS INT)",
        "SELECT (((evil_function(1))))",
        "SELECT a FROM t WHERE a BETWEEN 1 AND evil_function(1)",
        "SELECT a FROM t WHERE a LIKE evil_function('x')",
        "SELECT -evil_function(1) + 2",
    ):
        refused = check(place, dialect)
        assert isinstance(refused, Refused), place
        assert refused.code == Code.FUNCTION_NOT_ALLOWED, (place, refused)
        assert "evil_function" in refused.reason
        harmless = place.replace("evil_function", "abs")
        assert isinstance(check(harmless, dialect), Allowed), harmless
