-- NaN and infinities in comparisons, IN, GROUP BY, ORDER BY, DISTINCT and joins, as ClickHouse has them.
-- engine: chdb

CREATE TABLE f (id Int64, x Float64, y Float64);

INSERT INTO f VALUES (1, 0, 2), (2, nan, nan), (3, NULL, 1), (4, 1.5, nan), (5, -1.5, NULL), (6, inf, -inf), (7, -inf, -inf), (8, nan, 1.5);

CREATE TABLE g (k Int64, x Float64);

INSERT INTO g VALUES (1, nan), (2, 1.5), (3, NULL), (4, inf);

SELECT if(nan = nan, 1, 0), if(nan <> nan, 1, 0), if(nan < 1, 1, 0), if(nan > 1, 1, 0), if(nan >= nan, 1, 0), if(nan <= 1, 1, 0);

SELECT id FROM f WHERE x = 0;

SELECT id FROM f WHERE x = nan;

SELECT id FROM f WHERE x <> nan;

SELECT id FROM f WHERE NOT (x = nan);

SELECT id FROM f WHERE x < nan OR x > nan OR x <= nan OR x >= nan;

SELECT id FROM f WHERE x <> 0;

SELECT id FROM f WHERE NOT (x < 1);

SELECT id FROM f WHERE NOT (x >= 1);

SELECT id FROM f WHERE isNaN(x);

SELECT id FROM f WHERE NOT isNaN(x);

SELECT id FROM f WHERE x > 1;

SELECT id FROM f WHERE x < 1;

SELECT id FROM f WHERE x >= 1.5;

SELECT id FROM f WHERE x BETWEEN -10 AND 10;

SELECT id FROM f WHERE x NOT BETWEEN -10 AND 10;

SELECT id FROM f WHERE x = inf;

SELECT id FROM f WHERE x > -inf;

SELECT count() FROM f WHERE x > 1;

-- of two columns
SELECT id FROM f WHERE x = y;

SELECT id FROM f WHERE x <> y;

SELECT id FROM f WHERE x < y;

SELECT id FROM f WHERE x >= y;

SELECT id, if(x = y, 'equal', 'not') AS e, if(x <= y, 1, 0) AS l FROM f ORDER BY id;

SELECT id, CASE WHEN x = 0 THEN 'zero' WHEN x > 0 THEN 'above' WHEN x < 0 THEN 'below' ELSE 'none' END AS c FROM f ORDER BY id;

-- IN
SELECT id FROM f WHERE x IN (1.5, inf);

SELECT id FROM f WHERE x NOT IN (1.5, inf) AND x IS NOT NULL;

SELECT id FROM f WHERE x IN (SELECT x FROM g WHERE k IN (2, 4));

-- groups
SELECT x, count() FROM f GROUP BY x;

SELECT if(isNaN(y), 1, 0) AS n, count() FROM f WHERE y IS NOT NULL GROUP BY n;

SELECT DISTINCT x FROM f;

SELECT count() FROM (SELECT DISTINCT x FROM f) AS s;

SELECT count(DISTINCT x), uniqExact(x) FROM f;

SELECT min(x), max(x), count(x) FROM f WHERE NOT isNaN(x);

SELECT sum(x), avg(x) FROM f WHERE id IN (1, 4, 5);

SELECT sum(x), avg(x), count(x) FROM f WHERE id IN (1, 2);

SELECT sum(x) FROM f WHERE id IN (6, 7);

-- order
SELECT id FROM f WHERE NOT isNaN(x) ORDER BY x, id;

SELECT id FROM f WHERE NOT isNaN(x) ORDER BY x DESC, id;

SELECT id FROM f WHERE x IS NOT NULL ORDER BY x, id;

SELECT id FROM f WHERE x IS NOT NULL ORDER BY x DESC, id;

SELECT id FROM f WHERE x IS NOT NULL ORDER BY x, id LIMIT 3;

SELECT id, rank() OVER (ORDER BY x) AS r FROM f WHERE NOT isNaN(x) ORDER BY id;

-- joins
SELECT f.id, g.k FROM f JOIN g ON f.x = g.x;

SELECT f.id, g.k FROM f LEFT JOIN g ON f.x = g.x;

SELECT f.id, g.k FROM f JOIN g ON f.x < g.x;

SELECT id FROM f WHERE x = (SELECT max(x) FROM g WHERE k = 2);
