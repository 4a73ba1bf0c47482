SELECT a / b, a::numeric / 2, (a + 0.5)::int, a ^ 2, |/ 16.0, 5 # 3, ~5, 1 << 3, 7 % -2 FROM numbers WHERE b IS NOT NULL
SELECT E'a\nb', 'back\slash', U&'\0061', $$it's$$, $t$x$t$, B'101'::text
SELECT a FROM texts WHERE a LIKE '%\\%' OR a SIMILAR TO '(abc|x)' OR a ~ '^a' OR a ILIKE 'ä%' ORDER BY 1
SELECT date_trunc('month', ts), ts + INTERVAL '1 month', extract(epoch FROM ts), to_char(ts, 'YYYY-MM-DD HH24:MI'), age(ts, timestamp '2024-01-01') FROM days ORDER BY ts
SELECT ts AT TIME ZONE 'Europe/Berlin', ts::timestamptz AT TIME ZONE 'UTC', d - date '2024-01-01', d + 1, date_part('dow', d) FROM days ORDER BY ts
SELECT (ARRAY[1, 2, 3])[2], (ARRAY[1, 2, 3])[1:2], array_length(ARRAY[1, 2], 1), 2 = ANY (ARRAY[1, 2]), ARRAY[1] || 2
SELECT '{"a": {"b": [1, 2]}}'::jsonb #>> '{a,b,1}', '{"a": 1}'::jsonb -> 'a', '{"a": "x"}'::jsonb ->> 'a', '{"a": 1}'::jsonb @> '{"a": 1}', '{"a": 1}'::jsonb ? 'a'
SELECT k, v FROM jsonb_each_text('{"a": 1, "b": "x"}') AS e(k, v) ORDER BY k
SELECT status, count(*) FILTER (WHERE total > 50), percentile_cont(0.5) WITHIN GROUP (ORDER BY total), string_agg(id::text, ',' ORDER BY id DESC) FROM orders GROUP BY status ORDER BY status
SELECT region, product, grouping(region, product), sum(amount) FROM sales GROUP BY CUBE (region, product) ORDER BY 1, 2, 3
SELECT DISTINCT ON (status) status, id FROM orders ORDER BY status, id DESC
SELECT c.name, t.id FROM customers c LEFT JOIN LATERAL (SELECT o.id FROM orders o WHERE o.customer_id = c.id ORDER BY o.total DESC LIMIT 1) t ON true ORDER BY c.id
SELECT g, u FROM generate_series(1, 3) AS g, unnest(ARRAY['a', 'b']) WITH ORDINALITY AS t(u, n) ORDER BY g, u
SELECT id FROM orders ORDER BY id OFFSET 1 ROWS FETCH FIRST 2 ROWS ONLY
SELECT substring('abcdef' FROM 2 FOR 3), position('c' IN 'abc'), overlay('abc' PLACING 'x' FROM 2), trim(BOTH 'x' FROM 'xax'), split_part('a,b', ',', 2), regexp_replace('a1b2', '\d', '#', 'g')
SELECT 1 IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM NULL, (1, 2) < (1, 3), ROW(1, 'a') = ROW(1, 'a')
SELECT id, total::text, total::int, round(total), total::float8::numeric(6, 1) FROM orders ORDER BY id
SELECT 'x' COLLATE "C" < 'Y' COLLATE "C", lower('ÄÖ'), concat_ws('-', 'a', NULL, 'b'), format('%s-%I', 'a', 'b c')
VALUES (1, 'a'), (2, 'b')
TABLE refunds
SELECT name AS "Full Name" FROM customers AS "my customers" ORDER BY id
