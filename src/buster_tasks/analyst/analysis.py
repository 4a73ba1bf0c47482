"""One analysis as it stands: what was asked, chosen, planned and found. Tools change it, the review reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from buster_tasks.analyst.desk import Desk
from buster_tasks.analyst.findings import (
    Chart,
    Check,
    Dashboard,
    Finding,
    Metric,
    NamedValue,
    Plan,
)
from buster_tasks.analyst.known_tables import Place
from buster_tasks.analyst.models import (
    AnalystContext,
    AnalystLimits,
    AnalystUsage,
    ExecutionStep,
)
from buster_tasks.analyst.quoting import BLOCK_CHARACTERS, Blocks, reads_like_instructions
from buster_tasks.analyst.state import State, check_move


@dataclass(slots=True)
class Analysis:
    """What the states hand on to each other.

    `usage` tells what was taken up to now. `answer` is set where no data is needed, `clarification` where the user has
    to say more; either ends the analysis.
    """

    question: str
    desk: Desk
    blocks: Blocks
    limits: AnalystLimits
    context: AnalystContext = field(default_factory=AnalystContext)
    may_ask: bool = True
    usage: Callable[[], AnalystUsage] = AnalystUsage
    states: list[State] = field(default_factory=lambda: [State.INITIALIZING])
    tables: list[tuple[str, Place]] = field(default_factory=list[tuple[str, Place]])
    notes: list[str] = field(default_factory=list[str])
    plan: Plan | None = None
    findings: list[Finding] = field(default_factory=list[Finding])
    values: dict[str, NamedValue] = field(default_factory=dict[str, NamedValue])
    metrics: list[Metric] = field(default_factory=list[Metric])
    charts: list[Chart] = field(default_factory=list[Chart])
    dashboards: list[Dashboard] = field(default_factory=list[Dashboard])
    summary: str = ""
    assumptions: list[str] = field(default_factory=list[str])
    warnings: list[Check] = field(default_factory=list[Check])
    steps: list[ExecutionStep] = field(default_factory=list[ExecutionStep])
    answer: str | None = None
    clarification: str | None = None

    @property
    def state(self) -> State:
        """Where it is."""
        return self.states[-1]

    def move(self, then: State) -> None:
        """Go on to another state. Raises IllegalMoveError."""
        check_move(self.state, then)
        self.states.append(then)

    def warn(self, code: str, message: str) -> None:
        """Tell the reader of the answer, once."""
        check = Check(code=code, severity="warning", message=message)
        if check not in self.warnings:
            self.warnings.append(check)

    def quoted(self, data: JsonValue, *, most: int = BLOCK_CHARACTERS) -> str:
        """The data as a block for a model, at most about so long; what reads like instructions in it is told."""
        if reads_like_instructions(data):
            self.warn(
                "INSTRUCTIONS_IN_DATA",
                "Some text in the data reads like instructions to a model. It was treated as data.",
            )
        return self.blocks.block(data, cell_characters=self.limits.cell_characters, most=most)

    def next_id(self, kind: str, made: Sequence[object]) -> str:
        """The id of the next of its kind: m1, c2, f3."""
        return f"{kind}{len(made) + 1}"
