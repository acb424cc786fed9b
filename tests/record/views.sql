-- Views: read like tables, over tables, over each other, in joins and subqueries; made anew and dropped.
-- engine: chdb

CREATE TABLE t (a Int64 NOT NULL, b String NOT NULL, c Nullable(Float64));

INSERT INTO t VALUES (1, 'x', 1.5), (2, 'y', NULL), (3, 'x', 3.5), (4, 'z', 4.5), (5, 'y', 5.5);

CREATE TABLE u (k Int64 NOT NULL, name String NOT NULL);

INSERT INTO u VALUES (1, 'one'), (3, 'three'), (9, 'nine');

CREATE VIEW v AS SELECT a, b AS letter, a * 10 AS tens FROM t WHERE a > 1;

SELECT * FROM v ORDER BY a;

SELECT letter, count(), sum(tens) FROM v GROUP BY letter ORDER BY letter;

SELECT v.a FROM v WHERE v.letter = 'x';

SELECT x.a, y.a FROM v AS x JOIN v AS y ON x.letter = y.letter AND x.a < y.a;

SELECT v.a, u.name FROM v JOIN u ON v.a = u.k;

SELECT u.name, v.letter FROM u LEFT JOIN v ON v.a = u.k ORDER BY u.k;

SELECT k FROM u WHERE k IN (SELECT a FROM v) ORDER BY k;

SELECT k FROM u WHERE k NOT IN (SELECT a FROM v) ORDER BY k;

SELECT (SELECT max(tens) FROM v) AS most;

SELECT a FROM (SELECT a FROM v UNION ALL SELECT a FROM v) ORDER BY a;

-- what is in the table is in the view
INSERT INTO t VALUES (6, 'w', 0);

SELECT count(), max(a) FROM v;

-- columns by the names that the view gives them
CREATE VIEW named (first, second) AS SELECT b, a + 1 FROM t;

SELECT second, first FROM named WHERE second > 5 ORDER BY second;

-- error: .
SELECT a FROM named;

-- views over views
CREATE VIEW outer_v AS SELECT letter, sum(tens) AS total FROM v GROUP BY letter;

SELECT * FROM outer_v ORDER BY total DESC, letter;

CREATE VIEW outermost AS SELECT o.letter, o.total, n.second FROM outer_v AS o JOIN named AS n ON n.first = o.letter;

SELECT * FROM outermost ORDER BY letter, second;

SELECT count() FROM outermost;

-- names of columns that are expressions
CREATE VIEW counted AS SELECT count(), max(a) FROM t;

SELECT * FROM counted;

SELECT `count()` + 1 AS more FROM counted;

-- WITH, set operations, LIMIT, DISTINCT, windows
CREATE VIEW chosen AS WITH some AS (SELECT a, b FROM t WHERE a < 4) SELECT DISTINCT b FROM some UNION ALL SELECT name FROM u;

SELECT b FROM chosen ORDER BY b;

CREATE VIEW top AS SELECT a, c FROM t ORDER BY a DESC LIMIT 2;

SELECT a, c FROM top ORDER BY a;

CREATE VIEW ranked AS SELECT a, b, row_number() OVER (PARTITION BY b ORDER BY a DESC) AS nth FROM t;

SELECT b, a FROM ranked WHERE nth = 1 ORDER BY b;

-- a name of a WITH hides the view, outside of the view and within another
WITH v AS (SELECT 7 AS a) SELECT a FROM v;

WITH t AS (SELECT 100 AS a, 'q' AS b) SELECT max(a) FROM v;

CREATE VIEW hides AS WITH v AS (SELECT 9 AS n) SELECT n FROM v;

SELECT n FROM hides;

-- without a table
CREATE VIEW one AS SELECT 1 AS n, 'x' AS s;

SELECT * FROM one;

SELECT count() FROM one AS p JOIN one AS q ON p.n = q.n;

-- its own name only
-- error: view `one` exists already
CREATE VIEW one AS SELECT 2 AS n;

-- error: table `t` exists already
CREATE VIEW t AS SELECT 2 AS n;

-- error: view `one` exists already
CREATE TABLE one (a Int64);

CREATE VIEW IF NOT EXISTS one AS SELECT 3 AS n;

CREATE VIEW IF NOT EXISTS t AS SELECT 3 AS n;

CREATE TABLE IF NOT EXISTS one (a Int64);

SELECT n FROM one;

CREATE OR REPLACE VIEW one AS SELECT 4 AS n;

SELECT n FROM one;

CREATE OR REPLACE VIEW two AS SELECT n + n AS n FROM one;

SELECT n FROM two;

CREATE OR REPLACE VIEW one AS SELECT 5 AS n;

SELECT n FROM two;

-- what is not there
-- error: no table `nowhere`
CREATE VIEW bad AS SELECT * FROM nowhere;

-- error: nothing
CREATE VIEW bad AS SELECT nothing FROM t;

-- error: .
CREATE VIEW bad AS SELECT nofunction(a) FROM t;

-- error: would read itself
CREATE VIEW bad AS SELECT * FROM bad;

-- error: .
SELECT * FROM bad;

-- error: 2 columns .* gives 3
CREATE VIEW bad (p, q) AS SELECT 1, 2, 3;

-- error: 3 columns .* gives 2
CREATE VIEW bad (p, q, r) AS SELECT 1, 2;

-- error: column `p` twice
CREATE VIEW bad (p, p) AS SELECT 1, 2;

-- error: .
CREATE VIEW bad AS SELECT 1 AS a, 2 AS a;

-- a view has no rows of its own
-- error: `v` is a view
INSERT INTO v VALUES (1, 'x', 2);

-- error: `v` is a view
ALTER TABLE v DELETE WHERE a = 1;

-- error: `v` is a view
ALTER TABLE v UPDATE letter = 'q' WHERE a = 1;

-- error: `v` is a view
DELETE FROM v WHERE a = 1;

-- error: `v` is a view
ALTER TABLE v ADD COLUMN z Int64;

-- error: `v` is a view
TRUNCATE TABLE v;

SELECT count() FROM t;

-- a view in the condition of a change
ALTER TABLE t DELETE WHERE a IN (SELECT a FROM top) SETTINGS mutations_sync = 1;

SELECT a FROM t ORDER BY a;

-- DROP
-- error: no view `nope`
DROP VIEW nope;

DROP VIEW IF EXISTS nope;

-- error: `u` is a table
DROP VIEW u;

-- error: `u` is a table
DROP VIEW IF EXISTS u;

SELECT count() FROM u;

DROP VIEW one;

-- error: view `two`: there is no table `one`
SELECT n FROM two;

CREATE VIEW one AS SELECT 6 AS n;

SELECT n FROM two;

DROP TABLE one;

DROP TABLE u;

-- error: view `chosen`: there is no table `u`
SELECT * FROM chosen;

DROP TABLE t;

-- error: view `outermost`: view `.*`: .*no table `t`
SELECT * FROM outermost;

DROP TABLE v, named;

DROP VIEW IF EXISTS two;

-- error: .
SELECT * FROM two;
