"""The review: evidence is run again, claims are held against it, and each finding gets its verdict. No model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import anyio

from buster_tasks.analyst.analysis import Analysis
from buster_tasks.analyst.checks import Facts, check_statement, facts_of
from buster_tasks.analyst.claims import render_finding, review_text
from buster_tasks.analyst.claims.finding import CODES
from buster_tasks.analyst.claims.template import fill
from buster_tasks.analyst.deadline import Deadline
from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.evidence import ResultSet
from buster_tasks.analyst.findings import Check, Finding, Verdict

_HOLDS: frozenset[Verdict] = frozenset({"verified", "non_reproducible"})


class Review:
    """Looks at all findings, as often as they are changed; what was run again is not run a third time."""

    def __init__(self, analysis: Analysis, deadline: Deadline) -> None:
        self._analysis, self._deadline = analysis, deadline
        self._again: dict[str, ResultSet | str] = {}
        self._facts: dict[str, Facts] = {}
        self._checks: dict[str, list[Check]] = {}

    async def look(self) -> None:
        """Give every finding its verdict, from what there is now."""
        analysis = self._analysis
        for at, finding in enumerate(analysis.findings):
            for id_ in finding.evidence:
                await self._run_again(id_)
                await self._learn_facts(id_)
            analysis.findings[at] = self._judged(finding)

    def faults(self) -> str:
        """What does not hold, for the model that may mend it; empty where all does."""
        told = [
            f"{finding.id} ({finding.verdict}): {finding.text or finding.claim}\n"
            + "\n".join(
                f"  - {check.message}" for check in finding.checks if check.severity != "info"
            )
            for finding in self._analysis.findings
            if finding.verdict not in _HOLDS
        ]
        return "" if not told else "These findings do not hold:\n" + "\n".join(told)

    def conclude(self) -> None:
        """Fill in the summary; a sentence of it that the evidence does not show is left out, and told."""
        analysis = self._analysis
        told = [
            value
            for finding in analysis.findings
            if finding.verdict in _HOLDS
            for value in finding.values
        ]
        values = {value.name: value for value in told}
        # a name that two findings give to different values says nothing
        for value in told:
            if value.name in values and value.text != values[value.name].text:
                del values[value.name]
        texts = {name: value.text for name, value in values.items()}
        kept: list[str] = []
        for sentence in sentences(analysis.summary):
            filled = fill(sentence, texts)
            verdicts = review_text(
                filled.text,
                list(values.values()),
                list(analysis.desk.results.values()),
                question=analysis.question,
            )
            missing = [one.mention.text for one in verdicts if not one.supported] + filled.unknown
            if missing:
                analysis.warn(
                    "SENTENCE_LEFT_OUT",
                    f"A sentence of the summary was left out: {', '.join(missing)} is not in the evidence.",
                )
            else:
                kept.append(filled.text)
        analysis.summary = " ".join(kept)

    async def _run_again(self, id_: str) -> None:
        result = self._analysis.desk.results.get(id_)
        if result is None or id_ in self._again:
            return
        left = self._deadline.left(for_review=True)
        if left == 0:
            self._again[id_] = "There was no time to run it again."
            return
        try:
            seconds = None if math.isinf(left) else left
            self._again[id_] = await self._analysis.desk.repeat(result, seconds=seconds)
        except ToolRefusedError as error:
            self._again[id_] = error.message

    async def _learn_facts(self, id_: str) -> None:
        """What is known of the source of a result; of a large one in a thread, as it takes a second."""
        result = self._analysis.desk.results.get(id_)
        if result is not None and result.source not in self._facts:
            found = self._analysis.desk.known(result.source).tables.introspection
            self._facts[result.source] = await anyio.to_thread.run_sync(facts_of, found)

    def _judged(self, finding: Finding) -> Finding:
        results = self._analysis.desk.results
        rendered = self._rendered(finding, list(results.values()))
        checks = [*rendered.checks]
        evidence = [results[id_] for id_ in finding.evidence if id_ in results]
        if not evidence:
            checks.append(
                Check(
                    code="NO_EVIDENCE",
                    severity="error",
                    message="It names no result, so nothing shows it.",
                )
            )
        for result in evidence:
            checks += self._checked(result)
        verdict = self._verdict(rendered, evidence, checks)
        return rendered.model_copy(update={"checks": checks, "verdict": verdict})

    def _rendered(self, finding: Finding, results: Sequence[ResultSet]) -> Finding:
        bare = finding.model_copy(update={"checks": []})
        return render_finding(bare, results, question=self._analysis.question)

    def _checked(self, result: ResultSet) -> Sequence[Check]:
        if result.id not in self._checks:
            known = self._analysis.desk.known(result.source)
            self._checks[result.id] = check_statement(
                result.sql,
                known.dialect,
                result.result,
                self._facts[result.source],
                question=self._analysis.question,
            )
        return self._checks[result.id]

    def _verdict(
        self, finding: Finding, evidence: Sequence[ResultSet], checks: list[Check]
    ) -> Verdict:
        codes = {check.code for check in checks if check.severity == "error"}
        if codes:
            return "contradicted" if codes <= CODES else "unsupported"
        again = [self._again.get(result.id, "It was not run again.") for result in evidence]
        for one in again:
            if isinstance(one, str):
                checks.append(Check(code="NOT_RUN_AGAIN", severity="warning", message=one))
                return "not_checked"
        changed = [
            result.id
            for result, one in zip(evidence, again, strict=True)
            if isinstance(one, ResultSet) and one.digest != result.digest
        ]
        if not changed:
            return "verified"
        if {check.code for check in checks} & {"NON_REPRODUCIBLE"}:
            return "non_reproducible"
        now = [one for one in again if isinstance(one, ResultSet)]
        if self._rendered(finding, now).text == finding.text:
            return "verified"  # what else is in the result does not matter to the claim
        checks.append(
            Check(
                code="CHANGED",
                severity="warning",
                message=f"{', '.join(changed)} has other rows now.",
            )
        )
        return "stale"


def sentences(text: str) -> list[str]:
    """The text in sentences, lines and items of lists apart; a point within a number ends none."""
    found: list[str] = []
    for line in text.splitlines():
        begin = 0
        for at, one in enumerate(line):
            follows = line[at + 1 : at + 2]
            if one in ".!?" and (not follows or follows.isspace()):
                found.append(line[begin : at + 1].strip())
                begin = at + 1
        found.append(line[begin:].strip())
    return [sentence for sentence in found if sentence]
