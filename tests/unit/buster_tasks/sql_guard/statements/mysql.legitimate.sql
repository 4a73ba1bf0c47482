SELECT 1
TABLE orders
SELECT * FROM orders LIMIT 10
SELECT * FROM orders LIMIT 5, 10
SELECT * FROM orders LIMIT 10 OFFSET 5
SELECT o.id, c.name FROM orders o INNER JOIN customers c ON c.id = o.customer_id WHERE o.total > 100 ORDER BY o.total DESC
SELECT `order`.`id`, `select` FROM `shop`.`order`
SELECT "text", 'it''s', "say ""x""", 'a\'b', 'back\\slash', N'x', _utf8mb4'abc', 0x41, x'41', b'101' FROM t
SELECT DATE_FORMAT(ordered_at, '%Y-%m') AS month, SUM(total) FROM orders GROUP BY month ORDER BY month
SELECT YEAR(d), MONTH(d), DAY(d), QUARTER(d), WEEK(d, 1), WEEKDAY(d), DAYNAME(d), MONTHNAME(d), DAYOFWEEK(d), HOUR(d), MINUTE(d), SECOND(d) FROM t
SELECT DATE_ADD(d, INTERVAL 1 MONTH), DATE_SUB(d, INTERVAL 2 DAY), d + INTERVAL 1 YEAR, ADDDATE(d, 1), SUBDATE(d, INTERVAL 1 WEEK) FROM t
SELECT DATEDIFF(a, b), TIMESTAMPDIFF(MONTH, a, b), TIMESTAMPADD(DAY, 1, a), TIMEDIFF(a, b), PERIOD_DIFF(202401, 202301) FROM t
SELECT NOW(), CURDATE(), CURRENT_DATE, CURRENT_TIMESTAMP, UTC_TIMESTAMP(), UNIX_TIMESTAMP(), FROM_UNIXTIME(1700000000)
SELECT STR_TO_DATE('01,5,2013', '%d,%m,%Y'), MAKEDATE(2024, 32), MAKETIME(1, 2, 3), LAST_DAY(d), TO_DAYS(d), FROM_DAYS(730000), SEC_TO_TIME(100), TIME_TO_SEC(t) FROM t
SELECT CONVERT_TZ(d, 'UTC', 'Europe/Berlin'), EXTRACT(YEAR_MONTH FROM d), DATE(d), TIME(d) FROM t
SELECT COUNT(*), COUNT(DISTINCT customer_id, status), SUM(total), AVG(total), MIN(total), MAX(total), STDDEV(total), VAR_POP(total), STD(total) FROM orders
SELECT customer_id, GROUP_CONCAT(DISTINCT product ORDER BY product SEPARATOR ', ') FROM items GROUP BY customer_id
SELECT region, SUM(amount) FROM sales GROUP BY region WITH ROLLUP HAVING SUM(amount) > 10
SELECT JSON_EXTRACT(data, '$.a'), data->'$.b', data->>'$.c', JSON_UNQUOTE(data), JSON_LENGTH(data), JSON_KEYS(data), JSON_CONTAINS(data, '1', '$.a'), JSON_VALID(data) FROM events
SELECT JSON_OBJECT('a', 1), JSON_ARRAY(1, 2), JSON_ARRAYAGG(id), JSON_OBJECTAGG(id, name), JSON_SET('{}', '$.a', 1), JSON_SEARCH(data, 'one', 'x') FROM customers
SELECT jt.* FROM events, JSON_TABLE(data, '$[*]' COLUMNS (a INT PATH '$.a', b VARCHAR(10) PATH '$.b')) AS jt
SELECT x MEMBER OF (data->'$.tags') FROM events
SELECT *, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY ordered_at DESC) AS rn FROM orders
SELECT id, LAG(total, 1, 0) OVER w, LEAD(total) OVER w, RANK() OVER w, DENSE_RANK() OVER w, NTILE(4) OVER w FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY ordered_at)
SELECT SUM(total) OVER (ORDER BY ordered_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM orders
SELECT FIRST_VALUE(total) OVER (ORDER BY id), NTH_VALUE(total, 2) OVER (ORDER BY id), PERCENT_RANK() OVER (ORDER BY id), CUME_DIST() OVER (ORDER BY id) FROM orders
WITH recent AS (SELECT * FROM orders WHERE ordered_at > NOW() - INTERVAL 30 DAY) SELECT COUNT(*) FROM recent
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT SUM(i) FROM n
WITH RECURSIVE tree (id, depth) AS (SELECT id, 0 FROM nodes WHERE parent_id IS NULL UNION ALL SELECT n.id, t.depth + 1 FROM nodes n JOIN tree t ON n.parent_id = t.id) SELECT * FROM tree
SELECT IF(total > 100, 'big', 'small'), IFNULL(a, 0), NULLIF(a, 0), COALESCE(a, b), CASE WHEN a THEN 1 ELSE 2 END FROM orders
SELECT CONCAT(a, ' ', b), CONCAT_WS(',', a, b), UPPER(a), LOWER(a), LENGTH(a), CHAR_LENGTH(a), TRIM(a), LTRIM(a), LEFT(a, 2), RIGHT(a, 2), SUBSTRING(a, 2, 3), SUBSTRING_INDEX(a, '@', -1), REPLACE(a, 'x', 'y') FROM t
SELECT LOCATE('a', b), INSTR(b, 'a'), LPAD(a, 5, '0'), RPAD(a, 5, ' '), REVERSE(a), REPEAT(a, 3), SPACE(3), FIELD(a, 'x', 'y'), FIND_IN_SET('a', b), ELT(1, 'a', 'b'), FORMAT(1234.5, 2), HEX(a), UNHEX('41'), ASCII(a), CHAR(65) FROM t
SELECT name REGEXP '^a', name NOT REGEXP 'b', name RLIKE 'c', REGEXP_REPLACE(name, 'a', 'b'), REGEXP_SUBSTR(name, 'a+'), REGEXP_LIKE(name, 'x') FROM customers
SELECT * FROM customers WHERE name LIKE '%x\_%' AND name NOT LIKE 'y%' ESCAPE '!' AND name SOUNDS LIKE 'z'
SELECT ROUND(a, 2), CEIL(a), FLOOR(a), TRUNCATE(a, 1), ABS(a), MOD(a, 3), POW(a, 2), SQRT(a), LN(a), LOG10(a), SIGN(a), RAND(), GREATEST(a, b), LEAST(a, b) FROM t
SELECT 7 / 2, 7 DIV 2, 7 % 2, 7 MOD 2, -7, 1--1, !1, 5 & 3, 5 | 3, 5 ^ 3, ~1, 1 << 2, a <=> b, a XOR b, a && b, a || b FROM t
SELECT CAST(a AS UNSIGNED), CAST(a AS DECIMAL(10, 2)), CONVERT(a, CHAR), CONVERT(a USING utf8mb4), BINARY a, CAST(a AS JSON), CAST(a AS DATETIME) FROM t
SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers) AND EXISTS (SELECT 1 FROM items i WHERE i.order_id = orders.id) AND total BETWEEN 1 AND 2
SELECT * FROM orders WHERE ordered_at >= '2024-01-01' AND (status, kind) IN (('a', 1), ('b', 2))
SELECT * FROM orders USE INDEX (idx_a) WHERE id = 1
SELECT * FROM orders FORCE INDEX (idx_a) JOIN items IGNORE INDEX (idx_b) ON items.order_id = orders.id
SELECT /*+ NO_INDEX_MERGE(orders) */ * FROM orders
SELECT /*+ HASH_JOIN(a, b) */ a.id FROM a JOIN b ON a.id = b.id
SELECT STRAIGHT_JOIN a.id FROM a JOIN b ON a.id = b.id
SELECT SQL_NO_CACHE id FROM orders
SELECT * FROM orders PARTITION (p2024)
SELECT DISTINCT status FROM orders
SELECT a FROM x UNION SELECT b FROM y UNION ALL SELECT c FROM z ORDER BY 1 LIMIT 3
(SELECT a FROM x ORDER BY a LIMIT 1) UNION ALL (SELECT b FROM y LIMIT 1)
SELECT a FROM x INTERSECT SELECT b FROM y
SELECT a FROM x EXCEPT SELECT b FROM y
SELECT c.name, o.total FROM customers c LEFT JOIN LATERAL (SELECT total FROM orders o WHERE o.customer_id = c.id LIMIT 1) o ON TRUE
SELECT * FROM a CROSS JOIN b LEFT OUTER JOIN c USING (id) RIGHT JOIN d ON d.id = c.id NATURAL JOIN e
SELECT * FROM articles WHERE MATCH(title, body) AGAINST ('database' IN NATURAL LANGUAGE MODE)
SELECT MATCH(title) AGAINST ('+a -b' IN BOOLEAN MODE) AS score FROM articles ORDER BY score DESC
SELECT ST_Distance(a.pt, b.pt), ST_AsText(pt), ST_X(pt), ST_Distance_Sphere(a.pt, b.pt) FROM a, b
SELECT INET_ATON('10.0.0.1'), INET6_NTOA(ip), MD5(email), SHA2(email, 256), CRC32(email), UUID(), BIN_TO_UUID(id) FROM logins
SELECT ANY_VALUE(name), BIT_OR(flags), BIT_COUNT(5), GROUPING(region) FROM customers GROUP BY region WITH ROLLUP
SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'shop'
SELECT name COLLATE utf8mb4_general_ci FROM customers ORDER BY name COLLATE utf8mb4_bin
SELECT TO_BASE64(a), FROM_BASE64('YQ=='), COMPRESS(a), CONV('a', 16, 2), BIN(5), OCT(8), STRCMP(a, b), QUOTE(a), SOUNDEX(a) FROM t
SELECT a.*, (SELECT COUNT(*) FROM items i WHERE i.order_id = a.id) AS n FROM orders a
SELECT x.n FROM (SELECT 1 AS n UNION SELECT 2) AS x -- done
SELECT DATE '2024-01-01', TIMESTAMP '2024-01-01 10:00:00', TIME '10:00:00'
SELECT /* all */ SUM(total) FROM orders;
SELECT IS_UUID(x), JSON_VALUE(data, '$.a' RETURNING DECIMAL(4, 2)), JSON_MERGE_PATCH(a, b), JSON_PRETTY(a) FROM t
SELECT user, host FROM logins
SELECT ordered_at, TIME_FORMAT(t, '%H:%i'), DATE_FORMAT(NOW(), '%W') FROM orders
SELECT a IS TRUE, b IS NOT FALSE, c IS UNKNOWN, NOT a, d NOT IN (1, 2), e NOT BETWEEN 1 AND 2 FROM t
SELECT DATE(created_at) d, COUNT(*) c FROM t GROUP BY d WITH ROLLUP
SELECT YEAR(NOW()), DATE_FORMAT(NOW() - INTERVAL 1 MONTH, '%Y-%m-01')
SELECT IF(a IS NULL, 0, 1), a <=> NULL FROM t
SELECT JSON_TABLE_x.a FROM t JSON_TABLE_x
SELECT CAST(a AS CHAR CHARACTER SET utf8mb4), CONVERT(a, CHAR(10)), CAST(a AS SIGNED INTEGER) FROM t
SELECT TIMESTAMP(a), TIMESTAMP('2024-01-01', '10:00:00'), DATE('2024-01-01') FROM t
SELECT GROUP_CONCAT(a, '-', b ORDER BY c DESC SEPARATOR ' ') FROM t
SELECT DISTINCTROW a FROM t
SELECT ALL a FROM t
SELECT SUM(a) OVER (PARTITION BY b ORDER BY c ROWS 2 PRECEDING) FROM t
SELECT * FROM t WHERE a BETWEEN '2024-01-01' AND LAST_DAY('2024-01-01') AND b REGEXP BINARY 'x'
SELECT WEEKOFYEAR(d), YEARWEEK(d, 1), MICROSECOND(d), DAYOFYEAR(d), SUBTIME(d, '1:0:0'), ADDTIME(d, '1:0:0') FROM t
SELECT INSERT('abc', 1, 1, 'x'), EXPORT_SET(5,'Y','N',','), MAKE_SET(1,'a'), CHAR(77, 121), ORD('a'), MID(a, 1, 2), LCASE(a), UCASE(a) FROM t
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) OVER () FROM t
