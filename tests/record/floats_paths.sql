-- Numbers of documents: 0.0 and -0.0 are one value in conditions, counts, groups, sets, order, joins.
-- engine: duckdb

-- only: dodb
CREATE TABLE d (id Int64, doc JSON);

-- only: dodb
INSERT INTO d VALUES (1, '{"x":0.0,"y":1.5}'), (2, '{"x":-0.0,"y":-0.0}'), (3, '{"x":1.5,"y":0.0}'), (4, '{"x":-1.5,"y":-0.0}'), (5, '{"y":0.5}'), (6, '{"x":-0.0,"y":0.5}'), (7, '{"x":1.5,"y":2.5}');

-- only: duckdb
CREATE TABLE d (id BIGINT, doc STRUCT(x DOUBLE, y DOUBLE));

-- only: duckdb
INSERT INTO d VALUES (1, {'x': 0.0, 'y': 1.5}), (2, {'x': '-0.0'::DOUBLE, 'y': '-0.0'::DOUBLE}), (3, {'x': 1.5, 'y': 0.0}), (4, {'x': -1.5, 'y': '-0.0'::DOUBLE}), (5, {'x': NULL, 'y': 0.5}), (6, {'x': '-0.0'::DOUBLE, 'y': 0.5}), (7, {'x': 1.5, 'y': 2.5});

-- only: duckdb
CREATE TABLE e (k BIGINT, z DOUBLE);

-- only: dodb
CREATE TABLE e (k Int64, z Float64);

INSERT INTO e VALUES (1, '-0.0'), (2, 1.5), (3, NULL);

SELECT id FROM d WHERE doc.x = 0;

SELECT id FROM d WHERE doc.x = CAST('-0.0' AS DOUBLE);

SELECT id FROM d WHERE doc.x = 1.5;

SELECT id FROM d WHERE doc.x < 0;

SELECT id FROM d WHERE doc.x <= 0;

SELECT id FROM d WHERE doc.x > CAST('-0.0' AS DOUBLE);

SELECT id FROM d WHERE doc.x >= 0;

SELECT id FROM d WHERE doc.x <> 0;

SELECT id FROM d WHERE NOT (doc.x = 0);

SELECT id FROM d WHERE doc.x IN (0, 7, 8, 9);

SELECT id FROM d WHERE doc.x NOT IN (0, 7, 8, 9);

SELECT id FROM d WHERE doc.x BETWEEN 0 AND 1;

SELECT id FROM d WHERE doc.x NOT BETWEEN 0 AND 1;

SELECT id FROM d WHERE doc.x = 0 AND doc.y = 0;

SELECT id FROM d WHERE doc.x = doc.y;

SELECT id FROM d WHERE doc.x < doc.y;

SELECT id FROM d WHERE doc.y >= doc.x;

SELECT count(*) FROM d WHERE doc.x = 0;

SELECT count(*) FROM d WHERE doc.x < 0;

SELECT count(*) FROM d WHERE doc.x = 0 AND doc.y > 0;

-- groups and sets
SELECT abs(doc.x) AS a, count(*) FROM d GROUP BY a;

SELECT count(*) AS c, sum(id) AS s FROM d GROUP BY doc.x;

SELECT count(*) AS c FROM d GROUP BY doc.x;

SELECT count(*) AS c FROM d GROUP BY doc.y;

SELECT count(*) AS c FROM d WHERE doc.x >= 0 GROUP BY doc.x;

SELECT count(*) FROM (SELECT DISTINCT doc.x FROM d) AS s;

SELECT count(DISTINCT doc.x), count(DISTINCT doc.y) FROM d;

SELECT count(*) FROM (SELECT doc.x FROM d UNION SELECT doc.y FROM d) AS s;

SELECT min(doc.x), max(doc.x), count(doc.x) FROM d;

SELECT min(doc.x) = 0 AS a, max(doc.x) FROM d WHERE doc.x >= 0;

-- order and windows
SELECT id FROM d ORDER BY doc.x NULLS LAST, id;

SELECT id FROM d ORDER BY doc.x DESC NULLS LAST, id;

SELECT id FROM d ORDER BY doc.x NULLS LAST, id DESC LIMIT 3;

SELECT id FROM d ORDER BY doc.x NULLS FIRST, id LIMIT 3;

SELECT id, rank() OVER (ORDER BY doc.x NULLS LAST) AS r FROM d ORDER BY id;

SELECT id, count(*) OVER (PARTITION BY doc.x) AS n FROM d ORDER BY id;

-- joins
SELECT d.id, e.k FROM d JOIN e ON d.doc.x = e.z;

SELECT d.id, e.k FROM d JOIN e ON d.doc.x < e.z;

SELECT id FROM d WHERE doc.x IN (SELECT z FROM e);

SELECT k FROM e WHERE z IN (SELECT doc.x FROM d);
