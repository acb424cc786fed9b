-- Distinct values and pairs of values where some are NULL, as ClickHouse counts them.
-- engine: chdb

CREATE TABLE t (id Int64, a Int64, b Int64, s String);

INSERT INTO t VALUES (1, 1, 1, 'x'), (2, 1, 1, 'x'), (3, 1, 2, 'y'), (4, NULL, 1, 'x'), (5, NULL, 1, NULL), (6, 2, NULL, 'y'),
  (7, NULL, NULL, NULL), (8, NULL, NULL, 'z'), (9, 2, 1, 'x');

CREATE TABLE empty (a Int64, b Int64);

SELECT count(DISTINCT a), count(DISTINCT b), count(DISTINCT s) FROM t;

SELECT uniqExact(a), uniqExact(b), uniqExact(s), uniq(a), uniq(s) FROM t;

SELECT count(DISTINCT a, b) FROM t;

SELECT uniqExact(a, b) FROM t;

SELECT uniq(a, b) FROM t;

SELECT count(DISTINCT a, b, s), uniqExact(a, b, s) FROM t;

SELECT count(DISTINCT a, s), uniqExact(s, a) FROM t WHERE a IS NULL;

SELECT count(DISTINCT a, b), uniqExact(a, b) FROM t WHERE b IS NULL;

SELECT s, count(DISTINCT a, b) AS c, uniqExact(a, b) AS u FROM t GROUP BY s;

SELECT a, count(DISTINCT b) AS c, uniqExact(b, s) AS u FROM t GROUP BY a;

SELECT s, uniqExact(a) AS u FROM t GROUP BY s HAVING uniqExact(a, b) > 1;

SELECT count(DISTINCT a, b), uniqExact(a, b), uniq(a, b), count(DISTINCT a) FROM empty;

SELECT count(DISTINCT a, b), uniqExact(a, b) FROM t WHERE id > 100;

SELECT uniqExactIf(a, b = 1), countIf(a = 1), countIf(a IS NULL), countIf(NULL) FROM t;

SELECT sumIf(a, b = 1), avgIf(a, b = 2), minIf(a, b > 5) FROM t;

-- of a column that may be NULL
SELECT sumIf(a, s = 'nobody') FROM t;

SELECT count(DISTINCT a + b), uniqExact(a + b), uniqExact(if(a = 1, b, NULL)) FROM t;

SELECT count(*) FROM (SELECT DISTINCT a, b FROM t);

SELECT a, b, count() FROM t GROUP BY a, b;

SELECT DISTINCT a, s FROM t;

SELECT arraySort(groupUniqArray(a)), arraySort(groupArray(b)) FROM t;

SELECT length(groupUniqArray(s)), length(groupArray(s)) FROM t;
