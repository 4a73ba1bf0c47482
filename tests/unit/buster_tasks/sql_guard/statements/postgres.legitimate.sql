SELECT 1
VALUES (1, 'a'), (2, 'b')
TABLE orders
SELECT * FROM orders LIMIT 10
SELECT o.id, c.name FROM orders o JOIN customers AS c ON c.id = o.customer_id WHERE o.total > 100 ORDER BY o.total DESC NULLS LAST
SELECT count(*), count(DISTINCT customer_id) FROM public.orders
SELECT date_trunc('month', ordered_at) AS month, sum(total) AS revenue FROM orders GROUP BY 1 ORDER BY 1
SELECT customer_id, sum(total) FILTER (WHERE status = 'paid') AS paid, count(*) FROM orders GROUP BY customer_id HAVING count(*) > 3
SELECT region, product, sum(amount) FROM sales GROUP BY GROUPING SETS ((region), (product), ())
SELECT region, product, grouping(region, product), sum(amount) FROM sales GROUP BY ROLLUP (region, product)
SELECT region, sum(amount) FROM sales GROUP BY CUBE (region, product)
SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY ordered_at DESC) AS rn FROM orders
SELECT id, lag(total, 1, 0) OVER w, lead(total) OVER w, first_value(total) OVER w FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY ordered_at)
SELECT avg(total) OVER (ORDER BY ordered_at ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM orders
SELECT sum(total) OVER (ORDER BY ordered_at RANGE BETWEEN INTERVAL '7 days' PRECEDING AND CURRENT ROW) FROM orders
SELECT ntile(4) OVER (ORDER BY total), percent_rank() OVER (ORDER BY total), cume_dist() OVER (ORDER BY total), dense_rank() OVER (ORDER BY total) FROM orders
WITH recent AS (SELECT * FROM orders WHERE ordered_at > now() - INTERVAL '30 days') SELECT count(*) FROM recent
WITH RECURSIVE tree AS (SELECT id, parent_id, 1 AS depth FROM nodes WHERE parent_id IS NULL UNION ALL SELECT n.id, n.parent_id, t.depth + 1 FROM nodes n JOIN tree t ON n.parent_id = t.id) SELECT * FROM tree
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i) FROM n
WITH a AS MATERIALIZED (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a CROSS JOIN b
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), percentile_disc(0.9) WITHIN GROUP (ORDER BY total), mode() WITHIN GROUP (ORDER BY status) FROM orders
SELECT string_agg(name, ', ' ORDER BY name), array_agg(DISTINCT id ORDER BY id) FROM customers
SELECT corr(x, y), regr_slope(y, x), stddev_samp(x), var_pop(y), covar_pop(x, y) FROM points
SELECT bool_and(active), bool_or(active), every(active), bit_and(flags) FROM customers
SELECT data->>'name', data->'a'->0, data #>> '{a,b}', data @> '{"a": 1}' FROM events
SELECT jsonb_path_query(data, '$.items[*].price') FROM events
SELECT e.id, item->>'sku' FROM events e CROSS JOIN LATERAL jsonb_array_elements(e.data->'items') AS item
SELECT key, value FROM events, jsonb_each_text(data)
SELECT json_build_object('id', id, 'name', name), jsonb_agg(id), to_jsonb(c) FROM customers c GROUP BY c.id, c.name, c
SELECT * FROM jsonb_to_recordset('[{"a":1}]') AS x(a int, b text)
SELECT data ? 'a', data ?| ARRAY['a', 'b'], jsonb_typeof(data) FROM events
SELECT unnest(ARRAY[1, 2, 3]) AS x
SELECT t.id, x.tag, x.n FROM posts t, unnest(t.tags) WITH ORDINALITY AS x(tag, n)
SELECT array_length(tags, 1), cardinality(tags), tags[1], tags[1:2], 'a' = ANY(tags), tags && ARRAY['x'] FROM posts
SELECT array_to_string(tags, ','), string_to_array('a,b', ','), array_position(tags, 'a') FROM posts
SELECT generate_series(1, 10)
SELECT d::date FROM generate_series('2024-01-01'::date, '2024-12-31', '1 day') AS d
SELECT extract(year FROM ordered_at), date_part('dow', ordered_at), to_char(ordered_at, 'YYYY-MM'), age(ordered_at) FROM orders
SELECT ordered_at AT TIME ZONE 'Europe/Berlin', now() AT TIME ZONE 'UTC', current_date - 7, current_timestamp FROM orders
SELECT make_date(2024, 1, 1), to_timestamp(1700000000), to_date('2024', 'YYYY'), justify_days(INTERVAL '40 days')
SELECT ordered_at + INTERVAL '1 month', INTERVAL '1 year 2 days', DATE '2024-01-01', TIMESTAMP '2024-01-01 10:00:00' FROM orders
SELECT date_bin('15 minutes', ts, TIMESTAMP '2001-01-01'), count(*) FROM events GROUP BY 1
SELECT upper(name), lower(name), initcap(name), length(name), trim(name), btrim(name, 'x'), left(name, 3), right(name, 2), replace(name, 'a', 'b') FROM customers
SELECT substring(name FROM 1 FOR 3), substring(name FROM '^.'), position('a' IN name), overlay(name PLACING 'x' FROM 2), split_part(email, '@', 2), concat_ws(' ', a, b) FROM customers
SELECT name ~ '^a', name ~* 'x', name !~ 'y', regexp_replace(name, '\d+', '', 'g'), regexp_matches(name, 'a(b)') FROM customers
SELECT * FROM customers WHERE name ILIKE '%x%' AND name NOT LIKE 'a\_%' ESCAPE '\' AND name SIMILAR TO 'a|b'
SELECT coalesce(a, b, 0), nullif(a, 0), greatest(a, b), least(a, b) FROM t
SELECT CASE WHEN total > 100 THEN 'big' WHEN total > 10 THEN 'mid' ELSE 'small' END AS size, CASE status WHEN 'a' THEN 1 END FROM orders
SELECT total::numeric(10, 2), CAST(id AS text), id::bigint / 3, total::int % 7 FROM orders
SELECT round(total, 2), ceil(total), floor(total), abs(total), power(2, 3), sqrt(4), ln(2), log(10, 100), mod(7, 3), width_bucket(total, 0, 100, 10) FROM orders
SELECT 7 / 2, 7 / 2.0, -7 % 3, 2 ^ 3, |/ 25.0, 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 3
SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE country = 'DE') AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = orders.id)
SELECT * FROM orders WHERE total > ALL (SELECT total FROM old_orders) OR total = ANY (ARRAY[1, 2])
SELECT * FROM orders WHERE ordered_at BETWEEN '2024-01-01' AND '2024-02-01' AND status IS DISTINCT FROM 'x' AND note IS NOT NULL
SELECT a FROM x UNION SELECT b FROM y INTERSECT SELECT c FROM z EXCEPT ALL SELECT d FROM w ORDER BY 1 LIMIT 5 OFFSET 2
SELECT DISTINCT ON (customer_id) * FROM orders ORDER BY customer_id, ordered_at DESC
SELECT * FROM orders ORDER BY id OFFSET 10 ROWS FETCH NEXT 5 ROWS ONLY
SELECT * FROM orders FETCH FIRST 3 ROWS WITH TIES
SELECT * FROM orders TABLESAMPLE BERNOULLI (1) REPEATABLE (7)
SELECT * FROM a FULL OUTER JOIN b USING (id) LEFT JOIN c ON c.id = a.id NATURAL JOIN d
SELECT c.name, o.* FROM customers c LEFT JOIN LATERAL (SELECT * FROM orders o WHERE o.customer_id = c.id ORDER BY total DESC LIMIT 1) o ON true
SELECT "Order Id", "select", "a ""b""" FROM "My Schema"."Order Details" AS "o d"
SELECT (address).city, (items[1]).price FROM customers
SELECT ROW(1, 'a'), (1, 2) = (1, 2), (a, b) IN (SELECT 1, 2) FROM t
SELECT E'a\nb', 'it''s', $$dollar$$, $t$x 'y'$t$, U&'\0061', B'101', X'1F'
SELECT period && daterange('2024-01-01', '2024-02-01'), lower(period), upper_inf(period), '[1,5)'::int4range @> 3 FROM bookings
SELECT to_tsvector('english', body) @@ plainto_tsquery('english', 'fast car'), ts_rank(v, websearch_to_tsquery('x')) FROM posts
SELECT host(ip), ip << '10.0.0.0/8'::inet, masklen(ip) FROM logins
SELECT ST_Distance(a.geom, b.geom), ST_AsText(ST_Centroid(a.geom)), ST_Within(a.geom, b.geom) FROM places a, places b
SELECT similarity(name, 'jon'), levenshtein(name, 'jon'), unaccent(name) FROM customers
SELECT md5(email), encode(sha256('x'), 'hex'), gen_random_uuid() FROM customers
SELECT xpath('/a/text()', '<a>1</a>'::xml), xmlelement(name x, 1)
SELECT x.* FROM (VALUES (1, 'a'), (2, 'b')) AS x(id, name)
SELECT pg_catalog.lower('A'), pg_typeof(1)
SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders'
SELECT table_name FROM information_schema.tables;
(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1
SELECT time_bucket('1 hour', ts), last(value, ts) FROM metrics GROUP BY 1
SELECT embedding <-> '[1,2,3]'::vector, embedding <=> '[1,2,3]' FROM docs ORDER BY 1 LIMIT 5
SELECT a.x, b.y FROM a, b WHERE a.id = b.id AND a.created > current_date - INTERVAL '1' DAY -- newest
SELECT /* all of it */ sum(total) FROM orders
SELECT random(), setseed_value FROM t
SELECT num_nonnulls(a, b), isfinite(d), overlay('abc' placing 'x' from 1) FROM t
SELECT ("a" || 'b') COLLATE "C" FROM t ORDER BY a COLLATE "de_DE"
SELECT * FROM ROWS FROM (generate_series(1, 3), unnest(ARRAY['a', 'b'])) AS x(n, t)
SELECT to_number('1,234', '9,999'), chr(65), ascii('A'), translate('abc', 'ab', 'xy'), lpad('1', 3, '0'), reverse('abc'), starts_with('abc', 'a'), repeat('ab', 3)
SELECT count(*) FILTER (WHERE total > 10) * 100.0 / nullif(count(*), 0) AS share FROM orders
SELECT date '2024-02-01' - date '2024-01-01', (ordered_at, ordered_at + interval '1 day') OVERLAPS (now(), now()) FROM orders
SELECT o.id, (SELECT json_agg(i.*) FROM items i WHERE i.order_id = o.id) FROM orders o
SELECT EXTRACT(ISODOW FROM d)::int, to_char(d, 'Day'), date_trunc('week', d)::date FROM t
SELECT a.id FROM a JOIN LATERAL unnest(a.tags) AS tag ON true
SELECT CURRENT_TIMESTAMP(2), LOCALTIMESTAMP, CURRENT_TIME, now()::date
SELECT sum(x) FILTER (WHERE y) OVER (PARTITION BY z) FROM t
SELECT * FROM crosstab_result WHERE user_id = 1
SELECT "user".name FROM "user"
SELECT u.user FROM t u
SELECT pg_catalog.date_trunc('day', now())
SELECT format('%s', a), to_jsonb(row(a, b)) FROM t
SELECT jsonb_object_agg(k, v) FROM (SELECT 1 k, 2 v) x
SELECT array(SELECT id FROM t ORDER BY id), array_agg(x ORDER BY y DESC NULLS LAST) FROM u
SELECT regexp_split_to_table(a, ','), string_to_table(b, ',') FROM t
SELECT * FROM t WHERE (a, b) IN (VALUES (1, 2), (3, 4))
SELECT * FROM ONLY t
SELECT interval '1 day' * 3, '1 day'::interval, make_interval(days => 10)
WITH RECURSIVE s(d) AS (SELECT date '2024-01-01' UNION ALL SELECT (d + interval '1 month')::date FROM s WHERE d < '2024-12-01') SELECT * FROM s
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n+1 FROM t WHERE n < 100) SELECT sum(n) FROM t
SELECT x IS JSON OBJECT FROM t
SELECT * FROM JSON_TABLE(d, '$[*]' COLUMNS (a int PATH '$.a')) t
SELECT grouping(a), count(*) FROM t GROUP BY DISTINCT ROLLUP(a), CUBE(b)
SELECT lead(x) OVER (ORDER BY y), any_value(z) OVER () FROM t
SELECT ts_rank_cd(to_tsvector(a), q) FROM t, to_tsquery('x & y') q WHERE to_tsvector(a) @@ q
SELECT cast('{1,2}' as int[]), '{1,2}'::int[] FROM t
SELECT nullif(trim(both from a), '') FROM t
SELECT stddev(x), variance(x), corr(x,y), regr_r2(x,y), bit_xor(z) FROM t
## fields of rows
SELECT (item).name FROM on_hand WHERE (item).price > 9.99
SELECT (on_hand.item).name, (on_hand.item).supplier_id FROM on_hand
SELECT (address).city, count(*) FROM customers GROUP BY (address).city
SELECT (each(attributes)).key, count(*) FROM products GROUP BY 1
SELECT (ROW(1, 2)::pair).a
SELECT ((home).address).zip FROM people
SELECT (items[1]).name FROM carts
SELECT f.lo_revenue, f.has_discount FROM lineorder AS f
