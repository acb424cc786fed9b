-- Paths of documents where a value of a column may stand: NULL, subqueries, joins, sets, windows.
-- engine: duckdb

-- only: dodb
INSERT INTO things (id, type, data) VALUES ('a', 'User', '{"age":30,"city":"Rome","boss":"b","score":1.5}'),
  ('b', 'User', '{"age":41,"city":"Oslo","score":2.5}'), ('c', 'User', '{"age":30,"boss":"b"}'),
  ('d', 'User', '{"city":"Rome","boss":"a","score":null}'), ('e', 'Team', '{"city":"Rome"}'),
  ('f', 'Team', '{"age":3,"city":"Oslo","score":-1.25}'), ('g', 'Team', '{}');

-- only: duckdb
CREATE TABLE things (id VARCHAR, type VARCHAR, data STRUCT(age BIGINT, city VARCHAR, boss VARCHAR, score DOUBLE));

-- only: duckdb
INSERT INTO things VALUES ('a', 'User', {'age': 30, 'city': 'Rome', 'boss': 'b', 'score': 1.5}),
  ('b', 'User', {'age': 41, 'city': 'Oslo', 'boss': NULL, 'score': 2.5}),
  ('c', 'User', {'age': 30, 'city': NULL, 'boss': 'b', 'score': NULL}),
  ('d', 'User', {'age': NULL, 'city': 'Rome', 'boss': 'a', 'score': NULL}),
  ('e', 'Team', {'age': NULL, 'city': 'Rome', 'boss': NULL, 'score': NULL}),
  ('f', 'Team', {'age': 3, 'city': 'Oslo', 'boss': NULL, 'score': -1.25}),
  ('g', 'Team', {'age': NULL, 'city': NULL, 'boss': NULL, 'score': NULL});

CREATE TABLE ages (age BIGINT, city VARCHAR);

INSERT INTO ages VALUES (30, 'Rome'), (NULL, 'Oslo'), (3, NULL);

SELECT id FROM things WHERE data.age NOT IN (30, NULL);

SELECT id FROM things WHERE data.age NOT IN (30, 3);

SELECT id FROM things WHERE NOT (data.city IN ('Rome', 'Bern'));

SELECT id, data.age IN (30, NULL) AS found, data.age NOT IN (30, 41) AS lost FROM things ORDER BY id;

SELECT id FROM things WHERE (data.age IN (3, NULL)) IS NULL;

SELECT id FROM things WHERE data.age IN (SELECT age FROM ages);

SELECT id FROM things WHERE data.age NOT IN (SELECT age FROM ages);

SELECT id FROM things WHERE data.age NOT IN (SELECT age FROM ages WHERE age IS NOT NULL);

SELECT id, data.age NOT IN (SELECT age FROM ages) AS lost FROM things ORDER BY id;

SELECT age, age IN (SELECT data.age FROM things) AS found FROM ages;

SELECT age FROM ages WHERE age NOT IN (SELECT data.age FROM things WHERE type = 'Team');

SELECT id FROM things WHERE id NOT IN (SELECT data.boss FROM things);

SELECT id FROM things WHERE id NOT IN (SELECT data.boss FROM things WHERE data.boss IS NOT NULL);

SELECT id FROM things WHERE id IN (SELECT data.boss FROM things);

-- by the row outside
SELECT id, (SELECT count(*) FROM things AS x WHERE x.data.boss = t.id) AS n FROM things AS t ORDER BY id;

SELECT id, EXISTS (SELECT 1 FROM things AS x WHERE x.data.boss = t.id) AS boss FROM things AS t ORDER BY id;

SELECT id FROM things AS t WHERE NOT EXISTS (SELECT 1 FROM things AS x WHERE x.data.boss = t.id AND x.data.age > 29);

SELECT id, (SELECT max(x.data.age) FROM things AS x WHERE x.type = t.type) AS n FROM things AS t ORDER BY id;

-- refused: Nested identifiers are not yet supported for OuterReferenceColumn
SELECT id, (SELECT count(*) FROM things AS x WHERE x.data.age < t.data.age) AS n FROM things AS t ORDER BY id;

