-- IN and NOT IN with lists that have NULLs, as values and as conditions.
-- engine: duckdb

CREATE TABLE t (id BIGINT, a BIGINT, b BIGINT, s VARCHAR);

INSERT INTO t VALUES (1, 1, 10, 'x'), (2, 2, 20, 'y'), (3, NULL, 30, 'x'), (4, 2, NULL, NULL),
  (5, NULL, NULL, 'z'), (6, 1, 10, 'x'), (7, 4, 40, 'w');

SELECT NULL IN (1, 2), 1 IN (1, NULL), 2 IN (1, NULL), NULL IN (NULL), 1 IN (1), 2 IN (1);

SELECT NULL NOT IN (1, 2), 1 NOT IN (1, NULL), 2 NOT IN (1, NULL), NULL NOT IN (NULL), 2 NOT IN (1);

SELECT (1 IN (NULL)) IS NULL, (1 NOT IN (NULL)) IS NULL, NOT (1 IN (2, NULL)), NOT (1 IN (1, NULL));

-- as values
SELECT id, a IN (1, 2), a NOT IN (1, 2), NOT (a IN (1, 2)), NOT (a NOT IN (1, 2)) FROM t ORDER BY id;

SELECT id, a IN (1, NULL), a NOT IN (1, NULL), NOT (a IN (1, NULL)), NOT (a NOT IN (1, NULL)) FROM t ORDER BY id;

SELECT id, a IN (NULL), a NOT IN (NULL), NOT (a IN (NULL)), NOT (a NOT IN (NULL)) FROM t ORDER BY id;

SELECT id, a IN (7, 8, NULL), a NOT IN (7, 8, NULL), NOT (a IN (7, 8, NULL)), NOT (a NOT IN (7, 8, NULL)) FROM t ORDER BY id;

SELECT id, a IN (7, 8), a NOT IN (7, 8), NOT (a IN (7, 8)), NOT (a NOT IN (7, 8)) FROM t ORDER BY id;

-- of what the values are, and what they are not
SELECT id, (a IN (1, 2)) IS NULL, (a NOT IN (1, 2)) IS NOT NULL, (a IN (1, 2)) IS TRUE,
  (a IN (1, 2)) IS FALSE, (a NOT IN (1, 2)) IS NOT TRUE FROM t ORDER BY id;

SELECT id, (a IN (1, NULL)) IS NULL, (a NOT IN (1, NULL)) IS NOT NULL, (a IN (1, NULL)) IS TRUE,
  (a IN (1, NULL)) IS FALSE, (a NOT IN (1, NULL)) IS NOT TRUE FROM t ORDER BY id;

SELECT id, (a IN (NULL)) IS NULL, (a NOT IN (NULL)) IS NOT NULL, (a IN (NULL)) IS TRUE,
  (a IN (NULL)) IS FALSE, (a NOT IN (NULL)) IS NOT TRUE FROM t ORDER BY id;

SELECT id, (a IN (7, 8, NULL)) IS NULL, (a NOT IN (7, 8, NULL)) IS NOT NULL, (a IN (7, 8, NULL)) IS TRUE,
  (a IN (7, 8, NULL)) IS FALSE, (a NOT IN (7, 8, NULL)) IS NOT TRUE FROM t ORDER BY id;

-- as conditions
SELECT id FROM t WHERE a IN (1, 2);

SELECT id FROM t WHERE a NOT IN (1, 2);

SELECT id FROM t WHERE a IN (1, NULL);

SELECT id FROM t WHERE a NOT IN (1, NULL);

SELECT id FROM t WHERE a IN (NULL);

SELECT id FROM t WHERE a NOT IN (NULL);

SELECT id FROM t WHERE a IN (7, 8, NULL);

SELECT id FROM t WHERE a NOT IN (7, 8, NULL);

SELECT id FROM t WHERE a IN (7, 8);

SELECT id FROM t WHERE a NOT IN (7, 8);

SELECT id FROM t WHERE NOT (a IN (1, NULL));

SELECT id FROM t WHERE NOT (a NOT IN (1, NULL));

SELECT id FROM t WHERE (a IN (1, NULL)) IS NULL;

SELECT id FROM t WHERE a NOT IN (1, NULL) OR b = 30;

SELECT id FROM t WHERE NOT (a NOT IN (1, NULL) AND b > 0);

