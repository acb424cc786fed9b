-- WITH RECURSIVE: numbers, trees, graphs with cycles, and what is counted over them.
-- engine: duckdb

CREATE TABLE edges (a BIGINT, b BIGINT);

INSERT INTO edges VALUES (1, 2), (2, 3), (3, 1), (3, 4), (5, NULL), (NULL, 5), (4, 6);

CREATE TABLE people (id BIGINT, boss BIGINT, name VARCHAR);

INSERT INTO people VALUES (1, NULL, 'ann'), (2, 1, 'bob'), (3, 1, 'eve'), (4, 2, 'dan'), (5, 4, NULL), (6, 99, 'lost');

WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r ORDER BY n;

WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT count() FROM r;

WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT count(*) FROM r;

WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT count(n), sum(n), min(n), max(n) FROM r;

WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n % 2 AS odd, count(*) FROM r GROUP BY odd;

WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r;

WITH RECURSIVE r AS (SELECT 1 AS n, 1 AS f UNION ALL SELECT n + 1, f * (n + 1) FROM r WHERE n < 10) SELECT n, f FROM r ORDER BY n;

WITH RECURSIVE r AS (SELECT 0 AS a, 1 AS b UNION ALL SELECT b, a + b FROM r WHERE b < 50) SELECT a FROM r ORDER BY a, b;

-- nothing to begin with
WITH RECURSIVE r AS (SELECT id FROM people WHERE id > 100 UNION ALL SELECT id + 1 FROM r WHERE id < 200) SELECT count(*) FROM r;

-- trees
WITH RECURSIVE r AS (SELECT id, name, 0 AS depth FROM people WHERE boss IS NULL
  UNION ALL SELECT p.id, p.name, r.depth + 1 FROM people AS p JOIN r ON p.boss = r.id)
SELECT id, name, depth FROM r ORDER BY id;

WITH RECURSIVE r AS (SELECT id, boss FROM people WHERE id = 5
  UNION ALL SELECT p.id, p.boss FROM people AS p JOIN r ON p.id = r.boss)
SELECT id FROM r ORDER BY id;

WITH RECURSIVE r AS (SELECT id, 0 AS depth FROM people WHERE boss IS NULL
  UNION ALL SELECT p.id, r.depth + 1 FROM people AS p JOIN r ON p.boss = r.id)
SELECT depth, count(*) FROM r GROUP BY depth ORDER BY depth;

WITH RECURSIVE r AS (SELECT id FROM people WHERE boss IS NULL
  UNION ALL SELECT p.id FROM people AS p JOIN r ON p.boss = r.id)
SELECT id FROM people WHERE id NOT IN (SELECT id FROM r);

WITH RECURSIVE r AS (SELECT id FROM people WHERE boss IS NULL
  UNION ALL SELECT p.id FROM people AS p JOIN r ON p.boss = r.id)
SELECT p.id, r.id IS NULL AS lost FROM people AS p LEFT JOIN r ON r.id = p.id ORDER BY p.id;

-- cycles end where rows are distinct
WITH RECURSIVE r AS (SELECT CAST(1 AS BIGINT) AS n UNION SELECT e.b FROM edges AS e JOIN r ON e.a = r.n) SELECT n FROM r ORDER BY n;

WITH RECURSIVE r AS (SELECT a, b FROM edges UNION SELECT r.a, e.b FROM r JOIN edges AS e ON r.b = e.a) SELECT count(*) FROM r;

WITH RECURSIVE r AS (SELECT CAST(5 AS BIGINT) AS n UNION SELECT e.b FROM edges AS e JOIN r ON e.a = r.n) SELECT n FROM r;

WITH RECURSIVE r AS (SELECT CAST(1 AS BIGINT) AS n, 0 AS d UNION ALL SELECT e.b, r.d + 1 FROM edges AS e JOIN r ON e.a = r.n WHERE r.d < 4)
SELECT n, min(d), count(*) FROM r GROUP BY n ORDER BY n;

-- beside others
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3), s AS (SELECT n * 10 AS m FROM r)
SELECT r.n, s.m FROM r JOIN s ON s.m = r.n * 10 ORDER BY r.n;

WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 6)
SELECT x.n, y.n FROM r AS x JOIN r AS y ON x.n + y.n = 7 WHERE x.n < y.n ORDER BY x.n;

WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 4)
SELECT n, sum(n) OVER (ORDER BY n) AS s FROM r ORDER BY n;

WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 9) SELECT n FROM r WHERE n > 2 ORDER BY n DESC LIMIT 3;

SELECT name FROM people WHERE id IN (WITH RECURSIVE r AS (SELECT 2 AS n UNION ALL SELECT n + 2 FROM r WHERE n < 6) SELECT n FROM r)
  ORDER BY id;
