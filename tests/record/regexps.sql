-- Regular expressions as RE2 reads them, and what is done with their matches.
-- engine: chdb
SELECT REGEXP_REPLACE('https://x.org/a/b', '^https?://([^/]+)/.*$', '\1');

SELECT replaceRegexpAll('abc', '(a)(b)', '\2\1'), replaceRegexpAll('abc', 'b', '[\\0]'), replaceRegexpAll('abc', '(a)', '\\1\1'), replaceRegexpOne('abcabc', '(b)', '<\1>');

-- A dollar is a dollar.
SELECT replaceRegexpAll('abc', '(a)', '$1'), replaceRegexpAll('abc', '(a)', '${1}'), replaceRegexpAll('abc', 'b', '$0 $$ ${0} $x');

SELECT replaceRegexpAll('abc', '(a)', '\\\\1'), replaceRegexpAll('abc', '(a)', '\\'), replaceRegexpAll('abc', '(a)', '\\x'), replaceRegexpAll('abc', '(a)', 'x\\'), replaceRegexpAll('abc', '(a)', '\12');

SELECT replaceRegexpAll('abc', 'a(x)?', '[\1]'), replaceRegexpAll('a', '(a)(b)?', '[\2]'), replaceRegexpAll('abc', '(?P<x>b)', '[\1]'), replaceRegexpAll('abc', '(?<x>b)', '[\1]');

-- Matches of nothing.
SELECT replaceRegexpAll('Hello', '^', 'here: '), replaceRegexpAll('Hello', '$', '!'), replaceRegexpAll('abc', '', '-'), replaceRegexpAll('abc', 'x*', '-'), replaceRegexpAll('xaxb', 'x*', '-'), replaceRegexpAll('', 'x*', '-'), replaceRegexpOne('', 'x*', '-'), replaceRegexpOne('abc', '$', '-');

SELECT replaceRegexpAll('aaa', 'a*', '-'), replaceRegexpAll('aab', 'a*', '-'), replaceRegexpAll('baa', 'a*', '-'), replaceRegexpOne('aaa', 'a', 'b'), regexp_replace('aaa', 'a', 'b');

SELECT replaceRegexpAll('a1b2', '\d', '#'), replaceRegexpAll('a.b', '\.', '-'), replaceRegexpAll('a.b', '.', '-'), replaceRegexpAll('a\nb', 'a.b', '-'), replaceRegexpAll('aAbB', '(?i)a', '-');

SELECT replaceRegexpAll('a}b', '}', '-'), replaceRegexpAll('a{b', '{', '-'), replaceRegexpAll('a]b', ']', '-');

-- error: group
SELECT replaceRegexpAll('abc', '(a)', '\2');

-- error: group
SELECT replaceRegexpAll('abc', 'a', '\1');

-- error: cannot be compiled
SELECT replaceRegexpAll('abc', '(', '-');

-- error: replaceregexpall|REGEXP_REPLACE
SELECT REGEXP_REPLACE('aaa', 'a', 'b', 'g');

-- error: a String is expected
SELECT replaceRegexpAll(1, 'a', 'b');

-- error: a String is expected
SELECT match(1, 'a');

SELECT match(NULL, 'a'), match('a', NULL), replaceRegexpAll(NULL, 'a', 'b'), replaceRegexpAll('abc', 'b', NULL), extract(NULL, 'a');

SELECT extract('v12', '(\d+)'), extract('abc', 'b'), extract('abc', '(b)(c)'), concat('<', extract('abc', 'x'), '>'), concat('<', extract('abc', '(x)?b'), '>'), extract('abc', '(?:b)(c)'), extract('ab', 'a|ab'), extract('xyz', 'y|z');

SELECT countMatches('banana', 'an'), countMatches('aaa', ''), countMatches('aaa', 'a*'), countMatches('abc', 'b*'), countMatches('aaa', '^a'), countMatches('xaxb', 'x*');

-- Patterns of a column.
CREATE TABLE r (id Int64, s String, p String, b String);

