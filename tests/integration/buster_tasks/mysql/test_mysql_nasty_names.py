"""Sixty nasty names of tables and columns in MariaDB, but for those that it refuses itself."""

from typing import Any

import pymysql
import pytest

from buster_tasks.sources.mysql import MysqlSource
from buster_tasks.sources.quoting import in_back_quotes as quote
from tests.integration.buster_tasks.nasty_names import NAMES, prove, statements

pytestmark = pytest.mark.anyio

REFUSED = {
    "trailing ": "an identifier may not end with a blank",
    "fox 🦊": "identifiers are of the Basic Multilingual Plane",
}
TAKEN = [name for name in NAMES if name not in REFUSED]


async def test_nasty_names(account: Any, source: MysqlSource) -> None:
    account.run(*statements(quote, TAKEN))
    await prove(source, TAKEN, account.name)


@pytest.mark.parametrize("name", [*REFUSED, "x" * 65])
async def test_names_that_mariadb_refuses(account: Any, name: str) -> None:
    with pytest.raises(pymysql.err.MySQLError):
        account.run(f"CREATE TABLE {quote(name)} ({quote(name)} INT)")