SELECT id FROM t WHERE NOT (a IN (NULL));

SELECT id FROM t WHERE NOT (a NOT IN (NULL));

SELECT id FROM t WHERE (a IN (NULL)) IS NULL;

SELECT id FROM t WHERE a NOT IN (NULL) OR b = 30;

SELECT id FROM t WHERE NOT (a NOT IN (NULL) AND b > 0);

SELECT id FROM t WHERE NOT (a IN (7, 8, NULL));

SELECT id FROM t WHERE NOT (a NOT IN (7, 8, NULL));

SELECT id FROM t WHERE (a IN (7, 8, NULL)) IS NULL;

SELECT id FROM t WHERE a NOT IN (7, 8, NULL) OR b = 30;

SELECT id FROM t WHERE NOT (a NOT IN (7, 8, NULL) AND b > 0);

-- where a column is the list
SELECT id, 1 IN (a, b), 10 IN (a, b), 10 NOT IN (a, b), NULL IN (a, b) FROM t ORDER BY id;

SELECT id FROM t WHERE 10 NOT IN (a, b);

SELECT id FROM t WHERE NOT (2 IN (a, b, NULL));

SELECT id FROM t WHERE a IN (a);

SELECT id FROM t WHERE a NOT IN (a);

SELECT id FROM t WHERE a + 1 IN (b / 10, id);

SELECT id FROM t WHERE a IN (id, b - 8) AND b NOT IN (id, 20);

-- texts
SELECT id, s IN ('x', NULL), s NOT IN ('x', NULL), s NOT IN ('x', 'y') FROM t ORDER BY id;

SELECT id FROM t WHERE s NOT IN ('x', 'z');

SELECT id FROM t WHERE s NOT IN ('x', NULL);

SELECT id FROM t WHERE upper(s) IN ('X', 'Z', NULL);

-- in CASE, ORDER BY, aggregates, GROUP BY and HAVING
SELECT id, CASE WHEN a IN (1, NULL) THEN 'in' WHEN a NOT IN (1, NULL) THEN 'out' ELSE 'unknown' END
  FROM t ORDER BY id;

SELECT id, CASE a IN (1, 2) WHEN true THEN 1 WHEN false THEN 0 END FROM t ORDER BY id;

SELECT id, CASE a NOT IN (1, NULL) WHEN true THEN 1 WHEN false THEN 0 ELSE -1 END FROM t ORDER BY id;

SELECT id FROM t ORDER BY a IN (1, NULL) DESC NULLS LAST, id DESC;

SELECT id FROM t ORDER BY a NOT IN (1, 4) NULLS FIRST, id;

SELECT count(*), count(a IN (1, NULL)), count(a NOT IN (1, NULL)), count(a IN (1, 2)) FROM t;

SELECT sum(CASE WHEN a NOT IN (1, NULL) THEN 1 ELSE 0 END), sum(CASE WHEN a IN (1) THEN b END) FROM t;

SELECT bool_or(a IN (4, NULL)), bool_and(a NOT IN (7)), bool_or(a NOT IN (1, NULL)) FROM t;

SELECT a IN (1, NULL) AS found, count(*) FROM t GROUP BY found;

SELECT a NOT IN (1, 2) AS out, count(*), count(b) FROM t GROUP BY out;

SELECT s, count(*) FROM t GROUP BY s HAVING count(*) NOT IN (1, 4);

SELECT s, max(a) FROM t GROUP BY s HAVING max(a) NOT IN (1, NULL);

SELECT s, max(a) FROM t GROUP BY s HAVING (max(a) IN (1, NULL)) IS NULL;

SELECT s, min(b) FROM t GROUP BY s HAVING NOT (min(b) IN (10, 20));

-- a value that is NULL for every row, though no column is
SELECT id FROM t WHERE NULLIF(id, id) NOT IN (1, 2);

SELECT id FROM t WHERE NULLIF(id, id) IN (1, NULL);

SELECT id FROM t WHERE CASE WHEN id > 100 THEN 1 END NOT IN (1, 2);

SELECT id FROM t WHERE (NULLIF(id, 3) NOT IN (1, 2)) IS NULL;

SELECT count(*) FROM t WHERE NOT (CAST(NULL AS BIGINT) IN (1, 2));
