"""The crash campaign in short on a Temporal dev server, which is also killed itself.

`scripts/crash --temporal` plays it at full length.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.servers import ServerMissingError
from benchmarks.temporal import TemporalServer, restartable_server
from campaign import outages, scenes
from campaign.driver import TEMPORAL, Campaign

pytest.importorskip("temporalio", reason="temporalio is not installed")

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
SEED = 20


@pytest.fixture(scope="module")
def server() -> Iterator[TemporalServer]:
    """One of this module's own, because it is killed."""
    try:
        with restartable_server() as server:
            yield server
    except ServerMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def url_of(server: TemporalServer, request: pytest.FixtureRequest) -> Callable[[float], str]:
    """Makes a URL with this lease, of a project of the test's own."""
    project = request.node.name.replace("[", "-").replace("]", "")[:60]
    return lambda lease: f"temporal://{server.address}/default?project={project}&lease={lease:g}"


async def test_killed_workers_lose_no_run(url_of: Callable[[float], str], tmp_path: Path) -> None:
    plan = replace(TEMPORAL, kills=4, seed=SEED, clients=12, lease=2.0, pace=1.0)
    figures = await Campaign(url_of(plan.lease), tmp_path, plan).run()
    print(figures)
    scenes.passed(figures)
    assert figures.kills >= plan.kills


async def test_a_server_that_is_killed_and_comes_back_has_lost_nothing(
    server: TemporalServer, url_of: Callable[[float], str], tmp_path: Path
) -> None:
    plan = outages.Plan((0.0, 0.5), SEED, lease=2.0, clients=8)
    played = outages.Outages(server, url_of(plan.lease), tmp_path, plan)
    print(outages.passed(played, await played.run()))


async def test_a_worker_that_stood_still_is_told_that_what_it_parked_went_elsewhere(
    url_of: Callable[[float], str], tmp_path: Path
) -> None:
    await scenes.stopped_while_parked(url_of(1.0), tmp_path, lease=1.0)


async def test_processes_race_for_keys(url_of: Callable[[float], str], tmp_path: Path) -> None:
    await scenes.racing(url_of(5.0), tmp_path, racers=8, keys=20)


async def test_a_reply_comes_after_its_commit(
    url_of: Callable[[float], str], tmp_path: Path
) -> None:
    await scenes.replying(url_of(5.0), tmp_path, times=16, seed=SEED)
