"""The turns of phrase that questions are made of."""

from __future__ import annotations

import re
from typing import Final

from buster_tasks.analyst.offline.intent import Aggregate

NUMBERS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100,
}  # fmt: skip
_NUMBER = rf"(?:\d{{1,4}}|{'|'.join(NUMBERS)})"
_MOST = "most|highest|largest|biggest|greatest|top|best|maximum|max"
_LEAST = "least|fewest|lowest|smallest|worst|minimum|min|bottom"
_SUPER = rf"(?:{_MOST}|{_LEAST})"

ADJECTIVES: Final[dict[str, tuple[str, bool]]] = {
    "expensive": ("price cost fee rate amount", True), "costly": ("price cost fee rate amount", True),
    "cheap": ("price cost fee rate amount", False), "cheapest": ("price cost fee rate amount", False),
    "priciest": ("price cost fee rate amount", True),
    "longest": ("length duration minute millisecond second distance page day", True),
    "shortest": ("length duration minute millisecond second distance page day", False),
    "oldest": ("birth age hire founded release publication date year", False),
    "youngest": ("birth age", True),
    "newest": ("created date release publication hire join start year", True),
    "latest": ("date created release publication year", True),
    "recent": ("date created release publication hire join year", True),
    "earliest": ("date created release publication hire join year", False),
    "heaviest": ("weight mass", True), "lightest": ("weight mass", False),
    "tallest": ("height", True), "hottest": ("temperature", True), "coldest": ("temperature", False),
    "fastest": ("speed time duration", True), "slowest": ("speed", False),
    "paid": ("salary wage pay", True), "payment": ("salary wage pay", True),
    "rated": ("rating score star", True), "populous": ("population", True),
    "popular": ("", True), "common": ("", True), "frequent": ("", True), "active": ("", True), "busiest": ("", True),
    "selling": ("quantity unit", True), "sale": ("quantity unit", True), "profitable": ("profit margin", True),
    "valuable": ("value amount price", True), "largest": ("size area capacity amount total population", True),
    "biggest": ("size area capacity amount total population", True),
    "smallest": ("size area capacity amount total population", False), "highest": ("", True), "lowest": ("", False),
}  # fmt: skip
"""What a row is the first by, and whether the greatest is."""

DOWN: Final = frozenset(f"{_LEAST}|shortest|oldest|earliest".split("|"))

_SOLE = "|".join(word for word in ADJECTIVES if word.endswith("est"))
TOP: Final = re.compile(
    rf"\b(?:the )?(?P<way>top|first|bottom|last|{_MOST}|{_LEAST})[- ](?P<number>{_NUMBER})\b(?: (?:most|least|best|"
    rf"highest|lowest|largest)\b(?: (?P<adjective>expensive|costly|cheap|recent|popular|common|frequent|active|paid|"
    rf"rated|populous|profitable|valuable|selling)\b)?)?(?: (?P<sole>{_SOLE})\b)?(?P<rest>[^.]*)"
)
NUMBERED: Final = re.compile(
    rf"\b(?P<number>{_NUMBER}) (?:distinct |different )?(?P<way>{_MOST}|{_LEAST}|{_SOLE})\b[- "
    rf"]?(?:(?P<adjective>expensive|costly|"
    r"cheap|recent|popular|common|frequent|active|paid|rated|populous|profitable|valuable|selling)\b)?(?P<rest>[^.]*)"
)
TOP_ALL: Final = re.compile(r"^(?:the )?top (?P<rest>[^\d.][^.]*)")
HAS_MOST: Final = re.compile(
    rf"^(?:(?:the )?names? of (?:the )?)?(?:(?P<asked>which|what|who|whose)\s+|the )?(?P<number>{_NUMBER}\b)?"
    r"(?P<entity>[^.]*?)\s*\b(?:have|has|had|with|(?(asked)[a-z]+|with))(?: sold| spent| made)? (?:in )?(?:the )?"
    rf"(?P<way>{_MOST}|{_LEAST}|longest|shortest|heaviest|oldest|latest|earliest)\b(?P<order>[^.]*)"
)
ONE_MOST: Final = re.compile(
    rf"^(?:which|what|who|whats)?\s*(?:is|are|was|were)?\s*(?:the )?(?:name of the )?(?:(?:most|least) "
    rf"(?P<adjective>expensive|"
    r"costly|cheap|recent|popular|common|frequent|active|populous|profitable|valuable)|most(?:[- ]frequently)? "
    r"(?P<done>[a-z]+ed)|(?:highest|best|top|lowest|"
    rf"worst)[- ](?P<verbal>paid|rated|selling)|(?P<sole>{_SOLE}))\b(?P<rest>[^.]*)"
)
BEST: Final = re.compile(
    r"^(?:(?:which|who|what) (?:is|are) )?(?:our |the |my )?(?P<way>best|worst|top) (?P<rest>[a-z][^.]*)"
)
LEFT_OVER: Final = re.compile(
    r"\b(?:the (?:most|fewest|least|best|worst|highest|lowest|largest|top)|more \w+ than|than)\b"
)
MOST_VERB: Final = re.compile(
    r"^(?:which|what|who)\s+(?P<entity>[^.]*?)\s*\b(?P<verb>spent|spends|paid|pays|sold|sells|earned|earns|ordered|orders|"
    r"bought|buys|borrowed|rented)\s+(?:the )?(?P<way>most|least)\b(?P<rest>[^.]*)"
)
IS_MOST: Final = re.compile(
    r"^(?:which|what|who)\s+(?P<entity>[^.]*?)\s+(?:is|are|was|were)\s+(?:the )?(?:(?P<way>most|least) )?(?P<adjective>"
    rf"{'|'.join(ADJECTIVES)})\b(?P<rest>[^.]*)"
)

