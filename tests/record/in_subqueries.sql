-- IN and NOT IN with subqueries, NULL on either side: of constants, of columns, by the row outside.
-- engine: duckdb

CREATE TABLE o (id BIGINT, a BIGINT, g VARCHAR);

INSERT INTO o VALUES (1, 1, 'x'), (2, 2, 'y'), (3, NULL, 'x'), (4, 3, NULL), (5, NULL, NULL),
  (6, 2, 'z'), (7, 1, 'y');

-- k has NULLs and duplicates, some of its groups do not; nothing is all NULL, empty has no rows
CREATE TABLE i (k BIGINT, g VARCHAR);

INSERT INTO i VALUES (1, 'x'), (NULL, 'x'), (2, 'y'), (2, 'y'), (5, NULL), (3, 'z');

CREATE TABLE nothing (k BIGINT);

INSERT INTO nothing VALUES (NULL), (NULL);

CREATE TABLE empty (k BIGINT);

CREATE TABLE whole (k BIGINT NOT NULL);

INSERT INTO whole VALUES (1), (3), (3);

-- a column as a condition
SELECT id FROM o WHERE a IN (SELECT k FROM i);

SELECT id FROM o WHERE a NOT IN (SELECT k FROM i);

SELECT id FROM o WHERE NOT (a IN (SELECT k FROM i));

SELECT id FROM o WHERE a IN (SELECT k FROM nothing);

SELECT id FROM o WHERE a NOT IN (SELECT k FROM nothing);

SELECT id FROM o WHERE NOT (a IN (SELECT k FROM nothing));

SELECT id FROM o WHERE a IN (SELECT k FROM empty);

SELECT id FROM o WHERE a NOT IN (SELECT k FROM empty);

SELECT id FROM o WHERE NOT (a IN (SELECT k FROM empty));

SELECT id FROM o WHERE a IN (SELECT k FROM whole);

SELECT id FROM o WHERE a NOT IN (SELECT k FROM whole);

SELECT id FROM o WHERE NOT (a IN (SELECT k FROM whole));

SELECT id FROM o WHERE a IN (SELECT k FROM i WHERE k IS NOT NULL);

SELECT id FROM o WHERE a NOT IN (SELECT k FROM i WHERE k IS NOT NULL);

SELECT id FROM o WHERE NOT (a IN (SELECT k FROM i WHERE k IS NOT NULL));

-- NOT of NOT IN, IS NULL of them, and with other conditions
SELECT id FROM o WHERE (a IN (SELECT k FROM i)) IS NULL;

SELECT id FROM o WHERE NOT (a NOT IN (SELECT k FROM i));

SELECT id FROM o WHERE (a IN (SELECT k FROM nothing)) IS NULL;

SELECT id FROM o WHERE NOT (a NOT IN (SELECT k FROM nothing));

SELECT id FROM o WHERE (a IN (SELECT k FROM empty)) IS NULL;

SELECT id FROM o WHERE NOT (a NOT IN (SELECT k FROM empty));

SELECT id FROM o WHERE (a IN (SELECT k FROM whole)) IS NULL;

SELECT id FROM o WHERE NOT (a NOT IN (SELECT k FROM whole));

SELECT id FROM o WHERE (a NOT IN (SELECT k FROM i)) IS NOT NULL;

SELECT id FROM o WHERE (a IN (SELECT k FROM whole)) IS NOT TRUE;

SELECT id FROM o WHERE (a IN (SELECT k FROM i)) IS FALSE;

SELECT id FROM o WHERE a NOT IN (SELECT k FROM i) OR g = 'x';

SELECT id FROM o WHERE a IN (SELECT k FROM i) OR a IS NULL;

SELECT id FROM o WHERE NOT (a IN (SELECT k FROM whole) OR g = 'y');

SELECT id FROM o WHERE NOT (a IN (SELECT k FROM i) AND g = 'y');

SELECT id FROM o WHERE a IN (SELECT k FROM whole) AND a NOT IN (SELECT k FROM i WHERE g = 'y');

SELECT id FROM o WHERE (a IN (SELECT k FROM whole)) = (g = 'x');

SELECT id FROM o WHERE a IN (SELECT k FROM whole) AND id <> 1 AND a NOT IN (SELECT k FROM nothing);

-- constants
SELECT count(*) FROM o WHERE 3 IN (SELECT k FROM i WHERE g = 'x');

SELECT count(*) FROM o WHERE 3 NOT IN (SELECT k FROM i WHERE g = 'x');

SELECT count(*) FROM o WHERE 3 IN (SELECT k FROM whole);

SELECT count(*) FROM o WHERE 3 NOT IN (SELECT k FROM whole);

SELECT count(*) FROM o WHERE 3 IN (SELECT k FROM empty);

