"""The roles: prepare looks and plans, analyse computes, review mends what did not hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from buster_tasks.analyst.state import State

RoleName = Literal["prepare", "analyse", "review"]

_EVERYBODY = """You are part of a team that answers questions with data. You work by calling tools, one or several at a
time; text that is no tool call is seen by nobody. {rule}
Data sources: {sources}.
"""

_PREPARE = """You prepare an analysis. Find the tables and columns that the question is about, how they join, and how
the values that it names are spelt. Look things up instead of guessing: search_schema, describe_table, search_values.
A question with several sensible meanings gets the most likely one, written down as an assumption; ask_user only where
the answers would have nothing in common. Be quick: a few look-ups, then submit_context, then submit_plan."""

_ANALYSE = """You analyse. Write SQL in the dialect of the data source, one SELECT at a time, over the tables that were
chosen. Let the database compute: totals, shares, growth, ranks. Mind joins that multiply rows, NULLs, time frames at
both ends, and results that were cut off. Look at each result before you go on; run no statement twice. Then make
metrics and charts of results that carry the answer, and call submit_findings.
In claims and in the summary every number and date stands as a place, {{name}}, for a value that names a cell of a
result (result, row from 0, column) or an expression over other values; code fills it in. Never write a digit yourself.
Claim only what the rows show."""

_REVIEW = """You mend findings that a check did not let through. For each one you are told what is wrong: run a better
statement and revise_finding, or drop_finding where it cannot be shown. Then call submit_review. The same rule holds:
numbers are places, {{name}}, never digits."""


@dataclass(frozen=True, slots=True)
class Role:
    """A part of the work with a prompt of its own; its model is chosen by its name."""

    name: RoleName
    states: frozenset[State]
    prompt: str

    def instructions(self, *, rule: str, sources: str) -> str:
        """What the model is told to be; the same text at each call, so that a provider may cache it."""
        return _EVERYBODY.format(rule=rule, sources=sources) + self.prompt


PREPARE: Final = Role("prepare", frozenset({State.SEARCHING, State.PLANNING}), _PREPARE)
ANALYSE: Final = Role("analyse", frozenset({State.ANALYZING}), _ANALYSE)
REVIEW: Final = Role("review", frozenset({State.REVIEWING}), _REVIEW)


def role_of(state: State) -> Role:
    """Whose work a state is. Raises KeyError for a state without a model."""
    for role in (PREPARE, ANALYSE, REVIEW):
        if state in role.states:
            return role
    raise KeyError(state)
