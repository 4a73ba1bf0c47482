"""What may be written for MySQL and MariaDB.

Not here, beside what waits, locks and reads files: functions that tell of the server and its sessions, XML functions
(they answer with parts of errors), and encryption.
"""

from __future__ import annotations

from buster_tasks.sql_guard.dialect import Dialect, words
from buster_tasks.sql_guard.dialects.spatial import SPATIAL

FUNCTIONS = words("""
abs acos add_months adddate addtime any_value ascii asin atan atan2 avg bin bin_to_uuid bit_and bit_count bit_length
bit_or bit_xor cast ceil ceiling char char_length character_length charset coalesce coercibility collation compress
concat concat_ws conv convert convert_tz cos cot count crc32 crc32c cume_dist curdate current_date current_time
current_timestamp curtime date date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear
decode_oracle degrees dense_rank elt exp export_set extract field find_in_set first_value floor format format_bytes
format_pico_time from_base64 from_days from_unixtime geomcollection geometrycollection get_format greatest
group_concat grouping hex hour if ifnull in inet6_aton inet6_ntoa inet_aton inet_ntoa initcap insert instr interval
is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_uuid isnull json_array json_array_append json_array_insert
json_arrayagg json_compact json_contains json_contains_path json_depth json_detailed json_equals json_exists
json_extract json_insert json_keys json_length json_loose json_merge json_merge_patch json_merge_preserve
json_normalize json_object json_object_filter_keys json_object_to_array json_objectagg json_overlaps json_pretty
json_query json_quote json_remove json_replace json_schema_valid json_schema_validation_report json_search json_set
json_storage_size json_table json_type json_unquote json_valid json_value lag last_day last_value lcase lead least
left length lengthb linestring ln localtime localtimestamp locate log log10 log2 lower lpad ltrim make_set makedate
maketime match max mbrcontains mbrcoveredby mbrcovers mbrdisjoint mbrequals mbrintersects mbroverlaps mbrtouches
mbrwithin md5 median microsecond mid min minute mod month monthname months_between multilinestring multipoint
multipolygon natural_sort_key now nth_value ntile nullif nvl nvl2 oct octet_length ord percent_rank percentile_cont
percentile_disc period_add period_diff pi point polygon position pow power quarter quote radians rand random_bytes
rank regexp_instr regexp_like regexp_replace regexp_substr repeat replace reverse right round row row_number rpad
rtrim sec_to_time second sformat sha sha1 sha2 sign sin soundex space sqrt std stddev stddev_pop stddev_samp
str_to_date strcmp subdate substr substring substring_index subtime sum sysdate tan time time_format time_to_sec
timediff timestamp timestampadd timestampdiff to_base64 to_char to_date to_days to_number to_seconds trim trunc
truncate ucase uncompress uncompressed_length unhex unix_timestamp upper utc_date utc_time utc_timestamp uuid
uuid_short uuid_to_bin values var_pop var_samp variance vec_distance vec_distance_cosine vec_distance_euclidean
vec_fromtext vec_totext week weekday weekofyear weight_string year yearweek
""") | SPATIAL  # fmt: skip

DIALECT = Dialect(
    name="mysql",
    functions=FUNCTIONS,
    niladic=words("current_role current_user session_user system_user"),
    hints=words("""
BKA BNL GROUP_INDEX HASH_JOIN INDEX INDEX_MERGE JOIN_FIXED_ORDER JOIN_INDEX JOIN_ORDER JOIN_PREFIX JOIN_SUFFIX MERGE
MRR NO_BKA NO_BNL NO_HASH_JOIN NO_INDEX NO_INDEX_MERGE NO_MERGE NO_MRR NO_RANGE_OPTIMIZATION NO_SEMIJOIN NO_SKIP_SCAN
ORDER_INDEX SEMIJOIN SKIP_SCAN SUBQUERY
"""),
    hidden_schemas=words("mysql performance_schema sys ndbinfo"),
    first_words=words("SELECT WITH VALUES TABLE"),
)  # fmt: skip
