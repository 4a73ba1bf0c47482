"""What introspection finds on a real MariaDB."""

from collections.abc import Callable
from typing import Any

import pytest

from buster_tasks.sources import Filters
from buster_tasks.sources.mysql import MysqlSource
from buster_tasks.sources.schema import Column, Introspection

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., MysqlSource]

TYPES = """
CREATE TABLE kinds (
    id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY COMMENT 'the ''key'' é',
    plain VARCHAR(20) NOT NULL DEFAULT 'it''s',
    word_null VARCHAR(5) DEFAULT 'NULL',
    nothing INT,
    amount DECIMAL(10, 2) UNSIGNED DEFAULT 1.50,
    state ENUM('a', 'b''c', 'd,e') DEFAULT 'a',
    flags SET('x', 'y'),
    document JSON,
    made DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
    seen TIMESTAMP NULL,
    doubled INT AS (nothing * 2) VIRTUAL,
    tripled INT AS (nothing * 3) STORED,
    secret INT INVISIBLE,
    place POINT,
    bits BIT(5) DEFAULT b'101',
    yes BOOLEAN,
    hash BINARY(16),
    token UUID,
    german VARCHAR(9) COLLATE utf8mb4_german2_ci,
    CONSTRAINT positive CHECK (amount > 0)
) COMMENT 'all ''kinds'''
"""


def by_name(found: Introspection, table: str) -> dict[str, Column]:
    return {column.name: column for column in found.columns if column.table == table}


async def test_types_defaults_and_the_rest_of_columns(account: Any, source: MysqlSource) -> None:
    account.run(TYPES)
    found = await source.introspect()
    columns = by_name(found, "kinds")
    assert [column.position for column in columns.values()] == list(range(1, 20))
    assert {name: column.normalized_type for name, column in columns.items()} == {
        "id": "integer", "plain": "text", "word_null": "text", "nothing": "integer", "amount": "decimal",
        "state": "text", "flags": "text", "document": "json", "made": "timestamp", "seen": "timestamptz",
        "doubled": "integer", "tripled": "integer", "secret": "integer", "place": "geography",
        "bits": "integer", "yes": "boolean", "hash": "binary", "token": "uuid", "german": "text",
    }  # fmt: skip
    defaults = {name: one.default_value for name, one in columns.items() if one.default_value}
    assert defaults == {
        "plain": "'it''s'", "word_null": "'NULL'", "amount": "1.50", "state": "'a'",
        "made": "current_timestamp(3)", "bits": "b'101'",
    }  # fmt: skip
    first = columns["id"]
    assert (first.identity, first.is_primary_key, first.is_nullable) == (
        "autoincrement",
        True,
        False,
    )
    assert (first.comment, first.data_type) == ("the 'key' é", "int(10) unsigned")
    assert first.metadata == {"unsigned": True}
    assert (columns["amount"].precision, columns["amount"].scale) == (10, 2)
    assert (columns["plain"].max_length, columns["hash"].max_length) == (20, 16)
    assert columns["state"].metadata == {"values": ["a", "b'c", "d,e"]}
    assert columns["made"].metadata == {"onUpdate": "current_timestamp(3)"}
    assert columns["secret"].metadata == {"invisible": True}
    assert columns["german"].metadata == {"collation": "utf8mb4_german2_ci"}
    generated = [
        (columns[name].generated_kind, columns[name].generated_expression)
        for name in ("doubled", "tripled")
    ]
    assert generated == [("virtual", "`nothing` * 2"), ("stored", "`nothing` * 3")]
    [table] = found.tables
    assert table.comment == "all 'kinds'"
    assert table.metadata["checks"] == ["json_valid(`document`)", "`amount` > 0"]
    assert (found.complete, found.issues) == (True, [])


