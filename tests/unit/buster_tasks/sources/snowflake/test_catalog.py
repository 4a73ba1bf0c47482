"""The catalog's statements parse as Snowflake's SQL, and filters become conditions with every name bound."""

from fnmatch import fnmatchcase

import pytest
import sqlglot
from sqlglot import exp

from buster_tasks.errors import QueryFailedError
from buster_tasks.sources.quoting import in_double_quotes as quote
from buster_tasks.sources.schema import Filters
from buster_tasks.sources.snowflake import catalog
from buster_tasks.sources.snowflake.asking import whole_or_in_parts
from buster_tasks.sources.snowflake.failures import TooMuchError
from buster_tasks.sources.snowflake.narrowing import Condition, of_kept, of_schemas, of_tables

NASTY = 'a"b; DROP TABLE x --'
SELECTS = [catalog.SCHEMATA, catalog.RELATIONS, catalog.NAMES, catalog.COLUMNS, catalog.VIEWS]
SHOWS = [catalog.MATERIALIZED, catalog.PRIMARY_KEYS, catalog.UNIQUE_KEYS, catalog.IMPORTED_KEYS]
CONDITIONS = [
    of_schemas(Filters(), "DB"),
    of_tables(Filters(), "DB"),
    of_schemas(Filters(schemas=["A", "b*"]), "DB"),
    of_tables(Filters(schemas=["A"], tables=["x", "DB.a.y?", NASTY]), "DB"),
    of_kept([("A", "T")], all_of_them=True),
    of_kept([("A", "T"), ("B", NASTY)], all_of_them=False),
    of_kept([("A", "T")], all_of_them=False).within("A"),
    of_kept([("A", f"T{at}") for at in range(2_000)], all_of_them=False),
]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("sql", SELECTS)
def test_a_select_parses_with_as_many_marks_as_values(sql: str, condition: Condition) -> None:
    text = sql.format(
        database=quote(NASTY),
        of_schemas=condition.on("SCHEMA_NAME", "SCHEMA_NAME"),
        of_tables=condition.on("TABLE_SCHEMA", "TABLE_NAME"),
    )
    parsed = sqlglot.parse_one(text, read="snowflake")
    assert isinstance(parsed, exp.Select)
    assert len(list(parsed.find_all(exp.Placeholder))) == len(condition.parameters)
    (table,) = parsed.find_all(exp.Table)
    assert table.catalog == NASTY


@pytest.mark.parametrize(
    "place", [f"DATABASE {quote(NASTY)}", f"SCHEMA {quote('DB')}.{quote(NASTY)}"]
)
@pytest.mark.parametrize("sql", SHOWS)
def test_a_show_is_one_statement(sql: str, place: str) -> None:
    (parsed,) = sqlglot.parse(sql.format(place=place), read="snowflake")
    assert isinstance(parsed, (exp.Show, exp.Command))


@pytest.mark.parametrize(
    "sql", [catalog.FACTS, catalog.DATABASES, catalog.MORE_DATABASES.format(after="'it''s'")]
)
def test_the_rest_parses(sql: str) -> None:
    assert len(sqlglot.parse(sql, read="snowflake")) == 1


def test_names_are_bound_and_never_written_into_the_text() -> None:
    condition = of_tables(Filters(schemas=[NASTY], tables=[NASTY]), "DB")
    assert "DROP" not in condition.sql
    assert condition.parameters == ("INFORMATION_SCHEMA", NASTY, NASTY, NASTY)


def test_a_glob_keeps_its_own_letters() -> None:
    condition = of_schemas(Filters(schemas=["a_b%*", "[ab]c", "d|e?"]), "DB")
    assert condition.parameters[1:] == ("a|_b|%%", "%c", "d||e_")


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("T", {"T"}),
        ("A.T", {"A.T"}),
        ("DB.A.T", {"DB.A.T", "A.T"}),
        ("db.A.T", {"db.A.T", "A.T"}),
        ("D*.A.T", {"D%.A.T", "A.T"}),
        ("OTHER.A.T", {"OTHER.A.T"}),
    ],
)
def test_the_databases_name_may_stand_before_the_schema(pattern: str, wanted: set[str]) -> None:
    assert set(of_tables(Filters(tables=[pattern]), "DB").parameters[1:]) == wanted
    assert fnmatchcase("DB.A.T", "D*.A.T")  # so the condition has to let A.T through


def test_few_names_are_told_and_many_are_not() -> None:
    few = of_kept([("A", "T"), ("B", "T")], all_of_them=False)
    assert few.parameters == ("INFORMATION_SCHEMA", "A", "B", "T")
    many = of_kept([("A", f"T{at}") for at in range(2_000)], all_of_them=False)
    assert many.parameters == ("INFORMATION_SCHEMA", "A")


def test_what_is_too_much_is_asked_schema_by_schema() -> None:
    asked: list[tuple[str, ...]] = []

    def answer(condition: Condition) -> list[str]:
        asked.append(condition.parameters)
        if len(condition.parameters) == 1:
            raise TooMuchError("too much")
        return [condition.parameters[0]]

    whole = Condition("{schema} <> ?", ("INFORMATION_SCHEMA",))
    assert whole_or_in_parts(answer, whole, ["A", "B"]) == ["A", "B"]
    assert asked == [
        ("INFORMATION_SCHEMA",),
        ("A", "INFORMATION_SCHEMA"),
        ("B", "INFORMATION_SCHEMA"),
    ]
    with pytest.raises(QueryFailedError):
        whole_or_in_parts(answer, whole, [])
