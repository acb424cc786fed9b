-- Subqueries that give one value and depend on the row outside, by any comparison and anywhere.
-- engine: duckdb

CREATE TABLE t (id BIGINT, a BIGINT, b BIGINT, g VARCHAR);

INSERT INTO t VALUES (1, 1, 10, 'x'), (2, 2, 20, 'y'), (3, NULL, 30, 'x'), (4, 2, NULL, NULL),
  (5, NULL, NULL, 'z'), (6, 1, 10, 'x'), (7, 4, 15, 'y');

CREATE TABLE u (k BIGINT, v BIGINT, g VARCHAR);

INSERT INTO u VALUES (1, 10, 'x'), (2, NULL, 'y'), (NULL, 30, 'x'), (2, 20, NULL), (3, 5, 'w'), (1, 10, 'x');

-- by equality
SELECT id, (SELECT count(*) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(v) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT sum(v) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT max(v) FROM u WHERE u.g = t.g) AS n, (SELECT min(k) FROM u WHERE u.g = t.g) AS m
  FROM t ORDER BY id;

SELECT id, (SELECT avg(v) FROM u WHERE u.g = t.g) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(DISTINCT v) FROM u WHERE u.g = t.g) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) + 1 FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT COALESCE(sum(v), -1) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT CASE WHEN count(*) > 0 THEN 'some' ELSE 'none' END FROM u WHERE u.k = t.a) AS n
  FROM t ORDER BY id;

SELECT id, COALESCE((SELECT sum(v) FROM u WHERE u.k = t.a), 0) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE u.k = t.a AND u.g = t.g) AS n FROM t ORDER BY id;

-- by other comparisons
SELECT id, (SELECT count(*) FROM t AS x WHERE x.b < t.b) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM t AS x WHERE x.b <= t.b) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM t AS x WHERE x.b > t.b AND x.g = t.g) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM t AS x WHERE x.b <> t.b) AS n FROM t ORDER BY id;

SELECT id, (SELECT sum(x.b) FROM t AS x WHERE x.id <= t.id) AS n FROM t ORDER BY id;

SELECT id, (SELECT max(x.b) FROM t AS x WHERE x.id < t.id) AS n FROM t ORDER BY id;

SELECT id, (SELECT min(x.id) FROM t AS x WHERE x.a >= t.a AND x.id <> t.id) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE u.k IS NOT DISTINCT FROM t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE u.k IS DISTINCT FROM t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE u.k = t.a OR u.g = t.g) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE u.v BETWEEN t.a AND t.b) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE t.a IN (u.k, u.v)) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE t.b IS NULL) AS n FROM t ORDER BY id;

-- by expressions
SELECT id, (SELECT count(*) FROM u WHERE u.v = t.a * 10) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE u.k + t.a = 3) AS n FROM t ORDER BY id;

SELECT id, (SELECT sum(u.v) FROM u WHERE u.k + 1 > t.a + t.id) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE COALESCE(u.k, 0) = COALESCE(t.a, 0)) AS n FROM t ORDER BY id;

-- the row outside in what the subquery gives
SELECT id, (SELECT t.a + 1) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) + t.id FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT sum(u.v + t.id) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT max(u.v) - t.b FROM u) AS n FROM t ORDER BY id;

SELECT id, (SELECT sum(CASE WHEN u.k < t.a THEN 1 ELSE 0 END) FROM u) AS n FROM t ORDER BY id;

-- one row of many: ORDER BY and LIMIT
SELECT id, (SELECT u.v FROM u WHERE u.k = t.a ORDER BY u.v DESC NULLS LAST LIMIT 1) AS n FROM t ORDER BY id;

SELECT id, (SELECT u.v FROM u WHERE u.k <= t.a ORDER BY u.v NULLS LAST LIMIT 1) AS n FROM t ORDER BY id;

SELECT id, (SELECT x.id FROM t AS x WHERE x.b < t.b ORDER BY x.b DESC, x.id LIMIT 1) AS n FROM t ORDER BY id;

