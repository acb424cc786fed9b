-- DELETE and UPDATE that choose rows and values by NULLs and subqueries, and what is read after each.
-- engine: duckdb

CREATE TABLE t (id BIGINT, a BIGINT, g VARCHAR, v DOUBLE);

INSERT INTO t VALUES (1, 1, 'x', 1.5), (2, 2, 'y', 2.5), (3, NULL, 'x', NULL), (4, 2, NULL, 4.5), (5, NULL, NULL, 5.5),
  (6, 1, 'x', 1.5), (7, 4, 'y', -7), (8, 9, 'z', 0), (9, 9, 'z', 9.5), (10, NULL, 'w', 10);

CREATE TABLE u (k BIGINT, g VARCHAR);

INSERT INTO u VALUES (1, 'x'), (NULL, 'q'), (2, NULL), (9, 'z'), (9, 'z');

-- a condition that is NULL deletes nothing
DELETE FROM t WHERE a NOT IN (1, NULL);

SELECT count(*), count(a), min(a), max(a), sum(a) FROM t;

DELETE FROM t WHERE a NOT IN (SELECT k FROM u);

SELECT count(*) FROM t;

DELETE FROM t WHERE a = NULL OR NULL;

SELECT count(*) FROM t;

-- the greatest and the least go
DELETE FROM t WHERE v = (SELECT max(v) FROM t);

SELECT count(*), min(v), max(v), min(id), max(id) FROM t;

DELETE FROM t WHERE v = (SELECT min(v) FROM t);

SELECT count(*), min(v), max(v), count(v), sum(v) FROM t;

SELECT id FROM t ORDER BY v DESC NULLS LAST, id LIMIT 2;

-- those that others name
DELETE FROM t WHERE a IN (SELECT k FROM u WHERE g = 'z');

SELECT id, a, g, v FROM t ORDER BY id;

SELECT g, count(*), max(v) FROM t GROUP BY g;

UPDATE t SET v = NULL WHERE g = 'x';

SELECT count(v), min(v), max(v), avg(v) FROM t;

UPDATE t SET v = id, g = 'was null' WHERE g IS NULL;

SELECT id, g, v FROM t ORDER BY id;

UPDATE t SET a = COALESCE(a, id * 10) WHERE a IS NULL;

SELECT id, a FROM t ORDER BY id;

SELECT count(*), min(a), max(a) FROM t;

-- NULL in a SET and in its condition
UPDATE t SET a = a + NULL WHERE id = 1;

SELECT id, a FROM t WHERE a IS NULL;

UPDATE t SET a = 7 WHERE NOT (a IN (1, NULL));

SELECT id, a FROM t ORDER BY id;

UPDATE t SET a = CASE WHEN a > 1 THEN -a WHEN a = 1 THEN NULL ELSE 0 END;

SELECT id, a FROM t ORDER BY id;

-- values are taken before any is changed
UPDATE t SET a = id, v = a;

SELECT id, a, v FROM t ORDER BY id;

-- rows chosen by subqueries
UPDATE t SET g = 'in u' WHERE id IN (SELECT k FROM u);

SELECT id, g FROM t ORDER BY id;

UPDATE t SET g = 'not in u' WHERE id NOT IN (SELECT k FROM u WHERE k IS NOT NULL);

SELECT id, g FROM t ORDER BY id;

UPDATE t SET g = 'nothing' WHERE id NOT IN (SELECT k FROM u);

SELECT g, count(*) FROM t GROUP BY g;

UPDATE t SET v = (SELECT count(*) FROM u) WHERE id = 2;

SELECT v FROM t WHERE id = 2;

UPDATE t SET v = (SELECT max(k) FROM u WHERE k > 100) WHERE id = 2;

SELECT count(*), count(v) FROM t;

DELETE FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.id);

SELECT count(*), min(id), max(id) FROM t;

DELETE FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.g = t.g) AND id > 4;

SELECT id FROM t ORDER BY id;

INSERT INTO t SELECT id + 100, a, NULL, NULL FROM t;

SELECT id, a, g, v FROM t ORDER BY id;

SELECT count(*), count(g), min(g), max(v) FROM t;

DELETE FROM t WHERE true;

SELECT count(*), count(a), min(a), max(v), sum(v) FROM t;

SELECT id FROM t WHERE a NOT IN (SELECT k FROM u);

INSERT INTO t VALUES (1, NULL, NULL, NULL);

SELECT count(*), count(a), min(a), max(g), sum(v) FROM t;
