"""Functions that sqlglot has a type for, and that only compute, of all dialects. A type that is not here is refused.

Not here: what tells of the session or the account, moves sequences, reads files, encrypts, or asks a paid model.
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
Abs Acos Acosh AddMonths AggFunc And AnyValue ApproxDistinct ApproxPercentileAccumulate ApproxPercentileCombine
ApproxPercentileEstimate ApproxQuantile ApproxQuantiles ApproxTopK ApproxTopKAccumulate ApproxTopKCombine
ApproxTopKEstimate ApproxTopSum ApproximateSimilarity ArgMax ArgMin Array ArrayAgg ArrayAll ArrayAny ArrayAppend
ArrayCompact ArrayConcat ArrayConcatAgg ArrayConstructCompact ArrayContainedBy ArrayContains ArrayContainsAll
ArrayDistinct ArrayExcept ArrayFilter ArrayFirst ArrayInsert ArrayIntersect ArrayLast ArrayMax ArrayMin ArrayOverlaps
ArrayPosition ArrayPrepend ArrayRemove ArrayRemoveAt ArrayReverse ArraySize ArraySlice ArraySort ArraySum
ArrayToString ArrayUnionAgg ArrayUniqueAgg ArraysZip Ascii Asin Asinh Atan Atan2 Atanh Avg Base64DecodeBinary
Base64DecodeString Base64Encode BitLength BitmapBitPosition BitmapBucketNumber BitmapConstructAgg BitmapCount
BitmapOrAgg BitwiseAndAgg BitwiseCount BitwiseOrAgg BitwiseXorAgg Booland Boolnot Boolor BoolxorAgg ByteLength Case
Cast CastToStrType Cbrt Ceil CheckJson CheckXml Chr CityHash64 Coalesce CodePointsToBytes CodePointsToString Collate
Collation Columns Compress Concat ConcatWs ConnectByRoot Contains Convert ConvertTimezone ConvertToCharset Corr Cos
Cosh CosineDistance Cot Coth Count CountIf CovarPop CovarSamp Csc Csch CumeDist CurrentDate CurrentDatetime
CurrentTime CurrentTimestamp CurrentTimestampLTZ CurrentTimezone Date DateAdd DateBin DateDiff DateFromParts
DateFromUnixDate DateStrToDate DateSub DateToDateStr DateToDi DateTrunc Datetime DatetimeAdd DatetimeDiff DatetimeSub
DatetimeTrunc Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear Dayname Decode DecodeCase DecompressBinary
DecompressString Degrees DenseRank DiToDate DotProduct Elt Encode EndsWith EqualNull EuclideanDistance Exists Exp
Explode ExplodingGenerateSeries Extract Factorial FarmFingerprint First FirstValue Flatten Float64 Floor Format
FromBase FromBase32 FromBase64 FromISO8601Date FromISO8601Timestamp FromISO8601TimestampNanos FromJson Func GapFill
GenerateDateArray GenerateSeries GenerateTimestampArray Generator GetExtract GetIgnoreCase Getbit Greatest GroupConcat
Grouping GroupingId HashAgg Hex HexDecodeString Hll Host Hour If Initcap Inline Int64 IsArray IsAscii IsInf IsNan
IsNullValue JSONArray JSONArrayAgg JSONArrayAppend JSONArrayContains JSONArrayInsert JSONBContains
JSONBContainsAllTopKeys JSONBContainsAnyTopKeys JSONBContainsTopKey JSONBDeleteAtPath JSONBExists JSONBExtract
JSONBExtractScalar JSONBObjectAgg JSONBPathExists JSONBool JSONCast JSONExists JSONExtract JSONExtractArray
JSONExtractScalar JSONFormat JSONKeys JSONKeysAtDepth JSONObject JSONObjectAgg JSONRemove JSONSet JSONStripNulls
JSONTable JSONType JSONValueArray JarowinklerSimilarity JustifyDays JustifyHours JustifyInterval Kurtosis Lag Last
LastDay LastValue LaxBool LaxFloat64 LaxInt64 LaxString Lead Least Left Length Levenshtein List Ln Localtime
Localtimestamp Log LogicalAnd LogicalOr Lower LowerHex MD5 MD5Digest MD5NumberLower64 MD5NumberUpper64 MakeInterval
ManhattanDistance Map MapCat MapContainsKey MapDelete MapFromEntries MapInsert MapKeys MapPick MapSize MatchAgainst
Max Median Min Minhash MinhashCombine Minute Mode Month Monthname MonthsBetween Nanvl Negative NetFunc NextDay Normal
Normalize NthValue Ntile Nullif NumberToStr Nvl2 ObjectAgg ObjectInsert ObjectTransform OpenJSON Or Overlay Pad
ParseBignumeric ParseDatetime ParseIp ParseJSON ParseNumeric ParseTime ParseUrl PercentRank PercentileCont
PercentileDisc Pi Posexplode PosexplodeOuter Pow PreviousDay Quantile Quarter Radians Rand Randn Randstr RangeBucket
RangeN Rank Reduce RegDomain RegexpCount RegexpExtract RegexpExtractAll RegexpFullMatch RegexpILike RegexpInstr
RegexpLike RegexpReplace RegexpSplit RegexpSubstr RegrAvgx RegrAvgy RegrCount RegrIntercept RegrR2 RegrSlope RegrSxx
RegrSxy RegrSyy RegrValx RegrValy Repeat Replace Reverse Right Rint Round RowNumber RtrimmedLength SHA SHA1Digest SHA2
SHA2Digest SafeAdd SafeConvertBytesToString SafeDivide SafeFunc SafeMultiply SafeNegate SafeSubtract Search SearchIp
Sec Sech Second Seq1 Seq2 Seq4 Seq8 Shuffle Sign Sin Sinh Skewness Soundex SoundexP123 Space Split SplitPart
SplitToTable Sqrt StDistance StPoint Stack StandardHash StarMap StartsWith Stddev StddevPop StddevSamp StrPosition
StrToDate StrToMap StrToTime StrToUnix String StringToArray StripNullValue Strtok StrtokSplitToTable StrtokToArray
Struct StructExtract Stuff Substring SubstringIndex Sum Systimestamp Tan Tanh Time TimeAdd TimeDiff TimeFromParts
TimeSlice TimeStrToDate TimeStrToTime TimeStrToUnix TimeSub TimeToStr TimeToTimeStr TimeToUnix TimeTrunc Timestamp
TimestampAdd TimestampDiff TimestampFromParts TimestampLtzFromParts TimestampSub TimestampTrunc TimestampTzFromParts
ToArray ToBase32 ToBase64 ToBinary ToBoolean ToChar ToCodePoints ToDays ToDecfloat ToDouble ToMap ToNumber ToVariant
Transform Translate Trim Trunc Try TryBase64DecodeBinary TryBase64DecodeString TryCast TryHexDecodeBinary
TryHexDecodeString TryToDecfloat TsOrDiToDi TsOrDsAdd TsOrDsDiff TsOrDsToDate TsOrDsToDateStr TsOrDsToDatetime
TsOrDsToTime TsOrDsToTimestamp Typeof Unhex Unicode Uniform UnixDate UnixMicros UnixMillis UnixSeconds UnixToStr
UnixToTime UnixToTimeStr Unnest Upper UtcDate UtcTime UtcTimestamp Uuid VarMap Variance VariancePop Week WeekOfYear
WeekStart WeightString WidthBucket XMLElement XMLGet XMLTable Xor Year YearOfWeek YearOfWeekIso Zipf _ExplodeOuter
""")  # fmt: skip
