"""The crash campaign in short: workers are killed at random, and what they told a ledger is compared with the store.

`scripts/crash` plays all of it at full length, against either store.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from campaign import disk, scenes
from campaign.driver import Campaign, Plan

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]
SEED = 20


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite", "postgres"])
def either(request: pytest.FixtureRequest, url: str, new_postgres_url: Callable[[], str]) -> str:
    return url if request.param == "sqlite" else new_postgres_url()


async def test_killed_workers_lose_no_run_and_start_none_twice(either: str, tmp_path: Path) -> None:
    kills = 30 if either.startswith("sqlite") else 15
    figures = await Campaign(either, tmp_path, Plan(kills, SEED, clients=30)).run()
    print(figures)
    scenes.passed(figures)
    assert figures.kills >= kills
    assert (
        figures.hit_running >= figures.kills / 2
    )  # so few kills vary; the long version asks for 80 %
    assert figures.hit_settle >= 1


async def test_a_worker_that_stood_still_past_its_lease_works_on(
    either: str, tmp_path: Path
) -> None:
    await scenes.stopped_and_continued(either, tmp_path)


async def test_a_run_of_five_leases_is_delivered_once(url: str, tmp_path: Path) -> None:
    await scenes.lasting(url, tmp_path, lease=0.8)


async def test_sixteen_processes_race_for_200_keys(url: str, tmp_path: Path) -> None:
    await scenes.racing(url, tmp_path, racers=16, keys=200)


async def test_a_reply_comes_after_its_commit(url: str, tmp_path: Path) -> None:
    await scenes.replying(url, tmp_path, times=40, seed=SEED)


async def test_four_workers_never_run_four_where_three_may(url: str, tmp_path: Path) -> None:
    await scenes.crowding(url, tmp_path, runs=250)


async def test_each_tick_is_one_run_while_schedulers_are_killed(url: str, tmp_path: Path) -> None:
    assert len(await scenes.ticking(url, tmp_path, seconds=4, seed=SEED)) >= 4


async def test_a_clock_that_is_set_by_an_hour_loses_no_run(url: str, tmp_path: Path) -> None:
    await scenes.clock_jumping(url, tmp_path, runs=20, seed=SEED)


@pytest.mark.skipif(not disk.may_mount(), reason="only root may mount a small disk")
async def test_a_full_disk_is_told_and_work_goes_on_when_there_is_room(tmp_path: Path) -> None:
    await disk.full(tmp_path)


@pytest.mark.skipif(not disk.may_mount(), reason="only root may mount a disk read-only")
async def test_a_file_that_is_read_only_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    await disk.read_only(tmp_path)
