"""Ranks: whether the name that a sentence puts first, second or last is there in the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from buster_tasks.analyst.claims.extreme import by_hidden_order, extreme, meant, sides
from buster_tasks.analyst.claims.index import Table, words_of
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.scope import Scope
from buster_tasks.analyst.claims.subject import Subject, subjects

_SUPERLATIVE: Final = (
    r"(?:most|highest|largest|biggest|best|greatest|lowest|least|fewest|smallest|worst|top|strongest|weakest|busiest|"
    r"slowest|poorest|cheapest|priciest|leading)\b(?!\s+(?:of|recent|likely|common|\d|two|three|four|five|ten)\b)"
)
_VERB: Final = r"(?!(?:among|in|of|with|from|for|by|at|to|and|or|than|on|as)\b)[a-z]+(?:\s+in)?"
_BE: Final = r"(?:is|was|are|were|finish(?:es|ed)|comes?|came|ranks?|ranked)"
# "France leads", "Germany has the highest revenue"
_LEADS: Final = re.compile(
    r"^(?:'s(?:\s+[a-z_]+){0,2}?)?\s*,?\s*(?:\([^)]*\)\s*)?(?:(?:clearly|still|also|again)\s+)?"
    r"(?:(?:leads?|led|tops|topped|dominates?|dominated)\b(?!\s+(?:by|to)\b)"
    r"|(?:ranks?|ranked)\s+(?:first|highest|last|lowest)|(?:comes?|came)\s+(?:first|last)"
    rf"|{_VERB}\s+(?:by\s+far\s+)?(?:the|our)\s+(?!second|third|fourth|fifth|\d+(?:nd|rd|th))"
    rf"(?:single\s+)?{_SUPERLATIVE}"
    rf"|{_BE}\s+(?:at\s+the\s+)?(?:highest|lowest|last|worst|top|bottom|strongest|weakest)(?=\s*(?:[,.;:(]|with\b|at\b|by\b|$))"
    r"|(?:sold|sells?|earns?|earned|made|makes?|did|does|performed|performs?|scored|brought\s+in)\s+"
    r"(?:best|most|least|worst|highest|lowest|fewest)\b"
    r"|[a-z]+\s+(?:in\s+)?(?:more|fewer|less|higher|lower)(?:\s+[a-z]+){0,3}\s+than\s+(?:any|every|all|everyone)\b)",
    re.IGNORECASE,
)
# "the highest revenue came from Germany", "the best month was March"
_LED: Final = re.compile(
    rf"(?<!second )(?<!third )(?<!fourth )(?<!fifth )(?<!second-)(?<!third-)(?<!of the )\b{_SUPERLATIVE}"
    r"(?:\s+[\w'-]+){0,4}?"
    r"\s+(?:is|was|comes?\s+from|came\s+from|belongs?\s+to|in|at|by)\s+(?:the\s+|that\s+of\s+)?$"
    r"|(?<!record )(?<!all-time )\b(?:peak(?:s|ed)?|bottomed\s+out|bottom|high|low|trough(?:ed)?|maximum|minimum)\b"
    r"(?:[^.,;]|[.,]\d){0,30}?\s(?:in|on|during|came\s+in)\s+$",
    re.IGNORECASE,
)
# "in June, ..." says when, and not what
_WHEN: Final = re.compile(
    r"\b(?:in|on|during|since|for|by|from|of|to|until|after|before|between|and)\s+$", re.IGNORECASE
)
_IS: Final = re.compile(r"\s+(?:is|was|are|were)\b", re.IGNORECASE)
_FROM_BELOW: Final = re.compile(
    r"\b(?:lowest|least|fewest|smallest|weakest|slowest|cheapest|last|bottom|worst)\b",
    re.IGNORECASE,
)
_FROM_ABOVE: Final = re.compile(
    r"\b(?:most|highest|largest|biggest|greatest|strongest|busiest)\b", re.IGNORECASE
)
_RANKED: Final = re.compile(r"(?:[\s-]+(?!(?:with|in|at|and|of|from|behind)\b)[A-Za-z_]+){0,4}")
_NAME: Final = re.compile(
    r"[A-Z][\w&'\u2019.-]*(?:\s+(?:of|de|and|the|&)\s+[A-Z][\w&'\u2019.-]*|\s+[A-Z][\w&'\u2019.-]*)*"
)
_NOT_A_NAME_TEXT: Final = """
the this that these those it its our we i he she they in on at by for from with of and or but however overall
total revenue sale sales order orders customer customers product products one two no all each every only while
although among across during since after before a an which what who there here both january february march
april may june july august september october november december monday tuesday wednesday thursday friday
saturday sunday
"""
_NOT_A_NAME: Final = frozenset(_NOT_A_NAME_TEXT.split())


def rank_of(mention: Mention, scope: Scope, tables: Sequence[Table]) -> str:
    """By what a rank holds for the name or day that stands nearest; `no claim` where the sentence has none."""
    rank = int(mention.value or 0)
    if not scope.names and not scope.days:
        most = max((table.rows for table in tables), default=0)
        return "no claim" if rank <= max(most, 1) else ""
    known = subjects(scope, tables)
    if not known:
        return "no claim" if not scope.names else ""
    subject = min(known, key=lambda one: abs(one.start - mention.start))
    end = mention.end - scope.start
    phrase = (_RANKED.match(scope.text[end:]) or [""])[0]
    columns = meant(subject, phrase, scope)
    if columns is None:
        return "no claim"
    for column in columns or subject.table.measures:
        ways = sides(phrase, column)
        if any(rank in subject.place(column, greatest=greatest) for greatest in ways):
            return f"the rank in {subject.table.id}.{column.name}"
    is_sided = _FROM_BELOW.search(phrase) or _FROM_ABOVE.search(phrase)
    return "" if is_sided or columns else by_hidden_order(subject, rank)


def leaders(
    scope: Scope, tables: Sequence[Table], question: str, filled: Sequence[tuple[int, int]]
) -> Iterator[tuple[Mention, str]]:
    """The names and days that a sentence puts first or last, and by what they are there; empty for by nothing."""
    text = scope.text
    taken = [*filled, *((name.start, name.end) for name in scope.names)]
    taken += [(mention.start, mention.end) for mention in scope.mentions]
    known = subjects(scope, tables)
    for subject in known:
        start, end = subject.start - scope.start, subject.end - scope.start
        found = _superlative(subject, known, scope)
        if found:
            said, after = found
            by = extreme(subject, said, after, scope)
            yield _entity(text, start, end, scope.start), by
    if not any(column.texts for table in tables for column in table.columns):
        return
    for capital in _NAME.finditer(text):
        start, end = capital.span()
        if any(scope.start + start < stop and begin < scope.start + end for begin, stop in taken):
            continue
        if _is_unknown(capital[0], tables, question) and _puts_first(text, start, end):
            yield _entity(text, start, end, scope.start), ""


def _superlative(
    subject: Subject, known: Sequence[Subject], scope: Scope
) -> tuple[re.Match[str], int] | None:
    """What puts a subject first or last, and where the words after it begin."""
    start, end = subject.start - scope.start, subject.end - scope.start
    before, after = scope.text[:start], scope.text[end:]
    leads = _LEADS.match(after)
    # "A leads B by 5" says nothing of others
    if leads and any(_is_next(scope, end + leads.end(), one) for one in known):
        return None
    if leads and not (_WHEN.search(before) and not _IS.match(after) and subject.is_day):
        return leads, end + leads.end()
    led = _LED.search(before)
    if led is None or any(led.start() < one.start - scope.start < start for one in known):
        return None
    return led, led.end()


def _is_next(scope: Scope, place: int, one: Subject) -> bool:
    """Whether nothing but an article is between a place of the sentence and a subject."""
    start = one.start - scope.start
    return place < start and scope.text[place:start].strip().lower() in {"", "the"}


def _puts_first(text: str, start: int, end: int) -> bool:
    return bool(_LEADS.match(text[end:]) or _LED.search(text[:start]))


def _entity(text: str, start: int, end: int, offset: int) -> Mention:
    return Mention(text[start:end], offset + start, offset + end, "entity")


def _is_unknown(name: str, tables: Sequence[Table], question: str) -> bool:
    words = words_of(name)
    asked = words_of(question)
    columns = {word for table in tables for column in table.columns for word in column.traits.words}
    first = name.split(maxsplit=1)[0].lower()
    if first in _NOT_A_NAME or not words or words & (asked | columns):
        return False
    lowered = name.lower()
    return not any(
        lowered in text.lower()
        for table in tables
        for column in table.columns
        for text in column.texts
    )
