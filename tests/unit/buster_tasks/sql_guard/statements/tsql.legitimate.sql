SELECT 1
SELECT TOP 10 * FROM orders
SELECT TOP (5) PERCENT id FROM orders ORDER BY total DESC
SELECT TOP (3) WITH TIES id FROM orders ORDER BY total DESC
SELECT [Order Id], [select], [a]]b], "quoted" FROM [My Schema].[Order Details] AS [o d]
SELECT o.id, c.name AS [Customer Name] FROM dbo.orders o INNER JOIN dbo.customers AS c ON c.id = o.customer_id WHERE o.total > 100
SELECT name = c.name, total = SUM(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.name
SELECT * FROM shop.dbo.orders
SELECT * FROM shop..orders
SELECT * FROM orders ORDER BY id OFFSET 10 ROWS FETCH NEXT 5 ROWS ONLY
SELECT YEAR(d), MONTH(d), DAY(d), DATEPART(quarter, d), DATEPART(iso_week, d), DATENAME(weekday, d), EOMONTH(d), DATEFROMPARTS(2024, 1, 1) FROM t
SELECT DATEADD(month, -1, GETDATE()), DATEDIFF(day, a, b), DATEDIFF_BIG(second, a, b), DATETRUNC(month, a), DATE_BUCKET(week, 1, a) FROM t
SELECT GETDATE(), SYSDATETIME(), GETUTCDATE(), CURRENT_TIMESTAMP, SYSDATETIMEOFFSET(), SYSUTCDATETIME()
SELECT d AT TIME ZONE 'UTC' AT TIME ZONE 'Central European Standard Time', SWITCHOFFSET(d, '+01:00'), TODATETIMEOFFSET(d, '+00:00') FROM t
SELECT FORMAT(d, 'yyyy-MM'), CONVERT(varchar(10), d, 120), CONVERT(date, '2024-01-01'), TRY_CONVERT(int, a), TRY_CAST(a AS decimal(10, 2)), CAST(a AS nvarchar(max)), PARSE('1' AS int) FROM t
SELECT COUNT(*), COUNT_BIG(*), COUNT(DISTINCT status), SUM(total), AVG(total), MIN(total), MAX(total), STDEV(total), VAR(total), VARP(total), STDEVP(total), APPROX_COUNT_DISTINCT(id) FROM orders
SELECT STRING_AGG(name, ', ') WITHIN GROUP (ORDER BY name) FROM customers
SELECT region, product, SUM(amount) FROM sales GROUP BY ROLLUP (region, product)
SELECT region, product, GROUPING(region), GROUPING_ID(region, product), SUM(amount) FROM sales GROUP BY GROUPING SETS ((region), (product), ())
SELECT region, SUM(amount) FROM sales GROUP BY CUBE (region, product)
SELECT *, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY ordered_at DESC) AS rn FROM orders
SELECT id, LAG(total, 1, 0) OVER (ORDER BY id), LEAD(total) OVER (ORDER BY id), FIRST_VALUE(total) OVER (ORDER BY id), LAST_VALUE(total) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM orders
SELECT RANK() OVER (ORDER BY total), DENSE_RANK() OVER (ORDER BY total), NTILE(4) OVER (ORDER BY total), PERCENT_RANK() OVER (ORDER BY total), CUME_DIST() OVER (ORDER BY total) FROM orders
SELECT SUM(total) OVER (PARTITION BY customer_id ORDER BY ordered_at ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM orders
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY total) OVER (PARTITION BY region), PERCENTILE_DISC(0.9) WITHIN GROUP (ORDER BY total) OVER () FROM orders
WITH recent AS (SELECT * FROM orders WHERE ordered_at > DATEADD(day, -30, GETDATE())) SELECT COUNT(*) FROM recent
WITH a AS (SELECT 1 AS x), b (y) AS (SELECT x + 1 FROM a) SELECT * FROM a CROSS JOIN b
WITH tree AS (SELECT id, parent_id, 0 AS depth FROM nodes WHERE parent_id IS NULL UNION ALL SELECT n.id, n.parent_id, t.depth + 1 FROM nodes n JOIN tree t ON n.parent_id = t.id) SELECT * FROM tree OPTION (MAXRECURSION 100)
;WITH x AS (SELECT 1 AS a) SELECT a FROM x
SELECT * FROM customers c CROSS APPLY (SELECT TOP 1 * FROM orders o WHERE o.customer_id = c.id ORDER BY total DESC) x
SELECT * FROM customers c OUTER APPLY (SELECT TOP 1 * FROM orders o WHERE o.customer_id = c.id) x
SELECT JSON_VALUE(data, '$.a'), JSON_QUERY(data, '$.b'), ISJSON(data), JSON_MODIFY(data, '$.a', 1) FROM events
SELECT e.id, j.sku FROM events e CROSS APPLY OPENJSON(e.data) WITH (sku nvarchar(20) '$.sku', qty int '$.qty') AS j
SELECT [key], value FROM OPENJSON('{"a": 1}')
SELECT * FROM events CROSS APPLY OPENJSON(data, '$.items')
SELECT value FROM STRING_SPLIT('a,b', ',')
SELECT s.value FROM posts p CROSS APPLY STRING_SPLIT(p.tags, ';') s
SELECT x.value('(/a/b)[1]', 'int'), x.query('/a'), x.exist('/a') FROM docs
SELECT n.c.value('@id', 'int') FROM docs CROSS APPLY docs.x.nodes('/a/b') AS n(c)
SELECT id, name FROM customers FOR JSON PATH
SELECT id, name FROM customers FOR XML PATH('row'), ROOT('rows')
SELECT STUFF((SELECT ',' + name FROM customers FOR XML PATH('')), 1, 1, '')
SELECT LEN(a), LEFT(a, 2), RIGHT(a, 2), SUBSTRING(a, 1, 3), UPPER(a), LOWER(a), LTRIM(a), RTRIM(a), TRIM(a), REPLACE(a, 'x', 'y'), CHARINDEX('a', b), PATINDEX('%a%', b), REVERSE(a), REPLICATE(a, 3), SPACE(2), CONCAT(a, b), CONCAT_WS(',', a, b) FROM t
SELECT ASCII(a), CHAR(65), NCHAR(8364), UNICODE(a), STR(1.5, 5, 1), QUOTENAME(a), SOUNDEX(a), DIFFERENCE(a, b), TRANSLATE(a, 'x', 'y'), STRING_ESCAPE(a, 'json') FROM t
SELECT ROUND(a, 2), CEILING(a), FLOOR(a), ABS(a), POWER(a, 2), SQRT(a), SQUARE(a), LOG(a), LOG10(a), EXP(a), SIGN(a), RAND(), PI(), a % 3 FROM t
SELECT IIF(total > 100, 'big', 'small'), CHOOSE(1, 'a', 'b'), ISNULL(a, 0), COALESCE(a, b), NULLIF(a, 0), CASE WHEN a = 1 THEN 2 ELSE 3 END, GREATEST(a, b), LEAST(a, b) FROM orders
SELECT * FROM (SELECT region, quarter, amount FROM sales) s PIVOT (SUM(amount) FOR quarter IN ([Q1], [Q2], [Q3], [Q4])) AS p
SELECT region, quarter, amount FROM wide UNPIVOT (amount FOR quarter IN (q1, q2)) AS u
SELECT * FROM orders WITH (NOLOCK) WHERE id = 1
SELECT * FROM orders o WITH (NOLOCK, INDEX(ix_a)) JOIN items i WITH (NOLOCK) ON i.order_id = o.id
SELECT * FROM orders OPTION (RECOMPILE)
SELECT * FROM orders OPTION (MAXDOP 1)
SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE country = N'DE') AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = orders.id)
SELECT a FROM x UNION ALL SELECT b FROM y EXCEPT SELECT c FROM z ORDER BY a
SELECT a FROM x INTERSECT SELECT b FROM y
SELECT DISTINCT status FROM orders WHERE status LIKE '[a-c]%' AND name NOT LIKE '%\_%' ESCAPE '\'
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v (id, name)
SELECT * FROM orders FOR SYSTEM_TIME AS OF '2024-01-01'
SELECT * FROM orders TABLESAMPLE (10 PERCENT)
SELECT name COLLATE Latin1_General_CI_AS FROM customers ORDER BY name COLLATE Latin1_General_BIN
SELECT HASHBYTES('SHA2_256', email), NEWID(), CHECKSUM(a), BINARY_CHECKSUM(*) FROM customers
SELECT geom.STArea(), a.geom.STDistance(b.geom), geom.STAsText() FROM places a, places b
SELECT TABLE_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'orders'
SELECT 7 / 2, 7 % 2, 5 & 3, 5 | 3, 5 ^ 3, ~5, a + ' ' + b, 'it''s', N'ü', 0x41, 1e3 FROM t
SELECT a.*, (SELECT COUNT(*) FROM items i WHERE i.order_id = a.id) AS n FROM orders AS a -- all
SELECT SUM(CASE WHEN status = 'paid' THEN total ELSE 0 END) * 100.0 / NULLIF(SUM(total), 0) FROM orders
SELECT value FROM GENERATE_SERIES(1, 10)
SELECT * FROM a FULL OUTER JOIN b ON a.id = b.id RIGHT JOIN c ON c.id = b.id INNER HASH JOIN d ON d.id = c.id
SELECT CONVERT(varchar(7), ordered_at, 126) AS month, COUNT(*) AS n FROM orders GROUP BY CONVERT(varchar(7), ordered_at, 126) ORDER BY 1
SELECT ISDATE('x'), ISNUMERIC('1'), TRY_CAST('x' AS date), TIMEFROMPARTS(1, 2, 3, 0, 0), DATETIME2FROMPARTS(2024, 1, 1, 0, 0, 0, 0, 0)
SELECT * FROM articles WHERE CONTAINS(body, 'fast') OR FREETEXT(body, 'car')
SELECT grp, MAX(v) FROM (SELECT id - ROW_NUMBER() OVER (ORDER BY id) AS grp, v FROM t) AS islands GROUP BY grp HAVING COUNT(*) > 1
SELECT DATEPART(dw, d), DATENAME(mm, d), DATEDIFF(yy, a, b), DATEADD(qq, 1, a) FROM t
SELECT CONVERT(nvarchar(max), a), CAST(a AS varchar(max)), CAST(a AS datetime2(3)), TRY_CONVERT(decimal(18, 2), a) FROM t
SELECT STRING_AGG(CAST(a AS nvarchar(max)), ',') FROM t
SELECT TOP 1 PERCENT a FROM t
SELECT a = 1, 'b' AS b, c AS 'd' FROM t
SELECT * FROM t WHERE d >= DATEADD(MONTH, DATEDIFF(MONTH, 0, GETDATE()), 0)
SELECT * FROM OPENJSON((SELECT j FROM t)) WITH (a int, b nvarchar(max) AS JSON)
SELECT COUNT(*) OVER (PARTITION BY a), SUM(b) OVER (ORDER BY c ROWS UNBOUNDED PRECEDING) FROM t
SELECT * FROM t ORDER BY (SELECT NULL) OFFSET 0 ROWS
SELECT CASE WHEN EXISTS (SELECT 1 FROM t) THEN 1 ELSE 0 END
SELECT t.[user], t.[end] FROM t
SELECT p.* FROM t PIVOT (MAX(v) FOR k IN ([a], [b])) p
SELECT LAG(a) IGNORE NULLS OVER (ORDER BY b) FROM t
SELECT * FROM a LEFT JOIN b ON a.id = b.id AND b.d > '20240101' WHERE b.id IS NULL
SELECT JSON_OBJECT('a': 1, 'b': x), JSON_ARRAY(1, 2) FROM t
SELECT WINDOW_X.a FROM t WINDOW_X
SELECT SUM(a) OVER w FROM t WINDOW w AS (ORDER BY b)
SELECT CAST('2024-01-01' AS date), N'x' COLLATE Latin1_General_CI_AI, 1.0 * a / NULLIF(b, 0) FROM t
