FROM numbers SELECT a, a // b, a ** 2, a % b
SELECT * EXCLUDE (note) REPLACE (total * 2 AS total) FROM orders ORDER BY id
SELECT status, count(*) FROM orders GROUP BY ALL ORDER BY ALL
SELECT id FROM orders QUALIFY row_number() OVER (PARTITION BY status ORDER BY id) = 1 ORDER BY id
SELECT [1, 2, 3][1], [1, 2, 3][2:3], {'a': 1}.a, MAP {'k': 1}['k'], list_transform([1, 2], lambda x: x * 2), [x + 1 FOR x IN [1, 2] IF x > 1]
SELECT date_trunc('month', ts), ts + INTERVAL 1 MONTH, date_diff('day', d, DATE '2024-03-01'), strftime(d, '%Y-%m'), extract(year FROM d) FROM days ORDER BY d
SELECT unnest([1, 2, 3]), 'x'
PIVOT sales ON quarter USING sum(amount) GROUP BY product
SELECT region, product, sum(amount) FROM sales GROUP BY GROUPING SETS ((region), (product), ()) ORDER BY ALL
SELECT string_agg(name, '; ' ORDER BY id), list(id ORDER BY id DESC), quantile_cont(id, 0.5) FROM customers
SELECT regexp_replace(a, '[a-c]', 'x', 'g'), a ~ 'a.*', a ILIKE 'A%', a[1], left(a, 2) FROM texts
SELECT 'back\slash', 7 / 2, 7 // 2, 7 % 2, 1e2, CAST('2024-01-31' AS date) + 1, TRY_CAST('x' AS integer)
SELECT COLUMNS('^(a|b)$') FROM numbers
SELECT i FROM range(5) AS r(i) WHERE i % 2 = 0
SELECT json_extract('{"a": [1, 2]}', '$.a[1]'), '{"a": 1}'::json -> 'a', '{"a": "x"}'::json ->> '$.a'
SELECT a AS t, t + 1 AS u FROM numbers WHERE t > 0
SELECT 'abc'.upper(), (1 + 1).sqrt()
SELECT * FROM items POSITIONAL JOIN refunds
SELECT o.id, r.amount FROM orders o ASOF JOIN refunds r ON o.id >= r.order_id ORDER BY 1
SELECT name AS "Full Name" FROM customers AS "my customers" ORDER BY id
