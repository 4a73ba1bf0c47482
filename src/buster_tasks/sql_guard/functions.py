"""Functions that the parser has a type for, of all dialects: what is written as an operator, a word, or with clauses.

All other calls are judged by their names, see `dialects`. A type that is not here is refused: what tells of the
session, moves sequences, or asks a paid model.
"""

from __future__ import annotations

from buster_tasks.sql_guard.dialect import words

MAKES_MUCH = words("""
array_fill array_repeat array_resize exploding_generate_series explodinggenerateseries generate_array
generate_date_array generate_series generate_timestamp_array generator list_resize lpad pad randomblob randstr range
repeat replicate rpad sequence space zeroblob
""")  # fmt: skip
"""Those that make rows or characters out of a number."""

CALLS = words("""
ArgMax ArgMin Ceil Chr Columns Concat Convert Count DecodeCase Explode ExplodingGenerateSeries FirstValue Floor
GapFill GroupConcat Initcap JSONArray JSONArrayAgg JSONArrayContains JSONObject JSONObjectAgg Lag LastValue Lead
MakeInterval Max Min Normalize NthValue ObjectTransform OpenJSON ParseJSON PercentileCont PercentileDisc Quantile
RegrSxx RegrSxy RegrSyy Soundex StartsWith StrToDate StrToTime Transform Translate XMLGet
""")  # fmt: skip
"""Types of calls: what they are written as in the dialect has to be on its list."""

SYNTAX_TYPES = words("""
Abs And ApproxDistinct ApproxQuantile Array ArrayContainedBy ArrayContainsAll ArrayOverlaps Case Cast Cbrt Collate
ConnectByRoot CurrentDate CurrentDatetime CurrentTime CurrentTimestamp CurrentTimestampLTZ CurrentTimezone Exists
Extract If JSONArrayContains JSONBContains JSONBContainsAllTopKeys JSONBContainsAnyTopKeys JSONBContainsTopKey
JSONBDeleteAtPath JSONBExists JSONBExtract JSONBExtractScalar JSONBPathExists JSONCast JSONExtract JSONExtractScalar
JSONTable Localtime Localtimestamp Map MatchAgainst NetFunc Or Overlay Pow RegexpILike RegexpLike SafeFunc Sqrt
StrPosition Struct Substring ToMap Trim TryCast Unnest UtcDate UtcTime UtcTimestamp XMLElement XMLTable Xor
""")  # fmt: skip
"""Types of what is written as an operator, as a word, or in a way of its own."""
