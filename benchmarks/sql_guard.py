"""What a check by the SQL guard costs, beside its floor: the same statements parsed and written by sqlglot alone.

python -m benchmarks.sql_guard [ROUNDS]
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import sqlglot

from buster_tasks.sql_guard import check

STATEMENTS = Path(__file__).resolve().parents[1] / "tests/unit/buster_tasks/sql_guard/statements"
FIRST = """
import time
import {before}
start = time.perf_counter()
{statement}
print((time.perf_counter() - start) * 1000)
"""


def legitimate(dialect: str) -> list[str]:
    """The statements of analysis that the tests have for the dialect, without those that begin with a semicolon."""
    lines = (STATEMENTS / f"{dialect}.legitimate.sql").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("##", ";"))]


def milliseconds(call: Callable[[str], object], statements: list[str], rounds: int) -> list[float]:
    """How long each call took, without the first round."""
    taken: list[float] = []
    for number in range(rounds + 1):
        for sql in statements:
            start = time.perf_counter()
            call(sql)
            if number:
                taken.append((time.perf_counter() - start) * 1000)
    return taken


def first(before: str, statement: str) -> float:
    """How many milliseconds the statement takes in a fresh interpreter that has imported `before`; best of three."""
    code = FIRST.format(before=before, statement=statement)
    runs = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        for _ in range(3)
    )
    return min(float(run.stdout) for run in runs)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(
        f"{'dialect':12}{'statements':>11}{'check p50':>11}{'p95':>8}{'floor p50':>11}{'ratio':>7}"
    )
    for path in sorted(STATEMENTS.glob("*.legitimate.sql")):
        dialect = path.name.split(".")[0]
        statements = legitimate(dialect)
        checks = milliseconds(lambda sql, d=dialect: check(sql, d), statements, rounds)
        floor = milliseconds(
            lambda sql, d=dialect: sqlglot.parse_one(sql, read=d).sql(d), statements, rounds
        )
        ratio = median(checks) / median(floor)
        print(
            f"{dialect:12}{len(statements):>11}{median(checks):>8.2f} ms{quantiles(checks, n=20)[-1]:>8.2f}"
            f"{median(floor):>8.2f} ms{ratio:>7.1f}"
        )
    parser = first("sys", "import sqlglot; sqlglot.parse_one('SELECT 1', read='postgres')")
    door = first("buster_tasks.sql_guard", "buster_tasks.sql_guard.check('SELECT 1', 'postgres')")
    print(f"first check of a process: {door:.0f} ms, of which sqlglot itself {parser:.0f} ms")


if __name__ == "__main__":
    main()
