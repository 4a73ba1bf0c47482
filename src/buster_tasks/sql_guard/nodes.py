"""The kinds of nodes that a query may hold, beside functions. A kind that is not here is refused."""

from __future__ import annotations

from buster_tasks.sql_guard.dialect import words

NODES = words("""
Add Adjacent Alias Aliases All Any AtIndex AtTimeZone Between BitString BitwiseAnd BitwiseLeftShift BitwiseNot
BitwiseOr BitwiseRightShift BitwiseXor Boolean Bracket ByteString CTE Changes Cluster Column ColumnConstraint
ColumnDef Comprehension Connect Cube DPipe DataType DataTypeParam Distance DistanceNd Distinct Distribute Div Dot EQ
Escape Except ExtendsLeft ExtendsRight Fetch Filter ForClause From FromTimeZone GT GTE Glob Group GroupingSets Having
HavingMax HexString Hint HistoricalData ILike Identifier IgnoreNulls In IndexTableHint IntDiv Intersect Interval
IntervalSpan Introducer Is JSON JSONColumnDef JSONKeyValue JSONPath JSONPathFilter JSONPathKey JSONPathPart
JSONPathRecursive JSONPathRoot JSONPathSelector JSONPathSlice JSONPathSubscript JSONPathUnion JSONPathWildcard
JSONSchema JSONValue Join JoinHint Kwarg LT LTE Lambda Lateral Like Limit LimitOptions Literal Match MatchRecognize
MatchRecognizeMeasure Mod Mul NEQ National Neg Not NotNullColumnConstraint Null NullSafeEQ NullSafeNEQ Offset
OnCondition OpenJSONColumnDef Operator Order Ordered OverflowTruncateBehavior Overlaps Paren Partition
PathColumnConstraint Pivot PivotAlias PivotAny PositionalColumn Prior PropertyEQ PseudoType Pseudocolumn Qualify
QueryOption RawString RecursiveWithSearch RespectNulls Rollup Schema ScopeResolution Select SemanticView SimilarTo
Slice Sort Star Sub Subquery Table TableAlias TableFromRows TableSample TranslateCharacters Tuple UnicodeString Union
UnpivotColumns Values Var Variadic Version Where Window WindowSpec With WithTableHint WithinGroup XMLKeyValueOption
XMLNamespace
""")  # fmt: skip
