-- Literals: escapes, other strings, numbers in all their spellings, and where they are refused.
-- engine: chdb
-- Escapes: the known ones, and the unknown ones that keep their backslash.
SELECT if('\a' = x'07', 'a', '-') AS a, if('\b' = x'08', 'b', '-') AS b, if('\e' = x'1b', 'e', '-') AS c, if('\f' = x'0c', 'f', '-') AS d, if('\v' = x'0b', 'v', '-') AS e, if('\0' = x'00', '0', '-') AS f, length('\a\b\e\f\n\r\t\v\0') AS g;

SELECT 'a\nb\rc\td';

SELECT '\\', '\'', '\"', '\`', '\/', '\=';

SELECT '\d+', '\1', '\w\s\.', '\%\_', '\z\Z', '\u0041', '\é', '\(\[\{';

SELECT length('\d'), length('\.'), length('\\d'), length('\n'), length('\%'), length('\x41');

SELECT '\x41\x42', '\x4a\x4A', '\xC3\xA9', '\x27', '\x5c';

-- NULL of the text formats is nothing in a text.
SELECT concat('<', 'a\Nb', '>'), length('\N');

SELECT 'it''s', 'it\'s', '''', '\'\'', 'a''''b', '\\''';

SELECT 'a\\', 'a\\\\b', '\\n', '\\\n', '\\\\n';

SELECT length(''), length('\0'), length('a\0b'), length('\\\\');