async def test_keys_and_indexes(account: Any, source: MysqlSource) -> None:
    account.run(
        "CREATE TABLE parent (a INT, b INT, PRIMARY KEY (b, a))",
        """CREATE TABLE child (
            id INT PRIMARY KEY, pb INT, pa INT, word TEXT,
            CONSTRAINT `to parent` FOREIGN KEY (pb, pa) REFERENCES parent (b, a)
                ON DELETE CASCADE ON UPDATE SET NULL,
            UNIQUE KEY whole (pa, pb), UNIQUE KEY start (word(7)),
            KEY mixed (word(10) DESC, pa) COMMENT 'why', KEY unused (pa) IGNORED, FULLTEXT KEY words (word)
        )""",
    )
    found = await source.introspect()
    assert [(key.table, key.columns, key.name) for key in found.primary_keys] == [
        ("child", ["id"], "PRIMARY"), ("parent", ["b", "a"], "PRIMARY"),
    ]  # fmt: skip
    assert [(key.name, key.columns) for key in found.unique_keys] == [("whole", ["pa", "pb"])]
    [reference] = found.foreign_keys
    assert (reference.name, reference.source_columns) == ("to parent", ["pb", "pa"])
    assert (reference.referenced_table, reference.referenced_columns) == ("parent", ["b", "a"])
    assert (reference.referenced_schema, reference.referenced_database) == (
        account.name,
        account.name,
    )
    assert (reference.on_delete, reference.on_update) == ("CASCADE", "SET NULL")
    indexes = {index.name: index for index in found.indexes if index.table == "child"}
    assert set(indexes) == {"PRIMARY", "whole", "start", "mixed", "unused", "words", "to parent"}
    mixed = [
        (part.column, part.prefix_length, part.is_descending) for part in indexes["mixed"].parts
    ]
    assert mixed == [("word", 10, True), ("pa", None, False)]
    assert indexes["mixed"].metadata == {"comment": "why"}
    assert indexes["unused"].metadata == {"invisible": True}
    assert (indexes["words"].type, indexes["start"].type) == ("fulltext", "btree")
    assert (indexes["start"].is_unique, indexes["PRIMARY"].is_primary_key) == (True, True)
    columns = by_name(found, "child")
    assert [name for name, column in columns.items() if column.is_foreign_key] == ["pb", "pa"]


async def test_views_partitions_and_what_is_no_table(account: Any, source: MysqlSource) -> None:
    account.run(
        "CREATE TABLE t (a INT, d DATE) PARTITION BY RANGE (YEAR(d)) SUBPARTITION BY HASH (a) SUBPARTITIONS 2 "
        "(PARTITION old VALUES LESS THAN (2020), PARTITION rest VALUES LESS THAN MAXVALUE)",
        "CREATE TABLE history (a INT) WITH SYSTEM VERSIONING",
        "CREATE SEQUENCE numbers",
        "CREATE VIEW v AS SELECT a FROM t",
    )
    found = await source.introspect()
    assert [table.name for table in found.tables] == ["history", "t"]
    history, table = found.tables
    assert history.metadata["systemVersioned"] is True
    assert table.partition_keys == ["d", "a"]
    assert table.metadata["partitioning"] == {
        "method": "RANGE", "expression": "year(`d`)", "subpartitionMethod": "HASH",
        "subpartitionExpression": "`a`",
        "partitions": [{"name": "old", "values": "2020"}, {"name": "rest", "values": "MAXVALUE"}],
    }  # fmt: skip
    [view] = found.views
    assert view.definition == f"select `{account.name}`.`t`.`a` AS `a` from `{account.name}`.`t`"
    assert by_name(found, "v")["a"].is_primary_key is None
    assert found.complete


async def test_counts_are_estimates_and_sizes_are_known(account: Any, source: MysqlSource) -> None:
    account.run(
        "CREATE TABLE t (a INT PRIMARY KEY, b INT, KEY (b))",
        "INSERT INTO t SELECT seq, seq % 10 FROM seq_1_to_1000",
        "ANALYZE TABLE t",
    )
    found = await source.introspect(statistics="catalog")
    [table] = found.tables
    assert (table.row_count, table.row_count_kind) == (1000, "estimate")
    assert table.size_bytes is not None
    assert table.size_bytes >= 2 * 16384
    assert table.created is not None
    assert table.created.utcoffset() is not None
    columns = by_name(found, "t")
    assert [one.statistics_kind for one in columns.values()] == ["estimate", "estimate"]
    assert columns["a"].distinct_count == 1000
    assert columns["b"].distinct_count in range(5, 50)
    assert (await source.introspect()).columns[0].distinct_count is None


NASTY = [
    "select", "a`b", "a'b", 'a"b', "two\nlines", "100%", "%s", "%(a)s", "{a}", "\\", "x" * 64, "é" * 32, "日本語",
    " leading", "semi;colon", "--", "/*", "a.b", "Case", "case", "[a]", "*", "_", "\u202eltr", "tab\there", "#",
]  # fmt: skip


async def test_nasty_names_survive(account: Any, source: MysqlSource) -> None:
    for number, name in enumerate(NASTY):
        quoted = source.quote(name)
        comment = f"no. {number} of {name}".replace("\\", "\\\\").replace("'", "''")
        account.run(
            f"CREATE TABLE {quoted} ({quoted} INT COMMENT '{comment}', other INT, "
            f"CONSTRAINT {quoted} UNIQUE ({quoted}))"
        )
    found = await source.introspect()
    assert sorted(table.name for table in found.tables) == sorted(NASTY)
    assert [(one.table, one.columns) for one in found.unique_keys] == [
        (name, [name]) for name in sorted(NASTY)
    ]
    comments = {
        column.table: column.comment for column in found.columns if column.name == column.table
    }
    assert comments == {name: f"no. {number} of {name}" for number, name in enumerate(NASTY)}
    for name in NASTY:
        exact = await source.introspect(Filters(tables=[name]))
        assert name in [table.name for table in exact.tables]
        result = await source.execute(f"SELECT {source.quote(name)} FROM {source.quote(name)}")
        assert [column.name for column in result.columns] == [name]