INSERT INTO r VALUES (1, 'a1', '\d', '<\\0>'), (2, 'ab', '(a)', '\1\1'), (3, 'b', 'a', 'x'), (4, 'a.b', '\.', ''), (5, 'a.b', '.', '$1'), (6, 'été', '\w+', '_');

SELECT id, if(match(s, p), 'yes', 'no'), replaceRegexpAll(s, p, b), replaceRegexpOne(s, p, b) FROM r ORDER BY id;

SELECT id FROM r WHERE s REGEXP '^a' ORDER BY id;

SELECT id FROM r WHERE NOT s REGEXP '\d' ORDER BY id;

SELECT id FROM r WHERE NOT s REGEXP p ORDER BY id;

SELECT id FROM r WHERE s REGEXP p AND match(s, '[a-z]') ORDER BY id;

-- The corners of the syntax.
SELECT if(match('٣', '\\d'), 'yes', 'no'), if(match('é', '\\w'), 'yes', 'no'), if(match(' ', '\\s'), 'yes', 'no'), if(match('a\nb', 'a.b'), 'yes', 'no');

SELECT if(match('a\nb', '^b'), 'yes', 'no'), if(match('b\n', 'b$'), 'yes', 'no'), if(match('aé b', 'é\\b'), 'yes', 'no'), if(match('ab', '\\Bb'), 'yes', 'no');

SELECT if(match('a[b', '[[]'), 'yes', 'no'), if(match('a&b', '[&&]'), 'yes', 'no'), if(match('a-b', '[a\\-]'), 'yes', 'no'), if(match('a]', '[]]'), 'yes', 'no');

SELECT if(match(']', '[^]]'), 'yes', 'no'), if(match('~', '[~~a]'), 'yes', 'no'), if(match('&', '[a-c&&b]'), 'yes', 'no'), if(match('b', '[a-c&&b]'), 'yes', 'no');

SELECT if(match('x', '\\pL'), 'yes', 'no'), if(match('x', '\\p{Greek}'), 'yes', 'no'), if(match('α', '\\p{Greek}'), 'yes', 'no'), if(match('x', '\\p{^Greek}'), 'yes', 'no');

SELECT if(match('x', '\\PL'), 'yes', 'no'), if(match('é', '[[:alpha:]]'), 'yes', 'no'), if(match('a', '[[:^digit:]]'), 'yes', 'no'), if(match('_', '[[:word:]]'), 'yes', 'no');

SELECT if(match('x', '\\Q.\\E'), 'yes', 'no'), if(match('.', '\\Q.\\E'), 'yes', 'no'), if(match('a.b', '\\Qa.b'), 'yes', 'no'), if(match('a', '\\z'), 'yes', 'no');

SELECT if(match('a', '\\Aa'), 'yes', 'no'), if(match('', '\\a'), 'yes', 'no'), if(match('a', '\\x61'), 'yes', 'no'), if(match('a', '\\x{61}'), 'yes', 'no');

SELECT if(match('S', '\\123'), 'yes', 'no'), if(match('a', '\\0'), 'yes', 'no'), if(match('a', '(?P<n>a)'), 'yes', 'no'), if(match('a', '(?<n>a)'), 'yes', 'no');

SELECT if(match('aB', '(?i)ab'), 'yes', 'no'), if(match('ABC', '(?i:b)'), 'yes', 'no'), if(match('ſ', '(?i)s'), 'yes', 'no'), if(match('a', '(?U)a+'), 'yes', 'no');

SELECT if(match('a', '(?s-i)a'), 'yes', 'no'), if(match('a', '(?im)^A$'), 'yes', 'no'), if(match('a', 'a+?'), 'yes', 'no'), if(match('a', 'a??'), 'yes', 'no');

SELECT if(match('aaa', 'a{2,}?'), 'yes', 'no'), if(match('a', 'a{,2}'), 'yes', 'no'), if(match('a{,2}', 'a{,2}'), 'yes', 'no'), if(match('a{', 'a{'), 'yes', 'no');

SELECT if(match('a{x}', 'a{x}'), 'yes', 'no'), if(match('a}b', '}'), 'yes', 'no'), if(match('a]b', ']'), 'yes', 'no'), if(match('<', '\\<'), 'yes', 'no');

