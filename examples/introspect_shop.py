"""Introspects a database and shows the progress live: a small shop, or the one that you name.

    python examples/introspect_shop.py [URL] [--out FOLDER]

Without a URL (such as postgresql://reader@127.0.0.1/shop?password=env:PGPASSWORD) the database is made from
shop/shop.sql. The task `introspect-data` runs in memory, and the whole result is written to
FOLDER/introspection.json, where FOLDER is a new temporary one unless you name it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sqlite3
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.text import Text
from rich.tree import Tree

import taskkit
from buster_tasks import (
    IntrospectDataInput,
    IntrospectDataOptions,
    IntrospectDataOutput,
    introspect_data,
)
from buster_tasks.errors import SourceError
from buster_tasks.introspection.models import ErrorDetail
from buster_tasks.sources import SqliteCredentials, credentials_from_url
from buster_tasks.sources.credentials import AnyCredentials
from buster_tasks.sources.schema import Column, ForeignKey, Index, Introspection, Table, View
from taskkit import RunHandle

POLL_SECONDS = 0.01
MOST_SHOWN = 100
SHOWN_COUNTS = ("tables", "columns", "views", "indexes", "foreignKeys")


def make_database(folder: Path) -> Path:
    """A fresh shop.db in the folder, from shop.sql."""
    path = folder / "shop.db"
    path.unlink(missing_ok=True)
    script = Path(__file__).with_name("shop") / "shop.sql"
    connection = sqlite3.connect(path)
    try:
        connection.executescript(script.read_text(encoding="utf-8"))
    finally:
        connection.close()
    return path


async def introspect(
    name: str, credentials: AnyCredentials, console: Console
) -> IntrospectDataOutput:
    """Runs the task in memory and shows its metadata as it changes."""
    options = IntrospectDataOptions(snapshot=False)  # it leaves nothing behind
    payload = IntrospectDataInput(data_source_name=name, credentials=credentials, options=options)
    async with taskkit.local():
        handle = await introspect_data.trigger(payload)
        console.print(
            Text.assemble("run ", (handle.id, "cyan"), " of task ", (handle.task_id, "cyan"))
        )
        await show_progress(handle, console)
        return (await handle.result()).unwrap()


async def show_progress(handle: RunHandle[Any], console: Console) -> None:
    """A bar on a terminal; elsewhere one line for each phase."""
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("[dim]{task.fields[found]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("waiting".ljust(13), total=1.0, found="")
        told = ""
        while True:
            run = await handle.retrieve()
            phase, done = run.metadata.get("phase", "waiting"), run.metadata.get("progress", 0)
            progress.update(
                bar, completed=done, description=phase.ljust(13), found=found(run.metadata)
            )
            if phase != told and not console.is_terminal:
                console.print(f"{phase.ljust(13)} {done:4.0%}  {found(run.metadata)}".rstrip())
            told = phase
            if run.is_completed:
                return
            await asyncio.sleep(POLL_SECONDS)


def found(metadata: Mapping[str, Any]) -> str:
    """What was found up to now, in few words."""
    known = [name for name in SHOWN_COUNTS if name in metadata]
    return ", ".join(
        f"{metadata[name]} {'keys' if name == 'foreignKeys' else name}" for name in known
    )


def tree_of(introspection: Introspection) -> Tree:
    """The whole structure, one line for each object."""
    names = ", ".join(database.name for database in introspection.databases)
    tree = Tree(Text.assemble((names, "bold"), (f"  {introspection.data_source_type}", "dim")))
    tables = tree.add(title("tables", introspection.tables))
    for table in introspection.tables[:MOST_SHOWN]:
        add_table(tables, table, introspection)
    add_rest(tables, introspection.tables)
    views = tree.add(title("views", introspection.views))
    for view in introspection.views[:MOST_SHOWN]:
        branch = views.add(Text.assemble((name_of(view, introspection), "bold green")))
        for column in columns_of(introspection, view):
            branch.add(column_line(column))
    add_rest(views, introspection.views)
    if introspection.issues:
        issues = tree.add(title("issues", introspection.issues))
        for issue in introspection.issues:
            issues.add(Text.assemble((issue.code, "yellow"), f" {issue.message} {issue.fix}"))
    return tree


def add_rest(tree: Tree, objects: Sequence[Any]) -> None:
    if len(objects) > MOST_SHOWN:
        tree.add(Text(f"and {len(objects) - MOST_SHOWN:,} more", "dim"))


def name_of(owner: Table | View, introspection: Introspection) -> str:
    """Its name, with its schema where there are several."""
    return owner.name if len(introspection.schemas) < 2 else f"{owner.schema_name}.{owner.name}"


def title(name: str, objects: list[Any]) -> Text:
    return Text.assemble((name, "bold"), (f"  {len(objects)}", "dim"))


def add_table(tree: Tree, table: Table, introspection: Introspection) -> None:
    rows = "? rows" if table.row_count is None else f"{table.row_count:,} rows"
    size = "" if table.size_bytes is None else f", {table.size_bytes // 1024} KiB"
    name = name_of(table, introspection)
    branch = tree.add(Text.assemble((name, "bold green"), (f"  {rows}{size}", "dim")))
    for column in columns_of(introspection, table):
        branch.add(column_line(column))
    for index in introspection.indexes:
        if is_of(index, table) and not index.name.startswith("sqlite_autoindex"):
            branch.add(index_line(index))
    for key in introspection.foreign_keys:
        if (key.source_database, key.source_schema, key.source_table) == place_of(table):
            branch.add(foreign_key_line(key))


def columns_of(introspection: Introspection, owner: Table | View) -> Iterable[Column]:
    return (column for column in introspection.columns if is_of(column, owner))


def is_of(part: Column | Index, owner: Table | View) -> bool:
    return part.table == owner.name and place_of(owner)[:2] == (part.database, part.schema_name)


def place_of(owner: Table | View) -> tuple[str, str, str]:
    return owner.database, owner.schema_name, owner.name


def column_line(column: Column) -> Text:
    marks = {
        "key": column.is_primary_key,
        "ref": column.is_foreign_key,
        "not null": column.is_nullable is False and not column.is_primary_key,
        f"= {column.generated_expression}": column.generated_kind,
    }
    shown = "  ".join(mark for mark, holds in marks.items() if holds)
    kind = column.data_type.lower()
    return Text.assemble(
        column.name,
        (f" {kind}" if kind else "", "cyan"),
        (f"  {shown}" if shown else "", "magenta"),
    )


def index_line(index: Index) -> Text:
    where = f" where {index.predicate}" if index.predicate else ""
    kind = "unique index" if index.is_unique else "index"
    parts = ", ".join(
        f"{part.column or part.expression}{' desc' if part.is_descending else ''}"
        for part in index.parts
    )
    return Text.assemble((f"{kind} ", "dim"), index.name, (f" ({parts}){where}", "dim"))


def foreign_key_line(key: ForeignKey) -> Text:
    source, target = ", ".join(key.source_columns), ", ".join(key.referenced_columns)
    table = key.referenced_table
    if key.referenced_schema != key.source_schema:
        table = f"{key.referenced_schema}.{table}"
    return Text.assemble(("reference ", "dim"), source, " → ", f"{table} ({target})")


def show(output: IntrospectDataOutput, folder: Path, console: Console) -> bool:
    """Prints what was found, or why nothing was; whether it was found."""
    if output.introspection is None:
        error = output.error or ErrorDetail(code="FAILED", message="No reason is known.")
        console.print(Text.assemble((error.code, "bold red"), f" {error.message} {error.fix}"))
        return False
    if output.connection is not None:
        kind, version = output.introspection.data_source_type, output.connection.server_version
        latency = output.connection.latency_ms or 0
        console.print(f"connected to {kind} {version} in {latency:.1f} ms")
    console.print(tree_of(output.introspection))
    path = folder / "introspection.json"
    path.write_text(output.model_dump_json(by_alias=True, indent=2), encoding="utf-8")
    console.print(summary(output))
    console.print(Text.assemble("the whole result: ", (str(path), "cyan")), soft_wrap=True)
    return True


def summary(output: IntrospectDataOutput) -> str:
    """One line of what was found."""
    counts = output.introspection.counts() if output.introspection else {}
    keys = counts["primary_keys"] + counts["unique_keys"]
    return (
        f"{counts['tables']} tables, {counts['columns']} columns, {counts['views']} views, {keys} keys, "
        f"{counts['indexes']} indexes, {counts['foreign_keys']} references, {counts['issues']} issues"
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Introspect a small shop database, or another.")
    parser.add_argument("url", nargs="?", help="such as postgresql://reader@host/db?password=env:P")
    parser.add_argument("--out", type=Path, help="folder for the result")
    given = parser.parse_args(arguments)
    folder = given.out or Path(tempfile.mkdtemp(prefix="shop-"))
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False)
    logging.basicConfig(level=logging.CRITICAL)  # what goes wrong is shown at the end
    try:
        name, credentials = source_of(given.url, folder)
    except SourceError as error:
        parser.error(str(error))
    except ValidationError as error:
        parser.error("; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors()))
    output = asyncio.run(introspect(name, credentials, console))
    return 0 if show(output, folder, console) else 1


def source_of(url: str | None, folder: Path) -> tuple[str, AnyCredentials]:
    """A name for the source, and how to reach it."""
    if url is None:
        return "Shop", SqliteCredentials(path=str(make_database(folder)))
    credentials = credentials_from_url(url)
    return getattr(credentials, "database", None) or "source", credentials


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
