SELECT 1
SELECT * FROM orders LIMIT 10
SELECT * FROM db.schema.orders
SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 100 ORDER BY o.total DESC NULLS LAST
SELECT "Order Id", "select" FROM "My Schema"."Order Details"
SELECT DATE_TRUNC('month', ordered_at) AS month, SUM(total) FROM orders GROUP BY 1 ORDER BY 1
SELECT DATE_TRUNC(month, ordered_at) AS m, SUM(total) FROM orders GROUP BY ALL
SELECT region, product, SUM(amount) FROM sales GROUP BY GROUPING SETS ((region), (product))
SELECT region, product, GROUPING(region), SUM(amount) FROM sales GROUP BY ROLLUP (region, product)
SELECT region, SUM(amount) FROM sales GROUP BY CUBE (region, product)
SELECT *, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY ordered_at DESC) AS rn FROM orders QUALIFY rn = 1
SELECT id, LAG(total, 1, 0) IGNORE NULLS OVER (ORDER BY id), LEAD(total) OVER (ORDER BY id), FIRST_VALUE(total) OVER (ORDER BY id), NTH_VALUE(total, 2) FROM FIRST OVER (ORDER BY id) FROM orders
SELECT SUM(total) OVER (PARTITION BY c ORDER BY d ROWS BETWEEN 6 PRECEDING AND CURRENT ROW), RATIO_TO_REPORT(total) OVER (PARTITION BY c) FROM orders
SELECT CONDITIONAL_CHANGE_EVENT(a) OVER (ORDER BY b), CONDITIONAL_TRUE_EVENT(a > 1) OVER (ORDER BY b), WIDTH_BUCKET(x, 0, 10, 5) FROM t
WITH recent AS (SELECT * FROM orders WHERE ordered_at > DATEADD(day, -30, CURRENT_DATE())) SELECT COUNT(*) FROM recent
WITH RECURSIVE tree AS (SELECT id, parent_id, 1 AS depth FROM nodes WHERE parent_id IS NULL UNION ALL SELECT n.id, n.parent_id, t.depth + 1 FROM nodes n JOIN tree t ON n.parent_id = t.id) SELECT * FROM tree
WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT SUM(i) FROM n
SELECT v:a.b.c::string, v:items[0].price::number(10, 2), v['a']['b'], v:"Key With Space" FROM events
SELECT f.value:sku::string, f.index, f.key, f.path FROM events e, LATERAL FLATTEN(input => e.v:items) f
SELECT f.value FROM events, TABLE(FLATTEN(INPUT => v, PATH => 'a', OUTER => TRUE, RECURSIVE => TRUE, MODE => 'ARRAY')) f
SELECT PARSE_JSON('{"a": 1}'):a, TRY_PARSE_JSON(x), TO_JSON(v), OBJECT_CONSTRUCT('a', 1), OBJECT_CONSTRUCT(*), ARRAY_CONSTRUCT(1, 2), OBJECT_KEYS(v), TYPEOF(v), IS_NULL_VALUE(v:a) FROM events
SELECT ARRAY_AGG(DISTINCT x) WITHIN GROUP (ORDER BY x), ARRAY_SIZE(a), ARRAY_CONTAINS(1::variant, a), ARRAY_SLICE(a, 0, 2), ARRAY_TO_STRING(a, ','), ARRAY_CAT(a, b), ARRAY_INTERSECTION(a, b), ARRAYS_OVERLAP(a, b) FROM t GROUP BY a, b
SELECT OBJECT_AGG(k, v), OBJECT_INSERT(o, 'a', 1), OBJECT_DELETE(o, 'a'), OBJECT_PICK(o, 'a', 'b'), GET_PATH(v, 'a.b'), GET(v, 'a') FROM t GROUP BY o, v
SELECT FILTER(a, x -> x > 1), TRANSFORM(a, x INT -> x * 2), REDUCE(a, 0, (acc, x) -> acc + x) FROM t
SELECT LISTAGG(DISTINCT name, ', ') WITHIN GROUP (ORDER BY name) FROM customers
SELECT COUNT(*), COUNT(DISTINCT a, b), COUNT_IF(a > 1), SUM(a), AVG(a), MEDIAN(a), MODE(a), STDDEV(a), VARIANCE(a), KURTOSIS(a), SKEW(a), MIN_BY(a, b), MAX_BY(a, b), ANY_VALUE(a), BOOLAND_AGG(a), BITOR_AGG(a) FROM t
SELECT APPROX_COUNT_DISTINCT(a), HLL(a), APPROX_PERCENTILE(a, 0.5), APPROX_TOP_K(a, 3), PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a), PERCENTILE_DISC(0.9) WITHIN GROUP (ORDER BY a), HASH_AGG(*) FROM t
SELECT CORR(x, y), REGR_SLOPE(y, x), COVAR_POP(x, y), REGR_R2(y, x) FROM points
SELECT DATEADD(month, 1, d), DATEDIFF('day', a, b), TIMESTAMPDIFF(hour, a, b), MONTHS_BETWEEN(a, b), ADD_MONTHS(a, 1), LAST_DAY(a, 'month'), NEXT_DAY(a, 'fr'), PREVIOUS_DAY(a, 'mo'), DAYNAME(a), MONTHNAME(a), TIME_SLICE(a, 15, 'MINUTE') FROM t
SELECT YEAR(d), QUARTER(d), MONTH(d), WEEK(d), WEEKISO(d), DAYOFWEEK(d), DAYOFYEAR(d), HOUR(d), EXTRACT(epoch FROM d), DATE_PART(dow, d) FROM t
SELECT CURRENT_DATE, CURRENT_TIMESTAMP(), SYSDATE(), GETDATE(), CONVERT_TIMEZONE('UTC', 'Europe/Berlin', ts), CONVERT_TIMEZONE('UTC', ts), ts AT TIME ZONE 'UTC' FROM t
SELECT TO_DATE('2024-01-01', 'YYYY-MM-DD'), TO_TIMESTAMP_NTZ(1700000000), TRY_TO_DATE(x), TO_CHAR(d, 'YYYY-MM'), TO_NUMBER('1.5', 10, 2), TRY_TO_NUMBER(x), TO_VARCHAR(x), DATE_FROM_PARTS(2024, 1, 1), TIMESTAMP_FROM_PARTS(2024, 1, 1, 0, 0, 0), TO_TIME(x), TO_BOOLEAN(x), TO_VARIANT(x) FROM t
SELECT d + INTERVAL '1 month', INTERVAL '1 year, 2 days' + d, '2024-01-01'::date, DATE '2024-01-01', TIMESTAMP '2024-01-01 10:00:00' FROM t
SELECT UPPER(a), LOWER(a), INITCAP(a), LENGTH(a), TRIM(a), LTRIM(a, '0'), LEFT(a, 2), RIGHT(a, 2), SUBSTR(a, 1, 3), REPLACE(a, 'x', 'y'), SPLIT(a, ','), SPLIT_PART(a, ',', 1), CONCAT(a, b), a || b, CONCAT_WS(',', a, b), CHARINDEX('a', b), POSITION('a' IN b), LPAD(a, 5, '0'), REVERSE(a), CONTAINS(a, 'x'), STARTSWITH(a, 'x'), ENDSWITH(a, 'x'), STRTOK(a, ',', 1), TRANSLATE(a, 'x', 'y') FROM t
SELECT REGEXP_LIKE(a, 'x.*'), REGEXP_REPLACE(a, 'x', 'y'), REGEXP_SUBSTR(a, 'x', 1, 1, 'e', 1), REGEXP_COUNT(a, 'x'), REGEXP_INSTR(a, 'x'), a RLIKE 'x', a REGEXP 'x', REGEXP_SUBSTR_ALL(a, 'x') FROM t
SELECT * FROM t WHERE a ILIKE '%x%' AND b LIKE ANY ('a%', 'b%') AND c ILIKE ANY ('x') AND d NOT LIKE 'z^_%' ESCAPE '^'
SELECT IFF(a > 1, 'x', 'y'), NVL(a, 0), NVL2(a, 1, 2), ZEROIFNULL(a), NULLIFZERO(a), COALESCE(a, b), NULLIF(a, 0), DECODE(a, 1, 'x', 'y'), DIV0(a, b), DIV0NULL(a, b), EQUAL_NULL(a, b), GREATEST(a, b), LEAST(a, b), CASE WHEN a THEN 1 END FROM t
SELECT ROUND(a, 2), CEIL(a), FLOOR(a), ABS(a), MOD(a, 3), a % 3, POWER(a, 2), SQRT(a), LN(a), LOG(10, a), EXP(a), SIGN(a), TRUNC(a, 1), SQUARE(a), HAVERSINE(1, 2, 3, 4), UNIFORM(1, 10, RANDOM()), BITAND(a, b) FROM t
SELECT a::number(10, 2), CAST(a AS varchar), TRY_CAST(a AS int), a::variant, a::timestamp_ntz, a::array, a::object, a::geography FROM t
SELECT * EXCLUDE (a, b) RENAME (c AS d) FROM t
SELECT * ILIKE '%id%' FROM t
SELECT t.* EXCLUDE a, t.$1 FROM t
SELECT $1, $2 FROM VALUES (1, 'a'), (2, 'b')
SELECT column1, column2 FROM (VALUES (1, 'a'), (2, 'b')) AS v
SELECT * FROM sales PIVOT (SUM(amount) FOR quarter IN ('Q1', 'Q2')) AS p (id, q1, q2)
SELECT * FROM sales PIVOT (SUM(amount) FOR quarter IN (ANY ORDER BY quarter))
SELECT * FROM wide UNPIVOT (amount FOR quarter IN (q1, q2))
SELECT * FROM orders SAMPLE (10)
SELECT * FROM orders TABLESAMPLE BERNOULLI (5) SEED (42)
SELECT * FROM orders SAMPLE (100 ROWS)
SELECT * FROM orders AT (OFFSET => -3600)
SELECT * FROM orders BEFORE (STATEMENT => '8e5d0ca9-005e-44e6-b858-a8f5b37c5726')
SELECT * FROM orders AT (TIMESTAMP => '2024-01-01'::timestamp_ltz)
SELECT * FROM trades t ASOF JOIN quotes q MATCH_CONDITION (t.ts >= q.ts) ON t.sym = q.sym
SELECT * FROM a LEFT JOIN b USING (id) FULL OUTER JOIN c ON c.id = a.id CROSS JOIN d NATURAL JOIN e
SELECT c.name, x.total FROM customers c, LATERAL (SELECT SUM(total) AS total FROM orders o WHERE o.customer_id = c.id) x
SELECT TOP 10 id FROM orders
SELECT * FROM orders ORDER BY id LIMIT 5 OFFSET 10
SELECT * FROM orders FETCH FIRST 5 ROWS ONLY
SELECT a FROM x UNION SELECT b FROM y EXCEPT SELECT c FROM z
SELECT a FROM x MINUS SELECT b FROM y
SELECT a FROM x INTERSECT SELECT b FROM y UNION ALL BY NAME SELECT c FROM z
SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers) AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = orders.id)
SELECT SEQ4(), UUID_STRING(), RANDSTR(5, RANDOM()) FROM TABLE(GENERATOR(ROWCOUNT => 10))
SELECT value FROM TABLE(SPLIT_TO_TABLE('a,b', ','))
SELECT s.value FROM posts, LATERAL SPLIT_TO_TABLE(posts.tags, ',') s
SELECT employee_id, LEVEL, CONNECT_BY_ROOT title FROM employees START WITH manager_id IS NULL CONNECT BY manager_id = PRIOR employee_id
SELECT * FROM ticks MATCH_RECOGNIZE (PARTITION BY sym ORDER BY ts MEASURES FIRST(ts) AS start_ts ONE ROW PER MATCH PATTERN (down+ up+) DEFINE down AS price < LAG(price), up AS price > LAG(price))
SELECT ST_DISTANCE(a.g, b.g), ST_MAKEPOINT(1, 2), ST_WITHIN(a.g, b.g), TO_GEOGRAPHY('POINT(1 2)'), H3_LATLNG_TO_CELL(1, 2, 3) FROM a, b
SELECT MD5(a), SHA2(a, 256), HASH(a), BASE64_ENCODE(a), HEX_ENCODE(a), EDITDISTANCE(a, b), JAROWINKLER_SIMILARITY(a, b), SOUNDEX(a) FROM t
SELECT table_name, row_count FROM information_schema.tables WHERE table_schema = 'PUBLIC'
SELECT column_name FROM mydb.information_schema.columns
SELECT name COLLATE 'en-ci', COLLATE(name, 'de') FROM customers
SELECT 'it''s', 'a\'b', $$raw 'x'$$, 'back\\slash', x'41' FROM t
SELECT 7 / 2, 7 % 2, 1e3, 1.5, -a, NOT b FROM t -- numbers
SELECT total, SUM(total) OVER () AS all_total, total / all_total AS share FROM orders
SELECT VECTOR_COSINE_SIMILARITY(a, b), [1, 2]::vector(float, 2), {'a': 1} FROM t
SELECT a IS DISTINCT FROM b, a BETWEEN 1 AND 2, a IN (1, 2), (a, b) IN ((1, 2)) FROM t
SELECT ARRAY_GENERATE_RANGE(1, 5), MAP_KEYS(m), XMLGET(x, 'a'):"$"::string, CHECK_JSON(x), STRIP_NULL_VALUE(v) FROM t
SELECT DATE_TRUNC('week', d)::DATE w, COUNT(DISTINCT u) FROM t GROUP BY 1 HAVING w > '2024-01-01' ORDER BY w
SELECT t.v:items[0]:name::varchar, v['a'][0] FROM t
SELECT * FROM t WHERE d >= DATEADD('day', -7, CURRENT_DATE) AND d < CURRENT_DATE()
SELECT ARRAY_AGG(OBJECT_CONSTRUCT('a', a)) WITHIN GROUP (ORDER BY b) FROM t
SELECT LAST_VALUE(a) IGNORE NULLS OVER (PARTITION BY b ORDER BY c ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) FROM t
SELECT * FROM TABLE(FLATTEN(PARSE_JSON('[1,2]')))
SELECT f.value:a::int FROM t, LATERAL FLATTEN(INPUT => PARSE_JSON(t.j):x, OUTER => TRUE) AS f
SELECT DATEDIFF(day, MIN(a), MAX(a)) + 1, TO_CHAR(a, 'YYYY-MM'), MONTHNAME(a) FROM t GROUP BY a
SELECT GREATEST_IGNORE_NULLS(a, b), BITSHIFTLEFT(a, 1), REGEXP_SUBSTR(a, '[0-9]+', 1, 1) FROM t
SELECT * FROM a JOIN LATERAL (SELECT * FROM b WHERE b.id = a.id) c
SELECT COUNT(*) FILTER (WHERE a) FROM t
SELECT * FROM (SELECT a, b FROM t) PIVOT (SUM(b) FOR a IN (SELECT DISTINCT a FROM t))
SELECT CURRENT_TIMESTAMP::timestamp_ntz, SYSDATE(), LOCALTIMESTAMP
SELECT RANK() OVER (ORDER BY a DESC), ROW_NUMBER() OVER (ORDER BY SEQ8()) FROM TABLE(GENERATOR(ROWCOUNT=>100))
SELECT DATEADD(day, SEQ4(), '2024-01-01'::date) d FROM TABLE(GENERATOR(ROWCOUNT => 365))
