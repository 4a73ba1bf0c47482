SELECT a || b, a IS b, a IS NOT b, a == b, a GLOB 'a*' FROM texts
SELECT strftime('%Y-%m', d), date(d, '+1 month'), julianday(d) FROM days
SELECT 'back\slash', x'4142', 0x1F, 1e2, typeof(7 / 2), typeof(7 / 2.0), 5 & 3, 5 | 3, ~5, 1 << 3
SELECT "nothing_like_this", [id], `name` FROM customers
SELECT group_concat(name, '; ') FROM (SELECT name FROM customers ORDER BY id)
SELECT json_extract('{"a": [1, 2]}', '$.a[1]'), '{"a": 1}' -> '$.a', '{"a": "x"}' ->> 'a'
SELECT key, value FROM json_each('{"a": 1, "b": 2}')
SELECT a FROM texts WHERE a LIKE '%\%' ESCAPE '\' ORDER BY a COLLATE NOCASE
SELECT max(a, b), min(a, b), ifnull(b, -1), iif(a > 0, 'p', 'n') FROM numbers
SELECT CAST('12abc' AS integer), CAST(7 AS text) || '1', 7 / 2 * 2.0
VALUES (1, 'a'), (2, 'b')
SELECT name AS "Full Name" FROM customers AS "my customers" ORDER BY id
