"""What `import taskkit` costs a program that never uses most of it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

MOST_MODULES = 260
MOST_SECONDS = 0.200
TRIES = 7

FIRST_USED_LATER = {
    "cronsim", "tenacity", "opentelemetry", "tomllib", "sqlite3",
}  # fmt: skip
EXTRAS = {
    "sqlalchemy", "starlette", "uvicorn", "sse_starlette", "rich", "cyclopts", "watchfiles", "httpx",
    "litellm", "openai", "sqlglot", "vl_convert", "temporalio", "mcp", "cryptography", "pandas",
    "pytest", "hypothesis",
}  # fmt: skip
DRIVERS = {
    "psycopg", "snowflake", "pymysql", "google.cloud", "pyodbc", "mssql_python_odbc",
    "redshift_connector", "databricks", "duckdb",
}  # fmt: skip

LIST_MODULES = "import sys{statement}; print(*sorted(sys.modules), sep='\\n')"


def modules_after(statement: str) -> set[str]:
    """The names that a fresh interpreter holds after the statement, beyond those it starts with."""
    return _modules(f"; {statement}") - _modules("")


def _modules(statement: str) -> set[str]:
    command = [sys.executable, "-c", LIST_MODULES.format(statement=statement)]
    return set(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())


def seconds_of(statement: str, compiled: Path) -> float:
    """The wall time of the quickest of some fresh interpreters that run the statement.

    Modules are compiled to a folder at the first try, as an installer does it, wherever the tests run.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    times = []
    for _ in range(TRIES):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
        times.append(time.perf_counter() - start)
    return min(times)


def test_import_taskkit_loads_few_modules() -> None:
    loaded = modules_after("import taskkit")
    assert "taskkit" in loaded
    assert len(loaded) <= MOST_MODULES, f"import taskkit loads {len(loaded)} modules"


@pytest.mark.parametrize("package", ["taskkit", "buster_tasks"])
def test_import_loads_nothing_that_is_used_later(package: str) -> None:
    loaded = modules_after(f"import {package}")
    assert package in loaded
    assert loaded & (EXTRAS | DRIVERS) == set()
    assert loaded & FIRST_USED_LATER == set()


def test_import_taskkit_is_quick(tmp_path: Path) -> None:
    cost = seconds_of("import taskkit", tmp_path) - seconds_of("pass", tmp_path)
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    measured = (
        f"import taskkit takes {cost * 1000:.0f} ms (best of {TRIES}, bare interpreter taken off)"
    )
    print(measured)
    if cost > MOST_SECONDS and load > cores:
        pytest.skip(f"{measured}, but {cores} cores carry a load of {load:.1f}: no verdict")
    assert cost <= MOST_SECONDS, (
        f"{measured}; at most {MOST_SECONDS * 1000:.0f} ms, load {load:.1f}"
    )
