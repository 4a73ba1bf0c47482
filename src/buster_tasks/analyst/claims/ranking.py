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
    r"slowest|poorest|cheapest|priciest|bottom|leading)\b(?!\s+(?:of|recent|likely|common|\d|two|three|four|five|ten)\b)"
)
_SIDE: Final = (
    "(?:top|bottom|best|worst|largest|biggest|smallest|highest|lowest|greatest|busiest|weakest|strongest|"
    "leading)"
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
    rf"|{_VERB}\s+(?:the|a)\s+(?:peak|trough|low|high)\b(?!-)"
    rf"|{_BE}\s+(?:at\s+the\s+)?(?:highest|lowest|last|worst|top|bottom|strongest|weakest)(?=\s*(?:[,.;:(]|with\b|at\b|by\b|$))"
    r"|(?:sold|sells?|earns?|earned|made|makes?|did|does|performed|performs?|scored|brought\s+in)\s+"
    r"(?:best|most|least|worst|highest|lowest|fewest)\b"
    r"|[a-z]+\s+(?:in\s+)?(?:more|fewer|less|higher|lower)(?:\s+[a-z]+){0,3}\s+than\s+(?:any|every|all|everyone)\b)",
    re.IGNORECASE,
)
_NOT_FIRST: Final = r"(?!second|third|fourth|fifth|\d+(?:nd|rd|th))"
# "Germany, the biggest market", "and Chile the lowest"
_BESIDE: Final = re.compile(
    rf"^(?:\s*,)?\s+(?P<whose>the|our|its|their)\s+{_NOT_FIRST}(?:single\s+)?{_SUPERLATIVE}"
    r"(?:\s+(?P<time>year|quarter|month|week|day)\b)?",
    re.IGNORECASE,
)
# a second superlative of the same name: the most orders and the fewest returns
_ALSO: Final = re.compile(
    rf"\b(?:and|but|yet)\s+(?:also\s+)?(?:{_VERB}\s+)?the\s+{_NOT_FIRST}{_SUPERLATIVE}",
    re.IGNORECASE,
)
# "in Europe, ..."
_IN_GROUP: Final = re.compile(r"^(?:in|among|within|of|for)\s+(?:the\s+)?$", re.IGNORECASE)
# "the highest revenue came from Germany", "the best month was March"
_LED: Final = re.compile(
    rf"(?<!second )(?<!third )(?<!fourth )(?<!fifth )(?<!second-)(?<!third-)(?<!of the )\b{_SUPERLATIVE}"
    r"(?:[\s-]+[\w'-]+){0,4}?(?:\s*[,(:]\s*[$€£¥]?\d[\d.,]*\d%?\)?,?)?"
    r"\s+(?:is|was|comes?\s+from|came\s+from|belongs?\s+to|in|at|by)\s+(?:the\s+|that\s+of\s+)?$"
    r"|(?<!record )(?<!all-time )\b(?:peak(?:s|ed)?|bottomed\s+out|bottom|high|low|trough(?:ed)?|maximum|minimum)\b"
    r"(?:[^.,;]|[.,]\d){0,30}?\s(?:in|on|during|came\s+in)\s+$",
    re.IGNORECASE,
)
# "in June, ..." says when, and not what
_WHEN: Final = re.compile(
    r"\b(?:in|on|during|since|for|by|from|of|to|until|after|before|between|and)\s+$", re.IGNORECASE
)
_FOLLOWS: Final = re.compile(
    r"\b(?:followed\s+by|ahead\s+of|behind|before|after|over)\s+$", re.IGNORECASE
)
_IS: Final = re.compile(r"\s+(?:is|was|are|were)\b", re.IGNORECASE)
_FROM_BELOW: Final = re.compile(
    r"\b(?:lowest|least|fewest|smallest|weakest|slowest|cheapest|last|bottom|worst)\b",
    re.IGNORECASE,
)
_FROM_ABOVE: Final = re.compile(
    r"\b(?:most|highest|largest|biggest|greatest|strongest|busiest)\b", re.IGNORECASE
)
_SIDE_BEFORE: Final = re.compile(rf"\b(?:{_SIDE}|first|last)\s+$", re.IGNORECASE)
_SIDE_AFTER: Final = re.compile(rf"^\s+{_SIDE}\b", re.IGNORECASE)
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


