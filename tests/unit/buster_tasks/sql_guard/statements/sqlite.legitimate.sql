SELECT 1
VALUES (1, 'a'), (2, 'b')
SELECT * FROM orders LIMIT 10
SELECT * FROM orders LIMIT 5, 10
SELECT * FROM main.orders LIMIT 10 OFFSET 5
SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 100 ORDER BY o.total DESC NULLS LAST
SELECT "Order Id", [select], `x y`, "a ""b""" FROM "Order Details" AS "o d"
SELECT strftime('%Y-%m', ordered_at) AS month, sum(total) FROM orders GROUP BY month ORDER BY month
SELECT strftime('%Y', 'now'), date('now'), date(ordered_at, 'start of month', '+1 month', '-1 day'), datetime(ordered_at, 'localtime'), time('now'), julianday('now') - julianday(ordered_at), unixepoch('now') FROM orders
SELECT date('now', '-30 days'), strftime('%w', ordered_at), strftime('%s', ordered_at), strftime('%j', ordered_at) FROM orders
SELECT CAST(strftime('%Y', ordered_at) AS INTEGER) AS y, count(*) FROM orders GROUP BY y HAVING count(*) > 1
SELECT CURRENT_DATE, CURRENT_TIME, CURRENT_TIMESTAMP
SELECT count(*), count(DISTINCT customer_id), sum(total), avg(total), min(total), max(total), total(total), group_concat(name, ', ') FROM orders
SELECT group_concat(DISTINCT status) FROM orders
SELECT sum(total) FILTER (WHERE status = 'paid') FROM orders
SELECT customer_id, count(*) FROM orders GROUP BY customer_id HAVING count(*) > 3
SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY ordered_at DESC) AS rn FROM orders
SELECT id, lag(total, 1, 0) OVER w, lead(total) OVER w, first_value(total) OVER w, last_value(total) OVER w, nth_value(total, 2) OVER w FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY ordered_at)
SELECT rank() OVER (ORDER BY total), dense_rank() OVER (ORDER BY total), ntile(4) OVER (ORDER BY total), percent_rank() OVER (ORDER BY total), cume_dist() OVER (ORDER BY total) FROM orders
SELECT sum(total) OVER (ORDER BY ordered_at ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM orders
SELECT avg(total) OVER (ORDER BY ordered_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) FROM orders
WITH recent AS (SELECT * FROM orders WHERE ordered_at > date('now', '-30 days')) SELECT count(*) FROM recent
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i) FROM n
WITH RECURSIVE tree AS (SELECT id, parent_id, 1 AS depth FROM nodes WHERE parent_id IS NULL UNION ALL SELECT n.id, n.parent_id, t.depth + 1 FROM nodes n JOIN tree t ON n.parent_id = t.id) SELECT * FROM tree
WITH a AS MATERIALIZED (SELECT 1 AS x), b(y) AS (SELECT x + 1 FROM a) SELECT * FROM a, b
SELECT json_extract(data, '$.a'), data->'$.b', data->>'$.c', data->>'d', json_array_length(data), json_type(data), json_valid(data) FROM events
SELECT json_object('a', 1), json_array(1, 2), json_group_array(id), json_group_object(id, name), json_set('{}', '$.a', 1), json_patch('{}', '{"a":1}') FROM customers
SELECT e.id, j.value FROM events e, json_each(e.data, '$.items') j
SELECT key, value, type, fullkey FROM json_tree('{"a": 1}')
SELECT j.value->>'sku' FROM events JOIN json_each(events.data) AS j ON 1
SELECT upper(name), lower(name), length(name), trim(name), ltrim(name), rtrim(name, 'x'), substr(name, 1, 3), substring(name, 2), replace(name, 'a', 'b'), instr(name, 'a'), name || '!', printf('%05d', id), format('%s', name), char(65), unicode('A'), hex(name), quote(name) FROM customers
SELECT concat(a, b), concat_ws('-', a, b), iif(a > 1, 'x', 'y'), string_agg(name, ',') FROM customers
SELECT ifnull(a, 0), coalesce(a, b), nullif(a, 0), CASE WHEN a > 1 THEN 'x' ELSE 'y' END, CASE a WHEN 1 THEN 2 END, max(a, b), min(a, b), typeof(a) FROM t
SELECT round(a, 2), abs(a), ceil(a), floor(a), sqrt(a), pow(a, 2), power(a, 2), ln(a), log(10, a), log10(a), exp(a), mod(a, 3), sign(a), pi(), radians(a), sin(a), trunc(a), random() FROM t
SELECT 7 / 2, 7.0 / 2, 7 % 2, -a, +a, NOT b, a & b, a | b, ~a, a << 1, a >> 1, 1e3, 0x1F, x'41' FROM t
SELECT CAST(total AS INTEGER), CAST(total AS REAL), CAST(id AS TEXT), CAST(total AS NUMERIC) FROM orders
SELECT * FROM customers WHERE name LIKE '%x%' AND name NOT LIKE 'a\_%' ESCAPE '\' AND name GLOB 'A*' AND name REGEXP '^a'
SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers) AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = orders.id)
SELECT * FROM orders WHERE ordered_at BETWEEN '2024-01-01' AND '2024-02-01' AND status IS NOT NULL AND note ISNULL AND x NOTNULL
SELECT a IS b, a IS NOT b, a IS DISTINCT FROM b, a == b, a != b, a <> b, (a, b) = (1, 2), (a, b) IN (SELECT 1, 2) FROM t
SELECT a FROM x UNION SELECT b FROM y
SELECT a FROM x UNION ALL SELECT b FROM y INTERSECT SELECT c FROM z EXCEPT SELECT d FROM w ORDER BY 1 LIMIT 5
SELECT DISTINCT status FROM orders
SELECT * FROM a LEFT JOIN b USING (id) INNER JOIN c ON c.id = a.id CROSS JOIN d NATURAL JOIN e
SELECT * FROM a RIGHT JOIN b ON a.id = b.id FULL OUTER JOIN c ON c.id = b.id
SELECT a.*, (SELECT count(*) FROM items i WHERE i.order_id = a.id) AS n FROM orders a
SELECT x.n FROM (SELECT 1 AS n UNION SELECT 2) AS x
SELECT * FROM (VALUES (1, 'a'), (2, 'b'))
SELECT column1, column2 FROM (VALUES (1, 'a'))
SELECT rowid, * FROM orders
SELECT name FROM customers ORDER BY name COLLATE NOCASE
SELECT name FROM sqlite_master WHERE type = 'table'
SELECT sql FROM sqlite_schema
SELECT * FROM notes WHERE notes MATCH 'fast AND car'
SELECT highlight(notes, 0, '<b>', '</b>'), snippet(notes, 0, '<b>', '</b>', '...', 10), bm25(notes) FROM notes WHERE notes MATCH 'fast' ORDER BY rank
SELECT value FROM generate_series(1, 10, 2)
SELECT total * 100.0 / (SELECT sum(total) FROM orders) AS share FROM orders -- share
SELECT /* all */ sum(total) FROM orders;
SELECT sum(CASE WHEN status = 'paid' THEN total ELSE 0 END) AS paid, sum(total) AS all_total FROM orders
SELECT grp, min(d), max(d) FROM (SELECT d, julianday(d) - row_number() OVER (ORDER BY d) AS grp FROM days) GROUP BY grp
SELECT strftime('%Y-%W', ordered_at) AS week, count(*) FROM orders WHERE total > (SELECT avg(total) FROM orders) GROUP BY 1
SELECT likely(a > 1), unlikely(b), octet_length(c), sqrt(x) * 2, median(a), percentile(a, 50) FROM t
SELECT 'it''s', "it's", 'a"b', 'back\slash', '%', '_' FROM t
SELECT timediff('now', ordered_at), unixepoch(ordered_at, 'subsec') FROM orders
SELECT a, b FROM t WHERE a NOT IN (1, 2) AND b NOT BETWEEN 1 AND 2 AND c NOT LIKE 'x'
SELECT * FROM orders INDEXED BY ix WHERE id = 1
SELECT soundex(name), hex(randomblob(4)), zeroblob(4) FROM customers
