"""What may be written for Amazon Redshift.

Not here: Lambda functions and models, which have names of their own, and what tells of the cluster and its sessions.
"""

from __future__ import annotations

from buster_tasks.sql_guard.dialect import Dialect, words
from buster_tasks.sql_guard.dialects.spatial import SPATIAL

FUNCTIONS = words("""
abs acos add_months age any_value approximate array array_concat array_contains array_distinct array_except
array_flatten array_intersection array_position array_positions array_sort array_to_string array_union array_unique
ascii asin atan atan2 avg bit_and bit_length bit_or bit_xor bitand bitnot bitor bitxor bool_and bool_or bpcharcmp
btext_pattern_cmp btrim can_json_parse cbrt ceil ceiling char_length character_length charindex checksum chr coalesce
collate concat concat_ws convert convert_from convert_timezone cos cosh cot count crc32 cume_dist current_date
current_time current_timestamp date date_add date_cmp date_cmp_timestamp date_cmp_timestamptz date_diff date_part
date_part_year date_trunc dateadd datediff datepart decode degrees dense_rank dexp difference dlog1 dlog10 exp extract
farmfingerprint64 first_value floor fnv_hash from_hex from_varbyte func_sha1 generate_series get_array_length
get_number_attributes getbit getdate greatest grouping grouping_id h3_boundary h3_center h3_distance h3_fromlonglat
h3_frompoint h3_isvalid h3_parent h3_resolution hll hll_cardinality hll_combine hll_combine_sketches hll_create_sketch
initcap interval_cmp is_array is_bigint is_boolean is_char is_decimal is_float is_integer is_object is_scalar
is_smallint is_valid_json is_valid_json_array is_varchar isnull json_array_length json_extract_array_element_text
json_extract_path_text json_object json_parse json_serialize json_serialize_to_varbyte json_size json_typeof lag
last_day last_value lead least left len length levenshtein listagg ln log lower lower_attribute_names lpad ltrim max
md5 median min mod months_between murmur3_32_hash next_day now nth_value ntile nullif nvl nvl2 object object_transform
octet_length octetindex percent_rank percentile_cont percentile_disc pi position pow power quote_ident quote_literal
radians random rank ratio_to_report regexp_count regexp_instr regexp_matches regexp_replace regexp_substr repeat
replace replicate reverse right round row row_number rpad rtrim sha sha1 sha2 sha224 sha256 sha512 sign sin sinh
soundex split_part split_to_array sqrt stddev stddev_pop stddev_samp string_to_array strpos strtol subarray substr
substring sum sysdate tan tanh text_to_int_alt text_to_numeric_alt timeofday timestamp_cmp timestamp_cmp_date
timestamp_cmp_timestamptz timestamptz_cmp timestamptz_cmp_date timestamptz_cmp_timestamp timezone to_char to_date
to_hex to_number to_timestamp to_varbyte translate trim trunc try_cast upper upper_attribute_names var_pop var_samp
variance width_bucket xxhash64
""") | SPATIAL  # fmt: skip

DIALECT = Dialect(
    name="redshift",
    functions=FUNCTIONS,
    function_schemas=words("pg_catalog"),
    calls_by_dot=True,
    niladic=words(
        "current_catalog current_namespace current_role current_schema current_user current_user_id session_user user"
    ),
    hidden_schemas=words("pg_catalog pg_internal pg_toast pg_automv catalog_history sys"),
    hidden_prefixes=(
        "padb_", "pg_", "stcs_", "stl_", "stv_", "svcs_", "svl_", "svv_",
        "sys_analyze_", "sys_applied_", "sys_auto_", "sys_chain_", "sys_connection_", "sys_copy_", "sys_datashare_",
        "sys_external_", "sys_extra_", "sys_integration_", "sys_load_", "sys_mv_", "sys_procedure_", "sys_query_",
        "sys_restore_", "sys_rls_", "sys_schema_quota_", "sys_serverless_", "sys_session_", "sys_spatial_",
        "sys_stream_", "sys_transaction_", "sys_udf_", "sys_undone_", "sys_unload_", "sys_userlog", "sys_vacuum_",
    ),
)  # fmt: skip