ORDERED: Final = re.compile(
    r",?\s*\b(?:and |then )?(?:order(?:ed)?|sort(?:ed)?|rank(?:ed)?|starting|arranged)(?: \w+)?? (?:by|from)\b"
    r"(?P<what>[^.]*)$"
)
ORDER_ASKED: Final = re.compile(r"^(?:order|sort|rank)\b.*?\bby\b(?P<what>[^.]*)")
UPWARDS: Final = re.compile(
    r"\b(?:ascending|asc|lowest to highest|low to high|smallest to|alphabetical(?:ly)?|least to|oldest|"
    r"(?:lowest|smallest|least) first)\b"
)
DOWNWARDS: Final = re.compile(
    r"\b(?:descending|desc|highest to lowest|high to low|largest to|most to|newest|top)\b"
)
DIRECTION: Final = re.compile(
    r",?\s*(?:in )?\b(?:ascending|descending|asc|desc|alphabetical)\b(?: order)?|from (?:the )?\w+ to (?:the )?"
    r"(?:highest|lowest|largest|smallest|most|least|newest|oldest)\b|(?:highest|largest|most|lowest|smallest|newest|"
    r"oldest|latest|biggest|least) first\b|starting from the (?:top|bottom)|alphabetically"
)

SHOWN: Final = re.compile(
    r"^(?:please )?(?:also )?(?:return|show|list|give|include|display|provide|output|report|i want|give me)(?: me)?\b"
    r"(?P<what>.*)"
)
TAIL: Final = re.compile(
    r",\s*(?:and )?(?:return|show|showing|list|listing|including|include|along with|together with|displaying|"
    r"with (?:their|its|the)|and their)\b"
    r"(?P<what>.*)$|\b(?:along with|together with|and show|and list|and return|showing) (?P<what2>.*)$|"
    r"\band (?P<what3>(?:their|its) .*)$|\bwith (?P<what4>(?:their|its) .*)$"
)
HOW_TO: Final = re.compile(
    r",?\s*\b(?:based on|by|after) (?:joining|doing|using|performing|a join|a left join)[^.]*"
)
ASIDE: Final = re.compile(r"\((?P<what>[^)]*)\)")

GROUPED: Final = re.compile(
    r"\b(?:for each|in each|of each|by each|at each|on each|from each|to each|for every|in every|of every|per|"
    r"grouped by|group by|broken down by|"
    r"split by|across|made by each|each|every|by)\s+(?P<what>[^.]+)"
)
WITHOUT: Final = re.compile(
    r"\b(?:(?:who|that|which|whom)\s+)?(?:"
    r"(?:have|has|had|do|does|did|are|is|were|was|could)(?: not|n't) (?:yet )?(?:been |have |had |be |made |placed )?|"
    r"(?:haven't|hasn't|hadn't|don't|doesn't|didn't|aren't|isn't|weren't|wasn't) (?:been |have |had |made |placed )?|"
    r"(?:have |has |had |are |is |were |was )?never (?:been |had |made |placed )?|"
    r"(?:have|has|had|with|are|there are) (?:no|zero) |without (?:any |an |a |having |making |placing )?|"
    r"lacking (?:any |an |a )?|missing (?:any |an |a )?|not yet (?:been )?"
    r")(?P<what>[^.,]*)"
)
BOUND: Final = re.compile(
    rf"\b(?P<way>more than|over|above|greater than|higher than|larger than|longer than|exceed(?:s|ing|ed)?|at least|"
    rf"no less than|less than|under|below|fewer than|lower than|smaller than|shorter than|cheaper than|at most|"
    rf"no more than|up to|exactly|equal to|"
    rf">=|<=|>|<|=)\s*(?P<money>[$\u20ac\u00a3])?(?P<number>\d[\d,]*(?:\.\d+)?|{'|'.join(NUMBERS)})(?P<unit>k|m|"
    rf"%)?(?!\w)"
)
OR_MORE: Final = re.compile(
    rf"\b(?P<number>\d[\d,]*(?:\.\d+)?|{'|'.join(NUMBERS)}) or (?P<way>more|fewer|less|higher|above|greater|"
    rf"lower|older|longer)\b"
)
BETWEEN: Final = re.compile(
    r"\bbetween [$\u20ac\u00a3]?(?P<low>\d[\d,]*(?:\.\d+)?) (?:and|to) "
    r"[$\u20ac\u00a3]?(?P<high>\d[\d,]*(?:\.\d+)?)(?!\w)"
)
OPERATORS: Final = {
    "more than": ">", "over": ">", "above": ">", "greater than": ">", "higher than": ">", "larger than": ">",
    "longer than": ">", "exceed": ">", "exceeds": ">", "exceeding": ">", "exceeded": ">", "at least": ">=",
    "no less than": ">=", "less than": "<", "under": "<", "below": "<", "fewer than": "<", "lower than": "<",
    "smaller than": "<", "shorter than": "<", "cheaper than": "<", "at most": "<=", "no more than": "<=", "up to": "<=",
    "exactly": "=", "equal to": "=", ">": ">", "<": "<", ">=": ">=", "<=": "<=", "=": "=",
    "more": ">=", "higher": ">=", "greater": ">=", "older": ">=", "longer": ">=", "fewer": "<=", "less": "<=",
    "lower": "<=",
}  # fmt: skip

