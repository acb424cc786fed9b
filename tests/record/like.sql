-- LIKE: patterns and their escapes, over literals and columns, and where they are refused.
-- engine: chdb
CREATE TABLE p (id Int64, s String, q String);

INSERT INTO p VALUES (1, '50%', '50\\%'), (2, '500', '50\\%'), (3, 'a_b', 'a\\_b'), (4, 'axb', 'a\\_b'), (5, 'c:\\dir', 'c:\\\\%'), (6, 'a\\b', 'a\\\\b'), (7, 'line\nbreak', 'line%k'), (8, 'ÄÖ', 'ä_'), (9, 'a\\xb', 'a\\xb'), (10, '', ''), (11, 'x', '%'), (12, '日本', '__'), (13, '😀', '_'), (14, '\\', '\\\\'), (15, 'a\\_b', 'a\\\\\\_b'), (16, '%', '\\%');

SELECT id FROM p WHERE s LIKE '50%' ORDER BY id;

SELECT id FROM p WHERE s LIKE '50\%' ORDER BY id;

SELECT id FROM p WHERE s LIKE '50\\%' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a_b' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a\_b' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a\_b%' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a\\\_%' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a\\\\\\_%' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'c:\\\\%' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'c:\\%' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a\\b' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a\\\\b' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a\\x_' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a\x78b' ORDER BY id;

SELECT id FROM p WHERE s LIKE '\\\\' ORDER BY id;

SELECT id FROM p WHERE s LIKE '%\\\\%' ORDER BY id;

SELECT id FROM p WHERE s LIKE '\%' ORDER BY id;

SELECT id FROM p WHERE s LIKE '%\%' ORDER BY id;

SELECT id FROM p WHERE s LIKE '' ORDER BY id;

SELECT id FROM p WHERE s LIKE '%' ORDER BY id;

SELECT id FROM p WHERE s LIKE '%%' ORDER BY id;

SELECT id FROM p WHERE s LIKE '_' ORDER BY id;

SELECT id FROM p WHERE s LIKE '__' ORDER BY id;

SELECT id FROM p WHERE s LIKE '_%_' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'line%' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'line_break' ORDER BY id;

SELECT id FROM p WHERE s LIKE '%e_b%' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'x' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'X' ORDER BY id;

SELECT id FROM p WHERE s ILIKE 'X' ORDER BY id;

SELECT id FROM p WHERE s ILIKE 'äö' ORDER BY id;

SELECT id FROM p WHERE s ILIKE 'A\_B' ORDER BY id;

SELECT id FROM p WHERE s NOT LIKE '%\\%%' ORDER BY id;

SELECT id FROM p WHERE s NOT LIKE 'a\_b%' ORDER BY id;

SELECT id FROM p WHERE NOT s LIKE 'a%' ORDER BY id;

SELECT id FROM p WHERE s NOT ILIKE 'A%' ORDER BY id;

-- Patterns of a column.
SELECT id FROM p WHERE s LIKE q ORDER BY id;

SELECT id FROM p WHERE s ILIKE q ORDER BY id;

SELECT id FROM p WHERE s NOT LIKE q ORDER BY id;

SELECT id FROM p WHERE s NOT ILIKE q ORDER BY id;

SELECT id FROM p WHERE s LIKE concat('a', '\\_', 'b') ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a' || '%' ORDER BY id;

SELECT id FROM p WHERE 'axb' LIKE q ORDER BY id;

SELECT id FROM p WHERE s LIKE concat(substring(s, 1, 1), '%') ORDER BY id;

-- Functions.
SELECT id FROM p WHERE like(s, '50\%') ORDER BY id;

SELECT id FROM p WHERE notLike(s, '%\_%') ORDER BY id;

SELECT id FROM p WHERE ilike(s, 'A\_b') ORDER BY id;

SELECT id FROM p WHERE notILike(s, '%B') ORDER BY id;

SELECT id FROM p WHERE like(s, q) ORDER BY id;

