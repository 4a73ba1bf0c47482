"""What a database user needs: its own schema, and, where somebody else upgrades that, only its rows."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from benchmarks.servers import PostgresServer
from taskkit.backends.postgres import PostgresBackend
from taskkit.model.exchange import ClaimSpec, Completed
from taskkit.model.ids import new_run_id
from taskkit.model.request import TriggerRequest

pytestmark = pytest.mark.anyio
SCHEMA = "rights"


@pytest.fixture
def admin(runs_server: PostgresServer) -> Iterator[psycopg.Connection]:
    """An administrator, a schema with an owner, and a user that may do nothing yet."""
    with psycopg.connect(runs_server.dsn(), autocommit=True) as admin:
        for user in ("rights_owner", "rights_worker"):
            admin.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'secret'".encode())
        admin.execute(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION rights_owner".encode())
        yield admin
        admin.execute(f"DROP SCHEMA {SCHEMA} CASCADE".encode())
        admin.execute("DROP ROLE rights_owner, rights_worker")


def url_for(server: PostgresServer, user: str, more: str = "") -> str:
    place = urlsplit(server.url())
    return f"postgresql://{user}:secret@{place.hostname}:{place.port}{place.path}?schema={SCHEMA}{more}"


async def carry_out(url: str) -> str:
    """The status of a run that was asked for, claimed and ended."""
    backend = PostgresBackend.from_url(url)
    await backend.open()
    try:
        request = TriggerRequest(new_run_id(), "work", b"1", "task/work", tags=("a",))
        await backend.enqueue([request], batch_id=None, now=None)
        leases = await backend.claim("worker", ClaimSpec(), limit=1, lease=30, now=None)
        for lease in leases:
            await backend.settle(lease, Completed(b"2"), now=None)
        (run,) = await backend.get([request.run_id])
        assert run is not None
        return str(run.status)
    finally:
        await backend.close()


async def test_a_user_with_a_schema_of_its_own_needs_no_right_to_make_one(
    runs_server: PostgresServer, admin: psycopg.Connection
) -> None:
    assert await carry_out(url_for(runs_server, "rights_owner")) == "COMPLETED"


async def test_a_worker_needs_no_more_than_the_rows(
    runs_server: PostgresServer, admin: psycopg.Connection
) -> None:
    await PostgresBackend.from_url(url_for(runs_server, "rights_owner")).upgrade()
    for grant in (  # as docs/backends/postgres.md says
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO rights_worker",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO rights_worker",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO rights_worker",
    ):
        admin.execute(grant.encode())
    url = url_for(runs_server, "rights_worker", "&migrate=no")
    assert await carry_out(url) == "COMPLETED"