AGGREGATES: Final[tuple[tuple[re.Pattern[str], Aggregate], ...]] = (
    (re.compile(r"\b(?:average|mean)\s+howmany\b"), "average"),
    (re.compile(r"\b(?:how many|(?:total |overall |average )?count|howmany)\b"), "count"),
    (re.compile(r"\b(?:percentage|percent|proportion|fraction|share) of\b"), "share"),
    (re.compile(r"\b(?:average|avg|mean)\b"), "average"),
    (re.compile(r"\b(?:minimum|min|lowest|smallest|cheapest|earliest|shortest|least)\b"), "least"),
    (re.compile(r"\b(?:maximum|max|highest|largest|biggest|greatest|latest|longest|most recent|most "
    r"expensive)\b"), "greatest"),
    (re.compile(r"\b(?:total|sum|combined|overall|how much|altogether)\b"), "sum"),
)  # fmt: skip
ADDED_UP: Final = frozenset(
    {"revenue", "sale", "turnover", "income", "spending", "earning", "profit"}
)
RATE: Final = re.compile(
    "(?<!average )(?<!mean )(?:\ue000(?P<place>\\d+)\ue001|(?P<word>[a-z]+(?:tion|sion|lure|turn|ance|val)|"
    "churn|success)) rate\\b"
)

BREAK: Final = re.compile(
    r"[,.;:?!]|\b(?:for each|in each|of each|by|per|each|every|who|that|which|whose|where|with|without|made|"
    r"from|in|for|during|since|"
    r"between|before|after|on|are|is|were|was|did|do|does|have|has|had|and|than|at|to|there|placed|of all|"
    r"across|we|broken|split|grouped|when|as)\b"
)
RELATIVE: Final = re.compile(
    r"\b(?:who|that|which|whose|where|with|without|from|in|during|since|between|before|after|on|by|at|for|made|placed|"
    r"living|born|hired|located|published|released|written|sold|bought|ordered|priced|costing|has|have|had|of "
    r"all|over|above|under|below|when)\b|[,:;]"
)
RECENTLY: Final = re.compile(
    r"\b(?:last|past|previous|this|current|next) (?:\w+ )?(?:day|week|month|quarter|year|hour)s?\b|\b(?:today|"
    r"yesterday|"
    r"tomorrow|recently|nowadays|so far|year to date|ytd|mtd)\b"
)
UNREAD: Final = re.compile(
    r"\b(?:compar\w+|growth|trend|why|correlat\w+|predict\w*|forecast\w*|median|std|standard "
    r"deviation|variance|"
    r"percentile|running|cumulative|rolling|moving|rank of|previous|difference|change|changed|increase|decrease|"
    r"year over year|month over month|consecutive|second[- ](?:highest|lowest|largest|most)|third[- ](?:highest|most)|"
    r"(?:above|below|than) (?:the )?average|versus|vs|if|same|both|except|excluding|neither|ratio of|times as|"
    r"at the same time|"
    r"days? between|time between|how long|no longer|busiest hour|for the first time|except for|more \w+ than \w+s\b|"
    r"should|recommend|suggest|explain|delete|drop|update|insert|create|weather)\b"
)
"""What asks for more than can be mapped: better refused than answered in part."""

RELATIVE_TO_LIST: Final = re.compile(
    r"\b(?:who|that|which|whose|where|with|without|from|in|during|since|between|before|after|on|by|at|made|"
    r"placed|living|"
    r"born|hired|located|published|released|written|sold|bought|ordered|priced|costing|built|held|sent|paid|"
    r"taken|given|weighs?|earns?|lives?|works?|belongs?|has|"
    r"have|had|of all|when|is|are|was|were|did|do)\b|[:;\ue002]"
)
