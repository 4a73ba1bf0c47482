"""The command `python -m buster_tasks.eval`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from buster_tasks.eval.question import Question, QuestionSetError, load

if TYPE_CHECKING:
    from buster_tasks.analyst.flow import MakeModel
    from buster_tasks.eval.outcome import Outcome

TOO_FEW: Final = 1
"""Exit status: fewer questions were right than was asked for."""

UNUSABLE: Final = 2
"""Exit status: the set, or a database of it, cannot be used; as argparse has it for wrong arguments."""


def main(arguments: Sequence[str] | None = None, *, make_model: MakeModel | None = None) -> int:
    """Run the command; the exit status is 0, TOO_FEW or UNUSABLE."""
    given = _parser().parse_args(arguments)
    try:
        questions = _chosen(load(given.questions), given.only, given.limit)
        with tempfile.TemporaryDirectory(prefix="eval-") as scratch:
            outcomes = _run(given, questions, Path(scratch), make_model)
    except QuestionSetError as error:
        sys.stderr.write(f"{error}\n")
        return UNUSABLE
    from buster_tasks.eval.outcome import totals_of

    totals = totals_of(outcomes)
    return TOO_FEW if (totals.accuracy or 0.0) < given.at_least else 0


def _run(
    given: argparse.Namespace,
    questions: list[Question],
    scratch: Path,
    make_model: MakeModel | None,
) -> list[Outcome]:
    from buster_tasks.analyst.flow import configured_model
    from buster_tasks.eval.database import Databases
    from buster_tasks.eval.outcome import totals_of
    from buster_tasks.eval.printing import Printer
    from buster_tasks.eval.running import Evaluation
    from taskkit.runtime.portal import block_on

    model = given.model or configured_model()
    folder = given.database_dir or given.questions.parent
    evaluation = Evaluation(
        model=model,
        databases=Databases(folder, scratch),
        catalog=scratch / "catalog.db",
        budget_usd=given.budget_usd,
        seconds=given.seconds,
        make_model=make_model,
    )
    printer = Printer(sys.stderr if given.output == "json" else sys.stdout)
    outcomes = block_on(lambda: evaluation.run(questions, printer.outcome))
    totals = totals_of(outcomes)
    printer.totals(totals)
    if given.output == "json":
        whole = {
            "model": model,
            "totals": totals.model_dump(mode="json"),
            "questions": [one.model_dump(mode="json") for one in outcomes],
        }
        sys.stdout.write(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
    return outcomes


def _chosen(questions: list[Question], only: Sequence[str], limit: int | None) -> list[Question]:
    missing = [id_ for id_ in only if all(one.id != id_ for one in questions)]
    if missing:
        raise QuestionSetError(f"There is no question {missing[0]!r} in the set.")
    kept = [one for one in questions if not only or one.id in only]
    return kept[:limit]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m buster_tasks.eval",
        description="Ask the analyst a set of questions whose answers are known, and tell how much was right.",
    )
    parser.add_argument(
        "questions", type=Path, help="the set, a JSON file; docs/analyst.md has its format"
    )
    parser.add_argument(
        "--model", help="a model string of litellm, or offline; the configured one if left out"
    )
    parser.add_argument(
        "--database-dir",
        type=Path,
        help="where the databases are; the folder of the set if left out",
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", "json"),
        default="text",
        help="json goes to stdout, and the text to stderr then",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="ID",
        help="ask this question only; may be given several times",
    )
    parser.add_argument("--limit", type=_positive, help="ask the first so many questions only")
    parser.add_argument(
        "--budget-usd",
        type=_amount,
        help="what all questions may cost together; the rest is skipped",
    )
    parser.add_argument("--seconds", type=_amount, help="how long each question may take")
    parser.add_argument(
        "--at-least",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="exit with 1 when a smaller share, from 0 to 1, is right",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("has to be 1 or more")
    return number


def _amount(text: str) -> float:
    number = float(text)
    if not number >= 0:
        raise argparse.ArgumentTypeError("has to be 0 or more")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("has to be from 0 to 1")
    return number
