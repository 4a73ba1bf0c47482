"""Numbers in sentences: filled in from values, found, and held against the evidence. Pure: no model, no I/O.

    >>> finding = render_finding(finding, results, question="Revenue by month?")
    >>> [verdict.mention.text for verdict in review_text(text, values, results) if not verdict.supported]

`render_finding` reads the cells that a finding's values name, computes its expressions exactly, writes the texts into
the claim, and adds a check for each number of the text that nothing supports. What supports a number, in this order:

1. a named value, by its format: `percent` takes a fraction, so 0.125 is `12.5%` and never `12.5`;
2. the question, for what it says itself;
3. a cell of the rows that the sentence speaks of: where it mentions names (`France`) or days (`March 2024`) of the
   result, only their rows count; a noun that is the name of a column (`18 orders`) allows that column alone;
4. arithmetic that the words of the sentence ask for: total, average, share of, growth, difference, times, how many.

A number is compared at the precision that it is shown with (`1.2 million` is 1,150,000 to 1,250,000), with what stands
before it (`about`, `more than`: the value has to be on that side, and near), with its unit, and with the way that it is
said to have gone: what `fell by 5%` is a change of -5%. Dates are held against cells, filters of the statements, and
the question. A name or a day that `leads`, is `second`, `the best` or `ahead of` another has to be so in a column: the
one that the words name, else the one that the number beside it stands in, else any that may be meant.
"""

from __future__ import annotations

from buster_tasks.analyst.claims.finding import render_finding, review_text
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.mentions import mentions
from buster_tasks.analyst.claims.support import MentionVerdict
from buster_tasks.analyst.claims.values import Resolved, resolve

__all__ = [
    "Mention",
    "MentionVerdict",
    "Resolved",
    "mentions",
    "render_finding",
    "resolve",
    "review_text",
]
