"""What may be written for PostgreSQL, its usual extensions included.

Not here, beside what writes, waits or reads files: functions that run a text as SQL (query_to_xml, ts_stat,
ts_rewrite, crosstab), and those that tell of the server, its settings and its sessions.
"""

from __future__ import annotations

from buster_tasks.sql_guard.dialect import Dialect, words
from buster_tasks.sql_guard.dialects.spatial import SPATIAL

FUNCTIONS = words("""
abbrev abs acos acosd acosh age akeys any_value approx_count_distinct approx_percentile area array array_agg
array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions
array_prepend array_remove array_replace array_reverse array_sample array_shuffle array_sort array_to_json
array_to_string array_to_tsvector array_upper ascii asin asind asinh atan atan2 atan2d atand atanh avals avg
binary_quantize bit_and bit_count bit_length bit_or bit_xor bool bool_and bool_or bound_box box bpchar broadcast btrim
cardinality casefold cbrt ceil ceiling center char_length character_length chr circle clock_timestamp coalesce concat
concat_ws convert convert_from convert_to corr cos cosd cosh cosine_distance cot cotd count covar_pop covar_samp crc32
crc32c cube cube_distance cume_dist current_date current_time current_timestamp daitch_mokotoff date date_add date_bin
date_part date_subtract date_trunc datemultirange daterange decode defined degrees delete dense_rank diagonal diameter
difference digest div dmetaphone dmetaphone_alt each earth earth_box earth_distance encode enum_first enum_last
enum_range erf erfc every exist exp extract factorial family first first_value float4 float8 floor format gamma gcd
gen_random_uuid generate_series generate_subscripts get_bit get_byte greatest grouping height histogram hll_add_agg
hll_cardinality hll_hash_integer hll_hash_text hll_union_agg hmac host hostmask hstore hstore_to_json hstore_to_jsonb
icount idx inet_merge inet_same_family initcap inner_product int2 int4 int4multirange int4range int8 int8multirange
int8range interpolate interval isclosed isempty isfinite isopen json_agg json_agg_strict json_array
json_array_elements json_array_elements_text json_array_length json_arrayagg json_build_array json_build_object
json_each json_each_text json_exists json_extract_path json_extract_path_text json_object json_object_agg
json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict json_object_keys json_objectagg
json_populate_record json_populate_recordset json_query json_scalar json_serialize json_strip_nulls json_table
json_to_record json_to_recordset json_to_tsvector json_typeof json_value jsonb_agg jsonb_agg_strict
jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_contains
jsonb_each jsonb_each_text jsonb_exists jsonb_exists_all jsonb_exists_any jsonb_extract_path jsonb_extract_path_text
jsonb_insert jsonb_object jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_keys
jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array
jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record
jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset
jsonb_to_tsvector jsonb_typeof justify_days justify_hours justify_interval l1_distance l2_distance l2_normalize lag
last last_value latitude lca lcm lead least left length levenshtein levenshtein_less_equal lgamma line ll_to_earth ln
localtime localtimestamp locf log log10 longitude lower lower_inc lower_inf lpad lseg ltree2text ltrim make_date
make_interval make_time make_timestamp make_timestamptz masklen max md5 metaphone min min_scale mod mode multirange
netmask network nlevel normalize now npoints nth_value ntile nullif num_nonnulls num_nulls numeric nummultirange
numnode numrange octet_length overlaps overlay parse_ident path pclose percent_rank percentile_agg percentile_cont
percentile_disc pg_typeof phraseto_tsquery pi plainto_tsquery point polygon popen position power querytree quote_ident
quote_literal quote_nullable radians radius random random_normal range_agg range_intersect_agg range_merge rank
regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array
regexp_split_to_table regexp_substr regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy
regr_syy repeat replace reverse right round row row_number row_to_json rpad rtrim scale set_bit set_byte set_masklen
setweight sha224 sha256 sha384 sha512 show_trgm sign similarity sin sind sinh skeys slice slope sort soundex
split_part sqrt starts_with statement_timestamp stats_agg stddev stddev_pop stddev_samp strict_word_similarity
string_agg string_to_array string_to_table strip strpos subltree subpath substr substring sum svals tan tand tanh text
text2ltree time_bucket time_bucket_gapfill time_bucket_ng timeofday timestamp timestamptz timezone to_ascii to_bin
to_char to_date to_hex to_json to_jsonb to_number to_oct to_timestamp to_tsquery to_tsvector transaction_timestamp
translate trim trim_array trim_scale trunc ts_delete ts_filter ts_headline ts_rank ts_rank_cd tsmultirange
tsquery_phrase tsrange tstzmultirange tstzrange tsvector_to_array unaccent unicode_assigned uniq unistr unnest upper
upper_inc upper_inf uuid_extract_timestamp uuid_extract_version uuid_generate_v4 uuidv4 uuidv7 var_pop var_samp
variance vector_dims vector_norm websearch_to_tsquery width width_bucket word_similarity xml_is_well_formed
xml_is_well_formed_content xml_is_well_formed_document xmlagg xmlattributes xmlcomment xmlconcat xmlelement xmlexists
xmlforest xmlparse xmlpi xmlroot xmlserialize xmltable xmltext xpath xpath_exists
""") | SPATIAL  # fmt: skip

DIALECT = Dialect(
    name="postgres",
    functions=FUNCTIONS,
    function_schemas=words("pg_catalog"),
    calls_by_dot=True,
    niladic=words(
        "current_catalog current_role current_schema current_user session_user system_user user"
    ),
    hidden_schemas=words("pg_catalog pg_toast pg_temp"),
    hidden_prefixes=("pg_",),
    first_words=words("SELECT WITH VALUES TABLE"),
)