async def test_emoji_survive_where_the_server_takes_them(account: Any, source: MysqlSource) -> None:
    account.run("CREATE TABLE t (a VARCHAR(9) DEFAULT '🦊')", "INSERT INTO t VALUES ('🐻')")
    found = await source.introspect()
    assert found.columns[0].default_value in (
        "'🦊'",
        "'\\xF0\\x9F\\xA6\\x8A'",
        "'?'",
    )  # its catalog is utf8mb3
    result = await source.execute("SELECT a, '🦊' AS fox FROM t")
    assert result.rows == [("🐻", "🦊")]


async def test_same_names_in_two_databases_are_not_mixed(account: Any, source: MysqlSource) -> None:
    other = f"{account.name}_b"
    account.run(
        "CREATE TABLE t (a INT PRIMARY KEY, KEY k (a)) COMMENT 'one'",
        f"CREATE DATABASE {other}",
        f"GRANT ALL ON {other}.* TO {account.name}@'%'",
        f"CREATE TABLE {other}.t (b INT, c INT, PRIMARY KEY (c), CONSTRAINT f FOREIGN KEY (b) "
        f"REFERENCES {account.name}.t (a), KEY k (b, c)) COMMENT 'two'",
    )
    found = await source.introspect()
    narrow = await source.introspect(Filters(schemas=[other], tables=["t"]))
    spelt = await source.introspect(Filters(tables=[f"{other}.t", "no*"]))
    account.run(f"DROP DATABASE {other}")
    assert [one.name for one in found.databases] == [account.name, other]
    assert [(one.name, one.database) for one in found.schemas] == [
        (account.name, account.name),
        (other, other),
    ]
    assert [(one.schema_name, one.comment) for one in found.tables] == [
        (account.name, "one"),
        (other, "two"),
    ]
    assert [(one.schema_name, one.columns) for one in found.primary_keys] == [
        (account.name, ["a"]), (other, ["c"]),
    ]  # fmt: skip
    keys = [(one.schema_name, one.columns) for one in found.indexes if one.name == "k"]
    assert keys == [(account.name, ["a"]), (other, ["b", "c"])]
    [reference] = found.foreign_keys
    assert (reference.source_database, reference.referenced_database) == (other, account.name)
    assert [column.name for column in narrow.columns] == ["b", "c"]
    assert [one.name for one in narrow.databases] == [other]
    assert [column.name for column in spelt.columns] == ["b", "c"]


async def test_filters_are_narrow_and_a_useless_one_is_told(
    account: Any, source: MysqlSource
) -> None:
    account.run(
        *(f"CREATE TABLE {name} (a INT)" for name in ("orders", "order_lines", "orders2", "Kunden"))
    )

    async def names(**filters: Any) -> list[str]:
        return [table.name for table in (await source.introspect(Filters(**filters))).tables]

    assert await names(tables=["order*"]) == ["order_lines", "orders", "orders2"]
    assert await names(tables=["orders?", "[Kk]unden"]) == ["Kunden", "orders2"]
    assert await names(exclude_tables=[f"{account.name}.o*"]) == ["Kunden"]
    assert await names(tables=["order_"]) == []
    assert await names(databases=["information_schema"]) == []
    found = await source.introspect(Filters(tables=["kunden", "orders"]))
    assert [table.name for table in found.tables] == ["orders"]
    [issue] = found.issues
    assert (issue.code, issue.object, "Kunden" in issue.fix) == (
        "FILTER_MATCHES_NOTHING",
        "kunden",
        True,
    )


async def test_the_number_of_statements_is_constant(account: Any, source: MysqlSource) -> None:
    async def statements() -> int:
        before = source.statements
        await source.introspect()
        return source.statements - before

    account.run("CREATE TABLE t (a INT PRIMARY KEY)", "CREATE VIEW v AS SELECT a FROM t")
    account.run("CREATE TABLE p (a INT) PARTITION BY HASH (a)")
    few = await statements()
    account.run(
        *(f"CREATE TABLE t{number} (a INT PRIMARY KEY, b INT, KEY (b))" for number in range(40))
    )
    assert await statements() == few
    assert few == 8  # seven of the catalog, and SHOW GRANTS


async def test_a_limit_of_rows_on_the_server_cuts_nothing(
    account: Any, source: MysqlSource
) -> None:
    account.run("CREATE TABLE t (a INT, b INT, c INT)", "SET GLOBAL sql_select_limit = 2")
    try:
        found = await source.introspect()
    finally:
        account.run("SET GLOBAL sql_select_limit = DEFAULT")
    assert [column.name for column in found.columns] == ["a", "b", "c"]


