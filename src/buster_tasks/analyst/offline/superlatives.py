"""`Top 5`, `the most`, `longest`: which few of what are wanted, and by what they are the first."""

from __future__ import annotations

import re
from typing import Final

from buster_tasks.analyst.offline import patterns as said
from buster_tasks.analyst.offline.intent import PLACE, Intent, Wanted, stems
from buster_tasks.analyst.offline.phrases import Phrases, after, number, until
from buster_tasks.analyst.offline.words import stem

_DEFAULT_TOP: Final = 10
_DEALINGS: Final = frozenset({"sale", "loan", "purchase", "order", "ordered", "rented", "rental"})
_PLACED: Final = re.compile(r"^\s*in (?!terms)")
_SPENDINGS: Final = frozenset({"spending", "payment", "earning"})


class Superlatives:
    """Takes superlatives off a clause, and puts on the intent what they say."""

    def __init__(self, intent: Intent, phrases: Phrases) -> None:
        self._intent, self._phrases = intent, phrases

    def read(self, main: str) -> str:
        """Which few are wanted, by what; the clause without its superlative."""
        for find in (self._top, self._best, self._has_most, self._one_most):
            left = find(main)
            if left is not None:
                return left
        return main

    def _top(self, main: str) -> str | None:
        found = said.TOP.search(main) or said.NUMBERED.search(main)
        if found is not None:
            self._rank(
                number(found["number"]), down=found["way"] in said.DOWN or found["way"] == "last"
            )
            groups = found.groupdict()
            sole = groups.get("sole") or (found["way"] if found["way"].endswith("est") else "")
            self._adjective(groups.get("adjective") or sole or "", found["way"])
            return self._entity(main[: found.start()], found["rest"])
        all_of = said.TOP_ALL.match(main)
        if all_of is not None:
            self._rank(_DEFAULT_TOP, down=False)
            return self._entity("", all_of["rest"])
        return None

    def _best(self, main: str) -> str | None:
        """`our best customer`: by what is for the data to tell."""
        found = said.BEST.match(main)
        if found is None:
            return None
        self._rank(1, down=found["way"] == "worst")
        return self._entity("", found["rest"])

    def _verb_most(self, main: str) -> str | None:
        """`who spent the most`, `which member has borrowed the most books`: what is dealt in decides."""
        found = said.MOST_VERB.match(main)
        if found is None:
            return None
        verb, what = stem(found["verb"]), until(found["rest"], said.BREAK)
        if stems(what) and verb not in _DEALINGS:
            return None
        self._rank(1, down=found["way"] == "least")
        self._intent.entity = self._noun(found["entity"])
        if stems(what):
            self._intent.order = Wanted((verb,), "count")
        elif verb in _SPENDINGS:
            self._intent.order = Wanted(("spending",), "sum")
        else:
            self._intent.order = self._phrases.wanted(f"total {found['verb']}")
        return f"{found['entity']} {after(found['rest'], said.BREAK)}"

    def _has_most(self, main: str) -> str | None:
        left = self._verb_most(main)
        if left is not None:
            return left
        found = said.HAS_MOST.match(main)
        if found is None or not stems(found["entity"]):
            return None
        if found["order"].split()[:1] and found["order"].split()[0] in said.ADJECTIVES:
            return None
        self._rank(
            number(found["number"]) if found["number"] else 1, down=found["way"] in said.DOWN
        )
        self._intent.entity = self._noun(found["entity"])
        phrase = until(found["order"], said.BREAK)
        wanted = self._phrases.wanted(phrase)
        if wanted.aggregate is None and found["way"] not in (
            "most",
            "fewest",
            "least",
            "best",
            "worst",
            "top",
        ):
            self._intent.adjective = "extreme"
        if wanted.aggregate is None and found["way"] in ("most", "fewest", "least"):
            self._intent.adjective = "many"
        self._intent.order = wanted
        return f"{found['entity']} {after(found['order'], said.BREAK)}"

    def _one_most(self, main: str) -> str | None:
        found = said.IS_MOST.match(main)
        if found is not None:
            self._rank(1, down=False)
            self._intent.entity = self._noun(found["entity"])
            self._adjective(found["adjective"], found["way"] or "most")
            return f"{found['entity']} {found['rest']}"
        found = said.ONE_MOST.match(main)
        if found is None:
            return None
        adjective = found["adjective"] or found["verbal"] or found["sole"] or "common"
        if adjective in ("highest", "lowest"):
            return None
        self._rank(1, down=False)
        self._adjective(
            adjective,
            "least"
            if re.search(r"\b(?:least|lowest|worst)\b", main[: found.start("rest")])
            and adjective != "lowest"
            else "most",
        )
        return self._entity("", found["rest"])

    def _rank(self, limit: int, *, down: bool) -> None:
        self._intent.is_ranked, self._intent.limit, self._intent.is_descending = (
            True,
            limit,
            not down,
        )

    def _adjective(self, adjective: str, way: str) -> None:
        if not adjective:
            return
        self._intent.adjective = adjective
        is_greatest = said.ADJECTIVES[adjective][1]
        self._intent.is_descending = is_greatest != (
            way in said.DOWN and adjective not in said.DOWN
        )

    def _entity(self, before: str, rest: str) -> str:
        """Take the noun of the first few, and what they are the first by."""
        noun = until(rest, said.RELATIVE)
        left = rest[len(noun) :]
        self._intent.entity = self._noun(re.sub(r"^\s*of ", "", noun))
        by = re.match(
            r"^\s*(?:by|in terms of|based on|with the (?:most|highest|largest|best|lowest|fewest|least|greatest|"
            r"smallest)|ranked by|according to|in)\b(?P<what>.*)$",
            left,
        )
        if by is None or _PLACED.match(left):
            by = re.search(r"\bby (?P<what>.*)$", left)
            if by is None:
                return f"{before} {noun} {left}"
            noun += f" {left[: by.start()]}"
        phrase = until(by["what"], said.BREAK)
        if self._intent.order is None:
            self._intent.order = self._phrases.wanted(phrase)
            if re.match(r"\s*with the (?:highest|lowest|largest|smallest|greatest)", left):
                self._intent.adjective = self._intent.adjective or "extreme"
            if re.match(r"\s*with the (?:lowest|fewest|least|smallest)", left):
                self._intent.is_descending = False
        return f"{before} {noun} {by['what'][len(phrase) :]}"

    def _noun(self, text: str) -> tuple[str, ...]:
        """The words of what is spoken of; combinations of two are two groups."""
        self._intent.mentions += self._phrases.texts.mentions(text)
        text = PLACE.sub(" ", text)
        text = re.sub(
            r"\b(?:best[- ]selling|best|combinations? of|pairs? of|types? of combination)\b",
            " ",
            text,
        )
        parts = [stems(part) for part in re.split(r"\band\b|,|&", text)]
        found = [part[:4] for part in parts if part]
        self._intent.groups += found[1:]
        return found[0] if found else ()
