"""The example shop, and the program that introspects it."""

import importlib.util
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from rich.cells import cell_len

from buster_tasks import IntrospectDataOutput

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def test_the_script_is_what_its_maker_writes() -> None:
    spec = importlib.util.spec_from_file_location("make_shop", EXAMPLES / "shop" / "make_shop.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    assert maker.shop_sql() == (EXAMPLES / "shop" / "shop.sql").read_text(encoding="utf-8")


def test_the_shop_is_sound(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript((EXAMPLES / "shop" / "shop.sql").read_text(encoding="utf-8"))
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    unpaid = """
        SELECT p.order_id FROM payments AS p JOIN order_items AS i ON i.order_id = p.order_id
        GROUP BY p.order_id HAVING abs(sum(i.total) - p.amount) > 0.005
    """
    assert connection.execute(unpaid).fetchall() == []
    connection.close()


def test_the_example_shows_the_shop_in_80_columns(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, EXAMPLES / "introspect_shop.py", "--out", tmp_path / "out"],
        capture_output=True, check=True, encoding="utf-8", env=environment, timeout=50,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert "\x1b" not in done.stdout  # no colours outside of a terminal
    assert [line for line in lines[:-1] if cell_len(line) > 80] == []
    assert "13 tables, 97 columns, 4 views, 17 keys, 14 indexes, 16 references, 0 issues" in lines
    for part in (
        "products  115 rows",
        "Größe",
        "100%",
        "👍",
        "order details",
        "where shipped_at IS NULL",
    ):
        assert part in done.stdout
    assert lines[-1].endswith("introspection.json")
    text = (tmp_path / "out" / "introspection.json").read_text(encoding="utf-8")
    output = IntrospectDataOutput.model_validate_json(text)
    assert (output.success, output.complete) == (True, True)
