"""The suite catches every source that lies, by the check that is there for it."""

from pathlib import Path

import pytest

from buster_tasks.errors import AuthenticationError
from buster_tasks.testing import CHECKS, Refusal, run_check
from buster_tasks.testing.fake_source import Call
from taskkit.testing import CheckFailedError
from tests.conformance.buster_tasks.shops import FAKE, Shop, make_shop
from tests.faults.buster_tasks import liars_in_calls, liars_in_statistics  # noqa: F401 - enter their liars
from tests.faults.buster_tasks.liars import LIARS, PASSWORD, Liar

pytestmark = pytest.mark.anyio

BY_NAME = {check.name: check for check in CHECKS}
TIME_LIMIT = 2.0
CONNECTING: tuple[Call, ...] = ("open", "test")


def refused(shop: Shop, liar: type[Liar]) -> Refusal:
    source = shop.source(liar)
    for call in CONNECTING:
        source.fail(call, AuthenticationError("The password is wrong."))
    return Refusal(source, AuthenticationError)


async def caught(liar: type[Liar], folder: Path) -> CheckFailedError | None:
    shop = await make_shop(folder)
    check = BY_NAME[liar.caught_by]
    try:
        await run_check(
            check,
            lambda: shop.source(liar),
            FAKE,
            secrets=(PASSWORD,),
            refusals=lambda: [refused(shop, liar)],
            time_limit=TIME_LIMIT,
        )
    except CheckFailedError as error:
        return error
    return None


def test_each_check_has_a_liar() -> None:
    assert len({liar.__name__ for liar in LIARS}) == len(LIARS)
    assert {liar.caught_by for liar in LIARS} == BY_NAME.keys()


@pytest.mark.parametrize("liar", LIARS, ids=lambda liar: liar.__name__)
async def test_a_liar_is_caught(liar: type[Liar], tmp_path: Path) -> None:
    error = await caught(liar, tmp_path)
    assert error is not None
    assert BY_NAME[liar.caught_by].rule in "".join(error.__notes__)


@pytest.mark.parametrize("check", sorted(BY_NAME))
async def test_without_a_fault_nothing_is_caught(check: str, tmp_path: Path) -> None:
    class Honest(Liar):
        caught_by = check

    assert await caught(Honest, tmp_path) is None
