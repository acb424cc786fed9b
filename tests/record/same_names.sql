-- Columns that come twice in a SELECT, under one name or under none.
-- engine: duckdb

CREATE TABLE t (id BIGINT, a BIGINT, s VARCHAR);

INSERT INTO t VALUES (1, 1, 'x'), (2, NULL, 'y'), (3, 1, NULL), (4, NULL, NULL);

CREATE TABLE u (id BIGINT, a BIGINT);

INSERT INTO u VALUES (1, 10), (3, NULL), (5, 50);

SELECT a, a FROM t;

SELECT a, s, a FROM t ORDER BY id;

SELECT *, a FROM t ORDER BY id;

-- refused: unique expression names
SELECT t.*, t.* FROM t ORDER BY id;

SELECT NULL, NULL;

SELECT 1, 1, 'x', 'x', 1;

SELECT id + 1, id + 1 FROM t ORDER BY id;

SELECT a, a AS a FROM t ORDER BY id;

SELECT id, NULL, NULL, 5, 5 FROM t ORDER BY id;

SELECT DISTINCT a, a FROM t;

SELECT count(*), count(*), sum(a), sum(a) FROM t;

SELECT a, count(*), a, count(*) FROM t GROUP BY a;

SELECT a, a FROM t GROUP BY a, a;

SELECT max(id), max(id) + 1, max(id) FROM t WHERE a IS NULL;

SELECT t.id, u.id FROM t JOIN u ON t.id = u.id;

SELECT t.id, u.id, t.a, u.a FROM t LEFT JOIN u ON t.id = u.id ORDER BY t.id;

SELECT * FROM t JOIN u ON t.id = u.id ORDER BY t.id;

SELECT count(*) FROM (SELECT t.id AS i, u.a AS b, u.a AS c FROM t JOIN u ON t.id = u.id) AS s;

SELECT a, a FROM t UNION ALL SELECT id, id FROM u;

SELECT a, a FROM t UNION SELECT a, id FROM u;

SELECT NULL, NULL UNION ALL SELECT a, a FROM u;

SELECT row_number() OVER (ORDER BY id), row_number() OVER (ORDER BY id) FROM t;

SELECT (SELECT max(a) FROM u), (SELECT max(a) FROM u) FROM t WHERE id = 1;

SELECT x.id, y.id FROM t AS x, t AS y WHERE x.a = y.a AND x.id <= y.id;

INSERT INTO u SELECT a, a FROM t WHERE id = 1;

INSERT INTO u SELECT NULL, NULL FROM t WHERE id = 1;

SELECT id, a FROM u;
