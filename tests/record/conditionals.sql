-- CASE, NULLIF, COALESCE, AND, OR, NOT and comparisons, where a value is NULL.
-- engine: duckdb

CREATE TABLE t (id BIGINT, a BIGINT, b BIGINT, p BOOLEAN, s VARCHAR);

INSERT INTO t VALUES (1, 1, 10, true, 'x'), (2, 2, 2, false, 'y'), (3, NULL, 30, NULL, 'x'), (4, 2, NULL, true, NULL),
  (5, NULL, NULL, false, NULL), (6, 0, 0, NULL, 'z');

SELECT id, CASE WHEN a > 1 THEN 'big' WHEN a <= 1 THEN 'small' END FROM t ORDER BY id;

SELECT id, CASE WHEN a > 1 THEN 'big' ELSE 'not big' END FROM t ORDER BY id;

SELECT id, CASE a WHEN 1 THEN 'one' WHEN 2 THEN 'two' WHEN NULL THEN 'null' ELSE 'other' END FROM t ORDER BY id;

SELECT id, CASE WHEN a IS NULL THEN 0 WHEN a = b THEN 1 ELSE NULL END FROM t ORDER BY id;

SELECT id, CASE WHEN p THEN a ELSE b END FROM t ORDER BY id;

SELECT id, CASE p WHEN true THEN 'true' WHEN false THEN 'false' ELSE 'neither' END FROM t ORDER BY id;

SELECT id, CASE NULL WHEN NULL THEN 'equal' ELSE 'not' END FROM t WHERE id = 1;

SELECT id, CASE WHEN NULL THEN 1 END AS x, CASE WHEN true THEN NULL ELSE 1 END AS y FROM t WHERE id < 3 ORDER BY id;

SELECT id, CASE WHEN a = 2 THEN CASE WHEN b IS NULL THEN 'inner' END ELSE 'outer' END FROM t ORDER BY id;

-- NULLIF
SELECT id, NULLIF(a, 2), NULLIF(a, b), NULLIF(b, NULL), NULLIF(s, 'x') FROM t ORDER BY id;

SELECT id, NULLIF(a, a) IS NULL AS x, NULLIF(NULLIF(a, 1), 2) AS y FROM t ORDER BY id;

SELECT id FROM t WHERE NULLIF(a, 2) <> 1;

SELECT id FROM t WHERE NOT (NULLIF(a, b) = 1);

SELECT count(NULLIF(a, 2)), sum(NULLIF(b, 0)), max(NULLIF(s, 'z')) FROM t;

SELECT NULLIF(a, 2) AS n, count(*) FROM t GROUP BY n;

SELECT id FROM t ORDER BY NULLIF(a, 2) NULLS FIRST, id;

SELECT id, b % NULLIF(a, 0) AS x FROM t ORDER BY id;

SELECT NULLIF(NULL, 1) IS NULL, NULLIF(1, NULL), NULLIF('a', 'b'), NULLIF(1, 1) IS NULL;

-- COALESCE
SELECT id, COALESCE(a, b), COALESCE(a, b, -1), COALESCE(s, 'none'), COALESCE(NULL, a, 7) FROM t ORDER BY id;

SELECT id FROM t WHERE COALESCE(a, b) = 2;

SELECT id FROM t WHERE COALESCE(a, 0) = COALESCE(b, 0);

SELECT sum(COALESCE(a, 100)), count(COALESCE(a, b)), avg(COALESCE(b, 0)) FROM t;

SELECT COALESCE(s, 'none') AS label, count(*) FROM t GROUP BY label;

SELECT id FROM t WHERE COALESCE(p, false);

SELECT id FROM t WHERE NOT COALESCE(p, true);

SELECT COALESCE(NULL, NULL) IS NULL, COALESCE(NULL, 2, 3), COALESCE(CAST(NULL AS BIGINT), 5);

-- AND, OR, NOT
SELECT id, p AND a > 1 AS x, p OR a > 1 AS y, NOT p AS z FROM t ORDER BY id;

SELECT NULL AND true, NULL AND false, NULL OR true, NULL OR false, NOT CAST(NULL AS BOOLEAN);

SELECT id FROM t WHERE p;

SELECT id FROM t WHERE NOT p;

SELECT id FROM t WHERE p IS NULL;

SELECT id FROM t WHERE p IS NOT TRUE;

SELECT id FROM t WHERE p IS NOT FALSE AND a IS NOT NULL;

SELECT id FROM t WHERE NOT (p AND a > 0);

SELECT id FROM t WHERE NOT (a > 1 OR b > 5);

SELECT id FROM t WHERE (a > 1) = p;

SELECT id FROM t WHERE (a > 1) IS DISTINCT FROM p;

-- AND and OR bind less than DISTINCT FROM
SELECT id FROM t WHERE p IS DISTINCT FROM true AND id > 2;

SELECT id FROM t WHERE p IS NOT DISTINCT FROM false OR id = 1;

SELECT id, p IS DISTINCT FROM true AND a > 1 AS x, p IS NOT DISTINCT FROM NULL OR a > 1 AS y FROM t ORDER BY id;

SELECT id FROM t WHERE a IS NOT DISTINCT FROM b - 9 AND p IS NOT DISTINCT FROM (a = 1);

SELECT id FROM t WHERE p = p;

SELECT id FROM t WHERE a > 1 OR NOT a > 1;

SELECT id, (a > 1) IS NULL AS x, (a = b) IS TRUE AS y, (a <> b) IS NOT FALSE AS z FROM t ORDER BY id;

-- comparisons
SELECT id FROM t WHERE a = NULL;

SELECT id FROM t WHERE a <> b;

SELECT id FROM t WHERE NOT a = b;

SELECT id FROM t WHERE a IS DISTINCT FROM b;

SELECT id FROM t WHERE a IS NOT DISTINCT FROM b;

SELECT id FROM t WHERE a BETWEEN 1 AND b;

SELECT id FROM t WHERE a NOT BETWEEN 1 AND b;

SELECT id FROM t WHERE NOT (a BETWEEN b AND 5);

SELECT id FROM t WHERE s LIKE 'x%' OR s NOT LIKE 'x%';

SELECT id FROM t WHERE NOT (s LIKE 'x');

SELECT id, s || 'q' AS x, a + b AS y, -a AS z, greatest(a, 1) IS NULL AS g FROM t WHERE id IN (1, 2, 6) ORDER BY id;

-- aggregates
SELECT count(*), count(a), count(DISTINCT a), sum(a), min(a), max(s), avg(b) FROM t;

SELECT count(a), sum(a), min(a), max(s), avg(b), count(*) FROM t WHERE id > 100;

SELECT sum(a), count(a), min(b) FROM t WHERE a IS NULL;

SELECT a, count(*), count(b) FROM t GROUP BY a;

SELECT s, sum(a) FROM t GROUP BY s HAVING sum(a) IS NULL;

SELECT s, sum(a) FROM t GROUP BY s HAVING NOT (sum(a) > 1);

SELECT DISTINCT a, p FROM t;

SELECT count(*) FILTER (WHERE a > 1), count(*) FILTER (WHERE NOT a > 1), sum(b) FILTER (WHERE p) FROM t;

SELECT bool_and(p), bool_or(p), bool_and(a > 0), bool_or(a > 5) FROM t;

SELECT id FROM t ORDER BY a DESC NULLS LAST, b NULLS FIRST, id;

SELECT id FROM t ORDER BY s NULLS FIRST, a DESC NULLS FIRST, id LIMIT 4;