def listed_ends(mention: Mention, scope: Scope, tables: Sequence[Table]) -> str | None:
    """By what the names of `the top 3 are A, B and C` are so; empty for by nothing, None where none are listed."""
    text, end = scope.text, mention.end - scope.start
    side = _SIDE_BEFORE.search(text[: mention.start - scope.start]) or _SIDE_AFTER.match(text[end:])
    count = mention.value or 0
    if side is None or count < 2:
        return None
    known = subjects(scope, tables)
    if len({one.text for one in known}) != count:
        return None
    table, rows = known[0].table, frozenset[int]().union(*(one.rows for one in known))
    if any(one.table is not table for one in known) or count == len(known[0].groups):
        return None
    columns = meant(known[0], text[end:], scope, end)
    if columns is None:
        return None
    for column in columns or table.measures:
        for greatest in sides(side[0], column):
            places = [one.place(column, greatest=greatest) for one in known]
            if all(any(place <= count for place in found) for found in places):
                return f"the ends of {table.id}.{column.name}"
    is_first = rows == frozenset(range(int(count)))
    return by_hidden_order(known[0], min(known[0].rows) + 1) if is_first else ""


def leaders(
    scope: Scope,
    known: Sequence[Subject],
    tables: Sequence[Table],
    question: str,
    filled: Sequence[tuple[int, int]],
) -> Iterator[tuple[Mention, str]]:
    """The names and days that a sentence puts first or last, and by what they are there; empty for by nothing."""
    text = scope.text
    taken = [*filled, *((name.start, name.end) for name in scope.names)]
    taken += [(mention.start, mention.end) for mention in scope.mentions]
    for subject in known:
        start, end = subject.start - scope.start, subject.end - scope.start
        for said, after in _superlatives(subject, known, scope):
            is_out = _is_outside(subject, known, scope)
            by = "" if is_out else extreme(subject, said, after, scope)
            yield _entity(text, start, end, scope.start), by
    if not any(column.texts for table in tables for column in table.columns):
        return
    for capital in _NAME.finditer(text):
        start, end = capital.span()
        if any(scope.start + start < stop and begin < scope.start + end for begin, stop in taken):
            continue
        if _is_unknown(capital[0], tables, question) and _puts_first(text, start, end):
            yield _entity(text, start, end, scope.start), ""


def _superlatives(
    subject: Subject, known: Sequence[Subject], scope: Scope
) -> Iterator[tuple[re.Match[str], int]]:
    """What puts a subject first or last, each with where the words after it begin."""
    start, end = subject.start - scope.start, subject.end - scope.start
    before, after = scope.text[:start], scope.text[end:]
    leads = _leads(subject, before, after)
    # "A leads B by 5" says nothing of others
    if leads and not any(_is_next(scope, end + leads.end(), one) for one in known):
        yield leads, end + leads.end()
        following = [one.start - scope.start for one in known if one.start > subject.start]
        also = _ALSO.search(scope.text, end + leads.end(), min(following, default=len(scope.text)))
        if also:
            yield also, also.end()
        return
    led = _LED.search(before)
    if led and not any(led.start() < one.start - scope.start < start for one in known):
        yield led, led.end()


def _leads(subject: Subject, before: str, after: str) -> re.Match[str] | None:
    is_when = bool(_WHEN.search(before))
    beside = _BESIDE.match(after)
    if beside:
        is_when = is_when and not before.rstrip().endswith("and")
        own = beside["whose"].lower() in {"its", "their"} or bool(beside["time"])
        return beside if own or not is_when else None
    # "A, followed by B, leads"
    if _FOLLOWS.search(before) and after.lstrip().startswith(","):
        return None
    leads = _LEADS.match(after)
    if leads and is_when and subject.is_day and not _IS.match(after):
        return None
    return leads


def _is_outside(subject: Subject, known: Sequence[Subject], scope: Scope) -> bool:
    """Whether the sentence begins with a group that the subject is not in: `In Europe, Peru leads`."""
    first = known[0]
    is_group = first is not subject and first.table is subject.table
    opens = _IN_GROUP.match(scope.text[: first.start - scope.start])
    return bool(
        is_group and opens and not first.rows & subject.rows and first.groups != subject.groups
    )


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
