SELECT a / b, a DIV b, a % b, a MOD b, 1--1, !a, a && b, a XOR b, a <=> b, 5 ^ 3, 5 | 2, ~5 & 15, 1 << 3 FROM numbers
SELECT 'it\'s', 'a\\b', 'tab\t', "say ""q"" x", N'x', _utf8mb4'y', 0x41, x'42', b'01000011', 'a' 'b'
SELECT a FROM texts WHERE a LIKE '50\%' OR a REGEXP '^a' OR a LIKE '%\\\\%' ORDER BY a
SELECT DATE_FORMAT(ts, '%Y-%m-%d %H:%i'), DATE_ADD(d, INTERVAL 1 MONTH), d + INTERVAL 1 DAY, DATEDIFF(d, '2024-01-01'), TIMESTAMPDIFF(HOUR, ts, '2024-03-01'), WEEK(d, 1), WEEKDAY(d), YEARWEEK(d), LAST_DAY(d), UNIX_TIMESTAMP(ts) FROM days ORDER BY d
SELECT EXTRACT(YEAR_MONTH FROM d), DAYNAME(d), MONTHNAME(d), QUARTER(d), TO_DAYS(d), STR_TO_DATE('31.01.2024', '%d.%m.%Y'), MAKEDATE(2024, 60), DATE(ts), TIME(ts) FROM days ORDER BY d
SELECT status, GROUP_CONCAT(id ORDER BY id DESC SEPARATOR ';'), IFNULL(SUM(total), 0), IF(COUNT(*) > 1, 'many', 'one') FROM orders GROUP BY status ORDER BY status
SELECT region, SUM(amount) FROM sales GROUP BY region WITH ROLLUP
SELECT JSON_EXTRACT('{"a": [1, 2]}', '$.a[1]'), JSON_UNQUOTE(JSON_EXTRACT('{"a": "x"}', '$.a')), JSON_LENGTH('[1, 2]'), JSON_OBJECT('a', 1), JSON_ARRAY(1, 'b')
SELECT CONCAT(a, b), CONCAT_WS('-', a, b), CHAR_LENGTH(a), LENGTH(a), SUBSTRING_INDEX('a.b.c', '.', 2), LPAD('1', 3, '0'), LOCATE('b', a), INSTR(a, 'b'), FIELD(a, 'abc', 'x'), HEX(a), LEFT(a, 2) FROM texts
SELECT CAST(x AS SIGNED), CAST(a AS CHAR), CONVERT(a, DECIMAL(10, 2)), CAST('2024-01-31' AS DATE), CONVERT('x' USING utf8mb4), TRUNCATE(x, 0), ROUND(x), POW(a, 2) FROM numbers
SELECT `id`, `name` FROM `customers` ORDER BY `id` LIMIT 1, 2
SELECT id FROM orders USE INDEX () ORDER BY id
SELECT name FROM customers ORDER BY name COLLATE utf8mb4_bin
SELECT SQL_NO_CACHE COUNT(DISTINCT status, customer_id), STD(total), BIT_OR(id) FROM orders
SELECT jt.a FROM JSON_TABLE('[{"a": 1}, {"a": 2}]', '$[*]' COLUMNS (a INT PATH '$.a')) AS jt
SELECT INET_ATON('10.0.0.1'), MD5('a'), CRC32('a'), CONV('ff', 16, 10), BIN(5), STRCMP('a', 'b'), ELT(2, 'a', 'b'), GREATEST(1, 2), LEAST(1, 2)
SELECT TRUE IS TRUE, NULL IS UNKNOWN, 1 IN (1, NULL), 2 BETWEEN 1 AND 3, (1, 2) IN ((1, 2)), NOT 1 = 2
SELECT name AS `Full Name` FROM customers AS `my customers` ORDER BY id
