-- Joins of every kind where keys are NULL, repeat, or are missing on a side.
-- engine: duckdb

CREATE TABLE l (id BIGINT, k BIGINT, g VARCHAR);

INSERT INTO l VALUES (1, 1, 'x'), (2, 1, 'y'), (3, NULL, 'x'), (4, 2, NULL), (5, 9, 'z'), (6, NULL, NULL);

CREATE TABLE r (id BIGINT, k BIGINT, g VARCHAR, v BIGINT);

INSERT INTO r VALUES (10, 1, 'x', 5), (11, 1, NULL, NULL), (12, NULL, 'x', 7), (13, 3, 'y', 8), (14, 2, 'z', NULL), (15, NULL, NULL, 1);

CREATE TABLE empty (id BIGINT, k BIGINT);

SELECT l.id, r.id FROM l JOIN r ON l.k = r.k;

SELECT l.id, r.id FROM l LEFT JOIN r ON l.k = r.k;

SELECT l.id, r.id FROM l RIGHT JOIN r ON l.k = r.k;

SELECT l.id, r.id FROM l FULL JOIN r ON l.k = r.k;

SELECT l.id, r.id FROM l CROSS JOIN r WHERE l.k = r.k;

SELECT l.id, r.id FROM l, r WHERE l.k = r.k AND l.g = r.g;

SELECT l.id, r.id FROM l JOIN r ON l.k = r.k AND l.g = r.g;

SELECT l.id, r.id FROM l FULL JOIN r ON l.k = r.k AND l.g = r.g;

-- NULL joins NULL only where it is said
SELECT l.id, r.id FROM l JOIN r ON l.k IS NOT DISTINCT FROM r.k;

SELECT l.id, r.id FROM l LEFT JOIN r ON l.k IS NOT DISTINCT FROM r.k AND l.g IS NOT DISTINCT FROM r.g;

SELECT l.id, r.id FROM l JOIN r ON COALESCE(l.k, -1) = COALESCE(r.k, -1);

SELECT l.id, r.id FROM l JOIN r ON l.k = r.k OR (l.k IS NULL AND r.k IS NULL);

-- conditions of ON and of WHERE
SELECT l.id, r.id FROM l LEFT JOIN r ON l.k = r.k AND r.v > 4;

SELECT l.id, r.id FROM l LEFT JOIN r ON l.k = r.k WHERE r.v > 4;

SELECT l.id, r.id FROM l LEFT JOIN r ON l.k = r.k AND l.id > 1;

SELECT l.id, r.id FROM l LEFT JOIN r ON l.k = r.k WHERE r.id IS NULL;

SELECT l.id, r.id FROM l LEFT JOIN r ON l.k = r.k WHERE r.v IS NULL;

SELECT l.id, r.id FROM l RIGHT JOIN r ON l.k = r.k AND r.v IS NOT NULL;

SELECT l.id, r.id FROM l FULL JOIN r ON l.k = r.k WHERE l.id IS NULL OR r.id IS NULL;

SELECT l.id, r.id FROM l FULL JOIN r ON l.k = r.k AND l.id = 1 AND r.id = 10;

SELECT l.id, r.id FROM l FULL JOIN r ON l.k = r.k WHERE COALESCE(l.id, 0) + COALESCE(r.id, 0) > 13;

SELECT l.id, r.id FROM l LEFT JOIN r ON l.k = r.k WHERE NOT (r.v > 4);

SELECT l.id, r.id FROM l LEFT JOIN r ON false;

SELECT l.id, r.id FROM l LEFT JOIN r ON l.id = 1 AND r.id = 10;

-- by other comparisons
SELECT l.id, r.id FROM l JOIN r ON l.k < r.k;

SELECT l.id, r.id FROM l LEFT JOIN r ON l.k < r.k;

SELECT l.id, r.id FROM l FULL JOIN r ON l.k > r.k AND l.g = r.g;

SELECT l.id, r.id FROM l JOIN r ON l.k <> r.k AND l.g = r.g;

SELECT l.id, r.id FROM l LEFT JOIN r ON l.k + 1 = r.k;

