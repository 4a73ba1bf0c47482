SELECT 1
SELECT * FROM orders LIMIT 10
SELECT * FROM main.shop.orders
SELECT `order id`, `select` FROM main.`my schema`.`order details`
SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 100 ORDER BY o.total DESC NULLS LAST
FROM orders SELECT id, total
VALUES (1, 'a'), (2, 'b')
SELECT date_trunc('MONTH', ordered_at) AS month, sum(total) FROM orders GROUP BY 1 ORDER BY 1
SELECT date_trunc('month', ordered_at) m, sum(total) FROM orders GROUP BY ALL ORDER BY ALL
SELECT year(d), quarter(d), month(d), day(d), weekofyear(d), dayofweek(d), dayofyear(d), hour(d), minute(d), extract(YEAR FROM d), date_part('dow', d), last_day(d), next_day(d, 'TU') FROM t
SELECT date_add(d, 1), date_sub(d, 1), add_months(d, 1), dateadd(MONTH, 1, d), datediff(a, b), datediff(DAY, a, b), date_diff(HOUR, a, b), months_between(a, b), timestampadd(HOUR, 1, ts), timestampdiff(MINUTE, a, b) FROM t
SELECT current_date(), current_timestamp(), now(), current_date, getdate(), to_utc_timestamp(ts, 'Europe/Berlin'), from_utc_timestamp(ts, 'UTC'), convert_timezone('UTC', 'Europe/Berlin', ts) FROM t
SELECT to_date('2024-01-01', 'yyyy-MM-dd'), to_timestamp(s), try_to_timestamp(s), date_format(d, 'yyyy-MM'), unix_timestamp(ts), from_unixtime(1), timestamp_seconds(1), timestamp_millis(1), make_date(2024, 1, 1), make_timestamp(2024, 1, 1, 0, 0, 0) FROM t
SELECT d + INTERVAL 1 MONTH, ts - INTERVAL '2' HOUR, INTERVAL '1-2' YEAR TO MONTH, DATE '2024-01-01', TIMESTAMP '2024-01-01 10:00:00' FROM t
SELECT count(*), count(DISTINCT a, b), count_if(a > 1), sum(a), avg(a), mean(a), median(a), mode(a), stddev(a), var_pop(a), skewness(a), kurtosis(a), corr(a, b), max_by(a, b), min_by(a, b), any_value(a), first(a), last(a, true), bool_and(c), every(c), bit_or(d) FROM t
SELECT approx_count_distinct(a), approx_percentile(a, 0.5), percentile(a, array(0.5, 0.9)), percentile_approx(a, 0.5, 100), percentile_cont(0.5) WITHIN GROUP (ORDER BY a), approx_top_k(a, 3), hll_sketch_estimate(hll_sketch_agg(a)) FROM t
SELECT collect_list(a), collect_set(a), array_agg(DISTINCT a), listagg(a, ',') WITHIN GROUP (ORDER BY a), string_agg(a, ','), sum(a) FILTER (WHERE b), histogram_numeric(a, 5) FROM t
SELECT region, product, sum(amount) FROM sales GROUP BY GROUPING SETS ((region), (product), ())
SELECT region, product, grouping_id(), grouping(region), sum(amount) FROM sales GROUP BY ROLLUP (region, product)
SELECT region, product, sum(amount) FROM sales GROUP BY CUBE (region, product)
SELECT region, product, sum(amount) FROM sales GROUP BY region, product WITH ROLLUP
SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY ordered_at DESC) AS rn FROM orders QUALIFY rn = 1
SELECT id, lag(total, 1, 0) OVER w, lead(total) OVER w, first_value(total, true) OVER w, nth_value(total, 2) OVER w, ntile(4) OVER w, percent_rank() OVER w FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY ordered_at)
SELECT sum(total) OVER (PARTITION BY c ORDER BY d ROWS BETWEEN 6 PRECEDING AND CURRENT ROW), avg(total) OVER (ORDER BY d RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND CURRENT ROW) FROM orders
WITH recent AS (SELECT * FROM orders WHERE ordered_at > current_date() - INTERVAL 30 DAYS) SELECT count(*) FROM recent
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i) FROM n
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a CROSS JOIN b
SELECT data:a.b.c::string, data:items[0].price::double, data:['key'], data:`Key X` FROM events
SELECT get_json_object(s, '$.a'), from_json(s, 'a INT, b STRING'), to_json(named_struct('a', 1)), schema_of_json('{"a": 1}'), json_tuple(s, 'a', 'b'), json_array_length(s), parse_json(s), variant_get(v, '$.a', 'int'), try_variant_get(v, '$.b', 'string') FROM events
SELECT id, item.sku FROM orders LATERAL VIEW explode(items) t AS item
SELECT id, k, v FROM t LATERAL VIEW OUTER explode(m) x AS k, v
SELECT id, pos, item FROM orders LATERAL VIEW posexplode(items) t AS pos, item
SELECT explode(array(1, 2, 3)), id FROM t
SELECT o.id, i.col FROM orders o, LATERAL explode(o.items) AS i
SELECT inline(array(struct(1, 'a'), struct(2, 'b')))
SELECT stack(2, 1, 'a', 2, 'b') AS (id, name)
SELECT array(1, 2)[0], size(a), cardinality(a), array_contains(a, 1), array_distinct(a), array_sort(a), sort_array(a, false), slice(a, 1, 2), element_at(a, 1), array_join(a, ','), flatten(a), array_union(a, b), arrays_zip(a, b), array_position(a, 1), array_max(a), array_remove(a, 1), sequence(1, 10), try_element_at(a, 9) FROM t
SELECT transform(a, x -> x + 1), filter(a, x -> x > 1), exists(a, x -> x = 1), aggregate(a, 0, (acc, x) -> acc + x), reduce(a, 0, (acc, x) -> acc + x), zip_with(a, b, (x, y) -> x + y), forall(a, x -> x > 0), transform(a, (x, i) -> x + i), array_sort(a, (l, r) -> l - r) FROM t
SELECT map('a', 1)['a'], map_keys(m), map_values(m), map_entries(m), map_filter(m, (k, v) -> v > 1), transform_values(m, (k, v) -> v + 1), map_concat(m, n), map_from_arrays(a, b), str_to_map('a:1,b:2', ',', ':') FROM t
SELECT struct(1 AS a, 'x' AS b).a, named_struct('a', 1).a, address.city, items[0].price, items.price, address.* FROM customers
SELECT upper(a), lower(a), initcap(a), length(a), trim(a), ltrim(a), left(a, 2), right(a, 2), substring(a, 1, 3), substr(a, 2), replace(a, 'x', 'y'), split(a, ','), split_part(a, ',', 1), concat(a, b), a || b, concat_ws(',', a, b), locate('x', a), instr(a, 'x'), position('x' IN a), lpad(a, 5, '0'), reverse(a), repeat(a, 3), translate(a, 'x', 'y'), format_string('%d', 1), format_number(1.5, 2), contains(a, 'x'), startswith(a, 'x'), levenshtein(a, b), soundex(a), overlay(a PLACING 'x' FROM 1) FROM t
SELECT a RLIKE '^x', a REGEXP 'x', regexp_extract(a, '(\\d+)', 1), regexp_replace(a, 'x', 'y'), regexp_extract_all(a, 'x'), regexp_count(a, 'x'), regexp_like(a, 'x'), a LIKE '%x%', a ILIKE 'x', a LIKE ANY ('a', 'b'), a NOT LIKE 'z' ESCAPE '!' FROM t
SELECT if(a > 1, 'x', 'y'), iff(a, 1, 2), ifnull(a, 0), nvl(a, 0), nvl2(a, 1, 2), nullif(a, 0), coalesce(a, b), CASE WHEN a THEN 1 ELSE 2 END, decode(a, 1, 'x', 'y'), greatest(a, b), least(a, b), a <=> b, isnull(a), nanvl(a, 0) FROM t
SELECT round(a, 2), bround(a, 1), ceil(a), floor(a), abs(a), mod(a, 3), a % 3, a DIV 3, pow(a, 2), sqrt(a), ln(a), log(10, a), exp(a), sign(a), rand(), randn(), pmod(a, 3), hypot(a, b), try_divide(a, b), try_add(a, b), width_bucket(a, 0, 10, 5), conv('ff', 16, 10) FROM t
SELECT CAST(a AS DECIMAL(10, 2)), a::int, try_cast(a AS date), CAST(a AS STRING), int(a), double(a), CAST(a AS ARRAY<INT>), CAST(a AS STRUCT<x: INT, y: STRING>), CAST(a AS MAP<STRING, INT>) FROM t
SELECT * EXCEPT (a, b) FROM t
SELECT * FROM sales PIVOT (sum(amount) AS total FOR quarter IN ('Q1' AS q1, 'Q2' AS q2))
SELECT * FROM wide UNPIVOT (amount FOR quarter IN (q1, q2))
SELECT * FROM wide UNPIVOT INCLUDE NULLS (amount FOR quarter IN (q1 AS `Q1`, q2))
SELECT * FROM orders TABLESAMPLE (10 PERCENT)
SELECT * FROM orders TABLESAMPLE (5 ROWS)
SELECT * FROM orders VERSION AS OF 3
SELECT * FROM orders TIMESTAMP AS OF '2024-01-01'
SELECT /*+ BROADCAST(c) */ o.id FROM orders o JOIN customers c ON c.id = o.customer_id
SELECT /*+ REPARTITION(10) */ * FROM orders
SELECT * FROM a LEFT SEMI JOIN b ON a.id = b.id
SELECT * FROM a LEFT ANTI JOIN b ON a.id = b.id FULL OUTER JOIN c USING (id) CROSS JOIN d
SELECT c.name, x.total FROM customers c, LATERAL (SELECT sum(total) AS total FROM orders o WHERE o.customer_id = c.id) x
SELECT a FROM x UNION ALL SELECT b FROM y
SELECT a FROM x EXCEPT SELECT b FROM y
SELECT a FROM x MINUS SELECT b FROM y
SELECT a FROM x INTERSECT SELECT b FROM y ORDER BY 1 LIMIT 5 OFFSET 2
SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers) AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = orders.id)
SELECT a FROM t DISTRIBUTE BY a SORT BY b
SELECT a FROM t CLUSTER BY a
SELECT id FROM range(10)
SELECT * FROM explode(array(1, 2)) AS t(x)
SELECT md5(a), sha2(a, 256), hash(a), xxhash64(a), crc32(a), base64(a), unhex('41'), uuid(), h3_longlatash3(1, 2, 3) FROM t
SELECT table_name FROM main.information_schema.tables WHERE table_schema = 'shop'
SELECT column_name FROM system.information_schema.columns
SELECT 'it\'s', "double", r'raw\d', X'41', 1e3, 1.5BD, 10L, 7 / 2, -a, NOT b, a & b, a | b, a ^ b, ~a, 1 << 2 FROM t -- all
SELECT a IS DISTINCT FROM b, a BETWEEN 1 AND 2, a IN (1, 2), a IS NOT TRUE FROM t
SELECT id, sum(CASE WHEN kind = 'buy' THEN 1 ELSE 0 END) / count(*) AS rate FROM events GROUP BY id HAVING count(*) > 10
SELECT name COLLATE UTF8_LCASE FROM customers ORDER BY name COLLATE UNICODE
SELECT xpath_string('<a><b>1</b></a>', 'a/b'), parse_url('http://x.y/z?q=1', 'HOST'), url_decode('a%20b'), luhn_check('1'), st_distance(a, b) FROM t
SELECT date_format(d, 'yyyy-MM'), sum(x) FILTER (WHERE y > 1), count(DISTINCT z) FROM a.b.c GROUP BY 1
SELECT explode(sequence(date'2024-01-01', date'2024-12-31', interval 1 month)) AS d
SELECT from_json(j, 'STRUCT<a: INT>').a, j:b[0].c::double, to_json(struct(*)) FROM t
SELECT t.*, row_number() OVER (PARTITION BY a ORDER BY b DESC) rn FROM t QUALIFY rn = 1
SELECT a, collect_list(struct(b, c)) FROM t GROUP BY a
SELECT current_date - INTERVAL 7 DAYS, current_timestamp() - INTERVAL 1 HOUR, date_sub(current_date(), 30)
SELECT * FROM a LATERAL VIEW explode(b) x AS y LATERAL VIEW OUTER explode(y.z) w AS v
SELECT any_value(a), first(b) IGNORE NULLS, last_value(c) IGNORE NULLS OVER (ORDER BY d) FROM t
SELECT try_cast(a AS INT), a::DATE, cast(a as timestamp_ntz), typeof(a) FROM t
SELECT percentile(a, 0.5), approx_percentile(a, array(0.5, 0.9), 100), mode(a) FROM t
