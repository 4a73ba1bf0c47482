import sys

import pytest

from buster_tasks.introspection.flow import introspect
from buster_tasks.introspection.models import IntrospectDataInput
from buster_tasks.sources import connect
from taskkit.errors import MissingExtraError

pytestmark = pytest.mark.anyio

CREDENTIALS = {
    "type": "postgresql", "host": "db.example", "database": "shop", "username": "anna", "password": "x",
}  # fmt: skip


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.startswith("buster_tasks.sources.postgres.") or name.partition(".")[0] == "psycopg":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)


async def test_a_missing_driver_is_told_with_the_command_when_it_is_needed(no_driver: None) -> None:
    source = connect(CREDENTIALS)
    with pytest.raises(MissingExtraError, match=r'pip install "buster-tasks\[postgres\]"'):
        await source.open()
    assert (await source.test()).error_code == "DRIVER_MISSING"
    await source.close()


async def test_a_missing_driver_is_an_answer_of_the_task(no_driver: None) -> None:
    outcome = await introspect(
        IntrospectDataInput.model_validate({"dataSourceName": "shop", "credentials": CREDENTIALS})
    )
    assert outcome.output.error is not None
    assert outcome.output.error.code == "DRIVER_MISSING"


def test_names_are_quoted() -> None:
    assert connect(CREDENTIALS).quote('a"b') == '"a""b"'
