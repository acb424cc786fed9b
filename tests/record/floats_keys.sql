-- NaN of either sign where rows are ordered, put together and told apart, as ClickHouse has it.
-- engine: chdb

CREATE TABLE f (id Int64, x Float64, g Int64);

-- 0/0 is a NaN whose sign bit is set.
INSERT INTO f SELECT 1, 1.5, 1;

INSERT INTO f SELECT 2, 0/0, 1;

INSERT INTO f SELECT 3, 1/0, 1;

INSERT INTO f SELECT 4, -1/0, 2;

INSERT INTO f SELECT 5, -(0/0), 2;

INSERT INTO f SELECT 6, NULL, 2;

INSERT INTO f SELECT 7, -2.5, 2;

INSERT INTO f SELECT 8, 0/0, 3;

INSERT INTO f SELECT 9, 1.5, 4;

CREATE TABLE j (k Int64, y Float64);

INSERT INTO j SELECT 10, 0/0;

INSERT INTO j SELECT 20, 1.5;

INSERT INTO j SELECT 30, NULL;

-- order
SELECT id FROM f ORDER BY x, id;

SELECT id FROM f ORDER BY x DESC, id;

SELECT id FROM f ORDER BY x NULLS FIRST, id;

SELECT id FROM f ORDER BY x DESC NULLS FIRST, id;

SELECT id FROM f ORDER BY x, id DESC;

SELECT id FROM f ORDER BY x, id LIMIT 3;

SELECT id FROM f ORDER BY x DESC, id LIMIT 2;

SELECT id FROM f ORDER BY x NULLS FIRST, id LIMIT 4;

SELECT id FROM f WHERE x IS NOT NULL ORDER BY x DESC NULLS FIRST, id LIMIT 4;

SELECT id FROM f ORDER BY g, x DESC, id;

SELECT id FROM f ORDER BY -x, id;

-- windows
SELECT id, rank() OVER (ORDER BY x) AS r, dense_rank() OVER (ORDER BY x DESC) AS d FROM f WHERE x IS NOT NULL ORDER BY id;

SELECT id, row_number() OVER (PARTITION BY x ORDER BY id) AS n FROM f WHERE id <> 5 ORDER BY id;

SELECT id, min(x) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM f WHERE id <> 6 ORDER BY id;

SELECT id, max(x) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM f WHERE id <> 6 ORDER BY id;

SELECT id, count() OVER (ORDER BY x) AS n FROM f WHERE x IS NOT NULL ORDER BY id;

-- least and greatest
SELECT min(x), max(x) FROM f;

SELECT min(x), max(x) FROM f WHERE id IN (1, 2, 5);

SELECT min(x), max(x) FROM f WHERE isNaN(x);

SELECT min(x), max(x) FROM f WHERE x > 0;

SELECT g, min(x), max(x) FROM f GROUP BY g ORDER BY g;

SELECT argMin(id, x), argMax(id, x) FROM f WHERE x IS NOT NULL AND abs(x) < 100;

SELECT minIf(x, g = 1), maxIf(x, g = 1) FROM f;

SELECT id, greatest(x, 1.0), least(x, 1.0), greatest(1.0, x), least(1.0, x) FROM f WHERE x IS NOT NULL ORDER BY id;

SELECT id, greatest(x, 1, 2.5) FROM f WHERE x IS NOT NULL ORDER BY id;

-- IN finds a NaN; here those of one sign, since ClickHouse tells NaNs apart by their bits
SELECT id FROM f WHERE id <> 5 AND x IN (0/0) ORDER BY id;

SELECT id FROM f WHERE id <> 5 AND x IN (1.5, 0/0) ORDER BY id;

SELECT id FROM f WHERE id <> 5 AND x NOT IN (1.5, 0/0) ORDER BY id;

SELECT id FROM f WHERE id <> 5 AND x IN (SELECT y FROM j WHERE y IS NOT NULL) ORDER BY id;

SELECT id FROM f WHERE id <> 5 AND x NOT IN (SELECT y FROM j WHERE y IS NOT NULL) ORDER BY id;

-- conditions
SELECT id FROM f WHERE x = x ORDER BY id;

SELECT id FROM f WHERE x <> x ORDER BY id;

SELECT id FROM f WHERE NOT (x > 1) ORDER BY id;

SELECT id FROM f WHERE NOT (x <= 1) ORDER BY id;

SELECT id FROM f WHERE x NOT BETWEEN 0 AND 2 ORDER BY id;

SELECT id FROM f WHERE NOT (x BETWEEN 0 AND 2) ORDER BY id;

SELECT id FROM f WHERE x < 0 OR x IS NULL ORDER BY id;

SELECT id FROM f WHERE x < 1/0 ORDER BY id;

SELECT id FROM f WHERE x > -1/0 ORDER BY id;

SELECT id FROM f WHERE x + 1 > 2 ORDER BY id;

SELECT id, if(x > 0, 'above', 'not') AS a, if(x < 0, 'below', 'not') AS b FROM f WHERE x IS NOT NULL ORDER BY id;

SELECT id, CASE x WHEN 1.5 THEN 'a' WHEN 0/0 THEN 'b' ELSE 'c' END AS c FROM f WHERE x IS NOT NULL ORDER BY id;

SELECT id, nullIf(x, 1.5) FROM f WHERE x IS NOT NULL ORDER BY id;

SELECT countIf(x > 0), countIf(x < 0), countIf(x = x), countIf(NOT (x = x)) FROM f;

SELECT g, count() FROM f GROUP BY g HAVING max(x) > 1 ORDER BY g;

-- groups and sets of one NaN
SELECT x, count() FROM f WHERE id <> 5 GROUP BY x ORDER BY x;

SELECT count() FROM (SELECT DISTINCT x FROM f WHERE id <> 5) AS s;

SELECT count(DISTINCT x), uniqExact(x) FROM f WHERE id <> 5;

SELECT g, count(DISTINCT x) FROM f WHERE id <> 5 GROUP BY g ORDER BY g;

SELECT x, g, count() FROM f WHERE id <> 5 GROUP BY x, g ORDER BY x, g;

SELECT count() FROM (SELECT x FROM f WHERE id <> 5 UNION DISTINCT SELECT y FROM j) AS s;

SELECT x FROM f WHERE id <> 5 ORDER BY x, id LIMIT 1 BY x;

-- joins find a NaN
SELECT id, k FROM f JOIN j ON f.x = j.y WHERE id <> 5 ORDER BY id, k;

SELECT id, k FROM f LEFT JOIN j ON f.x = j.y WHERE id <> 5 ORDER BY id, k;

SELECT id, k FROM f JOIN j ON f.x = j.y AND f.g = 1 ORDER BY id, k;

SELECT id, k FROM f JOIN j ON f.x < j.y ORDER BY id, k;