SELECT id, (SELECT x.id FROM t AS x WHERE x.id > t.id ORDER BY x.id LIMIT 1 OFFSET 1) AS n FROM t ORDER BY id;

SELECT id, (SELECT DISTINCT u.v FROM u WHERE u.k = t.a AND u.g = 'x') AS n FROM t ORDER BY id;

SELECT id, (SELECT u.v FROM u WHERE u.k = t.id AND u.k = 3) AS n FROM t ORDER BY id;

SELECT id, (SELECT u.g FROM u WHERE u.k = t.a GROUP BY u.g ORDER BY count(*) DESC, u.g NULLS LAST LIMIT 1) AS n
  FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM (SELECT u.v FROM u WHERE u.k = t.a LIMIT 1) AS l) AS n FROM t ORDER BY id;

SELECT id, (SELECT sum(v) FROM (SELECT DISTINCT u.v FROM u WHERE u.g = t.g) AS d) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM (SELECT u.v FROM u WHERE u.k = t.a UNION ALL SELECT t.b) AS l) AS n
  FROM t ORDER BY id;

-- more than one row is an error
-- error: more than one row
SELECT id, (SELECT u.v FROM u WHERE u.k = t.a) AS n FROM t;

-- error: more than one row
SELECT id FROM t WHERE b > (SELECT u.v FROM u WHERE u.g = t.g);

-- error: more than one row
SELECT (SELECT v FROM u) AS n;

-- as conditions
SELECT id FROM t WHERE (SELECT count(*) FROM u WHERE u.k = t.a) = 0;

SELECT id FROM t WHERE (SELECT count(*) FROM u WHERE u.k = t.a) <> 2;

SELECT id FROM t WHERE 1 <= (SELECT count(*) FROM u WHERE u.k < t.a);

SELECT id FROM t WHERE b > (SELECT avg(x.b) FROM t AS x WHERE x.g = t.g);

SELECT id FROM t WHERE b >= (SELECT max(x.b) FROM t AS x WHERE x.a = t.a);

SELECT id FROM t WHERE b = (SELECT min(x.b) FROM t AS x WHERE x.id <> t.id);

SELECT id FROM t WHERE (SELECT sum(v) FROM u WHERE u.k = t.a) IS NULL;

SELECT id FROM t WHERE NOT ((SELECT sum(v) FROM u WHERE u.k = t.a) > 10);

SELECT id FROM t WHERE (SELECT count(*) FROM u WHERE u.k = t.a) = (SELECT count(*) FROM u WHERE u.g = t.g);

SELECT id FROM t WHERE (SELECT count(*) FROM t AS x WHERE x.b < t.b) > 2 OR a = 1;

SELECT id FROM t WHERE (SELECT count(*) FROM t AS x WHERE x.b < t.b) BETWEEN 1 AND 3;

SELECT id FROM t WHERE a = (SELECT count(*) FROM u WHERE u.g = t.g) AND b IS NOT NULL;

SELECT id FROM t WHERE COALESCE((SELECT sum(v) FROM u WHERE u.k = t.a), 0) < id * 10;

-- in CASE, ORDER BY, aggregates, GROUP BY, HAVING, join conditions
SELECT id, CASE WHEN (SELECT count(*) FROM u WHERE u.k = t.a) > 1 THEN 'many' ELSE 'few' END FROM t ORDER BY id;

SELECT id, CASE WHEN a = 1 THEN (SELECT max(v) FROM u WHERE u.k = t.a)
  ELSE (SELECT count(*) FROM t AS x WHERE x.b < t.b) END AS n FROM t ORDER BY id;

SELECT id, CASE (SELECT count(*) FROM u WHERE u.k = t.a) WHEN 0 THEN 'none' WHEN 2 THEN 'two' END
  FROM t ORDER BY id;

SELECT id FROM t ORDER BY (SELECT count(*) FROM u WHERE u.k = t.a), id;

