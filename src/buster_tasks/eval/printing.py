"""What the terminal shows: a line for each question, and the totals; in colours where rich is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TextIO

from buster_tasks.eval.outcome import Outcome, Totals

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final = {
    "right": "green",
    "wrong": "bold red",
    "refused": "yellow",
    "asked": "yellow",
    "failed": "red",
    "skipped": "dim",
}
_QUESTION_CHARACTERS: Final = 90


class Printer:
    """Writes to a terminal or a file; never markup of what others wrote."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._console = _console(stream)

    def outcome(self, one: Outcome) -> None:
        """One line for a question, and why where it was not right."""
        question = " ".join(one.question.split())
        if len(question) > _QUESTION_CHARACTERS:
            question = f"{question[: _QUESTION_CHARACTERS - 3]}..."
        self._line(
            f"{one.verdict:<8}",
            f" {one.id:<12} {one.seconds:>6.2f} s  {question}",
            _STYLES[one.verdict],
        )
        if one.verdict in ("wrong", "failed") and one.why:
            self._line("", f"{'':<9}{' '.join(one.why.split())}", "")
        if one.verdict == "wrong" and one.sql:
            self._line("", f"{'':<9}{one.sql}", "")

    def totals(self, totals: Totals) -> None:
        """The figures of the set."""
        self._line("", "", "")
        for name, value in _figures(totals):
            self._line("", f"{name:<20} {value}", "")

    def _line(self, marked: str, rest: str, style: str) -> None:
        if self._console is None:
            print(f"{marked}{rest}", file=self._stream)
            return
        from rich.text import Text

        text = Text(marked, style=style)
        text.append(rest, style="default")
        self._console.print(text, soft_wrap=True)


def _figures(totals: Totals) -> Sequence[tuple[str, str]]:
    cost = (
        f"${totals.cost_usd:.4f}"
        if totals.cost_is_known
        else f"${totals.cost_usd:.4f} that is known"
    )
    time = (
        "-"
        if totals.seconds_median is None
        else f"{totals.seconds_median:.2f} s median, {totals.seconds_p95:.2f} s p95"
    )
    return (
        ("questions", f"{totals.questions} ({totals.skipped} skipped)"),
        ("right", f"{totals.right} ({_percent(totals.accuracy)} of those that were asked)"),
        ("execution accuracy", _percent(totals.execution_accuracy)),
        ("precision", f"{_percent(totals.precision)} of the answers that were given"),
        ("wrong", str(totals.wrong)),
        ("refused", f"{totals.refused_rightly} rightly, {totals.refused_wrongly} wrongly"),
        ("asked back", str(totals.asked)),
        ("failed", str(totals.failed)),
        ("faithfulness", f"{_percent(totals.faithfulness)} of the findings are verified"),
        ("tokens", f"{totals.tokens:,}"),
        ("cost", cost),
        ("time", time),
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _console(stream: TextIO) -> Console | None:
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=stream, highlight=False)