SELECT count(*) FROM o WHERE 3 NOT IN (SELECT k FROM empty);

SELECT count(*) FROM o WHERE 4 IN (SELECT k FROM i WHERE g = 'x');

SELECT count(*) FROM o WHERE 4 NOT IN (SELECT k FROM i WHERE g = 'x');

SELECT count(*) FROM o WHERE 4 IN (SELECT k FROM whole);

SELECT count(*) FROM o WHERE 4 NOT IN (SELECT k FROM whole);

SELECT count(*) FROM o WHERE 4 IN (SELECT k FROM empty);

SELECT count(*) FROM o WHERE 4 NOT IN (SELECT k FROM empty);

SELECT count(*) FROM o WHERE NULL IN (SELECT k FROM i WHERE g = 'x');

SELECT count(*) FROM o WHERE NULL NOT IN (SELECT k FROM i WHERE g = 'x');

SELECT count(*) FROM o WHERE NULL IN (SELECT k FROM whole);

SELECT count(*) FROM o WHERE NULL NOT IN (SELECT k FROM whole);

SELECT count(*) FROM o WHERE NULL IN (SELECT k FROM empty);

SELECT count(*) FROM o WHERE NULL NOT IN (SELECT k FROM empty);

SELECT count(*) FROM o WHERE NOT (3 IN (SELECT k FROM i WHERE g = 'x'));

SELECT count(*) FROM o WHERE (3 IN (SELECT k FROM i WHERE g = 'x')) IS NULL;

SELECT 3 IN (SELECT k FROM i), 4 IN (SELECT k FROM i), 4 NOT IN (SELECT k FROM i), 4 NOT IN (SELECT k FROM empty),
  NULL IN (SELECT k FROM empty), NULL NOT IN (SELECT k FROM whole);

-- values that are NULL though no column is
SELECT id FROM o WHERE NULLIF(id, id) NOT IN (SELECT k FROM whole);

SELECT id FROM o WHERE NULLIF(id, id) NOT IN (SELECT k FROM empty);

SELECT id FROM o WHERE NULLIF(id, 3) NOT IN (SELECT k FROM whole);

SELECT id FROM o WHERE CASE WHEN id > 100 THEN 1 END NOT IN (SELECT k FROM whole);

SELECT id FROM o WHERE CAST(NULL AS BIGINT) NOT IN (SELECT k FROM whole);

SELECT id FROM o WHERE id NOT IN (SELECT NULLIF(k, 3) FROM whole);

SELECT id FROM o WHERE a + 1 IN (SELECT k - 1 FROM i);

SELECT id FROM o WHERE a + 1 NOT IN (SELECT k FROM i WHERE g IS NOT NULL AND k IS NOT NULL);

-- as values
SELECT id, a IN (SELECT k FROM i) AS found FROM o ORDER BY id;

SELECT id, a NOT IN (SELECT k FROM i) AS lost FROM o ORDER BY id;

SELECT id, a IN (SELECT k FROM nothing) AS found FROM o ORDER BY id;

SELECT id, a NOT IN (SELECT k FROM nothing) AS lost FROM o ORDER BY id;

SELECT id, a IN (SELECT k FROM empty) AS found FROM o ORDER BY id;

SELECT id, a NOT IN (SELECT k FROM empty) AS lost FROM o ORDER BY id;

SELECT id, a IN (SELECT k FROM whole) AS found FROM o ORDER BY id;

SELECT id, a NOT IN (SELECT k FROM whole) AS lost FROM o ORDER BY id;

SELECT id, a IN (SELECT k FROM i WHERE k IS NOT NULL) AS found FROM o ORDER BY id;

SELECT id, a NOT IN (SELECT k FROM i WHERE k IS NOT NULL) AS lost FROM o ORDER BY id;

SELECT id, NOT (a IN (SELECT k FROM i)) AS lost, (a IN (SELECT k FROM i)) IS NULL AS unknown FROM o ORDER BY id;

-- by the row outside
SELECT id FROM o WHERE a IN (SELECT k FROM i WHERE i.g = o.g);

SELECT id FROM o WHERE a NOT IN (SELECT k FROM i WHERE i.g = o.g);

SELECT id FROM o WHERE 3 IN (SELECT k FROM i WHERE i.g = o.g);

SELECT id FROM o WHERE 3 NOT IN (SELECT k FROM i WHERE i.g = o.g);

SELECT id FROM o WHERE NOT (3 IN (SELECT k FROM i WHERE i.g = o.g));

SELECT id FROM o WHERE (a IN (SELECT k FROM i WHERE i.g = o.g)) IS NULL;

SELECT id FROM o WHERE a NOT IN (SELECT k FROM i WHERE i.k = o.a);

SELECT id FROM o WHERE a IN (SELECT k FROM i WHERE i.k > o.id);