SELECT id FROM t ORDER BY (SELECT sum(v) FROM u WHERE u.g = t.g) DESC NULLS LAST, id;

SELECT id, b FROM t ORDER BY (SELECT count(*) FROM t AS x WHERE x.b < t.b) DESC, id LIMIT 4;

SELECT sum((SELECT count(*) FROM u WHERE u.k = t.a)) AS n FROM t;

SELECT g, max((SELECT count(*) FROM t AS x WHERE x.b < t.b)) AS n FROM t GROUP BY g;

SELECT (SELECT count(*) FROM u WHERE u.k = t.a) AS n, count(*), min(id) FROM t GROUP BY n;

SELECT g, count(*) FROM t GROUP BY g HAVING count(*) > (SELECT count(*) FROM u WHERE u.g = t.g);

SELECT g, (SELECT count(*) FROM u WHERE u.g = t.g) AS n, sum(b) FROM t GROUP BY g;

SELECT g, sum(b) FROM t GROUP BY g HAVING sum(b) > (SELECT sum(v) FROM u WHERE u.g = t.g);

SELECT t.id, u.v FROM t JOIN u ON t.a = u.k AND u.v = (SELECT max(y.v) FROM u AS y WHERE y.k = t.a);

SELECT t.id, u.k FROM t JOIN u ON t.a = u.k WHERE (SELECT count(*) FROM t AS x WHERE x.a = u.k) = 2;

SELECT t.id, (SELECT count(*) FROM t AS x WHERE x.a = u.k AND x.id < t.id) AS n FROM t JOIN u ON t.a = u.k;

SELECT DISTINCT (SELECT count(*) FROM u WHERE u.k = t.a) AS n FROM t;

SELECT id, row_number() OVER (ORDER BY (SELECT count(*) FROM u WHERE u.k = t.a) DESC, id) AS r FROM t ORDER BY id;

SELECT id, n FROM (SELECT id, (SELECT count(*) FROM u WHERE u.k = t.a) AS n FROM t) AS s WHERE n <> 0 ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE u.k = t.a) AS n FROM t WHERE g = 'x'
UNION ALL SELECT id, (SELECT sum(v) FROM u WHERE u.g = t.g) FROM t WHERE g = 'y';

-- two levels
SELECT id, (SELECT sum((SELECT count(*) FROM t AS x WHERE x.a = u.k)) FROM u WHERE u.g = t.g) AS n
  FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE u.g = t.g AND u.v > (SELECT avg(y.v) FROM u AS y WHERE y.k < 3)) AS n
  FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE u.v >= (SELECT max(x.b) FROM t AS x WHERE x.g = u.g)) AS n
  FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE u.k = (SELECT max(x.a) FROM t AS x WHERE x.g = t.g)) AS n
  FROM t ORDER BY id;

SELECT id, (SELECT count(*) FROM u WHERE u.k IN (SELECT x.a FROM t AS x WHERE x.id < t.id)) AS n
  FROM t ORDER BY id;

SELECT id FROM t WHERE b = (SELECT max(x.b) FROM t AS x WHERE x.g = t.g
  AND x.a = (SELECT min(y.k) FROM u AS y WHERE y.g = x.g));

-- of a table without rows, and of none
CREATE TABLE empty (k BIGINT, v BIGINT);

SELECT id, (SELECT count(*) FROM empty WHERE empty.k = t.a) AS n, (SELECT sum(v) FROM empty WHERE empty.k < t.a) AS s
  FROM t ORDER BY id;

SELECT k, (SELECT count(*) FROM t WHERE t.a = empty.k) AS n FROM empty;

SELECT (SELECT count(*) FROM empty) AS n, (SELECT sum(v) FROM empty) AS s, (SELECT k FROM empty) AS k;

SELECT id FROM t WHERE (SELECT k FROM empty) IS NULL AND id < 3;

SELECT count(*), (SELECT max(v) FROM u) AS m FROM t WHERE a > (SELECT min(k) FROM u);
