"""A question taken apart: each part that is understood is cut out, and what is left has to name tables or columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from buster_tasks.analyst.offline import patterns as said
from buster_tasks.analyst.offline.defining import Definitions, definitions_of
from buster_tasks.analyst.offline.intent import (
    PLACE,
    Bound,
    Formula,
    Intent,
    Mention,
    Wanted,
    stems,
)
from buster_tasks.analyst.offline.times import Grain, grain_of, span_of
from buster_tasks.analyst.offline.words import stem, words as listed

_QUOTED: Final = re.compile(
    r"(?<!\w)'([^']{1,80})'(?!\w)|\"([^\"]{1,80})\"|\u201c([^\u201d]{1,80})\u201d|\u2018([^\u2019]{1,80})\u2019"
)
_MOST_READ: Final = 2_000
_NEAR: Final = 5
_SHORT: Final = 3
_DEFAULT_TOP: Final = 10
_COUNTS: Final = re.compile(
    r"\b(?:the )?(?:total |overall )?(?:number|count|no\.) of (?=(?:the |all |distinct |unique |different |"
    r"active )*[a-z\ue000]+)"
)
_POLITE: Final = re.compile(
    r"^(?:please |can you |could you |i(?:'d| would) like to (?:know|see) |i want to (?:know|see) |tell me |"
    r"show me |give me |"
    r"show |list |find |return |display |get |provide |identify |count |compute |calculate |what(?:'s| is| are| "
    r"was| were) |who(?:'s| is| are) |"
    r"(?:the )?(?:distinct |complete |full )?list of (?!howmany)|all of the |all the |all |me |us |the )+"
)
_SENTENCE: Final = re.compile(
    r"(?<=[^\W\d_])[.?!;](?:\s+|$)|[?!;](?:\s+|$)|(?<=[\d\ue001)])\.(?:\s+|$)"
)
_DISTINCT: Final = re.compile(r"\b(?:distinct|unique|different)\b")
_MANNERS: Final = (
    (re.compile(r"\b(?:start|begin)(?:s|ing)? with(?: the)?(?: letters?)?\s*$"), "begins"),
    (re.compile(r"\bend(?:s|ing)? (?:with|in)(?: the)?(?: letters?)?\s*$"), "ends"),
    (re.compile(r"\b(?:contain(?:s|ing)?|includ(?:es|ing)|like)(?: the)?(?: (?:word|text|string|"
    r"letters?))?\s*$"), "contains"),
)  # fmt: skip
_LETTER: Final = re.compile(
    r"\b(?P<before>(?:start|begin|end)(?:s|ing)? (?:with|in)(?: the)?(?: letters?)?) (?!the\b|an?\b|"
    r"letter)(?P<letter>[A-Za-z]{1,3})\b"
)
_NEGATED: Final = re.compile(
    r"(?:\b(?:not|other than|except|excluding|outside(?: of)?|isn't|aren't|weren't|wasn't)(?: in| from| the| "
    r"of)*|\bnon-?)\s*$"
)


def read(question: str, values: Sequence[str] = (), names: Collection[str] = ()) -> Intent:
    """What can be told of a question. Never raises.

    `values` are texts of it that are known to stand in the data, `names` the words that tables are called by.
    """
    text, definitions = definitions_of(question[:_MOST_READ])
    return _Reader(text, values, definitions, names).intent


class _Reader:
    """Reads one question; `_text` is what is not understood yet."""

    def __init__(
        self, question: str, values: Sequence[str], definitions: Definitions, names: Collection[str]
    ) -> None:
        self.intent = Intent(question)
        self._texts: list[str] = []
        self._quoted: set[int] = set()
        self._beside: list[str] = []
        self._values, self._names = values, names
        self._text = self._placed(question, values)
        self._formulas(definitions)
        self._times()
        self._sentences()
        self.intent.words = self._all_words()

    # --- texts of the data ------------------------------------------------------------------------

    def _placed(self, question: str, values: Sequence[str]) -> str:
        """The question in small letters, with places instead of texts of the data."""
        text = PLACE.sub(" ", question)
        text = _LETTER.sub(
            lambda match: f"{match['before']} {self._place(match['letter'], quoted=True)}", text
        )
        text = _QUOTED.sub(
            lambda match: self._place(next(filter(None, match.groups())), quoted=True), text
        )
        for value in sorted(values, key=len, reverse=True):
            exact = len(value) <= 3 and not value.isdigit()
            ending = "(?:e?s)?" if len(value) > _SHORT and value[-1:].isalpha() else ""
            pattern = re.compile(
                rf"(?<![\w\ue000]){re.escape(value)}{ending}(?![\w\ue001])",
                0 if exact else re.IGNORECASE,
            )
            text = pattern.sub(lambda _, known=value: self._place(known), text)
        return re.sub(r"\s+", " ", text.lower()).strip()

    def _place(self, text: str, *, quoted: bool = False) -> str:
        self._texts.append(text)
        if quoted:
            self._quoted.add(len(self._texts) - 1)
        return f"\ue000{len(self._texts) - 1}\ue001"

    def _mention(self, text: str, match: re.Match[str]) -> Mention:
        before, after = text[: match.start()], text[match.end() :]
        manner = next((name for pattern, name in _MANNERS if pattern.search(before)), "equal")
        at = int(match[1])
        follows = (
            manner == "equal"
            and at in self._quoted
            and re.match(r"\s*in (?:its|their|the|a|his|her)\b", after) is not None
        )
        manner = "contains" if follows else manner
        earlier = list(PLACE.finditer(before))
        between = before[earlier[-1].end() :] if earlier else ""
        return Mention(
            self._texts[at] if at < len(self._texts) else "",
            stems(before[earlier[-1].end() if earlier else 0 :])[-_NEAR:],
            stems(PLACE.split(after)[0])[:_NEAR],
            manner,  # type: ignore[arg-type]  # the names above are those of the literal
            is_negated=_NEGATED.search(before) is not None,
            joins=bool(re.search(r"\bor\b", between))
            or (bool(earlier) and between.strip() in (",", "and", ", and", "&")),
            is_quoted=at in self._quoted,
            follows=follows,
        )

    def _mentions(self, text: str) -> tuple[Mention, ...]:
        return tuple(self._mention(text, match) for match in PLACE.finditer(text))

    # --- definitions and times --------------------------------------------------------------------

    def _formulas(self, definitions: Definitions) -> None:
        self.intent.hints = stems(definitions.notes)
        for name, (text, parts) in definitions.formulas.items():
            placed = [_COUNTS.sub(" howmany ", self._placed(part, self._values)) for part in parts]
            made = tuple(self._wanted(_until(part, said.BREAK)) for part in placed)
            self._beside += [word for part in placed for word in stems(_after(part, said.BREAK))]
            self.intent.formulas[name.lower()] = Formula(name, text, made)

    def _times(self) -> None:
        if said.UNREAD.search(self._text):
            self.intent.unclear.append("It asks for more than one step.")
        if said.RECENTLY.search(self._text):
            self.intent.unclear.append("It speaks of a time that depends on today.")
        grain = grain_of(self._text)
        if grain is not None and not (grain[1].endswith(("ly", "al")) and grain[1] in self._names):
            self.intent.grain, words = grain
            self._text = self._text.replace(words, " ", 1)
        span = span_of(self._text)
        if span is not None:
            self.intent.span = span
            words = re.escape(span.text)
            self._text = re.sub(
                rf"(?:\b(?:in|on or after|on|during|between|from|since|before|after|until|till|up to|by|of|for|"
                rf"starting|through|"
                rf"the year|year|prior to|later than|earlier than)\s+)*{words}(?: \(inclusive[^)]*\))?",
                " ", self._text, count=1,
            )  # fmt: skip

    # --- sentences and their tails ----------------------------------------------------------------

    def _sentences(self) -> None:
        intent = self.intent
        aside = [match["what"] for match in said.ASIDE.finditer(self._text)]
        intent.hints += stems(" ".join(aside))
        text = said.HOW_TO.sub(" ", said.ASIDE.sub(" ", self._text))
        parts = [part.strip() for part in _SENTENCE.split(text) if part and part.strip()]
        main, others = (parts[0], parts[1:]) if parts else ("", [])
        for other in others:
            shown, ordered = said.SHOWN.match(other), said.ORDER_ASKED.match(other)
            if shown:
                self._show(self._ordered(shown["what"]))
            elif ordered:
                self._order_by(ordered["what"])
            elif stems(other):
                intent.unclear.append("It is more than one question.")
        opening = re.match(r"^for (?P<who>[^,]+), (?P<what>.*)$", main)
        if opening and not intent.unclear:
            main = f"{opening['what']} for {opening['who']}"
        main = self._ordered(main)
        tail = said.TAIL.search(main)
        if tail and not intent.shown:
            main = main[: tail.start()]
            adding = tail["what3"] or tail["what4"]
            self.intent.adds = bool(adding)
            self._show(adding or tail["what"] or tail["what2"] or "")
        self._main(_COUNTS.sub(" howmany ", main))

    def _ordered(self, text: str) -> str:
        """Take off how the rows are to be ordered."""
        found = said.ORDERED.search(text)
        if found is not None:
            self._order_by(found["what"])
            return text[: found.start()]
        if said.DIRECTION.search(text):
            self.intent.is_descending = not said.UPWARDS.search(text)
            return said.DIRECTION.sub(" ", text)
        return text

    def _order_by(self, text: str) -> None:
        self.intent.is_ordered = True
        self.intent.is_descending = bool(said.DOWNWARDS.search(text))
        plain = re.sub(
            r"\b(?:in|from|the|highest|lowest|to|order)\b", " ", said.DIRECTION.sub(" ", text)
        )
        if set(stems(plain)) - {"top", "bottom"}:
            self.intent.order = self._wanted(_COUNTS.sub(" howmany ", plain))

    def _show(self, text: str) -> None:
        text = _COUNTS.sub(" howmany ", text)
        text = re.sub(
            r"\bfor (?:each|every|all)\b.*$|\bof (?:the|each) .*$|\bin the result.*$|\bas well\b",
            " ",
            text,
        )
        for part in re.split(r",|\band\b|&|\bas well as\b", text):
            wanted = self._wanted(part)
            if wanted.words or wanted.aggregate is not None:
                self.intent.shown.append(wanted)
                if not said.RATE.search(part):
                    self._remember(wanted.mentions)

    def _remember(self, mentions: Sequence[Mention]) -> None:
        known = {one.text.lower() for one in self.intent.mentions}
        self.intent.mentions += [one for one in mentions if one.text.lower() not in known]

    # --- the main clause --------------------------------------------------------------------------

    def _main(self, main: str) -> None:
        intent = self.intent
        intent.is_distinct = bool(_DISTINCT.search(main)) and "howmany" not in main
        main = self._bounds(main)
        main = self._equals(self._ranked(_POLITE.sub("", main, count=1).strip()))
        main = self._without(main)
        main = self._grouped(main)
        main = self._computed(main)
        self._remember(self._mentions(main))
        self._time_as_entity()
        if said.LEFT_OVER.search(main):
            intent.unclear.append("It is not clear what is compared.")
        if not intent.measures and not intent.is_ranked:
            self._listed(main)

    def _time_as_entity(self) -> None:
        """`which month had the highest revenue`: times are ranked."""
        intent = self.intent
        if (
            intent.is_ranked
            and len(intent.entity) == 1
            and intent.entity[0] in ("day", "week", "month", "quarter", "year")
        ):
            intent.grain = intent.entity[0]  # type: ignore[assignment]  # one of the grains
            intent.entity = ()

    def _bounds(self, main: str) -> str:
        for pattern in (said.BOUND, said.OR_MORE, said.BETWEEN):
            while (match := pattern.search(main)) is not None:
                before = main[: match.start()]
                near = re.split(
                    r"[,;]|\b(?:that|who|which|and|or|for|the|a|an|list|whose)\b(?! than)", before
                )[-1]
                after = re.split(
                    r"[,;.]|\b(?:and|or|from|by|for|each|per|who|that|during|with|as|on)\b",
                    main[match.end() :],
                )[0]
                wanted = self._wanted(_COUNTS.sub(" howmany ", near))
                for operator, number in _numbers(match):
                    intent_bound = Bound(operator, number, wanted, stems(after)[:3])
                    self.intent.bounds.append(intent_bound)
                main = f"{before} \ue002 {main[match.end() :]}"
        return main

    def _equals(self, main: str) -> str:
        """Numbers that nothing else has a use for: `grade level 10`, `4 star hotels`."""
        for match in list(_SOLE_NUMBER.finditer(main)):
            before, after = main[: match.start()], main[match.end() :]
            near = re.split(
                r"[,;]|\b(?:that|who|which|and|or|for|the|a|an|with|in|of|are|is)\b",
                re.sub(r"\b(?:is|are|of|equals?)\s*$", "", before),
            )[-1]
            self.intent.bounds.append(
                Bound("=", float(match[0]), self._wanted(near), stems(after)[:1])
            )
        return _SOLE_NUMBER.sub(" \ue002 ", main)

    def _ranked(self, main: str) -> str:
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
                _number(found["number"]), down=found["way"] in said.DOWN or found["way"] == "last"
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

    def _has_most(self, main: str) -> str | None:
        found = said.MOST_VERB.match(main)
        if found is not None and stems(_until(found["rest"], said.BREAK)):
            if stem(found["verb"]) not in _DEALINGS:
                found = None
            else:
                self._rank(1, down=found["way"] == "least")
                self.intent.entity = self._noun(found["entity"])
                self.intent.order = Wanted((stem(found["verb"]),), "count")
                return f"{found['entity']} {_after(found['rest'], said.BREAK)}"
        if found is not None:
            self._rank(1, down=found["way"] == "least")
            self.intent.entity = self._noun(found["entity"])
            self.intent.order = self._wanted(
                "total " + found["verb"] + " " + _until(found["rest"], said.BREAK)
            )
            return f"{found['entity']} {_after(found['rest'], said.BREAK)}"
        found = said.HAS_MOST.match(main)
        if found is None or not stems(found["entity"]):
            return None
        if found["order"].split()[:1] and found["order"].split()[0] in said.ADJECTIVES:
            return None
        self._rank(
            _number(found["number"]) if found["number"] else 1, down=found["way"] in said.DOWN
        )
        self.intent.entity = self._noun(found["entity"])
        phrase = _until(found["order"], said.BREAK)
        wanted = self._wanted(phrase)
        if wanted.aggregate is None and found["way"] not in (
            "most",
            "fewest",
            "least",
            "best",
            "worst",
            "top",
        ):
            self.intent.adjective = "extreme"
        if wanted.aggregate is None and found["way"] in ("most", "fewest", "least"):
            self.intent.adjective = "many"
        self.intent.order = wanted
        return f"{found['entity']} {_after(found['order'], said.BREAK)}"

    def _one_most(self, main: str) -> str | None:
        found = said.IS_MOST.match(main)
        if found is not None:
            self._rank(1, down=False)
            self.intent.entity = self._noun(found["entity"])
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
        self.intent.is_ranked, self.intent.limit, self.intent.is_descending = True, limit, not down

    def _adjective(self, adjective: str, way: str) -> None:
        if not adjective:
            return
        self.intent.adjective = adjective
        is_greatest = said.ADJECTIVES[adjective][1]
        self.intent.is_descending = is_greatest != (way in said.DOWN and adjective not in said.DOWN)

    def _entity(self, before: str, rest: str) -> str:
        """Take the noun of the first few, and what they are the first by."""
        noun = _until(rest, said.RELATIVE)
        left = rest[len(noun) :]
        self.intent.entity = self._noun(re.sub(r"^\s*of ", "", noun))
        by = re.match(
            r"^\s*(?:by|in terms of|based on|with the (?:most|highest|largest|best|lowest|fewest|least|greatest|"
            r"smallest)|ranked by|according to|in)\b(?P<what>.*)$",
            left,
        )
        if by is None or (
            left.strip().startswith("in ") and not left.strip().startswith("in terms")
        ):
            return f"{before} {noun} {left}"
        phrase = _until(by["what"], said.BREAK)
        if self.intent.order is None:
            self.intent.order = self._wanted(phrase)
            if re.match(r"\s*with the (?:highest|lowest|largest|smallest|greatest)", left):
                self.intent.adjective = self.intent.adjective or "extreme"
            if re.match(r"\s*with the (?:lowest|fewest|least|smallest)", left):
                self.intent.is_descending = False
        return f"{before} {noun} {by['what'][len(phrase) :]}"

    def _noun(self, text: str) -> tuple[str, ...]:
        """The words of what is spoken of; combinations of two are two groups."""
        self.intent.mentions += self._mentions(text)
        text = PLACE.sub(" ", text)
        text = re.sub(
            r"\b(?:best[- ]selling|best|combinations? of|pairs? of|types? of combination)\b",
            " ",
            text,
        )
        parts = [stems(part) for part in re.split(r"\band\b|,|&", text)]
        found = [part[:4] for part in parts if part]
        self.intent.groups += found[1:]
        return found[0] if found else ()

    def _without(self, main: str) -> str:
        found = said.WITHOUT.search(main)
        if found is None:
            return main
        what = found["what"]
        if PLACE.match(what.strip()):
            if not re.search(
                r"\b(?:no|zero|without|lacking|missing) $", main[: found.start("what")]
            ):
                return main  # `not cancelled`: the mention itself knows that it is negated
            what = PLACE.sub(lambda match: self._texts[int(match[1])].lower(), what)
        self.intent.without = stems(re.split(r"\b(?:and|or|by|per|for each)\b", what)[0])
        self.intent.without_mentions = self._mentions(what)
        return f"{main[: found.start()]} {_after(what, re.compile(' by | per | for each '))} {main[found.end() :]}"

    def _grouped(self, main: str) -> str:
        begin = 0
        while (found := said.GROUPED.search(main, begin)) is not None:
            phrase = _until(found["what"], _GROUP_END)
            end = found.start("what") + len(phrase)
            if found[0].startswith("by ") and PLACE.search(phrase):
                begin = (
                    found.end()
                )  # `written by Irish authors`: which rows, and not told apart by what
                continue
            for part in re.split(r",|\band\b", phrase):
                self._group(part)
            main = f"{main[: found.start()]} \ue002 {main[end:]}"
        return main

    def _group(self, part: str) -> None:
        words = stems(part)
        self._remember(self._mentions(part))
        if len(words) == 1 and words[0] in _GRAINS and self.intent.grain is None:
            self.intent.grain = _GRAINS[words[0]]
        elif words:
            self.intent.groups.append(words[:4])

    def _computed(self, main: str) -> str:
        """What is computed, each with the words that follow it."""
        intent = self.intent
        rate = said.RATE.search(main)
        if rate is not None:
            mention = (
                Mention(self._texts[int(rate["place"])]) if rate["place"] else Mention(rate["word"])
            )
            intent.measures.append(
                Wanted(stems(main[: rate.start()])[-2:], "share", mentions=(mention,))
            )
            return f"{main[: rate.start()]} {main[rate.end() :]}"
        formula = next(
            (
                one
                for name, one in intent.formulas.items()
                if re.search(rf"\b{re.escape(name)}\b", main)
            ),
            None,
        )
        if formula is not None:
            return re.sub(rf"\b{re.escape(formula.name.lower())}\b", " ", main)
        starts = self._aggregate_starts(main)
        if not starts:
            word = next((one for one in stems(main) if one in said.ADDED_UP), None)
            if (
                word is not None
                and not intent.is_ranked
                and not intent.bounds
                and not re.search(r"\b(?:which|who|sold|selling|sales? (?:records?|reps?))\b", main)
            ):
                intent.measures.append(Wanted((word,), "sum"))
            return main
        left = main[: starts[0][0]]
        for at, (begin, end, kind) in enumerate(starts):
            stop = starts[at + 1][0] if at + 1 < len(starts) else len(main)
            phrase = main[end:stop]
            about = _until(phrase, said.BREAK)
            wanted = self._wanted(main[begin : end + len(about)], kind)
            for more in _conjoined(phrase, about, kind):
                intent.measures.append(self._wanted(more, kind))
            intent.measures.insert(at, wanted)
            left += f" \ue002 {main[end:stop]}"
        intent.is_share = any(one.aggregate == "share" for one in intent.measures)
        return left

    def _aggregate_starts(self, main: str) -> list[tuple[int, int, said.Aggregate]]:
        found: list[tuple[int, int, said.Aggregate]] = []
        for pattern, kind in said.AGGREGATES:
            for match in pattern.finditer(main):
                near = any(
                    match.start() < last + 1 and first < match.end() + 1 for first, last, _ in found
                )
                if not near:
                    found.append((match.start(), match.end(), kind))
        found.sort()
        kept = found[:1]
        for one in found[1:]:
            begin, _, kind = one
            between = main[kept[-1][1] : begin]
            is_name = (
                kind == "sum"
                and kept[-1][2] in ("average", "least", "greatest")
                and not re.search(r",|\band\b", between)
            )
            if not is_name:  # `average order total` is one thing
                kept.append(one)
        return kept

    def _wanted(self, text: str, kind: said.Aggregate | None = None) -> Wanted:
        """A phrase as what is computed or shown."""
        text = _COUNTS.sub(" howmany ", f" {text} ")
        if kind is None:
            for pattern, one in said.AGGREGATES:
                found = pattern.search(text)
                if found is not None and not text[: found.start()].strip(" the"):
                    kind = one
                    break
        words = tuple(word for word in stems(text) if word not in _OF_AGGREGATES)
        if kind == "sum" and len(words) > 1:
            words = tuple(word for word in words if word != "total")
        is_nested = kind in ("average", "least", "greatest") and "howmany" in text
        return Wanted(
            words[:5], kind, bool(_DISTINCT.search(text)), self._mentions(text), is_nested
        )

    def _listed(self, main: str) -> None:
        """`A, B and C of ENTITY that ...`: what is shown, and of what."""
        head = _until(main, said.RELATIVE_TO_LIST)
        named = re.match(
            r"^(?P<what>.*?)\b(?:of|for)\b(?: all| the| every| each)*(?P<entity>.*)$", head
        )
        if named is not None and stems(named["what"]):
            self.intent.entity = self.intent.entity or stems(_noun_only(named["entity"]))[:3]
            if not self.intent.shown:
                self._show(named["what"])
        elif not self.intent.shown and (re.search(r",|\band\b", head) or _DISTINCT.search(head)):
            self._show(head)
        else:
            self.intent.entity = (
                self.intent.entity
                or stems(_noun_only(re.sub(r"^(?:which|what|who)\b", "", head)))[:4]
            )

    def _all_words(self) -> tuple[str, ...]:
        text = said.HOW_TO.sub(" ", said.ASIDE.sub(" ", self._text))
        return (
            *self._beside,
            *stems(
                said.DIRECTION.sub(
                    " ", said.BOUND.sub(" ", said.OR_MORE.sub(" ", said.BETWEEN.sub(" ", text)))
                )
            ),
        )


_GRAINS: Final[dict[str, Grain]] = {
    "day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year",
}  # fmt: skip
_OF_AGGREGATES: Final = listed(
    "howmany average avg mean maximum max minimum min highest lowest sum percentage percent largest smallest"
)
_DEALINGS: Final = frozenset({"sale", "loan", "purchase", "order", "ordered", "rented", "rental"})
_SOLE_NUMBER: Final = re.compile(r"(?<![\w\ue000.-])\d+(?:\.\d+)?(?![\w\ue001])")
_GROUP_END: Final = re.compile(
    r"[.;:?]|\b(?:in|from|for|where|who|that|which|whose|with|without|during|since|between|before|after|made|"
    r"placed|over|did|does|do|have|has|is|are|was|were|on|of)\b|\ue002"
)


def _noun_only(text: str) -> str:
    """The words up to a participle: `devices installed`."""
    return re.split(r"(?<=\w) \w{3,}ed\b", text.strip(), maxsplit=1)[0]


def _numbers(match: re.Match[str]) -> list[tuple[str, float]]:
    groups = match.groupdict()
    if "low" in groups:
        return [(">=", _value(groups["low"])), ("<=", _value(groups["high"]))]
    scale = {"k": 1_000.0, "m": 1_000_000.0}.get(groups.get("unit") or "", 1.0)
    return [(said.OPERATORS[groups["way"]], _value(groups["number"]) * scale)]


def _value(text: str) -> float:
    return float(said.NUMBERS.get(text, 0)) or float(re.sub(r"[^\d.]", "", text) or 0)


def _number(text: str) -> int:
    return said.NUMBERS[text] if text in said.NUMBERS else int(text)


def _until(text: str, pattern: re.Pattern[str]) -> str:
    """The text up to what begins another part of the sentence; a break at the very beginning is none."""
    begin = len(text) - len(text.lstrip())
    found = pattern.search(text, begin)
    while found is not None and found.start() == begin:
        found = pattern.search(text, found.end())
    return text if found is None else text[: found.start()]


def _after(text: str, pattern: re.Pattern[str]) -> str:
    return text[len(_until(text, pattern)) :]


def _conjoined(phrase: str, about: str, kind: said.Aggregate) -> list[str]:
    """`average price and quantity`: what is computed alike, of the same sentence."""
    rest = phrase[len(about) :].strip()
    if kind == "count" or not rest.startswith("and "):
        return []
    return [_until(rest[4:], said.BREAK)]
