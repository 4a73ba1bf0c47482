"""What columns hold: distinct and missing values, the least and the greatest, lengths, the most frequent, histograms.

`measure` fills the columns of an introspection. `measure_tables` does the same for a part of its tables, with plain
values in and out: `targets_of` gives the tables, `with_statistics` puts the parts together.
"""

from buster_tasks.sources.statistics.dialect import (
    SampleWanted,
    SpellsStatistics,
    StatisticsDialect,
)
from buster_tasks.sources.statistics.measuring import (
    measure,
    measure_tables,
    targets_of,
    with_statistics,
)
from buster_tasks.sources.statistics.model import (
    ColumnStatistics,
    Measured,
    MeasuredLevel,
    Place,
    Sampling,
    TableStatistics,
    Target,
    TargetColumn,
    measured_level,
)

__all__ = [
    "ColumnStatistics",
    "Measured",
    "MeasuredLevel",
    "Place",
    "SampleWanted",
    "Sampling",
    "SpellsStatistics",
    "StatisticsDialect",
    "TableStatistics",
    "Target",
    "TargetColumn",
    "measure",
    "measure_tables",
    "measured_level",
    "targets_of",
    "with_statistics",
]
