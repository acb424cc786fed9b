-- UPDATE and DELETE whose conditions and values read paths of documents: paths that all have, some have, none has.
-- engine: chdb

-- only: chdb
SET mutations_sync = 1;

CREATE TABLE t (a Int64 NOT NULL, s String NOT NULL, doc JSON NOT NULL);

INSERT INTO t VALUES (1, 'one', '{"n":1,"name":"Ann"}'), (2, 'two', '{"n":2}'), (3, 'three', '{"name":"Bob"}'), (4, 'four', '{"n":4,"name":"ann"}');

-- a path that no document has
ALTER TABLE t DELETE WHERE doc.nope.:Int64 = 1;

ALTER TABLE t UPDATE s = 'none' WHERE doc.nope.:Int64 > 1;

ALTER TABLE t UPDATE s = 'none' WHERE doc.nope.deeper.:String = 'x' OR lower(doc.nope.:String) = 'x';

SELECT a, s FROM t ORDER BY a;

ALTER TABLE t UPDATE s = 'some' WHERE doc.nope.:Int64 IS NULL AND a = 2;

-- what is computed of a path
ALTER TABLE t UPDATE a = a + 10 WHERE lower(doc.name.:String) = 'ann';

SELECT a, s FROM t ORDER BY a;

-- a value that is read from one, and two of them
ALTER TABLE t UPDATE s = concat('is ', doc.name.:String), a = a + 100 WHERE doc.name.:String IS NOT NULL AND doc.n.:Int64 IS NOT NULL;

SELECT a, s FROM t ORDER BY a;

ALTER TABLE t UPDATE a = doc.n.:Int64 * 1000 WHERE doc.n.:Int64 + 1 = 3;

SELECT a, s FROM t ORDER BY a;

ALTER TABLE t DELETE WHERE upper(doc.name.:String) = 'BOB' OR doc.n.:Int64 % 4 = 0;

SELECT a, s FROM t ORDER BY a;

-- only: chdb
SET mutations_sync = 0;
