SELECT 1
SELECT * FROM orders LIMIT 10
SELECT TOP 10 * FROM orders
SELECT * FROM shop.public.orders
SELECT * FROM spectrum_schema.events WHERE dt = '2024-01-01'
SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 100 ORDER BY o.total DESC NULLS LAST
SELECT "Order Id", "select" FROM "My Schema"."Order Details"
SELECT DATE_TRUNC('month', ordered_at) AS month, SUM(total) FROM orders GROUP BY 1 ORDER BY 1
SELECT DATEADD(month, 1, d), DATEDIFF(day, a, b), DATE_PART(dow, d), DATE_PART('year', d), ADD_MONTHS(d, 1), LAST_DAY(d), MONTHS_BETWEEN(a, b), NEXT_DAY(d, 'Tuesday'), EXTRACT(epoch FROM d), DATE_PART_YEAR(d) FROM t
SELECT GETDATE(), SYSDATE, CURRENT_DATE, CURRENT_TIMESTAMP, TRUNC(SYSDATE), CONVERT_TIMEZONE('UTC', 'Europe/Berlin', ts), ts AT TIME ZONE 'UTC', TIMEOFDAY() FROM t
SELECT TO_CHAR(d, 'YYYY-MM'), TO_DATE('2024', 'YYYY'), TO_TIMESTAMP('2024', 'YYYY'), TO_NUMBER('1.5', '9.9'), d::date, CAST(d AS varchar(10)), CONVERT(integer, a), TRY_CAST(a AS int) FROM t
SELECT d + INTERVAL '1 month', INTERVAL '3 days', DATE '2024-01-01', TIMESTAMP '2024-01-01 10:00:00' FROM t
SELECT COUNT(*), COUNT(DISTINCT a), SUM(a), AVG(a), MEDIAN(a), STDDEV_SAMP(a), VAR_POP(a), BOOL_AND(b), BIT_OR(c), ANY_VALUE(a) FROM t
SELECT APPROXIMATE COUNT(DISTINCT a), HLL(a), PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a), APPROXIMATE PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY a), LISTAGG(DISTINCT name, ', ') WITHIN GROUP (ORDER BY name) FROM t
SELECT region, product, SUM(amount) FROM sales GROUP BY GROUPING SETS ((region), (product), ())
SELECT region, product, GROUPING(region), SUM(amount) FROM sales GROUP BY ROLLUP (region, product)
SELECT region, SUM(amount) FROM sales GROUP BY CUBE (region, product)
SELECT *, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY ordered_at DESC) AS rn FROM orders QUALIFY rn = 1
SELECT id, LAG(total, 1) OVER (ORDER BY id), LEAD(total) IGNORE NULLS OVER (ORDER BY id), FIRST_VALUE(total) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING), NTILE(4) OVER (ORDER BY id), RATIO_TO_REPORT(total) OVER (PARTITION BY c) FROM orders
SELECT SUM(total) OVER (PARTITION BY c ORDER BY d ROWS BETWEEN 6 PRECEDING AND CURRENT ROW), MEDIAN(total) OVER (PARTITION BY c), RANK() OVER (ORDER BY total), DENSE_RANK() OVER (ORDER BY total), PERCENT_RANK() OVER (ORDER BY total), CUME_DIST() OVER (ORDER BY total) FROM orders
WITH recent AS (SELECT * FROM orders WHERE ordered_at > DATEADD(day, -30, GETDATE())) SELECT COUNT(*) FROM recent
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT SUM(i) FROM n
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a CROSS JOIN b
SELECT o.id, i.sku FROM orders o, o.items i
SELECT o.id, i.sku FROM orders AS o LEFT JOIN o.items AS i ON TRUE
SELECT c.c_name, o.o_orderkey, idx FROM customer_orders c, c.c_orders AS o AT idx
SELECT key, val FROM inputs, UNPIVOT inputs.attrs AS val AT key
SELECT payload.customer.name, payload.items[0].price, payload."Key" FROM events
SELECT JSON_PARSE('{"a": 1}'), JSON_SERIALIZE(s), JSON_EXTRACT_PATH_TEXT(j, 'a', 'b'), JSON_EXTRACT_ARRAY_ELEMENT_TEXT(j, 0), JSON_ARRAY_LENGTH(j), IS_VALID_JSON(j), JSON_TYPEOF(s), CAN_JSON_PARSE(j) FROM events
SELECT ARRAY(1, 2), ARRAY_CONCAT(a, b), ARRAY_FLATTEN(a), GET_ARRAY_LENGTH(a), SUBARRAY(a, 0, 2), SPLIT_TO_ARRAY('a,b', ','), OBJECT('a', 1), OBJECT_TRANSFORM(s KEEP '"a"') FROM t
SELECT UPPER(a), LOWER(a), INITCAP(a), LEN(a), LENGTH(a), TRIM(a), BTRIM(a), LEFT(a, 2), RIGHT(a, 2), SUBSTRING(a, 1, 3), REPLACE(a, 'x', 'y'), SPLIT_PART(a, ',', 1), CONCAT(a, b), a || b, STRPOS(a, 'x'), CHARINDEX('x', a), POSITION('x' IN a), LPAD(a, 5, '0'), REVERSE(a), REPEAT(a, 3), TRANSLATE(a, 'x', 'y'), CHR(65), ASCII(a), QUOTE_IDENT(a) FROM t
SELECT REGEXP_REPLACE(a, 'x', 'y'), REGEXP_SUBSTR(a, 'x'), REGEXP_COUNT(a, 'x'), REGEXP_INSTR(a, 'x'), a ~ 'x', a !~ 'y', a SIMILAR TO 'x|y', a ILIKE '%x%', a NOT LIKE 'y' FROM t
SELECT NVL(a, 0), NVL2(a, 1, 2), COALESCE(a, b), NULLIF(a, 0), DECODE(a, 1, 'x', 'y'), CASE WHEN a THEN 1 ELSE 2 END, GREATEST(a, b), LEAST(a, b), ISNULL(a, 0) FROM t
SELECT ROUND(a, 2), CEIL(a), FLOOR(a), ABS(a), MOD(a, 3), a % 3, POWER(a, 2), SQRT(a), LN(a), LOG(a), EXP(a), SIGN(a), TRUNC(a, 1), RANDOM(), PI(), CBRT(a), DEXP(a), WIDTH_BUCKET(a, 0, 10, 5) FROM t
SELECT * FROM (SELECT region, quarter, amount FROM sales) PIVOT (SUM(amount) FOR quarter IN ('Q1', 'Q2'))
SELECT * FROM wide UNPIVOT (amount FOR quarter IN (q1, q2))
SELECT * EXCLUDE (a, b) FROM t
SELECT DISTINCT status FROM orders
SELECT a FROM x UNION ALL SELECT b FROM y
SELECT a FROM x EXCEPT SELECT b FROM y
SELECT a FROM x MINUS SELECT b FROM y
SELECT a FROM x INTERSECT SELECT b FROM y ORDER BY 1 LIMIT 5 OFFSET 2
SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers) AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = orders.id)
SELECT * FROM orders WHERE ordered_at BETWEEN '2024-01-01' AND '2024-02-01' AND total > ALL (SELECT total FROM old_orders)
SELECT * FROM a FULL OUTER JOIN b USING (id) LEFT JOIN c ON c.id = a.id NATURAL JOIN d
SELECT ST_Distance(a.g, b.g), ST_AsText(g), ST_Within(a.g, b.g), ST_MakePoint(1, 2), ST_DistanceSphere(a.g, b.g) FROM a, b
SELECT MD5(a), SHA2(a, 256), FNV_HASH(a), STRTOL('ff', 16), TO_HEX(1), CHECKSUM(a), CRC32(a), FARMFINGERPRINT64(a), SOUNDEX(a), DIFFERENCE(a, b) FROM t
SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'
SELECT column_name FROM information_schema.columns
SELECT 'it''s', 'back\\slash', 'quote\'d', 1e3, 1.5, 7 / 2, 7 % 2, -a, NOT b, |/ 25.0 FROM t
SELECT a.*, (SELECT COUNT(*) FROM items i WHERE i.order_id = a.id) AS n FROM orders a -- all
SELECT /* x */ SUM(total) FROM orders;
SELECT CASE WHEN SUM(a) = 0 THEN NULL ELSE SUM(b)::float / SUM(a) END AS ratio FROM t HAVING COUNT(*) > 1
SELECT t.n FROM (SELECT 1 AS n UNION ALL SELECT 2) t
SELECT name COLLATE case_insensitive FROM customers
SELECT a IS TRUE, b IS NOT NULL, a IN (1, 2), (a, b) IN (SELECT 1, 2), a = ANY (SELECT 1) FROM t
SELECT DATE_TRUNC('week', ts)::date AS week, COUNT(DISTINCT user_id) AS users, SUM(CASE WHEN kind = 'buy' THEN 1 ELSE 0 END) AS buys FROM events WHERE ts >= CURRENT_DATE - 90 GROUP BY 1 HAVING COUNT(*) > 10
SELECT grp, MIN(d), MAX(d) FROM (SELECT d, d - ROW_NUMBER() OVER (ORDER BY d) * INTERVAL '1 day' AS grp FROM days) x GROUP BY grp
SELECT LEAST(a, b), HLL_CARDINALITY(HLL_COMBINE(h)), F.sku FROM t AS f GROUP BY 1, 3
SELECT H3_FromLongLat(1, 2, 3) FROM t
SELECT JSON_EXTRACT_PATH_TEXT(data, 'a')::int AS a FROM events WHERE IS_VALID_JSON(data)
SELECT DATE_TRUNC('month', d) m, COUNT(*) FROM t GROUP BY m
SELECT LISTAGG(a, ', ') WITHIN GROUP (ORDER BY a) OVER (PARTITION BY b) FROM t
SELECT DATEDIFF('day', a, b), DATEADD('month', -1, a), GETDATE()::date, a::timestamp, EXTRACT(dow FROM a) FROM t
SELECT JSON_EXTRACT_PATH_TEXT(a, 'b', true), a.b[0].c::varchar FROM t
SELECT CAST(a AS SUPER), a::varchar(256), REGEXP_SUBSTR(a, '[0-9]+') FROM t
SELECT NTH_VALUE(a, 2) IGNORE NULLS OVER (ORDER BY b ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM t
SELECT CURRENT_DATE - INTERVAL '7 days', DATE_PART(year, d), SYSDATE - 1 FROM t
