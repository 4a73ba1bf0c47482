SELECT 1
VALUES (1, 'a'), (2, 'b')
FROM orders
FROM orders SELECT id, total WHERE total > 1
SELECT * FROM orders LIMIT 10
SELECT * FROM shop.main.orders LIMIT 10 OFFSET 5
SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 100 ORDER BY o.total DESC NULLS LAST
SELECT "Order Id", "select", "a ""b""" FROM "My Schema"."Order Details" AS "o d"
SELECT date_trunc('month', ordered_at) AS month, sum(total) FROM orders GROUP BY ALL ORDER BY ALL
SELECT * EXCLUDE (a) REPLACE (b * 2 AS b) RENAME (c AS d) FROM t
SELECT COLUMNS('^total'), COLUMNS(c -> c LIKE 'x%'), min(COLUMNS(*)) FROM t
SELECT year(d), month(d), day(d), quarter(d), week(d), dayofweek(d), dayname(d), monthname(d), extract(epoch FROM d), date_part('dow', d), last_day(d), epoch_ms(d) FROM t
SELECT d + INTERVAL 1 MONTH, d - INTERVAL '2 days', date_diff('day', a, b), datediff('month', a, b), date_add(d, INTERVAL 1 DAY), date_sub('day', a, b), age(a, b), time_bucket(INTERVAL '15 minutes', ts), to_days(3), to_months(2) FROM t
SELECT current_date, now(), today(), current_timestamp, get_current_timestamp(), ts AT TIME ZONE 'Europe/Berlin', make_date(2024, 1, 1), make_timestamp(2024, 1, 1, 0, 0, 0), to_timestamp(0), epoch(ts) FROM t
SELECT strftime(d, '%Y-%m'), strptime('2024-01-01', '%Y-%m-%d'), try_strptime(s, '%Y'), DATE '2024-01-01', TIMESTAMP '2024-01-01 10:00:00', d::date, isodow(d), yearweek(d) FROM t
SELECT count(*), count(DISTINCT a), count_if(a > 1), sum(a), avg(a), median(a), mode(a), stddev(a), var_pop(a), skewness(a), kurtosis(a), corr(a, b), arg_max(a, b), arg_min(a, b), max_by(a, b), max(a, 3), any_value(a), first(a ORDER BY b), last(a), bool_and(c), bit_or(d), product(a), entropy(a), mad(a), histogram(a) FROM t
SELECT approx_count_distinct(a), approx_quantile(a, 0.5), quantile_cont(a, 0.5), quantile_disc(a, [0.1, 0.9]), percentile_cont(0.5) WITHIN GROUP (ORDER BY a), reservoir_quantile(a, 0.5, 100) FROM t
SELECT string_agg(name, ', ' ORDER BY name), list(a ORDER BY b DESC), array_agg(DISTINCT a), sum(a) FILTER (WHERE b), group_concat(name), listagg(name, ',') FROM t
SELECT region, product, grouping(region), grouping_id(region, product), sum(amount) FROM sales GROUP BY GROUPING SETS ((region), (product), ())
SELECT region, sum(amount) FROM sales GROUP BY ROLLUP (region, product)
SELECT region, sum(amount) FROM sales GROUP BY CUBE (region, product) HAVING sum(amount) > 1
SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY ordered_at DESC) AS rn FROM orders QUALIFY rn = 1
SELECT id, lag(total, 1, 0) OVER w, lead(total) OVER w, first_value(total IGNORE NULLS) OVER w, nth_value(total, 2) OVER w, ntile(4) OVER w, percent_rank() OVER w FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY ordered_at)
SELECT sum(total) OVER (ORDER BY d ROWS BETWEEN 6 PRECEDING AND CURRENT ROW), avg(total) OVER (ORDER BY d RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM orders
WITH recent AS (SELECT * FROM orders WHERE ordered_at > current_date - 30) SELECT count(*) FROM recent
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i) FROM n
WITH a AS MATERIALIZED (SELECT 1 AS x), b AS (FROM a SELECT x + 1 AS y) FROM a, b
PIVOT sales ON quarter USING sum(amount) GROUP BY region
PIVOT sales ON quarter IN ('Q1', 'Q2') USING sum(amount) AS total, count(*)
UNPIVOT wide ON q1, q2 INTO NAME quarter VALUE amount
UNPIVOT wide ON COLUMNS(* EXCLUDE (id)) INTO NAME k VALUE v
SELECT * FROM sales PIVOT (sum(amount) FOR quarter IN ('Q1', 'Q2') GROUP BY region)
SELECT * FROM wide UNPIVOT (amount FOR quarter IN (q1, q2))
SELECT [1, 2, 3], l[1], l[-1], l[1:2], list_value(1, 2), len(l), list_contains(l, 1), list_sort(l), list_distinct(l), list_aggregate(l, 'sum'), list_sum(l), list_concat(l, m), list_slice(l, 1, 2), array_length(l), list_zip(l, m), list_unique(l), flatten([[1], [2]]), list_position(l, 1), range(5), generate_series(1, 5) FROM t
SELECT list_transform(l, x -> x + 1), list_filter(l, x -> x > 1), list_reduce(l, (a, b) -> a + b), [x * 2 FOR x IN l IF x > 1], l.list_transform(lambda x: x + 1), list_transform(l, lambda x, i: x + i) FROM t
SELECT unnest(l), unnest([1, 2]) FROM t
SELECT t.id, u.x FROM t, unnest(t.l) AS u(x)
SELECT t.id, u.x FROM t CROSS JOIN LATERAL (SELECT unnest(t.l) AS x) u
SELECT unnest(s, recursive := true) FROM t
SELECT {'a': 1, 'b': 'x'}, s.a, s['a'], struct_pack(a := 1), row(1, 2), struct_extract(s, 'a'), struct_insert(s, b := 1), s.* FROM t
SELECT MAP {'a': 1}, map(['a'], [1]), m['a'], map_keys(m), map_values(m), map_entries(m), map_extract(m, 'a'), cardinality(m), map_from_entries([('a', 1)]) FROM t
SELECT j->'a', j->>'$.b', json_extract(j, '$.a'), json_extract_string(j, '$.a'), json_array_length(j), json_keys(j), json_type(j), json_valid(s), to_json(t), json_object('a', 1), json_array(1, 2), json_group_array(a), from_json(j, '{"a": "INT"}'), json_structure(j) FROM t
SELECT key, value FROM t, json_each(t.j)
SELECT upper(a), lower(a), length(a), trim(a), ltrim(a), left(a, 2), right(a, 2), substring(a, 1, 3), a[1:3], replace(a, 'x', 'y'), split_part(a, ',', 1), string_split(a, ','), concat(a, b), a || b, concat_ws(',', a, b), strpos(a, 'x'), position('x' IN a), contains(a, 'x'), starts_with(a, 'x'), suffix(a, 'x'), lpad(a, 5, '0'), reverse(a), repeat(a, 3), translate(a, 'x', 'y'), format('{}', a), printf('%d', 1), chr(65), ascii(a), strip_accents(a), levenshtein(a, b), jaro_winkler_similarity(a, b), md5(a), sha256(a), hash(a) FROM t
SELECT 'abc'.upper().reverse(), a.trim().length(), (a + 1).sqrt() FROM t
SELECT regexp_matches(a, 'x'), regexp_replace(a, 'x', 'y', 'g'), regexp_extract(a, '(\d+)', 1), regexp_extract_all(a, 'x'), regexp_full_match(a, 'x'), a ~ 'x', a SIMILAR TO 'x', a LIKE '%x%', a ILIKE 'x', a GLOB 'x*', a NOT LIKE 'y' ESCAPE '$', regexp_split_to_array(a, ',') FROM t
SELECT coalesce(a, b), nullif(a, 0), ifnull(a, 0), if(a > 1, 'x', 'y'), CASE WHEN a THEN 1 ELSE 2 END, greatest(a, b), least(a, b), a IS DISTINCT FROM b, a BETWEEN 1 AND 2, a IN (1, 2), a IS NOT NULL FROM t
SELECT round(a, 2), ceil(a), floor(a), abs(a), mod(a, 3), a % 3, a // 2, pow(a, 2), a ** 2, sqrt(a), ln(a), log10(a), exp(a), sign(a), random(), pi(), gcd(a, b), factorial(5), isnan(a), xor(1, 2), bit_count(5), even(a), trunc(a) FROM t
SELECT 7 / 2, 7 // 2, 7 % 2, 1e3, 1_000, -a, NOT b, a & b, a | b, ~a, 1 << 2, 'it''s', E'a\nb', 'back\slash' FROM t
SELECT CAST(a AS DECIMAL(10, 2)), a::int, TRY_CAST(a AS date), a::varchar[], a::struct(x int, y varchar), a::map(varchar, int), CAST(a AS HUGEINT), a::json, a::uuid FROM t
SELECT * FROM orders USING SAMPLE 10%
SELECT * FROM orders USING SAMPLE reservoir(50 ROWS) REPEATABLE (100)
SELECT * FROM orders TABLESAMPLE bernoulli(10%)
SELECT * FROM trades t ASOF JOIN quotes q ON t.sym = q.sym AND t.ts >= q.ts
SELECT * FROM a POSITIONAL JOIN b
SELECT * FROM a SEMI JOIN b USING (id)
SELECT * FROM a ANTI JOIN b ON a.id = b.id
SELECT * FROM a FULL OUTER JOIN b USING (id) LEFT JOIN c ON c.id = a.id CROSS JOIN d NATURAL JOIN e
SELECT c.name, x.total FROM customers c LEFT JOIN LATERAL (SELECT sum(total) AS total FROM orders o WHERE o.customer_id = c.id) x ON true
SELECT a FROM x UNION ALL BY NAME SELECT b FROM y
SELECT a FROM x UNION SELECT b FROM y EXCEPT SELECT c FROM z INTERSECT ALL SELECT d FROM w
SELECT DISTINCT ON (customer_id) * FROM orders ORDER BY customer_id, ordered_at DESC
SELECT * FROM orders ORDER BY id LIMIT 10%
SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers) AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = orders.id)
SELECT * FROM range(10) AS r(i)
SELECT d FROM generate_series(DATE '2024-01-01', DATE '2024-12-31', INTERVAL 1 MONTH) AS g(d)
SELECT i, x FROM range(3) AS r(i), unnest([1, 2]) AS u(x)
SELECT total AS t, t * 2 AS double FROM orders WHERE t > 1
SELECT #1, #2 FROM orders GROUP BY #1, #2
SELECT table_name FROM information_schema.tables
SELECT name COLLATE NOCASE FROM customers ORDER BY name COLLATE DE
SELECT a.*, (SELECT count(*) FROM items i WHERE i.order_id = a.id) AS n FROM orders a -- all
SELECT /* x */ sum(total) FROM orders;
SELECT list_cosine_similarity([1.0], [2.0]), array_distance(a, b), array_value(1, 2), bar(a, 0, 10, 5), format_bytes(1000) FROM t
SELECT union_value(a := 1), enum_range(NULL::mood), typeof(a), gen_random_uuid(), uuid(), encode(a), to_base64(b), hex(a), url_encode(a) FROM t
SELECT rank() OVER (ORDER BY total), dense_rank() OVER (ORDER BY total), cume_dist() OVER (ORDER BY total), count(*) OVER () FROM orders
