"""Claims that are true of some results, and the same claims with one mention changed; all by a seed.

Nothing here uses the code under test: what is shown is rounded and worded here, from the cells.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from buster_tasks.analyst.evidence import ResultSet
from tests.unit.buster_tasks.analyst.claims.figures import FIGURES
from tests.unit.buster_tasks.analyst.claims.series import ROWS
from tests.unit.buster_tasks.analyst.claims.slots import Template

TEMPLATES = ROWS + FIGURES


@dataclass(frozen=True)
class Case:
    """A text over results; `changed` names what was made wrong, and is empty for a true one."""

    text: str
    results: tuple[ResultSet, ...]
    question: str = ""
    changed: str = ""


def cases(
    seed: int, count: int, *, changed: bool, templates: Sequence[Template] = TEMPLATES
) -> list[Case]:
    """So many cases, the templates by turns."""
    rng = random.Random(f"{seed} {changed}")
    found: list[Case] = []
    while len(found) < count:
        template = templates[len(found) % len(templates)]
        text, slots, results, question = template(rng)
        shown = {f"s{number}": slot.text for number, slot in enumerate(slots)}
        what = ""
        if changed:
            able = [number for number, slot in enumerate(slots) if slot.wrong]
            number = rng.choice(able)
            wrong = rng.choice(slots[number].wrong)
            what = f"{slots[number].text} -> {wrong}"
            shown[f"s{number}"] = wrong
        found.append(Case(text.format(**shown), results, question, what))
    return found