async def test_a_broken_view_is_an_issue_and_the_rest_is_there(
    account: Any, source: MysqlSource
) -> None:
    account.run(
        "CREATE TABLE t (a INT)",
        "CREATE TABLE u (a INT)",
        "CREATE VIEW v AS SELECT a FROM u",
        "DROP TABLE u",
    )
    found = await source.introspect()
    assert [(table.name, len(found.views)) for table in found.tables] == [("t", 1)]
    [issue] = found.issues
    assert (issue.code, issue.object, found.complete) == (
        "OBJECT_UNREADABLE",
        f"{account.name}.v",
        False,
    )


async def with_rights(account: Any, source: MysqlSource, *grants: str) -> Introspection:
    """Introspected with these rights in place of all."""
    account.run(
        "CREATE TABLE n (a INT PRIMARY KEY)",
        "CREATE TABLE p (a INT, b INT, CONSTRAINT f FOREIGN KEY (b) REFERENCES n (a) ON DELETE CASCADE)",
        "CREATE VIEW v AS SELECT a FROM p",
        f"REVOKE ALL ON {account.name}.* FROM {account.name}@'%'",
        *(f"GRANT {grant.format(db=account.name)} TO {account.name}@'%'" for grant in grants),
    )
    return await source.introspect()


async def test_select_alone_hides_the_text_of_views_and_the_actions_of_foreign_keys(
    account: Any, source: MysqlSource
) -> None:
    found = await with_rights(account, source, "SELECT ON {db}.*")
    codes = [issue.code for issue in found.issues]
    assert codes == ["VIEW_DEFINITION_HIDDEN", "FOREIGN_KEY_ACTIONS_HIDDEN"]
    assert not found.complete
    assert found.views[0].definition is None
    assert (found.foreign_keys[0].source_columns, found.foreign_keys[0].on_delete) == (["b"], None)


async def test_the_fixes_can_be_carried_out_as_they_are(account: Any, source: MysqlSource) -> None:
    found = await with_rights(account, source, "SELECT (a) ON {db}.p")
    account.run(*(issue.fix for issue in found.issues))
    found = await source.introspect()
    assert (found.issues, found.complete) == ([], True)


async def test_with_the_rights_that_the_fixes_name_all_is_there(
    account: Any, source: MysqlSource
) -> None:
    found = await with_rights(account, source, "SELECT, SHOW VIEW, REFERENCES ON {db}.*")
    assert (found.issues, found.complete) == ([], True)
    assert found.foreign_keys[0].on_delete == "CASCADE"


async def test_rights_by_a_role_count(account: Any, open_source: OpenSource) -> None:
    role = f"{account.name}_role"
    account.run(
        f"CREATE ROLE {role}",
        f"GRANT SELECT, SHOW VIEW, REFERENCES ON {account.name}.* TO {role}",
        f"GRANT {role} TO {account.name}@'%'",
        f"SET DEFAULT ROLE {role} FOR {account.name}@'%'",
    )
    found = await with_rights(account, open_source())
    account.run(f"DROP ROLE {role}")
    assert (found.issues, found.complete) == ([], True)


@pytest.mark.parametrize(
    ("grants", "tables"),
    [
        (["EXECUTE ON {db}.*"], []),
        (["SELECT ON {db}.n"], ["n"]),
        (["SELECT (a) ON {db}.p"], ["p"]),
    ],
)
async def test_what_the_catalog_may_hide_is_told(
    account: Any, source: MysqlSource, grants: list[str], tables: list[str]
) -> None:
    found = await with_rights(account, source, *grants)
    assert [table.name for table in found.tables] == tables
    assert "PERMISSION_DENIED" in [issue.code for issue in found.issues]
    assert account.name in found.issues[0].message
    assert "GRANT SELECT" in found.issues[0].fix
    assert not found.complete


async def test_without_any_right_there_is_no_empty_success(
    account: Any, open_source: OpenSource
) -> None:
    source = open_source(database="information_schema")
    found = await with_rights(account, source)
    assert (found.tables, found.complete) == ([], False)
    assert [issue.code for issue in found.issues] == ["PERMISSION_DENIED"]


async def test_progress_goes_up_to_one(account: Any, source: MysqlSource) -> None:
    account.run("CREATE TABLE t (a INT)", "CREATE VIEW v AS SELECT a FROM t")
    told: list[tuple[float, dict[str, int]]] = []

    async def progress(phase: str, fraction: float, counts: Any) -> None:
        assert phase == "introspecting"
        told.append((fraction, dict(counts)))

    await source.introspect(progress=progress)
    fractions = [fraction for fraction, _counts in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert {"tables": 1, "views": 1} in [counts for _fraction, counts in told]
