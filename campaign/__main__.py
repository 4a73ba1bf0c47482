"""The long version: scripts/crash [--postgres | --temporal | --url postgresql://...] [--kills 1000] [--seed N]."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from campaign import disk, outages, scenes
from campaign.driver import TEMPORAL, Campaign, Plan

if TYPE_CHECKING:
    from benchmarks.temporal import TemporalServer

_ENOUGH = 200  # kills, for their shares to mean something
_RUNNING, _SETTLES = 0.8, 0.1
_LEASE = TEMPORAL.lease
Scene = Callable[[str, Path], Awaitable[object]]


def scenes_of(seed: int) -> dict[str, Scene]:
    """The single scenes at full length."""
    return {
        "stopped": scenes.stopped_and_continued,
        "lasting": lambda url, folder: scenes.lasting(url, folder, lease=1.5),
        "racing": lambda url, folder: scenes.racing(url, folder, racers=16, keys=200),
        "replying": lambda url, folder: scenes.replying(url, folder, times=500, seed=seed),
        "crowding": lambda url, folder: scenes.crowding(url, folder, runs=2_000),
        "ticking": lambda url, folder: scenes.ticking(url, folder, seconds=60, seed=seed),
        "clock": lambda url, folder: scenes.clock_jumping(url, folder, runs=60, seed=seed),
        "full-disk": lambda _, folder: disk.full(folder),
        "read-only": lambda _, folder: disk.read_only(folder),
    }


def scenes_on_temporal(seed: int, server: TemporalServer) -> dict[str, Scene]:
    """Those that a Temporal server can play, by its leases, and what only it can."""
    dice = random.Random(seed)
    away = (*(dice.choice((0.0, 0.0, 0.5, 2.0, 7.0)) for _ in range(12)), 12.0)

    async def restarting(url: str, folder: Path) -> None:
        played = outages.Outages(server, url, folder, outages.Plan(away, seed, busy=4.0))
        print(outages.passed(played, await played.run()), flush=True)

    return {
        "stopped": lambda url, folder: scenes.stopped_and_continued(url, folder, lease=_LEASE),
        "parked": lambda url, folder: scenes.stopped_while_parked(url, folder, lease=_LEASE),
        "lasting": lambda url, folder: scenes.lasting(url, folder, lease=_LEASE),
        "racing": lambda url, folder: scenes.racing(url, folder, racers=16, keys=100),
        "replying": lambda url, folder: scenes.replying(url, folder, times=200, seed=seed),
        "restarting": restarting,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__)
    parser.add_argument("--kills", type=int, help="1000; on Temporal 80")
    parser.add_argument(
        "--url", help="an empty store; scenes then share it, and files are not made"
    )
    parser.add_argument("--postgres", action="store_true", help="start a PostgreSQL server for it")
    parser.add_argument("--temporal", action="store_true", help="start a Temporal dev server")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--lease", type=float, default=2.0)
    parser.add_argument("--minutes", type=float, default=30.0, help="for the kills, at most")
    parser.add_argument("--only", help="kills, or the name of one scene")
    asked = parser.parse_args()
    folder = Path(mkdtemp(prefix="taskkit-crash-"))
    print(f"seed {asked.seed}, ledgers in {folder}", flush=True)
    with _store(asked, folder) as (url_of, known):
        failed = [
            name
            for name in ("kills", *known)
            if asked.only in (None, name) and not _passes(name, asked, url_of, known, folder)
        ]
    print(f"failed: {', '.join(failed)}" if failed else "all passed")
    return 1 if failed else 0


@contextmanager
def _store(
    asked: argparse.Namespace, folder: Path
) -> Iterator[tuple[Callable[[str], str], dict[str, Scene]]]:
    """A store of its own for each scene, if that can be; and the scenes."""
    known = scenes_of(asked.seed)
    if asked.temporal:
        from benchmarks.temporal import restartable_server

        with restartable_server() as temporal:
            at = f"temporal://{temporal.address}/default?lease={_LEASE:g}&project="
            yield lambda name: at + name, scenes_on_temporal(asked.seed, temporal)
    elif asked.postgres:
        from benchmarks.servers import postgres_server

        with postgres_server("fsync=on", "autovacuum=on") as server:
            yield lambda name: f"{server.url()}?schema=taskkit_{name}", known
    elif asked.url:
        yield lambda name: asked.url, known
    else:
        yield lambda name: f"sqlite:///{folder / name / 'runs.db'}", known


def _passes(
    name: str,
    asked: argparse.Namespace,
    url_of: Callable[[str], str],
    known: dict[str, Scene],
    folder: Path,
) -> bool:
    own = folder / name
    own.mkdir()
    if name in ("full-disk", "read-only") and (asked.postgres or asked.url or not disk.may_mount()):
        print(f"{name}: left out, it needs root and SQLite", flush=True)
        return True
    began = time.monotonic()
    try:
        said = asyncio.run(_play(name, asked, known, url_of(name), own))
    except Exception:
        traceback.print_exc()
        print(f"{name}: FAILED, see {own}", flush=True)
        return False
    print(f"{name}: passed in {time.monotonic() - began:.1f} s{said}", flush=True)
    return True


async def _play(
    name: str, asked: argparse.Namespace, known: dict[str, Scene], url: str, folder: Path
) -> str:
    if name != "kills":
        await known[name](url, folder)
        return ""
    seconds = asked.minutes * 60
    plan = Plan(asked.kills or 1000, asked.seed, lease=asked.lease, seconds=seconds)
    if asked.temporal:
        plan = replace(TEMPORAL, kills=asked.kills or 80, seed=asked.seed, seconds=seconds)
    figures = await Campaign(url, folder, plan).run()
    scenes.passed(figures)
    if figures.kills >= _ENOUGH and not asked.temporal:
        assert figures.hit_running >= _RUNNING * figures.kills, str(figures)
        assert figures.hit_settle >= _SETTLES * figures.kills, str(figures)
    return f"\n{figures}"


if __name__ == "__main__":
    sys.exit(main())