-- Values, and NULL.
SELECT if('a\\d' LIKE 'a\d', 'yes', 'no'), if('ad' LIKE 'a\d', 'yes', 'no'), if('a\\éb' LIKE 'a\éb', 'yes', 'no'), if('aéb' LIKE 'a\éb', 'yes', 'no');

SELECT if('ß' ILIKE 'SS', 'yes', 'no'), if('ſ' ILIKE 's', 'yes', 'no'), if('İ' ILIKE 'i', 'yes', 'no'), if('Σ' ILIKE 'ς', 'yes', 'no'), if('K' ILIKE 'k', 'yes', 'no');

SELECT if('a\r\nb' LIKE 'a__b', 'yes', 'no'), if('a\nb' LIKE 'a%b', 'yes', 'no'), if('.' LIKE '.', 'yes', 'no'), if('x' LIKE '.', 'yes', 'no'), if('a+' LIKE 'a+', 'yes', 'no'), if('[a]' LIKE '[_]', 'yes', 'no');

SELECT NULL LIKE 'a', 'a' LIKE NULL, NULL NOT LIKE NULL;

CREATE TABLE n (id Int64, s String);

INSERT INTO n VALUES (1, 'a'), (2, NULL);

SELECT id FROM n WHERE s LIKE '%';

SELECT id FROM n WHERE s NOT LIKE 'b%';

SELECT count() FROM n WHERE NOT (s LIKE 'b%');

-- ESCAPE.
SELECT id FROM p WHERE s LIKE '50^%' ESCAPE '^' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a!_b' ESCAPE '!' ORDER BY id;

SELECT id FROM p WHERE s NOT LIKE '%!_%' ESCAPE '!' ORDER BY id;

SELECT id FROM p WHERE s ILIKE 'A!_B' ESCAPE '!' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a\\b' ESCAPE '^' ORDER BY id;

SELECT id FROM p WHERE s LIKE 'a\\_b' ESCAPE '^' ORDER BY id;

SELECT id FROM p WHERE s LIKE '50\\%' ESCAPE '\\' ORDER BY id;

SELECT id FROM p WHERE s LIKE '%%' ESCAPE '%' ORDER BY id;

SELECT if('a!b' LIKE 'a!!b' ESCAPE '!', 'yes', 'no'), if('a%b' LIKE 'a%%b' ESCAPE '%', 'yes', 'no'), if('axb' LIKE 'a%_b' ESCAPE '%', 'yes', 'no'), if('a_b' LIKE 'a__b' ESCAPE '_', 'yes', 'no'), if('a\\' LIKE 'a\\' ESCAPE '^', 'yes', 'no');

SELECT id FROM (SELECT 1 AS id, '50%' AS s, '50^%' AS q UNION ALL SELECT 2, '501', '50^%') WHERE s LIKE q ESCAPE '^';

-- error: behind the escape character
SELECT 'ab' LIKE 'a!b' ESCAPE '!';

-- error: ends in its escape character
SELECT 'a' LIKE 'a!' ESCAPE '!';

-- error: ends in its escape character
SELECT 'a' LIKE 'a\\';

-- error: ends in its escape character
SELECT 'b' NOT LIKE '%\\';

-- error: ends in its escape character
SELECT s LIKE q FROM (SELECT 'b' AS s, 'a\\' AS q);

-- error: single character
SELECT 'a' LIKE 'a' ESCAPE '!!';

-- error: single character
SELECT 'a' LIKE 'a' ESCAPE '';

-- error: single character
SELECT 'a' LIKE 'a' ESCAPE 'é';

-- error: LIKE wants a String
SELECT 1 LIKE '1';

-- error: LIKE wants a String
SELECT '1' LIKE 1;

-- error: LIKE wants a String
SELECT id FROM p WHERE id LIKE '1%';

-- error: LIKE wants a String
SELECT toDate('2024-01-01') LIKE '2%';

-- error: LIKE wants a String
SELECT ['a'] LIKE 'a';

-- error: LIKE wants a String
SELECT true LIKE 't%';
