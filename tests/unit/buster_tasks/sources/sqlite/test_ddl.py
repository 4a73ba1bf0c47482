import pytest
from hypothesis import given, strategies as st

from buster_tasks.sources.sqlite.ddl import read_index, read_module, read_table, read_view


def test_a_table_tells_what_the_pragmas_do_not() -> None:
    table = read_table("""
        CREATE TABLE "a ""b"" c" -- (, not a body
        (
            id INTEGER CONSTRAINT pk PRIMARY KEY AUTOINCREMENT,
            [the total] DECIMAL(10, 2) GENERATED ALWAYS AS (round(qty * (price - 1), 2)) STORED,
            note TEXT COLLATE NOCASE DEFAULT 'AS (x), CHECK (y)' /* COLLATE z */,
            half AS (qty / 2),
            qty INT NOT NULL CONSTRAINT some CHECK (qty > 0) CHECK (qty < (9)),
            b_id INT CONSTRAINT not_null NOT NULL CONSTRAINT to_b REFERENCES b (id) ON DELETE SET NULL,
            `c_id` REFERENCES c,
            u TEXT CONSTRAINT one UNIQUE,
            CONSTRAINT two UNIQUE (Note, "half"), UNIQUE (qty),
            CONSTRAINT to_d FOREIGN KEY (b_id, u) REFERENCES d (x, y)
            FOREIGN KEY (u) REFERENCES e
        ) STRICT
    """)
    assert table.generated == {"the total": "round(qty * (price - 1), 2)", "half": "qty / 2"}
    assert table.collations == {"note": "NOCASE"}
    assert (table.autoincrement, table.primary_key_name) == (True, "pk")
    assert table.unique_names == {("u",): "one", ("note", "half"): "two"}
    assert table.foreign_key_names == ["to_b", None, "to_d", None]
    assert table.checks == ["qty > 0", "qty < (9)"]


def test_a_named_table_constraint_keeps_its_name() -> None:
    table = read_table(
        "create table t(a, b, constraint k primary key (a, b), constraint c check(a))"
    )
    assert (table.primary_key_name, table.checks) == ("k", ["a"])


def test_names_that_look_like_keywords_are_names() -> None:
    table = read_table(
        """create table "check"("constraint" text, 'collate' int as (1), [as] int)"""
    )
    assert table.generated == {"collate": "1"}
    assert (table.checks, table.foreign_key_names, table.collations) == ([], [], {})


@pytest.mark.parametrize("sql", [None, "", "CREATE TABLE t", "CREATE VIRTUAL TABLE t USING check"])
def test_a_text_without_a_body_tells_nothing(sql: str | None) -> None:
    table = read_table(sql)
    assert (table.generated, table.autoincrement, table.checks) == ({}, False, [])


@pytest.mark.parametrize(
    ("sql", "parts", "predicate"),
    [
        ("CREATE INDEX i ON t (a, b DESC)", ("a", "b"), None),
        ("CREATE UNIQUE INDEX i ON t(lower(a) COLLATE nocase ASC)", ("lower(a)",), None),
        ('CREATE INDEX i ON "t (x)" (a + (b), "c, d") WHERE a > 1 AND b', ("a + (b)", '"c, d"'), "a > 1 AND b"),
        ("CREATE INDEX i ON t (substr(a, 1, 2)) where (a)", ("substr(a, 1, 2)",), "(a)"),
        ("CREATE INDEX i", (), None),
        (None, (), None),
    ],
)  # fmt: skip
def test_an_index_tells_its_expressions_and_predicate(
    sql: str | None, parts: tuple[str, ...], predicate: str | None
) -> None:
    index = read_index(sql)
    assert (index.parts, index.predicate) == (parts, predicate)


@pytest.mark.parametrize(
    ("sql", "query"),
    [
        ("CREATE VIEW v AS SELECT 1 AS one", "SELECT 1 AS one"),
        ('CREATE VIEW "as" (a, b) AS\n  SELECT 1, 2 ', "SELECT 1, 2"),
        ("CREATE VIEW v", "CREATE VIEW v"),
        (None, None),
    ],
)
def test_a_view_tells_its_query(sql: str | None, query: str | None) -> None:
    assert read_view(sql) == query


@pytest.mark.parametrize(
    ("sql", "module"),
    [
        ("CREATE VIRTUAL TABLE t USING fts5(a, b)", "fts5"),
        ('CREATE VIRTUAL TABLE "using" USING "my module"', "my module"),
        ("CREATE TABLE t (a)", None),
        (None, None),
    ],
)
def test_a_virtual_table_tells_its_module(sql: str | None, module: str | None) -> None:
    assert read_module(sql) == module


PIECES = st.sampled_from([
    "CREATE TABLE t ", "(", ")", ",", "'", '"', "`", "[", "]", "--", "/*", "*/", "\n", "AS", "CHECK", "CONSTRAINT",
    "REFERENCES", "UNIQUE", "PRIMARY KEY", "FOREIGN KEY", "COLLATE", "AUTOINCREMENT", "WHERE", "USING", "ASC", " x ",
    "é", "😀", "\0",
])  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
def test_no_text_is_too_odd_to_read(text: str) -> None:
    read_table(text)
    read_index(text)
    read_view(text)
    read_module(text)


def test_a_long_text_is_read_in_time() -> None:
    # quadratic work here would take minutes, beyond the time limit of a test
    read_table(f"CREATE TABLE t (a CHECK (a IN ({', '.join(['1'] * 200_000)})))")
    read_table("CREATE TABLE t (a AS " + "(" * 100_000)
    read_table("CREATE TABLE t (a DEFAULT " + "'" * 100_001 + " CHECK (a))")
