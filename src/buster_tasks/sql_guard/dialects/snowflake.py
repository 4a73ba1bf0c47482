"""What may be written for Snowflake.

Not here: SYSTEM$ functions, what asks Cortex (it costs), reads stages, runs a text, or tells of the account.
"""

from __future__ import annotations

from buster_tasks.sql_guard.dialect import Dialect, words
from buster_tasks.sql_guard.dialects.spatial import SPATIAL

FUNCTIONS = words("""
abs acos acosh add_months any_value approx_count_distinct approx_percentile approx_percentile_accumulate
approx_percentile_combine approx_percentile_estimate approx_top_k approx_top_k_accumulate approx_top_k_combine
approx_top_k_estimate approximate_jaccard_index approximate_similarity array_agg array_append array_cat array_compact
array_construct array_construct_compact array_contains array_distinct array_except array_flatten array_generate_range
array_insert array_intersection array_max array_min array_position array_prepend array_remove array_remove_at
array_reverse array_size array_slice array_sort array_sum array_to_string array_union_agg array_unique
array_unique_agg arrays_overlap arrays_to_object arrays_zip as_array as_binary as_boolean as_char as_date as_decimal
as_double as_integer as_number as_object as_real as_time as_timestamp_ltz as_timestamp_ntz as_timestamp_tz as_varchar
ascii asin asinh atan atan2 atanh avg base64_decode_binary base64_decode_string base64_encode between bit_and
bit_and_agg bit_andagg bit_length bit_not bit_or bit_or_agg bit_oragg bit_shiftleft bit_shiftright bit_xor bit_xor_agg
bit_xoragg bitand bitand_agg bitandagg bitmap_bit_position bitmap_bucket_number bitmap_construct_agg bitmap_count
bitmap_or_agg bitnot bitor bitor_agg bitoragg bitshiftleft bitshiftright bitxor bitxor_agg bitxoragg booland
booland_agg boolandagg boolnot boolor boolor_agg boolxor boolxor_agg bround bucket cast cbrt ceil char charindex
check_json check_xml chr classifier coalesce collate collation compress concat concat_ws conditional_change_event
conditional_true_event contains convert_timezone corr cos cosh cot count count_if covar_pop covar_samp cume_dist
current_date current_time current_timestamp current_timezone date date_add date_diff date_from_parts date_part
date_sub date_trunc dateadd datediff datefromparts day dayname dayofmonth dayofweek dayofweekiso dayofyear decode
decompress_binary decompress_string degrees dense_rank div0 div0null divnull editdistance endswith equal_null exp
extract factorial filter first first_value flatten floor generator get get_ignore_case get_path getbit getdate
greatest greatest_ignore_nulls grouping grouping_id h3_cell_to_boundary h3_cell_to_children h3_cell_to_children_string
h3_cell_to_parent h3_cell_to_point h3_compact_cells h3_coverage h3_coverage_strings h3_get_resolution h3_grid_disk
h3_grid_distance h3_grid_path h3_int_to_string h3_is_pentagon h3_is_valid_cell h3_latlng_to_cell
h3_latlng_to_cell_string h3_point_to_cell h3_point_to_cell_string h3_polygon_to_cells h3_polygon_to_cells_strings
h3_string_to_int h3_try_coverage h3_try_coverage_strings h3_uncompact_cells hash hash_agg haversine hex_decode_binary
hex_decode_string hex_encode hll hll_accumulate hll_combine hll_estimate hll_export hll_import hour if iff ifnull
ilike initcap insert interpolate_bfill interpolate_ffill interpolate_linear is_array is_binary is_boolean is_char
is_date is_decimal is_double is_integer is_null_value is_object is_real is_time is_timestamp_ltz is_timestamp_ntz
is_timestamp_tz is_varchar jarowinkler_similarity json_extract_path_text kurtosis lag last last_day last_value lead
least least_ignore_nulls left len length like like_all like_any listagg ln localtime localtimestamp log lower lpad
ltrim map_cat map_contains_key map_delete map_entries map_insert map_keys map_pick map_size map_values match_number
match_sequence_number max max_by md5 md5_binary md5_hex md5_number_lower64 md5_number_upper64 median min min_by
minhash minhash_combine minute mod mode month monthname months_between next next_day normal nth_value ntile nullif
nullifzero nvl nvl2 object_agg object_construct object_construct_keep_null object_delete object_insert object_keys
object_pick octet_length parse_ip parse_json parse_url parse_xml percent_rank percentile_cont percentile_disc pi
position pow power prev previous_day quarter radians randn random randstr rank ratio_to_report reduce regexp
regexp_count regexp_extract_all regexp_instr regexp_like regexp_replace regexp_substr regexp_substr_all regr_avgx
regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy regr_valx regr_valy repeat replace
reverse right rlike round row_number rpad rtrim rtrimmed_length search search_ip second seq1 seq2 seq4 seq8 sha sha1
sha1_binary sha1_hex sha2 sha2_binary sha2_hex sign sin sinh skew soundex soundex_p123 space split split_part
split_to_table sqrt square startswith stddev stddev_pop stddev_samp strip_null_value strtok strtok_split_to_table
strtok_to_array substr substring sum sysdate systimestamp tan tanh time time_from_parts time_slice timeadd timediff
timefromparts timestamp_from_parts timestamp_ltz_from_parts timestamp_ntz_from_parts timestamp_tz_from_parts
timestampadd timestampdiff timestampfromparts timestampltzfromparts timestampntzfromparts timestamptzfromparts
to_array to_binary to_boolean to_char to_date to_decfloat to_decimal to_double to_geography to_geometry to_json
to_number to_numeric to_object to_time to_timestamp to_timestamp_ltz to_timestamp_ntz to_timestamp_tz to_varchar
to_variant to_xml transform translate trim trunc truncate try_base64_decode_binary try_base64_decode_string try_cast
try_hex_decode_binary try_hex_decode_string try_parse_json try_to_binary try_to_boolean try_to_date try_to_decfloat
try_to_decimal try_to_double try_to_geography try_to_geometry try_to_number try_to_numeric try_to_object try_to_time
try_to_timestamp try_to_timestamp_ltz try_to_timestamp_ntz try_to_timestamp_tz try_to_variant typeof unicode uniform
upper uuid_string var_pop var_samp variance variance_pop variance_samp vector_cosine_similarity vector_inner_product
vector_l1_distance vector_l2_distance week weekiso weekofyear width_bucket xmlget year yearofweek yearofweekiso
zeroifnull zipf
""") | SPATIAL  # fmt: skip

DIALECT = Dialect(
    name="snowflake",
    functions=FUNCTIONS,
    niladic=words("current_account current_role current_user current_warehouse"),
    hidden_schemas=words(
        "account_usage data_sharing_usage organization_usage reader_account_usage snowflake"
    ),
)
