-- ROLLUP, CUBE and GROUPING SETS, over rows, over none, with NULLs of the data and sets named twice.
-- engine: duckdb

CREATE TABLE t (id BIGINT, a VARCHAR, b VARCHAR, n BIGINT);

INSERT INTO t VALUES (1, 'x', 'p', 1), (2, 'x', 'q', 2), (3, 'y', 'p', NULL), (4, NULL, 'p', 4), (5, NULL, NULL, 5),
  (6, 'x', 'p', 1), (7, 'y', NULL, 7);

CREATE TABLE empty (a VARCHAR, b VARCHAR, n BIGINT);

SELECT a, count(*), sum(n) FROM t GROUP BY ROLLUP (a);

SELECT a, b, count(*), sum(n) FROM t GROUP BY ROLLUP (a, b);

SELECT a, b, count(*), count(n) FROM t GROUP BY CUBE (a, b);

SELECT a, b, count(*) FROM t GROUP BY GROUPING SETS ((a), (b));

SELECT a, b, count(*) FROM t GROUP BY GROUPING SETS ((a, b), (a), ());

SELECT count(*), sum(n) FROM t GROUP BY GROUPING SETS (());

-- the same set twice gives its rows twice
SELECT a, count(*) FROM t GROUP BY GROUPING SETS ((a), (a));

SELECT a, b, count(*) FROM t GROUP BY GROUPING SETS ((a, b), (b, a));

SELECT a, count(*) FROM t GROUP BY GROUPING SETS ((a), (), ());

-- ClickHouse does not read this either
-- refused: Invalid function 'rollup'
SELECT a, sum(n) FROM t GROUP BY GROUPING SETS ((a), ROLLUP (a));

SELECT a, b, sum(n) FROM t GROUP BY a, ROLLUP (b);

SELECT a, b, sum(n) FROM t GROUP BY a, GROUPING SETS ((b), ());

SELECT a, b, count(*) FROM t GROUP BY ROLLUP (a), ROLLUP (b);

-- which NULL is a total
SELECT a, GROUPING(a) AS total, count(*) FROM t GROUP BY ROLLUP (a);

SELECT a, b, GROUPING(a) AS ta, GROUPING(b) AS tb, count(*) FROM t GROUP BY CUBE (a, b);

SELECT a, b, GROUPING(a, b) AS total, count(*) FROM t GROUP BY ROLLUP (a, b);

SELECT a, b, GROUPING(b, a) AS total, sum(n) FROM t GROUP BY CUBE (a, b);

SELECT CASE WHEN GROUPING(a) = 1 THEN 'total' ELSE COALESCE(a, 'none') END AS label, count(*) FROM t GROUP BY ROLLUP (a);

SELECT a, count(*) FROM t GROUP BY ROLLUP (a) HAVING GROUPING(a) = 0;

SELECT a, b, count(*) FROM t GROUP BY CUBE (a, b) HAVING GROUPING(a) = 1 AND GROUPING(b) = 0;

SELECT a, count(*) AS c FROM t GROUP BY ROLLUP (a) ORDER BY GROUPING(a), a NULLS LAST;

SELECT a, b, count(*) FROM t GROUP BY ROLLUP (a, b) ORDER BY GROUPING(a) DESC, GROUPING(b) DESC, a NULLS FIRST, b NULLS FIRST;

-- over no rows: the set of nothing has one row, the others none
SELECT a, count(*), sum(n) FROM empty GROUP BY ROLLUP (a);

SELECT a, b, count(*), sum(n), max(n) FROM empty GROUP BY ROLLUP (a, b);

SELECT a, b, count(*) FROM empty GROUP BY CUBE (a, b);

SELECT a, b, count(*) FROM empty GROUP BY GROUPING SETS ((a), (b));

SELECT a, count(*) FROM empty GROUP BY GROUPING SETS ((a), ());

SELECT count(*), sum(n) FROM empty GROUP BY GROUPING SETS (());

SELECT count(*) FROM empty GROUP BY GROUPING SETS ((), ());

SELECT a, GROUPING(a) AS total, count(*), min(n) FROM empty GROUP BY ROLLUP (a);

SELECT a, count(*), avg(n) FROM t WHERE id > 100 GROUP BY ROLLUP (a);

SELECT a, count(*) FROM t WHERE a = 'nobody' GROUP BY CUBE (a) HAVING count(*) = 0;

SELECT count(*) FROM (SELECT a, b FROM empty GROUP BY CUBE (a, b)) AS s;

-- with expressions, DISTINCT, conditions, joins, limits
SELECT upper(a) AS u, count(DISTINCT b), count(DISTINCT n) FROM t GROUP BY ROLLUP (upper(a));

SELECT n % 2 AS odd, a, count(*) FROM t GROUP BY CUBE (n % 2, a);

SELECT a, sum(CASE WHEN b = 'p' THEN n END) AS p FROM t WHERE n IS NOT NULL GROUP BY ROLLUP (a);

SELECT a, min(n), max(n), avg(n) FROM t GROUP BY ROLLUP (a) HAVING max(n) > 2;

SELECT DISTINCT GROUPING(a) AS total, count(*) FROM t GROUP BY CUBE (a, b);

SELECT t.a, u.b, count(*) FROM t JOIN t AS u ON t.id = u.id + 1 GROUP BY ROLLUP (t.a, u.b);

SELECT a, c FROM (SELECT a, count(*) AS c FROM t GROUP BY ROLLUP (a)) AS s WHERE c > 2;

SELECT a, b, sum(n) AS s FROM t GROUP BY ROLLUP (a, b) ORDER BY s DESC NULLS LAST, a NULLS LAST, b NULLS LAST LIMIT 3;

SELECT a, count(*), rank() OVER (ORDER BY count(*) DESC) AS r FROM t GROUP BY ROLLUP (a);

SELECT a, count(*) FROM t GROUP BY ROLLUP (a) UNION ALL SELECT b, count(*) FROM t GROUP BY ROLLUP (b);
