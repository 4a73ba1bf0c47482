"""Charts as pictures, by vl-convert in a process of its own: no browser, no network, bounded in time and size."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL
from typing import cast

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from pydantic import JsonValue

from buster_tasks.analyst.charting.fitting import fitted
from buster_tasks.analyst.errors import DrawingFailedError
from buster_tasks.analyst.findings import Chart
from taskkit.errors import MissingExtraError

SECONDS = 30.0
MOST_BYTES = 2_000_000

_WIDTHS = (860, 480, 340)
_Spec = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart as SVG without its title, in three widths for a page to choose from: 860, 480 and 340 pixels."""

    wide: str
    medium: str
    narrow: str

    @property
    def all(self) -> dict[str, str]:
        """The three by their names."""
        return {"wide": self.wide, "medium": self.medium, "narrow": self.narrow}


async def draw(chart: Chart, *, timeout: float = SECONDS) -> Drawing:
    """The chart as SVG, the same text for the same chart; `timeout` in seconds.

    Raises MissingExtraError without vl-convert, DrawingFailedError for what cannot be drawn, or not in time.
    """
    async with _pen() as pen:
        return await pen.drawing(chart, timeout)


async def png(chart: Chart, *, scale: float = 2.0, timeout: float = SECONDS) -> bytes:
    """The chart as a PNG on white, its title on top; raises what `draw` does."""
    async with _pen() as pen:
        spec: _Spec = {**chart.spec, "background": "white"}
        return base64.b64decode(await pen.ask(chart.id, {"spec": spec, "scale": scale}, timeout))


async def draw_all(
    charts: Iterable[Chart], *, timeout: float = SECONDS
) -> tuple[dict[str, Drawing], list[str]]:
    """The drawings by the charts' ids, and why others are missing: a report goes without them.

    `timeout` is for all of them together, in seconds.
    """
    drawings: dict[str, Drawing] = {}
    missing: list[str] = []
    left = list(charts)
    end = anyio.current_time() + timeout
    while left:
        try:
            async with _pen() as pen:
                while left:
                    chart = left.pop(0)
                    drawings[chart.id] = await pen.drawing(chart, end - anyio.current_time())
        except MissingExtraError as error:
            return drawings, [str(error)]
        except DrawingFailedError as error:
            missing.append(str(error))
    return drawings, missing


class _Pen:
    """The process that draws, one drawing after the other. After an error it is of no more use."""

    def __init__(self, process: Process) -> None:
        self._stdin = process.stdin
        self._answers = BufferedByteReceiveStream(process.stdout) if process.stdout else None

    async def drawing(self, chart: Chart, timeout: float) -> Drawing:
        spec: _Spec = {name: part for name, part in chart.spec.items() if name != "title"}
        drawn = [
            await self.ask(chart.id, {"spec": fitted(spec, width)}, timeout) for width in _WIDTHS
        ]
        return Drawing(*drawn)

    async def ask(self, name: str, request: _Spec, timeout: float) -> str:
        """The SVG, or the PNG in Base64. Raises DrawingFailedError."""
        assert self._stdin is not None
        assert self._answers is not None
        try:
            with anyio.fail_after(timeout):
                await self._stdin.send(json.dumps(request).encode() + b"\n")
                line = await self._answers.receive_until(b"\n", MOST_BYTES)
        except TimeoutError as error:
            raise DrawingFailedError(
                f"Chart {name!r} was not drawn in the {max(0.0, timeout):.2g} seconds that were left.",
                fix="Draw fewer charts, or fewer points.",
            ) from error
        except anyio.DelimiterNotFound as error:
            raise _too_large(name) from error
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError) as error:
            raise DrawingFailedError(
                f"The process that draws chart {name!r} has ended by itself."
            ) from error
        if len(line) > MOST_BYTES:
            raise _too_large(name)
        answer = cast("dict[str, str]", json.loads(line))
        if "error" in answer:
            raise DrawingFailedError(f"Chart {name!r} cannot be drawn: {answer['error']}")
        return answer.get("svg") or answer["png"]


def _too_large(name: str) -> DrawingFailedError:
    return DrawingFailedError(
        f"The drawing of chart {name!r} has over {MOST_BYTES:,} bytes.", fix="Draw fewer points."
    )


@asynccontextmanager
async def _pen() -> AsyncGenerator[_Pen, None]:
    if find_spec("vl_convert") is None:
        raise MissingExtraError("charts", "Drawing charts needs vl-convert-python")
    command = [sys.executable, "-P", str(Path(__file__).with_name("pen.py"))]
    # one time zone, wherever it runs: the same chart is the same picture
    env = {**os.environ, "TZ": "UTC"}
    try:
        process = await anyio.open_process(command, stderr=DEVNULL, env=env)
    except OSError as error:
        raise DrawingFailedError(f"The process that draws did not start: {error}.") from error
    try:
        yield _Pen(process)
    finally:
        if process.returncode is None:
            process.kill()
        with anyio.CancelScope(shield=True):
            await process.aclose()