SELECT l.id, r.id FROM l JOIN r ON l.k BETWEEN r.k - 1 AND r.k;

-- USING
SELECT k, l.id, r.id FROM l JOIN r USING (k);

SELECT k, l.id, r.v FROM l LEFT JOIN r USING (k);

SELECT l.id, r.id FROM l FULL JOIN r USING (k, g);

-- with nothing
SELECT l.id, empty.id FROM l LEFT JOIN empty ON l.k = empty.k;

SELECT l.id, empty.id FROM empty RIGHT JOIN l ON l.k = empty.k;

SELECT l.id, empty.id FROM empty FULL JOIN l ON l.k = empty.k;

SELECT l.id, empty.id FROM l CROSS JOIN empty;

SELECT count(*), count(l.id) FROM l JOIN empty ON l.k = empty.k;

-- those that have a partner and those that have none
SELECT l.id FROM l WHERE EXISTS (SELECT 1 FROM r WHERE r.k = l.k);

SELECT l.id FROM l LEFT JOIN r ON l.k = r.k AND l.g = r.g WHERE r.id IS NULL;

-- with itself, three at once, with subqueries
SELECT a.id, b.id FROM l AS a JOIN l AS b ON a.k = b.k AND a.id < b.id;

SELECT a.id, b.id FROM l AS a LEFT JOIN l AS b ON a.g = b.g AND a.id <> b.id;

SELECT l.id, r.id, s.id FROM l LEFT JOIN r ON l.k = r.k LEFT JOIN r AS s ON s.g = l.g AND s.v > 5;

SELECT l.id, r.id, s.id FROM l JOIN r ON l.k = r.k FULL JOIN l AS s ON s.g = r.g;

SELECT l.id, s.n FROM l LEFT JOIN (SELECT k, count(*) AS n FROM r GROUP BY k) AS s ON s.k = l.k;

SELECT l.id, s.n FROM l LEFT JOIN (SELECT k, count(*) AS n FROM r GROUP BY k) AS s ON s.k IS NOT DISTINCT FROM l.k;

SELECT l.id, s.one FROM l LEFT JOIN (SELECT k, 1 AS one FROM r) AS s ON s.k = l.k WHERE s.one IS NULL;

SELECT l.id, COALESCE(s.one, 0) AS c FROM l LEFT JOIN (SELECT DISTINCT k, 1 AS one FROM r) AS s ON s.k = l.k;

-- aggregates over them
SELECT count(*), count(l.id), count(r.id), sum(r.v) FROM l FULL JOIN r ON l.k = r.k;

SELECT l.g, count(*), count(r.id), sum(r.v) FROM l LEFT JOIN r ON l.k = r.k GROUP BY l.g;

SELECT r.g, count(*), max(l.id) FROM l RIGHT JOIN r ON l.k = r.k GROUP BY r.g HAVING count(l.id) < 2;

SELECT DISTINCT r.v FROM l LEFT JOIN r ON l.k = r.k;

SELECT l.id, r.v FROM l LEFT JOIN r ON l.k = r.k ORDER BY r.v NULLS FIRST, l.id, r.id LIMIT 3;

SELECT l.id, r.v FROM l LEFT JOIN r ON l.k = r.k ORDER BY r.v DESC NULLS LAST, l.id, r.id;

-- beside keys of which NULL is equal to NULL, others of which it is not
SELECT l.id, r.id FROM l JOIN r ON l.k IS NOT DISTINCT FROM r.k WHERE l.g = r.g;

SELECT l.id, r.id FROM l LEFT JOIN r ON l.k IS NOT DISTINCT FROM r.k WHERE l.g = r.g;

-- a constant of the side that may have no row is no constant of the rows
SELECT l.id, s.one FROM l LEFT JOIN (SELECT DISTINCT k, 1 AS one FROM r WHERE k IS NOT NULL) AS s ON s.k = l.k ORDER BY s.one NULLS LAST, l.id DESC;

SELECT l.id FROM l LEFT JOIN (SELECT DISTINCT k, 1 AS one FROM r WHERE k IS NOT NULL) AS s ON s.k = l.k ORDER BY s.one IS NULL, l.id DESC;
