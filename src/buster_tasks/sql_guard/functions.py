"""Functions that the parser has a type for, of all dialects: what is written as an operator, a word, or with clauses.

All other calls are judged by their names, see `dialects`. A type that is not here is refused: what tells of the session,
moves sequences, or asks a paid model.
"""

from __future__ import annotations

from buster_tasks.sql_guard.dialect import words

MAKES_MUCH = words("""
exploding_generate_series explodinggenerateseries randomblob zeroblob generate_array generate_date_array generate_series
generate_timestamp_array generator lpad pad range repeat replicate rpad sequence space
""")  # fmt: skip
"""Those that make rows or characters out of a number."""

SYNTAX = words("""
all any array array_agg case cast extract exists filter grouping if interval json_table map position row struct
substring trim try_cast unnest values xmlelement xmltable
""")  # fmt: skip
"""Words that the standard, or most dialects, write like a call."""

TYPED = words("""
Abs And ApproxDistinct ApproxQuantile ArgMax ArgMin Array ArrayContainedBy ArrayContainsAll ArrayOverlaps Case Cast
Cbrt Ceil Chr Collate Columns Concat ConnectByRoot Convert Count CurrentDate CurrentDatetime CurrentTime
CurrentTimestamp CurrentTimestampLTZ CurrentTimezone DecodeCase Exists Explode ExplodingGenerateSeries Extract
FirstValue Floor GapFill GroupConcat If Initcap JSONArray JSONArrayAgg JSONArrayContains JSONBContains
JSONBContainsAllTopKeys JSONBContainsAnyTopKeys JSONBContainsTopKey JSONBDeleteAtPath JSONBExists JSONBExtract
JSONBExtractScalar JSONBPathExists JSONCast JSONExtract JSONExtractScalar JSONObject JSONObjectAgg JSONTable Lag
LastValue Lead Localtime Localtimestamp MakeInterval Map MatchAgainst Max Min NetFunc Normalize NthValue
ObjectTransform OpenJSON Or Overlay ParseJSON PercentileCont PercentileDisc Pow Quantile RegexpILike RegexpLike
RegrSxx RegrSxy RegrSyy SafeFunc Soundex Sqrt StartsWith StrPosition StrToDate StrToTime Struct Substring ToMap
Transform Translate Trim TryCast Unnest UtcDate UtcTime UtcTimestamp XMLElement XMLGet XMLTable Xor
""")  # fmt: skip
