"""Charts of results as Vega-Lite: made from a small request or checked, filled with data, drawn without a network."""

from buster_tasks.analyst.charting.check import adopt, problems
from buster_tasks.analyst.charting.drawing import SECONDS, Drawing, draw, draw_all, png
from buster_tasks.analyst.charting.request import ChartRequest
from buster_tasks.analyst.charting.spec import build
from buster_tasks.analyst.charting.table import ChartTable, table_of

__all__ = [
    "SECONDS",
    "ChartRequest",
    "ChartTable",
    "Drawing",
    "adopt",
    "build",
    "draw",
    "draw_all",
    "png",
    "problems",
    "table_of",
]
