"""A question taken apart: each part that is understood is cut out, and what is left has to name tables or columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from buster_tasks.analyst.offline import patterns as said
from buster_tasks.analyst.offline.defining import Definitions, definitions_of
from buster_tasks.analyst.offline.intent import (
    PLACE,
    Aggregate,
    Bound,
    Formula,
    Intent,
    Mention,
    Wanted,
    stems,
)
from buster_tasks.analyst.offline.phrases import (
    COUNTS,
    DISTINCT,
    Phrases,
    after,
    conjoined,
    noun_only,
    numbers,
    until,
)
from buster_tasks.analyst.offline.superlatives import Superlatives
from buster_tasks.analyst.offline.texts import Texts
from buster_tasks.analyst.offline.times import Grain, grain_of, span_of

_DEFINES: Final = re.compile(r"=|\b(?:means|defined as|counts as|refers to)\b")
_DONE_BY: Final = re.compile(r"\b(?:been|were|was|are|never|not|ever)\s*$")
_MOST_READ: Final = 2_000
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
_GRAINS: Final[dict[str, Grain]] = {
    "day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year",
}  # fmt: skip
_SOLE_NUMBER: Final = re.compile(r"(?<![\w\ue000.-])\d+(?:\.\d+)?(?![\w\ue001])")
_GROUP_END: Final = re.compile(
    r"[.;:?]|\b(?:in|from|for|where|who|that|which|whose|with|without|during|since|between|before|after|made|"
    r"placed|over|did|does|do|have|has|is|are|was|were|on|of)\b|\ue002"
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
        self._texts = Texts()
        self._phrases = Phrases(self._texts)
        self._superlatives = Superlatives(self.intent, self._phrases)
        self._beside: list[str] = []
        self._values, self._names = values, names
        self._text = self._texts.placed(question, values)
        self._formulas(definitions)
        self._times()
        self._sentences()
        self.intent.words = self._all_words()

    def _formulas(self, definitions: Definitions) -> None:
        if _DEFINES.search(definitions.notes):
            self.intent.unclear.append("It defines a term in words.")
        for name, (text, parts) in definitions.formulas.items():
            placed = [
                COUNTS.sub(" howmany ", self._texts.placed(part, self._values)) for part in parts
            ]
            made = tuple(self._phrases.wanted(until(part, said.BREAK)) for part in placed)
            self._beside += [word for part in placed for word in stems(after(part, said.BREAK))]
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

    def _sentences(self) -> None:
        intent = self.intent
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
        self._main(COUNTS.sub(" howmany ", main))

    def _ordered(self, text: str) -> str:
        """Take off how the rows are to be ordered."""
        found = said.ORDERED.search(text)
        if found is not None and not (
            PLACE.search(found["what"]) or _DONE_BY.search(text[: found.start()])
        ):
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
            self.intent.order = self._phrases.wanted(COUNTS.sub(" howmany ", plain))

    def _show(self, text: str) -> None:
        text = COUNTS.sub(" howmany ", text)
        text = re.sub(
            r"\bfor (?:each|every|all)\b.*$|\bof (?:the|each) .*$|\bin the result.*$|\bas well\b",
            " ",
            text,
        )
        for part in re.split(r",|\band\b|&|\bas well as\b", text):
            wanted = self._phrases.wanted(part)
            if wanted.words or wanted.aggregate is not None:
                self.intent.shown.append(wanted)
                if not said.RATE.search(part):
                    self._remember(wanted.mentions)

    def _remember(self, mentions: Sequence[Mention]) -> None:
        known = {one.text.lower() for one in self.intent.mentions}
        self.intent.mentions += [one for one in mentions if one.text.lower() not in known]

    def _main(self, main: str) -> None:
        intent = self.intent
        intent.is_distinct = bool(DISTINCT.search(main)) and "howmany" not in main
        main = self._bounds(main)
        main = self._equals(self._superlatives.read(_POLITE.sub("", main, count=1).strip()))
        main = self._without(main)
        main = self._grouped(main)
        main = self._computed(main)
        self._remember(self._texts.mentions(main))
        self._time_as_entity()
        if said.LEFT_OVER.search(main):
            intent.unclear.append("It is not clear what is compared.")
        if not intent.measures and not intent.is_ranked:
            self._listed(main)

    def _time_as_entity(self) -> None:
        """`which month had the highest revenue`: times are ranked."""
        intent = self.intent
        if not intent.is_ranked or len(intent.entity) != 1:
            return
        match intent.entity[0]:
            case "day" | "week" | "month" | "quarter" | "year" as grain:
                intent.grain, intent.entity = grain, ()
            case _:
                pass

    def _bounds(self, main: str) -> str:
        for pattern in (said.BOUND, said.OR_MORE, said.BETWEEN):
            while (match := pattern.search(main)) is not None:
                before = main[: match.start()]
                near = re.split(
                    r"[,;]|\b(?:that|who|which|and|or|for|the|a|an|list|whose)\b(?! than)", before
                )[-1]
                behind = re.split(
                    r"[,;.]|\b(?:and|or|from|by|for|each|per|who|that|during|with|as|on)\b",
                    main[match.end() :],
                )[0]
                wanted = self._phrases.wanted(COUNTS.sub(" howmany ", near))
                for operator, number in numbers(match):
                    intent_bound = Bound(operator, number, wanted, stems(behind)[:3])
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
                Bound("=", float(match[0]), self._phrases.wanted(near), stems(after)[:1])
            )
        return _SOLE_NUMBER.sub(" \ue002 ", main)

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
            what = PLACE.sub(lambda match: self._texts.texts[int(match[1])].lower(), what)
        self.intent.without = stems(re.split(r"\b(?:and|or|by|per|for each)\b", what)[0])
        self.intent.without_mentions = self._texts.mentions(what)
        return f"{main[: found.start()]} {after(what, re.compile(' by | per | for each '))} {main[found.end() :]}"

    def _grouped(self, main: str) -> str:
        begin = 0
        while (found := said.GROUPED.search(main, begin)) is not None:
            phrase = until(found["what"], _GROUP_END)
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
        self._remember(self._texts.mentions(part))
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
                Mention(self._texts.texts[int(rate["place"])])
                if rate["place"]
                else Mention(rate["word"])
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
            about = until(phrase, said.BREAK)
            wanted = self._phrases.wanted(main[begin : end + len(about)], kind)
            for more in conjoined(phrase, about, kind):
                intent.measures.append(self._phrases.wanted(more, kind))
            intent.measures.insert(at, wanted)
            left += f" \ue002 {main[end:stop]}"
        intent.is_share = any(one.aggregate == "share" for one in intent.measures)
        return left

    def _aggregate_starts(self, main: str) -> list[tuple[int, int, Aggregate]]:
        found: list[tuple[int, int, Aggregate]] = []
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

    def _listed(self, main: str) -> None:
        """`A, B and C of ENTITY that ...`: what is shown, and of what."""
        head = until(main, said.RELATIVE_TO_LIST)
        named = re.match(
            r"^(?P<what>.*?)\b(?:of|for)\b(?: all| the| every| each)*(?P<entity>.*)$", head
        )
        if named is not None and stems(named["what"]):
            self.intent.entity = self.intent.entity or stems(noun_only(named["entity"]))[:3]
            if not self.intent.shown:
                self._show(named["what"])
        elif not self.intent.shown and (re.search(r",|\band\b", head) or DISTINCT.search(head)):
            self._show(head)
        else:
            self.intent.entity = (
                self.intent.entity
                or stems(noun_only(re.sub(r"^(?:which|what|who)\b", "", head)))[:4]
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
