"""The conformance checks as a class of pytest tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final

import pytest

from taskkit.testing.conformance import CHECKS, TIME_LIMIT, Check, run_check


class BackendSuite:
    """Proves a backend: subclass it as `Test...` and say how one is made.

        class TestMine(BackendSuite):
            def make_backend(self):
                return MyBackend(...)

    `make_backend` gives a backend that is empty and not open, a fresh one for each test: the backend, an
    `async def` that returns it, or an async context manager that yields it. The suite opens and closes it.
    Each check is a test `test_<check>`, on asyncio through anyio's pytest plugin. What the backend does not
    declare is asked for through the library, and must be refused before anything is stored; where no call
    asks for it, the test is skipped and says so. A backend that declares SHARED has to make another instance
    on the store of a first one, too.
    """

    pytestmark: ClassVar[Any] = pytest.mark.anyio
    time_limit: float = TIME_LIMIT
    """Seconds of real time that one check may take."""

    @pytest.fixture(scope="session")
    @staticmethod
    def anyio_backend() -> str:
        """The event loop that taskkit runs on."""
        return "asyncio"

    def make_backend(self) -> Any:
        """The backend to prove."""
        what = f"{type(self).__name__}.make_backend is missing: return the backend to prove."
        raise NotImplementedError(what)

    def make_another(self, backend: Any) -> Any:
        """Another instance on the store of this one, as another process would have it; None: there is none.

        `backend` comes from `make_backend`; the other is given in the same ways, and not open either.
        """
        return None


def _test_of(check: Check) -> Callable[[BackendSuite], Awaitable[None]]:
    async def test(self: BackendSuite) -> None:
        reason = await run_check(
            check,
            self.make_backend,
            make_another=self.make_another,
            time_limit=self.time_limit,
        )
        if reason is not None:
            pytest.skip(reason)

    test.__name__ = test.__qualname__ = f"test_{check.name}"
    test.__doc__ = check.rule
    return test


TESTS: Final = {f"test_{check.name}": _test_of(check) for check in CHECKS}
for _name, _test in TESTS.items():
    setattr(BackendSuite, _name, _test)
