"""A real project: set BIGQUERY_TEST_PROJECT, and BIGQUERY_TEST_KEY_FILE where the machine is not logged in."""

import os

import pytest

from buster_tasks.errors import PermissionDeniedError
from buster_tasks.sources import BigqueryCredentials
from buster_tasks.sources.bigquery import BigquerySource

PROJECT = os.environ.get("BIGQUERY_TEST_PROJECT")

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(PROJECT is None, reason="BIGQUERY_TEST_PROJECT names no real project"),
]


@pytest.fixture(autouse=True)
def _no_login() -> None:
    """Here the machine's login counts."""


async def test_a_real_project() -> None:
    known = {
        "project_id": PROJECT,
        "key_file_path": os.environ.get("BIGQUERY_TEST_KEY_FILE"),
        "maximum_bytes_billed": 100_000_000,
    }
    async with BigquerySource(BigqueryCredentials.model_validate(known)) as source:
        assert (await source.test()).ok
        found = await source.introspect()
        assert found.databases[0].name == PROJECT
        assert [one for one in found.issues if one.code == "CATALOG_UNREADABLE"] == []
        assert (await source.execute("SELECT 1")).rows == [(1,)]
        with pytest.raises(PermissionDeniedError):
            await source.execute("CREATE SCHEMA never_made")