SELECT if(match('@', '\\@'), 'yes', 'no'), if(match('"', '\\"'), 'yes', 'no'), if(match('_', '\\_'), 'yes', 'no'), if(match('a', '[\\d\\s]'), 'yes', 'no');

SELECT if(match('1', '[^\\d]'), 'yes', 'no'), if(match('x', '[\\D]'), 'yes', 'no'), if(match('-', '[\\w-]'), 'yes', 'no'), if(match('5', '[\\d-z]'), 'yes', 'no');

SELECT if(match('a', '()'), 'yes', 'no'), if(match('b', 'a||b'), 'yes', 'no'), if(match('-', '\\-'), 'yes', 'no'), if(match('x', '[.]'), 'yes', 'no');

SELECT if(match(']', '[\\]]'), 'yes', 'no'), if(match('-', '[a-]'), 'yes', 'no'), if(match('-', '[-a]'), 'yes', 'no'), if(match('\n', '[^a]'), 'yes', 'no');

SELECT if(match('/', '\\/'), 'yes', 'no'), if(match(' ', '\\ '), 'yes', 'no'), if(match('É', '(?i)é'), 'yes', 'no'), if(match('é', '[é]'), 'yes', 'no');

SELECT if(match('ж', '[а-я]'), 'yes', 'no'), if(match('a', '^*'), 'yes', 'no'), if(match('a', 'x{0}'), 'yes', 'no'), if(match('  ', '\\pZ{2}'), 'yes', 'no');

SELECT if(match('a', '(?:a{10}){10}'), 'yes', 'no');

-- error: cannot be compiled
SELECT match('a', '[[:foo:]]');

-- error: cannot be compiled
SELECT match('a', '\\1');

-- error: cannot be compiled
SELECT match('aa', '(a)(?P=n)');

-- error: cannot be compiled
SELECT match('ab', 'a(?=b)');

-- error: cannot be compiled
SELECT match('ab', '(?<=a)b');

-- error: cannot be compiled
SELECT match('ab', '(?x)a b');

-- error: cannot be compiled
SELECT match('a', '(?u)a');

-- error: cannot be compiled
SELECT match('a', 'a**');

-- error: cannot be compiled
SELECT match('a', 'a++');

-- error: cannot be compiled
SELECT match('aaaaaa', 'a{2}{3}');

-- error: cannot be compiled
SELECT match('a', 'a{2,1}');

-- error: cannot be compiled
SELECT match('b', 'b{2000}');

-- error: cannot be compiled
SELECT match('a', '\\y');

-- error: cannot be compiled
SELECT match('a', '[a--]');

-- error: cannot be compiled
SELECT match('a', '(');

-- error: cannot be compiled
SELECT match('a', '*');

-- error: cannot be compiled
SELECT match('a', '[');

-- error: cannot be compiled
SELECT match('a', 'a\\');

-- error: cannot be compiled
SELECT match('a', '[a');

-- error: cannot be compiled
SELECT match('a', '[\\b]');

-- error: cannot be compiled
SELECT match('a', '(?#x)a');

-- error: cannot be compiled
SELECT match('A', '\\u0041');

-- error: cannot be compiled
SELECT match('a', '\\p');

-- error: cannot be compiled
SELECT match('a', '\\p{');

-- error: cannot be compiled
SELECT match('a', '\\x');

-- error: cannot be compiled
SELECT match('a', '\\x4');

-- error: cannot be compiled
SELECT match('a', '\\x{110000000}');

-- error: cannot be compiled
SELECT match('a', '|*');

-- error: cannot be compiled
SELECT match('a', 'a{1001}');

-- error: cannot be compiled
SELECT match('a', '((a{1000}){1000}){1000}');

-- refused: cannot be compiled
SELECT match('a', '\\C');

-- refused: cannot be compiled
SELECT match(',', '[+--]');

-- refused: cannot be compiled
SELECT match('a', ')');

-- refused: cannot be compiled
SELECT match('-', '[--]');

-- refused: cannot be compiled
SELECT match('a', '(?)a');
