"""The categories of a bar or pie chart: which are shown, in which order, and under which labels."""

from __future__ import annotations

from dataclasses import replace

from buster_tasks.analyst.charting.axis import grain_of, period_label
from buster_tasks.analyst.charting.column import label_of, moment_of
from buster_tasks.analyst.charting.points import MOST_SLICES, Point, Points
from buster_tasks.analyst.charting.request import ChartRequest
from buster_tasks.analyst.errors import ToolRefusedError

MOST_NAMES = 20
MOST_STEPS = 60


def chosen(request: ChartRequest, found: Points) -> tuple[Points, list[str]]:
    """The points with their x as labels, and the labels in the order of the chart.

    Of too many names the first of the order are kept, and it is said how many there are; the steps of an order are
    never left out, so too many of them are refused.
    """
    labelled = _labelled(found)
    order = _order(request, found, labelled)
    places = {label: n for n, label in enumerate(order)}
    labelled.points.sort(key=lambda one: places[str(one.x)])
    most = MOST_SLICES if request.kind == "pie" else MOST_NAMES
    if found.x.has_order and request.kind != "pie":
        if len(order) > MOST_STEPS:
            raise ToolRefusedError(
                f"{len(order)} bars cannot be read; {MOST_STEPS} is the most for what has an order.",
                fix="Use a line, or group by wider steps in the statement.",
            )
        return labelled, order
    if len(order) <= most:
        return labelled, order
    if request.rest == "summed":
        return _summed(labelled, order, most)
    kept = set(order[:most])
    which = "largest" if request.sort in {"auto", "descending"} else "first"
    note = f"The {which} {most} of {len(order)}; the others are not shown."
    return labelled.having([point for point in labelled.points if point.x in kept], note), order[
        :most
    ]


def _labelled(found: Points) -> Points:
    if found.x.type != "temporal":
        return replace(found, points=[replace(one, x=label_of(one.x)) for one in found.points])
    moments = [(one, moment_of(one.x)) for one in found.points]
    grain = grain_of([at for _, at in moments if at])
    return replace(
        found,
        points=[replace(one, x=period_label(at, grain)) for one, at in moments if at],
    )


def _order(request: ChartRequest, found: Points, labelled: Points) -> list[str]:
    """Each label once: by its size, or as the calendar, the numbers or the result have it."""
    labels = list(dict.fromkeys(str(one.x) for one in labelled.points))
    if request.sort == "as_is":
        return labels
    if request.sort == "auto" and found.x.has_order and request.kind != "pie":
        ranks = {
            str(label.x): found.x.rank(one.x)
            for one, label in zip(found.points, labelled.points, strict=True)
        }
        return sorted(labels, key=lambda label: ranks[label])
    totals = dict.fromkeys(labels, 0.0)
    for one in labelled.points:
        totals[str(one.x)] += one.y or 0.0
    sign = 1 if request.sort == "ascending" else -1
    return sorted(labels, key=lambda label: (sign * totals[label], label))


def _summed(found: Points, order: list[str], most: int) -> tuple[Points, list[str]]:
    kept, others = order[: most - 1], set(order[most - 1 :])
    name = f"other ({len(others)})"
    while name in kept:
        name = f"all {name}"
    sums: dict[str, float] = {}
    for one in found.points:
        if one.x in others:
            sums[one.series] = sums.get(one.series, 0.0) + (one.y or 0.0)
    points = [one for one in found.points if one.x not in others]
    points += [Point(name, total, series) for series, total in sums.items()]
    note = f"{name} is the sum of the {len(others)} that are not shown one by one."
    return found.having(points, note), [*kept, name]
