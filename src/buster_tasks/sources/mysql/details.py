"""What is asked once the tables are known, step by step, into the `Reading`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.mysql import asking
from buster_tasks.sources.mysql.narrowing import Condition, of_kept
from buster_tasks.sources.mysql.reading import Reading
from buster_tasks.sources.mysql.session import MysqlSession

Step = Callable[[MysqlSession, Budget], None]


def steps(reading: Reading, kept: Condition, *, with_distinct: bool) -> list[tuple[str, Step]]:
    """What to ask beside the columns, by the name of what would be missing: each may fail without the others."""
    found: list[tuple[str, Step]] = [
        ("indexes", partial(_indexes, reading, kept, with_distinct)),
        ("foreign keys", partial(_references, reading, kept)),
        ("constraints", partial(_rules, reading, kept)),
    ]
    views, partitioned = reading.view_places(), reading.partitioned_places()
    if views:
        found.append(("views", partial(_views, reading, of_kept(views, all_of_them=False))))
    if partitioned:
        some = of_kept(partitioned, all_of_them=False)
        found.append(("partitions", partial(_partitions, reading, some)))
    return found


def columns(reading: Reading, kept: Condition, session: MysqlSession, budget: Budget) -> None:
    """The columns, without which there is no introspection."""
    reading.columns = asking.read_columns(session, kept, budget)


def _indexes(
    reading: Reading, kept: Condition, with_distinct: bool, session: MysqlSession, budget: Budget
) -> None:
    reading.indexes = asking.read_indexes(session, kept, budget, with_distinct=with_distinct)


def _references(reading: Reading, kept: Condition, session: MysqlSession, budget: Budget) -> None:
    reading.references = asking.read_references(session, kept, budget)


def _rules(reading: Reading, kept: Condition, session: MysqlSession, budget: Budget) -> None:
    reading.rules = asking.read_rules(session, kept, budget)


def _views(reading: Reading, kept: Condition, session: MysqlSession, budget: Budget) -> None:
    reading.views = asking.read_views(session, kept, budget)


def _partitions(reading: Reading, kept: Condition, session: MysqlSession, budget: Budget) -> None:
    reading.partitions = asking.read_partitions(session, kept, budget)
