"""What a chart is asked for with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from buster_tasks.analyst.findings import ChartKind, ValueFormat
from buster_tasks.introspection.models import WireModel

Sort = Literal["auto", "ascending", "descending", "as_is"]
Rest = Literal["left_out", "summed"]

_Name = Annotated[str, Field(min_length=1, max_length=200)]


class ChartRequest(WireModel):
    """A chart of a result, by the names of its columns.

    With several `y` each is a series of its own, as each value of `color` is. `sort` orders the categories of a bar
    chart by their values; `auto` puts the largest first, and what has an order of its own (months, numbers) in it.
    `rest` says what becomes of the categories that are too many: summed only where adding up makes sense, which it
    does not for averages, shares and distinct counts.
    """

    kind: ChartKind
    title: Annotated[str, Field(min_length=1, max_length=200)]
    x: _Name
    y: Annotated[list[_Name], Field(min_length=1, max_length=8)]
    color: _Name | None = None
    sort: Sort = "auto"
    rest: Rest = "left_out"
    stacked: bool = False
    y_title: Annotated[str, Field(max_length=100)] = ""
    y_format: ValueFormat = "auto"
    unit: Annotated[str, Field(max_length=20)] = ""