-- refused: Nested identifiers are not yet supported for OuterReferenceColumn
SELECT id, (SELECT x.data.city FROM things AS x WHERE x.id = t.data.boss) AS city FROM things AS t ORDER BY id;

-- refused: Nested identifiers are not yet supported for OuterReferenceColumn
SELECT id FROM things AS t WHERE data.age > (SELECT avg(x.data.age) FROM things AS x WHERE x.data.city = t.data.city);

SELECT age, (SELECT count(*) FROM things AS x WHERE x.data.age = ages.age) AS n FROM ages;

SELECT city, (SELECT sum(x.data.score) FROM things AS x WHERE x.data.city = ages.city AND x.data.age <> ages.age) AS s FROM ages;

-- joins
SELECT t.id, x.id FROM things AS t JOIN things AS x ON t.data.boss = x.id;

SELECT t.id, x.id FROM things AS t LEFT JOIN things AS x ON t.data.boss = x.id AND x.data.age > 35;

SELECT t.id, a.city FROM things AS t FULL JOIN ages AS a ON t.data.age = a.age;

SELECT t.id, x.id FROM things AS t JOIN things AS x ON t.data.age = x.data.age AND t.id < x.id;

SELECT t.id, a.age FROM things AS t JOIN ages AS a ON t.data.city IS NOT DISTINCT FROM a.city;

-- sets and groups
SELECT data.age FROM things EXCEPT SELECT age FROM ages;

SELECT data.age FROM things EXCEPT ALL SELECT age FROM ages;

SELECT data.age FROM things INTERSECT ALL SELECT age FROM ages;

SELECT data.city FROM things UNION SELECT city FROM ages;

SELECT data.city AS city, count(*), count(data.age), sum(data.age) FROM things GROUP BY city;

SELECT type, data.city AS city, count(*) FROM things GROUP BY ROLLUP (type, data.city);

SELECT data.city AS city, max(data.age) FROM things GROUP BY data.city HAVING max(data.age) NOT IN (30, NULL);

SELECT count(DISTINCT data.age), count(DISTINCT data.city), count(data.score), min(data.score), max(data.score) FROM things;

SELECT count(data.age), min(data.age), max(data.age) FROM things WHERE data.age > 1000;

-- windows, CASE, ORDER BY
SELECT id, lag(data.age) IGNORE NULLS OVER (ORDER BY id) AS x FROM things ORDER BY id;

SELECT id, rank() OVER (PARTITION BY type ORDER BY data.age DESC NULLS LAST) AS r FROM things ORDER BY id;

SELECT id, CASE WHEN data.age > 30 THEN 'old' WHEN data.age <= 30 THEN 'young' ELSE 'unknown' END FROM things ORDER BY id;

SELECT id, NULLIF(data.city, 'Rome') AS x, COALESCE(data.age, -1) AS y FROM things ORDER BY id;

SELECT id FROM things ORDER BY data.score NULLS FIRST, id;

SELECT id FROM things ORDER BY data.age DESC NULLS LAST, data.city NULLS LAST, id LIMIT 4;

-- changes
DELETE FROM things WHERE data.age NOT IN (30, NULL);

SELECT count(*) FROM things;

DELETE FROM things WHERE data.age = 41;

SELECT count(*), count(data.age), min(data.age), max(data.age), max(data.score) FROM things;

-- a path that no document has
-- only: dodb
DELETE FROM things WHERE data.nope = 1;

SELECT count(*) FROM things;

-- only: dodb
UPDATE things SET type = 'Lost' WHERE data.nope > 5;

SELECT type, count(*) FROM things GROUP BY type;

DELETE FROM things WHERE id IN (SELECT data.boss FROM things);

SELECT id FROM things ORDER BY id;

UPDATE things SET type = 'Roman' WHERE data.city = 'Rome' AND data.age IS NULL;

SELECT type, count(*) FROM things GROUP BY type;

DELETE FROM things WHERE data.city IS NOT NULL;

SELECT count(*), count(data.city), min(data.age), max(data.score) FROM things;

DELETE FROM things WHERE true;

SELECT count(*), count(data.age), min(data.age), max(data.city) FROM things;
