"""The checks of a data source as a class of pytest tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Final

import pytest

from buster_tasks.testing.conformance import CHECKS, TIME_LIMIT, Check, Refusal, run_check
from buster_tasks.testing.dialect import Dialect


class DataSourceSuite:
    """Proves a data source: subclass it as `Test...`, say how its SQL is spelt and how one is made.

        class TestMine(DataSourceSuite):
            dialect = Dialect(schema="public", endless="SELECT pg_sleep(600)")

            def make_source(self):
                return MySource(...)

    `make_source` gives a source that is not open (or an `async def` does), a fresh one for each test, on a database
    that `fixture_statements(dialect)` has made; since a source only reads, one database does for all of them. A
    pytest fixture of the class can make it. The suite opens and closes the source. Each check is a test
    `test_<check>`, on asyncio through anyio's pytest plugin; what the dialect does not have is skipped and says so.
    """

    pytestmark: ClassVar[Any] = pytest.mark.anyio
    dialect: ClassVar[Dialect]
    time_limit: float = TIME_LIMIT
    """Seconds of real time that one check may take."""

    secrets: Sequence[str] = ()
    """Texts of the credentials that may stand in no repr and in no error."""

    @pytest.fixture(scope="session")
    @staticmethod
    def anyio_backend() -> str:
        """The event loop that taskkit runs on."""
        return "asyncio"

    def make_source(self) -> Any:
        """The source to prove."""
        what = f"{type(self).__name__}.make_source is missing: return the source to prove."
        raise NotImplementedError(what)  # the one thing that only the author of a source can say

    def refusals(self) -> Sequence[Refusal]:
        """Sources that cannot be opened, each with the type of the error: a wrong password, a missing database."""
        return ()


def _test_of(check: Check) -> Callable[[DataSourceSuite], Awaitable[None]]:
    async def test(self: DataSourceSuite) -> None:
        reason = await run_check(
            check,
            self.make_source,
            self.dialect,
            secrets=self.secrets,
            refusals=self.refusals,
            time_limit=self.time_limit,
        )
        if reason is not None:
            # what the source does not declare is not proved, and the report says so
            pytest.skip(reason)

    test.__name__ = test.__qualname__ = f"test_{check.name}"
    test.__doc__ = check.rule
    return test


TESTS: Final = {f"test_{check.name}": _test_of(check) for check in CHECKS}
for _name, _test in TESTS.items():
    setattr(DataSourceSuite, _name, _test)
