"""A part of the suite with version 4 of the driver, which is another program: version 5 was written anew.

It is the driver in the environment of the stand-in, which cannot live with a later one.
"""

import os
import re
import subprocess
import sysconfig
from pathlib import Path

from tests.doubles.environment import FOLDER
from tests.doubles.snowflake_account import SnowflakeServer

CHECKS = (
    "tells_where_we_are or refused_connection or every_table_is_found or types_are_as_declared or "
    "primary_keys_are or foreign_keys_pair or truncated_is_true or many_rows or values_have or wrong_sql or "
    "one_statement or timeout_ends or cancel_stops or canceled_caller or close_ends or closed_source or no_repr"
)
SCRIPT = """
import sys
sys.path.append(sys.argv[1])
import pytest, snowflake.connector
assert snowflake.connector.__version__.startswith("4."), snowflake.connector.__version__
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--timeout", "120", *sys.argv[2:]]))
"""


def test_the_suite_with_version_4_of_the_driver(server: SnowflakeServer) -> None:
    root = Path(__file__).parents[4]
    suite = Path(__file__).with_name("test_snowflake_suite.py")
    environment = {
        **os.environ,
        "PYTHONPATH": str(root / "src"),
        "SNOWFLAKE_SERVER_PORT": str(server.port),
    }
    python = FOLDER / "snowflake" / "bin" / "python"
    command = [python, "-c", SCRIPT, sysconfig.get_path("purelib"), suite, "-k", CHECKS]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=root, check=False
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    # each of the words stands for a check or more
    assert int(passed[1]) >= len(CHECKS.split(" or "))
