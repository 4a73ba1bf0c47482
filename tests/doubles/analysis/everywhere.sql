SELECT a / b, a / 2, a % b, x / 2, -a / 2, (a + b) * c, a - b - c, a - (b - c), a * b / c, a / (b * c) FROM numbers
SELECT a, b FROM numbers WHERE NOT a = 7 AND (b = 2 OR c = 1) AND NOT (a > 5 AND b < 3)
SELECT a, b FROM numbers WHERE a = 7 OR b = 2 AND c = 3
SELECT count(*), count(b), count(DISTINCT b), sum(a), avg(a), min(x), max(y) FROM numbers
SELECT CAST(x AS integer), CAST(a AS decimal(10, 2)) FROM numbers WHERE a > 0
SELECT round(x), abs(a), floor(x), ceil(x), sign(a) FROM numbers
SELECT coalesce(b, 0), nullif(b, 2), CASE WHEN b IS NULL THEN 'none' WHEN b > 2 THEN 'big' ELSE 'small' END FROM numbers
SELECT CASE b WHEN 2 THEN 'two' ELSE 'other' END FROM numbers
SELECT a, b FROM texts WHERE a = 'it''s'
SELECT a FROM texts WHERE a LIKE '50!%' ESCAPE '!'
SELECT a FROM texts WHERE a LIKE '%b%' AND a NOT LIKE 'x%'
SELECT upper(a), lower(a), length(a), trim(a), replace(a, 'b', 'x'), substr(a, 2, 2) FROM texts
SELECT status, sum(total) AS revenue FROM orders GROUP BY status HAVING sum(total) > 10 ORDER BY revenue DESC
SELECT c.name, o.total FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.total > 50 ORDER BY c.id, o.id
SELECT * FROM orders o JOIN items i ON i.order_id = o.id CROSS JOIN refunds ORDER BY o.id, i.sku
SELECT id FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE country = 'DE') OR total BETWEEN 100 AND 200 ORDER BY id
SELECT id FROM orders o WHERE EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = o.id)
SELECT id FROM orders o WHERE NOT EXISTS (SELECT 1 FROM items i WHERE i.order_id = o.id) ORDER BY 1
SELECT id FROM orders WHERE customer_id NOT IN (1, 2) ORDER BY id
SELECT id, row_number() OVER (PARTITION BY status ORDER BY total DESC, id) AS rn FROM orders ORDER BY id
SELECT id, sum(total) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM orders ORDER BY id
SELECT id, lag(total, 1) OVER (ORDER BY id), lead(total) OVER (ORDER BY id), first_value(id) OVER (ORDER BY id) FROM orders ORDER BY id
SELECT id, rank() OVER w, dense_rank() OVER w, ntile(2) OVER w FROM orders WINDOW w AS (ORDER BY id) ORDER BY id
WITH paid AS (SELECT * FROM orders WHERE status = 'paid'), big AS (SELECT * FROM paid WHERE total > 100) SELECT count(*), sum(total) FROM big
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i, i * i FROM n ORDER BY i
WITH RECURSIVE tree AS (SELECT id, 0 AS depth FROM nodes WHERE parent_id IS NULL UNION ALL SELECT n.id, t.depth + 1 FROM nodes n JOIN tree t ON n.parent_id = t.id) SELECT * FROM tree ORDER BY id
SELECT region FROM sales UNION SELECT region FROM customers ORDER BY 1
SELECT product FROM sales UNION ALL SELECT product FROM items ORDER BY 1
SELECT product FROM sales EXCEPT SELECT product FROM items
SELECT product FROM sales INTERSECT SELECT product FROM items
SELECT DISTINCT status FROM orders ORDER BY status DESC
SELECT id FROM orders ORDER BY total DESC, id LIMIT 2 OFFSET 1
SELECT (SELECT count(*) FROM items i WHERE i.order_id = o.id) AS n, o.id FROM orders o ORDER BY o.id
SELECT x.n FROM (SELECT count(*) AS n, status FROM orders GROUP BY status) AS x ORDER BY x.n
SELECT sum(CASE WHEN status = 'paid' THEN total ELSE 0 END) / sum(total) FROM orders
SELECT sum(amount) * 100.0 / (SELECT sum(amount) FROM sales), region FROM sales GROUP BY region ORDER BY region
SELECT id FROM orders WHERE ordered_at >= '2024-01-31' AND ordered_at < '2024-03-01' ORDER BY id
SELECT d FROM days WHERE d > '2024-01-01' ORDER BY d
SELECT note FROM orders WHERE note IS NULL OR note = '' ORDER BY id
SELECT 'it''s', '%', '_', 'ÄÖ', 'a"b', ';', '--', '/* */'
SELECT 1 = 1 AND NOT 1 = 2, 2 > 1 OR 1 > 2
SELECT - -1, +1, 1 - -1, 2 - 1 - 1, 100 / 10 / 2, 100 / (10 / 2), 7 - 2 * 3