SELECT id FROM o WHERE a NOT IN (SELECT k FROM i WHERE i.k > o.id);

SELECT id FROM o WHERE a NOT IN (SELECT k FROM i WHERE i.k <> o.a);

SELECT id FROM o WHERE a NOT IN (SELECT k + o.id FROM i WHERE i.g = o.g);

SELECT id FROM o WHERE id IN (SELECT k + o.a FROM i);

SELECT id, a IN (SELECT k FROM i WHERE i.g = o.g) AS found FROM o ORDER BY id;

SELECT id, a NOT IN (SELECT k FROM i WHERE i.g = o.g) AS lost FROM o ORDER BY id;

SELECT id, a NOT IN (SELECT k FROM i WHERE i.k < o.id) AS lost FROM o ORDER BY id;

SELECT id FROM o WHERE 0 IN (SELECT count(*) FROM i WHERE i.g = o.g);

SELECT id FROM o WHERE 0 NOT IN (SELECT count(*) FROM i WHERE i.g = o.g);

SELECT id FROM o WHERE 2 IN (SELECT count(k) FROM i WHERE i.g = o.g);

SELECT id FROM o WHERE a IN (SELECT max(k) FROM i WHERE i.g = o.g);

SELECT id FROM o WHERE a NOT IN (SELECT min(k) FROM i WHERE i.g = o.g);

SELECT id FROM o WHERE a IN (SELECT k FROM i WHERE i.g = o.g GROUP BY k HAVING count(*) > 1);

SELECT id FROM o WHERE a IN (SELECT k FROM i WHERE i.g = o.g ORDER BY k NULLS LAST LIMIT 1);

SELECT id FROM o WHERE a NOT IN (SELECT k FROM i WHERE i.g = o.g UNION ALL SELECT k FROM whole);

-- in CASE, ORDER BY, aggregates, GROUP BY, HAVING, joins
SELECT id, CASE WHEN a IN (SELECT k FROM whole) THEN 'in' WHEN a NOT IN (SELECT k FROM whole) THEN 'out'
  ELSE 'unknown' END FROM o ORDER BY id;

SELECT id, CASE WHEN a NOT IN (SELECT k FROM i) THEN 'out' ELSE 'in or unknown' END FROM o ORDER BY id;

SELECT id, CASE WHEN a IN (SELECT k FROM i WHERE i.g = o.g) THEN 1 ELSE 0 END FROM o ORDER BY id;

SELECT id FROM o ORDER BY a IN (SELECT k FROM whole) DESC NULLS LAST, id;

SELECT id FROM o ORDER BY a NOT IN (SELECT k FROM i) NULLS FIRST, id DESC;

SELECT count(*), count(a IN (SELECT k FROM i)), count(a NOT IN (SELECT k FROM whole)) FROM o;

SELECT sum(CASE WHEN a IN (SELECT k FROM whole) THEN 1 ELSE 0 END) FROM o;

SELECT g, sum(CASE WHEN a NOT IN (SELECT k FROM whole) THEN id ELSE 0 END) FROM o GROUP BY g;

SELECT a IN (SELECT k FROM whole) AS found, count(*) FROM o GROUP BY found;

SELECT g, count(*) FROM o GROUP BY g HAVING count(*) IN (SELECT k FROM whole);

SELECT g, max(a) FROM o GROUP BY g HAVING max(a) NOT IN (SELECT k FROM i);

SELECT g, max(a) FROM o GROUP BY g HAVING max(a) NOT IN (SELECT k FROM whole);

SELECT x.id, y.id FROM o AS x JOIN o AS y ON x.a = y.a AND x.id < y.id WHERE x.a IN (SELECT k FROM whole);

SELECT x.id, y.k FROM o AS x LEFT JOIN i AS y ON x.a = y.k WHERE y.k NOT IN (SELECT k FROM whole);

SELECT x.id, y.k FROM o AS x JOIN i AS y ON x.a = y.k AND y.k IN (SELECT k FROM whole);

-- two columns at once
-- refused: Too many columns
SELECT id FROM o WHERE (a, g) IN (SELECT k, g FROM i);

-- refused: Too many columns
SELECT id FROM o WHERE (a, g) IN (SELECT k, g FROM i WHERE k > 1);

-- nested
SELECT id FROM o WHERE a IN (SELECT k FROM i WHERE k IN (SELECT k FROM whole));

SELECT id FROM o WHERE a NOT IN (SELECT k FROM i WHERE k NOT IN (SELECT k FROM whole));

SELECT id FROM o WHERE a NOT IN (SELECT k FROM whole WHERE k NOT IN (SELECT k FROM i));

SELECT id FROM o WHERE a IN (SELECT k FROM i WHERE i.g = o.g AND k NOT IN (SELECT k FROM whole WHERE k > 1));
