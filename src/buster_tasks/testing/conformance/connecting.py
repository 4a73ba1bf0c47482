"""Opening and testing: what is wrong is told by type, and no secret with it."""

from __future__ import annotations

import traceback

from buster_tasks.errors import SourceError
from buster_tasks.testing.conformance.check import Trial, check
from taskkit.testing.conformance.check import CheckFailedError, expect, expect_error, expect_that


def _no_secret(what: str, text: str, secrets: tuple[str, ...]) -> None:
    if any(secret in text for secret in secrets):
        raise CheckFailedError(what, expected="no secret", came="one of the secrets")


def _whole(error: BaseException) -> str:
    """All that an error says, with those behind it."""
    seen: list[BaseException] = []
    rest = [error]
    while rest:
        one = rest.pop()
        if one not in seen:
            seen.append(one)
            rest += [behind for behind in (one.__cause__, one.__context__) if behind is not None]
    texts = [f"{one} {one!r} {one.args!r}" for one in seen]
    return "\n".join([*texts, *traceback.format_exception(error)])


@check()
async def test_tells_where_we_are(trial: Trial) -> None:
    """A test that went well has its time, the server's version and the database, and no error."""
    test = await trial.source.test()
    expect("the test", (test.ok, test.error_code, test.message), (True, None, None))
    expect_that("latency_ms", (test.latency_ms or 0) > 0, expected="above 0", came=test.latency_ms)
    expect_that("server_version", test.server_version, expected="told", came=test.server_version)
    expect_that("database", test.database, expected="told", came=test.database)


@check()
async def nothing_needs_to_be_opened_first(trial: Trial) -> None:
    """The first call opens the source."""
    expect("the rows", await trial.rows("SELECT 1"), [(1,)])


@check()
async def no_repr_holds_a_secret(trial: Trial) -> None:
    """Neither the source nor an answer or error of it shows a secret of its credentials."""
    source, secrets = trial.source, tuple(trial.secrets)
    _no_secret("repr of the source", f"{source!r} {source}", secrets)
    _no_secret("repr of the test", repr(await source.test()), secrets)
    error = await expect_error("wrong SQL", SourceError, source.execute("SELECT x FROM nowhere"))
    _no_secret("an error", _whole(error), secrets)
    _no_secret("an introspection", repr(await trial.found()), secrets)


@check()
async def a_refused_connection_is_told_by_type(trial: Trial) -> None:
    """Where a source cannot be opened, `open` raises the right type, and `test` tells its code; no secret in either."""
    for refusal in trial.refusals():
        source, what = refusal.source, f"open, to be refused with {refusal.error.__name__}"
        secrets = (*trial.secrets, *refusal.secrets)
        try:
            error = await expect_error(what, refusal.error, source.open())
            _no_secret("the error", _whole(error), secrets)
            test = await source.test()
            code = getattr(refusal.error, "code", None)
            expect("the test", (test.ok, test.error_code), (False, code))
            _no_secret("the test", repr(test), secrets)
            _no_secret("repr of the source", repr(source), secrets)
        finally:
            await source.close()
