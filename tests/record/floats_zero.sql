-- 0.0 and -0.0 are one value: in comparisons, IN, GROUP BY, ORDER BY, DISTINCT, sets, windows, joins.
-- engine: duckdb

CREATE TABLE f (id BIGINT, x DOUBLE, y DOUBLE);

INSERT INTO f VALUES (1, 0.0, '-0.0'), (2, '-0.0', 0.0), (3, '-0.0', NULL), (4, NULL, 1), (5, 1.5, 0.0), (6, -1.5, '-0.0'), (7, 0.0, 2.5);

CREATE TABLE g (k BIGINT, x DOUBLE);

INSERT INTO g VALUES (1, '-0.0'), (2, 1.5), (3, NULL);

CREATE TABLE h (id BIGINT, s REAL, n INTEGER);

INSERT INTO h VALUES (1, '-0.0', 0), (2, 0.5, 1), (3, NULL, NULL), (4, 0.0, -1);

SELECT CASE WHEN CAST('-0.0' AS DOUBLE) = 0.0 THEN 1 ELSE 0 END, CASE WHEN CAST('-0.0' AS DOUBLE) < 0.0 THEN 1 ELSE 0 END,
  CASE WHEN CAST('-0.0' AS DOUBLE) <> 0.0 THEN 1 ELSE 0 END, CASE WHEN CAST('-0.0' AS DOUBLE) >= 0.0 THEN 1 ELSE 0 END;

-- as conditions
SELECT id FROM f WHERE x = 0;

SELECT id FROM f WHERE x = -0.0;

SELECT id FROM f WHERE x = CAST('-0.0' AS DOUBLE);

SELECT id FROM f WHERE x < 0;

SELECT id FROM f WHERE x < 0.0 OR x > 0.0;

SELECT id FROM f WHERE x <= CAST('-0.0' AS DOUBLE);

SELECT id FROM f WHERE x >= 0;

SELECT id FROM f WHERE x <> 0;

SELECT id FROM f WHERE NOT (x = 0.0);

SELECT id FROM f WHERE x > CAST('-0.0' AS DOUBLE);

SELECT id FROM f WHERE x BETWEEN 0.0 AND CAST('-0.0' AS DOUBLE);

SELECT id FROM f WHERE x NOT BETWEEN CAST('-0.0' AS DOUBLE) AND 0.0;

SELECT count(*) FROM f WHERE x = 0;

SELECT id FROM f WHERE x IS NOT DISTINCT FROM 0.0;

SELECT id FROM f WHERE x = 0 AND y = 0;

-- of two columns
SELECT id FROM f WHERE x = y;

SELECT id FROM f WHERE x <> y;

SELECT id FROM f WHERE x < y;

SELECT id FROM f WHERE x >= y;

SELECT id, x = y AS e, x < y AS l, x <= y AS m, x IS DISTINCT FROM y AS d FROM f ORDER BY id;

SELECT id, CASE WHEN x > 0 THEN 'above' WHEN x < 0 THEN 'below' WHEN x = 0 THEN 'zero' END AS c FROM f ORDER BY id;

SELECT id, CASE x WHEN 0.0 THEN 'zero' ELSE 'not' END AS c, NULLIF(x, 0.0) IS NULL AS n FROM f ORDER BY id;

-- IN
SELECT id FROM f WHERE x IN (0.0, 7.0);

SELECT id FROM f WHERE x IN (CAST('-0.0' AS DOUBLE), 7.0, 8.0);

SELECT id FROM f WHERE x NOT IN (0.0, 1.5);

SELECT id FROM f WHERE 0.0 IN (x, y);

SELECT id FROM f WHERE x IN (SELECT x FROM g);

SELECT id FROM f WHERE y NOT IN (SELECT x FROM g WHERE x IS NOT NULL);

SELECT id, y IN (SELECT x FROM g WHERE k = 1) AS found FROM f ORDER BY id;

SELECT k FROM g WHERE x IN (SELECT x FROM f WHERE id = 1);

-- groups, DISTINCT, sets
SELECT abs(x) AS a, count(*) FROM f GROUP BY a;

SELECT count(*) AS c, sum(id) AS s FROM f GROUP BY x;

SELECT count(*) AS c FROM f GROUP BY x, y;

SELECT count(*) FROM (SELECT DISTINCT x FROM f) AS s;

SELECT count(*) FROM (SELECT DISTINCT x, y FROM f) AS s;

SELECT count(DISTINCT x), count(DISTINCT y) FROM f;

SELECT count(*) FROM (SELECT x FROM f UNION SELECT y FROM f) AS s;

SELECT count(*) FROM (SELECT x FROM f EXCEPT SELECT x FROM g) AS s;

SELECT count(*) FROM (SELECT x FROM f INTERSECT SELECT x FROM g) AS s;

SELECT count(*) FROM (SELECT x FROM f EXCEPT ALL SELECT x FROM g) AS s;

SELECT count(*) AS c FROM f GROUP BY ROLLUP (x);

SELECT min(x) = 0 AS a, max(x) = 0 AS b, sum(x) = 0 AS c FROM f WHERE id < 4;

SELECT sum(x), avg(y), count(x) FROM f WHERE id > 3;

-- order and windows
SELECT id FROM f ORDER BY x NULLS LAST, id;

SELECT id FROM f ORDER BY x DESC NULLS LAST, id;

SELECT id FROM f ORDER BY x NULLS FIRST, id DESC LIMIT 4;

SELECT id, rank() OVER (ORDER BY x NULLS LAST) AS r FROM f ORDER BY id;

SELECT id, count(*) OVER (PARTITION BY x) AS n FROM f ORDER BY id;

SELECT id, row_number() OVER (PARTITION BY x ORDER BY id) AS n FROM f ORDER BY id;

-- joins
SELECT f.id, g.k FROM f JOIN g ON f.x = g.x;

SELECT f.id, g.k FROM f FULL JOIN g ON f.x = g.x;

SELECT f.id, h.id FROM f JOIN f AS h ON f.x = h.x AND f.id < h.id;

SELECT f.id, h.id FROM f JOIN f AS h ON f.x = h.y AND f.y = h.x;

SELECT f.id, g.k FROM f JOIN g ON f.x < g.x;

SELECT f.id FROM f WHERE EXISTS (SELECT 1 FROM g WHERE g.x = f.x);

SELECT f.id FROM f WHERE NOT EXISTS (SELECT 1 FROM g WHERE g.x = f.x);

SELECT id, (SELECT count(*) FROM g WHERE g.x = f.x) AS n FROM f ORDER BY id;

SELECT id FROM f WHERE x = (SELECT max(x) FROM g WHERE k = 1);

-- beside numbers of other types
SELECT id FROM h WHERE s = 0;

SELECT id FROM h WHERE s = n;

SELECT id FROM h WHERE s < n;

SELECT h.id, f.id FROM h JOIN f ON h.s = f.x;

SELECT h.id, f.id FROM h JOIN f ON h.n = f.x;

SELECT count(*) AS c FROM h GROUP BY s;

-- changes
UPDATE f SET y = 7 WHERE x = 0;

SELECT id, y FROM f ORDER BY id;

DELETE FROM f WHERE x IN (0.0);

SELECT id FROM f ORDER BY id;
