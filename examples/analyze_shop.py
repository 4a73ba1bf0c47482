"""Asks a question about a small shop and shows how the analyst goes through its states.

    python examples/analyze_shop.py ["QUESTION"] [--model MODEL] [--out FOLDER]

Without a model of a provider (such as --model anthropic/claude-sonnet-4-5, with its key in the environment) the model
`offline` answers: it matches words of the question with the schema, and says when it cannot. The report is written to
FOLDER/report.html, where FOLDER is a new temporary one unless you name it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from introspect_shop import make_database
from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

import taskkit
from buster_tasks import (
    AnalystAgentTaskInput,
    AnalystAgentTaskOutput,
    AnalystDataSource,
    AnalystOptions,
    analyst_agent_task,
)
from buster_tasks.sources import SqliteCredentials
from taskkit import RunHandle, runs

QUESTION = "What are the top 5 products by revenue?"
VERDICTS = {"verified": ("✓", "green"), "not_checked": ("?", "yellow")}


async def analyze(
    question: str, model: str, shop: Path, console: Console
) -> AnalystAgentTaskOutput:
    """Runs the task in memory, and tells each state as it begins."""
    payload = AnalystAgentTaskInput(
        session_id="demo",
        user_id="demo",
        query=question,
        data_sources=[
            AnalystDataSource(name="shop", credentials=SqliteCredentials(path=str(shop)))
        ],
        options=AnalystOptions(model=model),
    )
    async with taskkit.local():
        handle = await analyst_agent_task.trigger(payload)
        await show_states(handle, console)
        return (await handle.result()).unwrap()


async def show_states(handle: RunHandle[Any], console: Console) -> None:
    """A line for each state, and for what was done last in it."""
    state = step = ""
    async for run in runs.subscribe(handle.id):
        now, done = run.metadata.get("state", ""), run.metadata.get("current_step", "")
        if now != state:
            console.print(Text(now, "bold cyan"))
        elif done != step and ":" in done:
            console.print(Text(f"  {done}", "dim"), soft_wrap=True)
        state, step = now, done


def show(output: AnalystAgentTaskOutput, folder: Path, console: Console) -> bool:
    """Prints the answer with its verdicts, or why there is none; whether there is one."""
    result = output.result
    if result is None or output.error is not None:
        code = "FAILED" if output.error is None else output.error.code
        message = "" if output.error is None else f" {output.error.message} {output.error.fix}"
        console.print(Text.assemble((code, "bold red"), message))
        return False
    console.print()
    console.print(Markdown(result.response))
    for finding in result.findings:
        mark, style = VERDICTS.get(finding.verdict, ("✗", "red"))
        console.print(Text.assemble((mark, style), f" {finding.verdict}  ", (finding.text, "dim")))
    for artifact in result.artifacts:
        if artifact.type == "query":
            console.print(Text(artifact.evidence.sql, "blue"), soft_wrap=True)
    if result.report is not None:
        path = folder / "report.html"
        path.write_text(result.report.html, encoding="utf-8")
        console.print(Text.assemble("the whole report: ", (str(path), "cyan")), soft_wrap=True)
    return True


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Ask a question about a small shop.")
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--model", default="offline", help="such as anthropic/claude-sonnet-4-5")
    parser.add_argument("--out", type=Path, help="folder for the report")
    given = parser.parse_args(arguments)
    if not given.question.strip():
        parser.error("the question is empty")
    folder = given.out or Path(tempfile.mkdtemp(prefix="shop-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("BUSTER_TASKS_CATALOG", "off")  # it leaves nothing behind
    logging.basicConfig(level=logging.CRITICAL)  # what goes wrong is shown at the end
    console = Console(highlight=False)
    output = asyncio.run(analyze(given.question, given.model, make_database(folder), console))
    return 0 if show(output, folder, console) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
