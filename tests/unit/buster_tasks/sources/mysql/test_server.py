import pytest

from buster_tasks.errors import SourceNotSupportedError
from buster_tasks.sources.mysql.server import Server


def server(version: str) -> Server:
    return Server(version=version, user="u@%", database="d", connection=7, ignores_case=False)


@pytest.mark.parametrize(
    ("version", "is_mariadb", "number"),
    [
        ("10.11.19-MariaDB-0+deb12u1", True, (10, 11, 19)),
        ("11.4.2-MariaDB", True, (11, 4, 2)),
        ("8.0.36", False, (8, 0, 36)),
        ("8.4.0-aws", False, (8, 4, 0)),
        ("8.0.11-TiDB-v7.5.0", False, (8, 0, 11)),
        ("5.7.44-log", False, (5, 7, 44)),
    ],
)
def test_versions(version: str, is_mariadb: bool, number: tuple[int, ...]) -> None:
    one = server(version)
    assert (one.is_mariadb, one.number) == (is_mariadb, number)
    one.check()


def test_what_each_has() -> None:
    facts = {
        version: (
            one.has_checks,
            one.has_index_expressions,
            one.index_visibility,
            one.has_database_comments,
        )
        for version in ("8.0.36", "8.0.12", "5.7.44", "10.11.2-MariaDB", "10.4.0-MariaDB")
        for one in [server(version)]
    }
    assert facts == {
        "8.0.36": (True, True, "IS_VISIBLE", False),
        "8.0.12": (False, False, "IS_VISIBLE", False),
        "5.7.44": (False, False, None, False),
        "10.11.2-MariaDB": (True, False, "IGNORED", True),
        "10.4.0-MariaDB": (True, False, None, False),
    }


@pytest.mark.parametrize("version", ["5.6.51", "10.2.44-MariaDB", "nonsense"])
def test_servers_too_old_are_refused(version: str) -> None:
    with pytest.raises(SourceNotSupportedError, match=version):
        server(version).check()


def test_limits_are_spelt_for_each() -> None:
    assert server("11.4.2-MariaDB").limits(0.25, 11) == (
        "SET SESSION max_statement_time=0.250000, sql_select_limit=11"
    )
    assert (
        server("8.0.36").limits(0.25, 11)
        == "SET SESSION max_execution_time=250, sql_select_limit=11"
    )
    assert (
        server("8.0.36").limits(0.0001, 1).startswith("SET SESSION max_execution_time=1,")
    )  # 0 is no limit
    unlimited = server("8.0.36").limits(None, None)
    assert unlimited == f"SET SESSION max_execution_time=0, sql_select_limit={2**64 - 1}"
