-- Aggregates that give 0 over no rows, in subqueries that depend on the row outside.
-- engine: duckdb

-- in DuckDB's words
-- only: duckdb
CREATE MACRO countIf(c) AS count(CASE WHEN c THEN 1 END);

-- only: duckdb
CREATE MACRO uniq(x) AS count(DISTINCT x);

-- a pair with a NULL in it does not count (distinct_counts has what ClickHouse says)
-- only: duckdb
CREATE MACRO uniqExact(x) AS count(DISTINCT x), (x, y) AS count(DISTINCT CASE WHEN x IS NOT NULL AND y IS NOT NULL THEN (x, y) END);

-- only: duckdb
CREATE MACRO uniqExactIf(x, c) AS count(DISTINCT x) FILTER (WHERE c);

CREATE TABLE t (id BIGINT, a BIGINT, g VARCHAR);

INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y'), (3, NULL, 'x'), (4, 7, NULL), (5, 9, 'z');

CREATE TABLE u (k BIGINT, v BIGINT, g VARCHAR);

INSERT INTO u VALUES (1, 10, 'x'), (2, NULL, 'y'), (NULL, 30, 'x'), (2, 20, NULL), (1, 10, 'x'), (7, NULL, 'w');

SELECT id, (SELECT count() FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT countIf(v > 10) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT uniq(v) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT uniqExact(v) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT uniqExact(v, g) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(DISTINCT v) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT count(v) FROM u WHERE u.k = t.a AND u.g = t.g) AS n FROM t ORDER BY id;

SELECT id, (SELECT uniqExactIf(v, v > 0) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT sum(v) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT max(v) FROM u WHERE u.k = t.a) AS n, (SELECT min(g) FROM u WHERE u.k = t.a) AS m FROM t ORDER BY id;

SELECT id, (SELECT countIf(v > 10) + 1 FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT count() + uniq(v) FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id, (SELECT CASE WHEN count() = 0 THEN 'none' ELSE 'some' END FROM u WHERE u.k = t.a) AS n FROM t ORDER BY id;

SELECT id FROM t WHERE (SELECT countIf(v > 10) FROM u WHERE u.k = t.a) = 0 ORDER BY id;

SELECT id FROM t WHERE (SELECT uniq(v) FROM u WHERE u.k = t.a) = 0 ORDER BY id;

SELECT id FROM t WHERE (SELECT uniqExact(v) FROM u WHERE u.g = t.g) < 2 ORDER BY id;

SELECT id FROM t WHERE (SELECT count() FROM u WHERE u.k < t.a) > 1 ORDER BY id;

SELECT id, (SELECT countIf(u.v > t.a) FROM u WHERE u.g = t.g) AS n FROM t ORDER BY id;

SELECT id, (SELECT uniqExact(v) FROM u WHERE u.k < t.a) AS n FROM t ORDER BY id;

SELECT sum((SELECT countIf(v > 10) FROM u WHERE u.k = t.a)) AS n FROM t;

SELECT (SELECT uniq(v) FROM u WHERE u.k = t.a) AS n, count() FROM t GROUP BY n;

SELECT id FROM t ORDER BY (SELECT countIf(v > 5) FROM u WHERE u.k = t.a) DESC, id;