-- A backslash before a control character is dropped.
SELECT length('a\
b'), length('a
b');

SELECT '--no comment', '/* none */', 'a;b', '"', '`';

-- error: two hexadecimal digits
SELECT '\x4';

-- error: two hexadecimal digits
SELECT 'a\x';

-- refused: two hexadecimal digits
SELECT '\xZZ';

-- refused: UTF-8
SELECT '\xFF';

-- error: does not end
SELECT 'a\';

-- error: does not end
SELECT 'a;

-- error: prefix N
SELECT N'a';

-- error: prefix E
SELECT E'a\n';

-- error: side by side
SELECT 'a' 'b';

-- error: side by side
SELECT 'a' || 'b' x'41';

-- Hexadecimal and binary strings.
SELECT x'41', X'4142', x'c3a9', x'4', x'5c64', length(x''), length(x'00');

SELECT b'01000001', B'0100000101000010', b'1000001', b'1010101010101', length(b''), length(b'0');

SELECT if(x'41' = 'A', 'same', 'other'), if(b'1000001' = x'41', 'same', 'other');

SELECT concat(x'41', b'01000010', 'C');

-- error: hexadecimal
SELECT x'4G';

-- error: binary
SELECT b'012';

-- refused: UTF-8
SELECT x'FF';

-- refused: UTF-8
SELECT b'11111111';

-- Heredocs stand as they are.
SELECT $$a'b$$, $tag$he'l\no$tag$, $$a$b$$, $x1_$a;b$x1_$, length($$$$), $a$ $b$ $a$ = ' $b$ ' ? 'same' : 'other';

SELECT $sql$SELECT 'x' -- no comment$sql$;

-- error: does not end
SELECT $tag$a$other$;

-- Whole numbers.
SELECT 0, 00, 017, 255, 1_000_000, 1_2_3, 18446744073709551615, 9223372036854775807, -9223372036854775808;

SELECT 0xFF, 0XfF, 0x0, 0xF_F, 0xFFFFFFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x00000000000000000001;

SELECT 0b101, 0b0, 0b1_0, 0b1111111111111111111111111111111111111111111111111111111111111111;

SELECT -0x10, -0b101, -1_000, +5, +0xF, - 7, -(-3);

SELECT 0xFF + 1, 0x10 * 2, 1_000 - 0b1, 0xFF = 255 ? 'same' : 'other';

-- Beyond 64 bits they are floats.
SELECT 18446744073709551616, -9223372036854775809, -18446744073709551615, 99999999999999999999999999999;

SELECT 0xFFFFFFFFFFFFFFFFFF, 0x10000000000000000, -0xFFFFFFFFFFFFFFFF, 340282366920938463463374607431768211456;

-- Fractions and exponents.
SELECT 5., 5.0, 1.50, 1.e3, 1.5e3, 1e-3, 1E5, 1e+5, 1_0e1, 1.5_0, 1e1_0, 0.1 + 0.2, 1_000.5;

SELECT 0x1p3, 0x1P3, 0x1.8p1, 0x1.8, 0x1p-3, 0xFp0, 0x1p-1074, 0x1.fffffffffffffp1023;

SELECT -.5, +.5, 0 + .5, -5., -1e-3, -0x1p-1, 1e-400, 5e-324, 1.7976931348623157e308;

-- Infinite, and no number.
SELECT inf, -inf, nan, INF, Inf, NaN, infinity, -Infinity, +inf, -nan;

SELECT inf FROM (SELECT 1 AS inf);

SELECT `inf` FROM (SELECT 1 AS inf);

SELECT t.inf, "nan" FROM (SELECT 1 AS inf, 2 AS nan) AS t;

SELECT 1 / inf, inf - inf, inf > 1e308 ? 'larger' : 'not', isNaN(nan) ? 'is' : 'is not';

-- error: no number
SELECT 0x;

-- error: no number
SELECT 0xG;

-- error: no number
SELECT 0xp1;

-- error: no number
SELECT 0b;

-- error: no number
SELECT 0b12;

-- error: no number
SELECT 0B101;

-- error: too large
SELECT 0b11111111111111111111111111111111111111111111111111111111111111111;

-- error: no number
SELECT 0o17;

-- error: between two digits
SELECT 1__0;

-- error: between two digits
SELECT 1_;

-- error: between two digits
SELECT 0x_F;

-- error: between two digits
SELECT 0xF__F;

-- error: between two digits
SELECT 0b_1;

-- error: between two digits
SELECT 1._5;

-- error: _1
SELECT _1;

-- error: no number
SELECT 1e;

-- error: no number
SELECT 1e+;

-- error: too large
SELECT 1e400;

-- error: too large
SELECT -1e400;

-- error: too large
SELECT 1.7976931348623159e308;

-- error: no number
SELECT 1a;

-- error: no number
SELECT 1L;

-- error: no number
SELECT 1.5abc;

-- error: .
SELECT 1.2.3;

-- error: .
SELECT 1..2;

-- Names in quotes have the same escapes.
SELECT "a\tb" AS a, `a\tb` AS b FROM (SELECT 'x' AS `a\tb`);

SELECT `a\`b` AS a, "a`b" AS b FROM (SELECT 'x' AS "a`b");

SELECT "a""b" AS a, "a\"b" AS b, `a"b` AS c FROM (SELECT 'x' AS `a"b`);

SELECT `a\db` AS a, `a\\db` AS b FROM (SELECT 'x' AS "a\db");

-- Rows of VALUES.
CREATE TABLE texts (id Int64, s String);

INSERT INTO texts VALUES (1, '\d'), (2, x'41'), (3, '\x42'), (4, b'01000011'), (5, $$a'b\$$), (6, 'it''s'), (7, '\\'), (8, '\%\_');

SELECT id, s FROM texts ORDER BY id;

INSERT INTO texts VALUES (9, 0xFF), (10, 1_000), (11, 1.50), (12, 1e3), (13, -0x10), (14, inf), (15, 017), (16, 1e21), (17, 18446744073709551615);

SELECT id, s FROM texts WHERE id > 8 ORDER BY id;

CREATE TABLE numbers (id Int64, i Int64, f Float64);

INSERT INTO numbers VALUES (1, 0xFF, inf), (2, 0b101, -inf), (3, 1_000, 1_000.5), (4, -0x10, 0x1p3), (5, 1e3, nan), (6, 5., 5.), (7, 017, 1e-3), (8, -1_0, -0x1.8p1), (9, 9223372036854775807, 18446744073709551616), (10, 1.9, -.5), (11, -1.9, Infinity);

SELECT * FROM numbers ORDER BY id;

INSERT INTO numbers SELECT 12, 0xFF + 0b1, inf;

SELECT * FROM numbers WHERE id = 12;

-- error: no number
INSERT INTO numbers VALUES (13, 0xG, 1);

-- error: between two digits
INSERT INTO numbers VALUES (13, 1__0, 1);

-- only: chdb
SET data_type_default_nullable = 0;

CREATE TABLE arrays (id Int64, s Array(String), i Array(Int64));

INSERT INTO arrays VALUES (1, ['\d', '\x41', 'a''b', x'42'], [1, 0xFF, 1_000, -0b11]);

SELECT * FROM arrays;

CREATE TABLE decimals (id Int64, d Decimal(38, 20));

INSERT INTO decimals VALUES (1, 0.12345678901234567891), (2, 123456789012345678.5), (3, -0.00000000000000000001), (4, 1_000), (5, 0xFF);

SELECT * FROM decimals ORDER BY id;

-- In clauses.
SELECT id FROM numbers WHERE i IN (0xFF, 0b101) AND f > -inf ORDER BY id LIMIT 0x2;

SELECT id FROM texts WHERE s = '\d' OR s = x'41' ORDER BY id;

SELECT id FROM numbers WHERE f = inf OR f = -inf ORDER BY id;

SELECT id FROM texts WHERE s IN ('\\', '\%\_', '\x42') ORDER BY id;
