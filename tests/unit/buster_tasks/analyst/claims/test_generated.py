"""Generated claims: what is true passes, and what was changed is caught."""

import pytest

from buster_tasks.analyst.claims import review_text
from tests.unit.buster_tasks.analyst.claims.generated import Case, cases

SEEDS = [1, 2, 3, 4, 5]


def unsupported(case: Case) -> list[str]:
    verdicts = review_text(case.text, [], case.results, question=case.question)
    return [one.mention.text for one in verdicts if not one.supported]


@pytest.mark.parametrize("seed", SEEDS)
def test_of_200_changed_claims_all_are_caught(seed: int) -> None:
    changed = cases(seed, 200, changed=True)
    assert all(case.changed for case in changed)
    assert [f"{case.changed} in {case.text}" for case in changed if not unsupported(case)] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_of_200_true_claims_four_are_false_alarms_at_most(seed: int) -> None:
    alarms = [
        f"{found} in {case.text}"
        for case in cases(seed, 200, changed=False)
        if (found := unsupported(case))
    ]
    assert len(alarms) <= 4, alarms


def test_the_two_sets_differ_by_what_was_changed() -> None:
    """So that neither passes for a reason of its own: a claim that says nothing would be supported."""
    for case in cases(6, 48, changed=False):
        assert review_text(case.text, [], case.results, question=case.question)
