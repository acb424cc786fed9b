-- UPDATE and DELETE as ALTER TABLE spells them, and several commands in one.
-- engine: chdb

-- only: chdb
SET default_table_engine = 'MergeTree', mutations_sync = 1;

CREATE TABLE t (a Int64 NOT NULL, b String NOT NULL, c Nullable(Int64)) ORDER BY a;

INSERT INTO t VALUES (1, 'x', 10), (2, 'y', NULL), (3, 'z', 30), (4, 'x', 40), (5, 'y', 50);

ALTER TABLE t UPDATE b = 'q' WHERE a = 1;

SELECT a, b FROM t ORDER BY a;

ALTER TABLE t UPDATE b = concat(b, '!'), c = coalesce(c, 0) + a WHERE b IN ('x', 'y') AND a > 1;

SELECT a, b, c FROM t ORDER BY a;

-- both sides are of before
ALTER TABLE t UPDATE b = toString(c), c = length(b) WHERE a = 4;

SELECT a, b, c FROM t ORDER BY a;

ALTER TABLE t DELETE WHERE c IS NULL OR a = 3;

SELECT a, b, c FROM t ORDER BY a;

ALTER TABLE t DELETE WHERE a IN (SELECT max(a) FROM t);

SELECT a FROM t ORDER BY a;

ALTER TABLE t UPDATE c = 7 WHERE a = 100;

ALTER TABLE t UPDATE c = NULL WHERE true;

SELECT count(), count(c) FROM t;

-- error: want WHERE
ALTER TABLE t UPDATE b = 'q';

-- error: want WHERE
ALTER TABLE t DELETE;

-- error: assigned twice
ALTER TABLE t UPDATE b = '1', b = '2' WHERE a = 2;

-- error: nope
ALTER TABLE t UPDATE nope = 's' WHERE a = 2;

-- error: nope
ALTER TABLE t DELETE WHERE nope = 2;

-- error: no table `nowhere`
ALTER TABLE nowhere DELETE WHERE a = 2;

-- refused: IN PARTITION
ALTER TABLE t DELETE IN PARTITION tuple() WHERE a = 99;

-- refused: IN PARTITION
ALTER TABLE t UPDATE b = 'q' IN PARTITION tuple() WHERE a = 99;

-- refused: beside another command
ALTER TABLE t DELETE WHERE a = 99, UPDATE b = 'r' WHERE a = 99;

-- refused: beside another command
ALTER TABLE t ADD COLUMN z Int64, DELETE WHERE a = 99;

SELECT a, b FROM t ORDER BY a;

-- columns: all of an ALTER or nothing
ALTER TABLE t ADD COLUMN d Nullable(Int64), RENAME COLUMN c TO e;

-- error: nope
ALTER TABLE t ADD COLUMN f Nullable(Int64), DROP COLUMN nope;

SELECT * FROM t WHERE a = 1;

ALTER TABLE t ADD COLUMN g Nullable(String), DROP COLUMN IF EXISTS nope, DROP COLUMN e;

SELECT * FROM t WHERE a = 1;

-- ClickHouse does what dodb does not
-- refused: AFTER
ALTER TABLE t ADD COLUMN h Int64 AFTER a;

-- refused: DEFAULT
ALTER TABLE t ADD COLUMN h Int64 DEFAULT 5;

-- only: chdb
SET default_table_engine = 'Memory', mutations_sync = 0;
