-- PRIMARY KEY in its three places: it names the order of rows, and rows may share it.
-- engine: chdb

-- only: chdb
SET default_table_engine = 'MergeTree';

CREATE TABLE a (k Int64 NOT NULL PRIMARY KEY, v String);

INSERT INTO a VALUES (2, 'two'), (1, 'one'), (2, 'again');

SELECT k, v FROM a ORDER BY k, v;

SELECT k, count() FROM a GROUP BY k ORDER BY k;

CREATE TABLE b (k Int64 NOT NULL, l Int64 NOT NULL, PRIMARY KEY (k, l));

INSERT INTO b VALUES (1, 2), (1, 1), (0, 5), (1, 2);

SELECT k, l FROM b ORDER BY k, l;

CREATE TABLE c (k Int64 NOT NULL, l Int64 NOT NULL) PRIMARY KEY k;

CREATE TABLE d (k Int64 NOT NULL, l Int64 NOT NULL) PRIMARY KEY (l, k);

CREATE TABLE e (k Int64 NOT NULL, l Int64 NOT NULL) PRIMARY KEY k ORDER BY (k, l);

CREATE TABLE f (k Int64 NOT NULL, l Int64 NOT NULL) ORDER BY (k, l) PRIMARY KEY k;

CREATE TABLE g (k Int64 NOT NULL PRIMARY KEY, l Int64 NOT NULL) ORDER BY (k, l);

CREATE TABLE h (k Int64 NOT NULL, l Int64 NOT NULL, PRIMARY KEY (l)) ORDER BY (l, k);

CREATE TABLE i (k Int64 NOT NULL PRIMARY KEY, l Int64 NOT NULL PRIMARY KEY);

CREATE TABLE j (k Int64 NOT NULL, l Int64 NOT NULL) PRIMARY KEY tuple() ORDER BY (k, l);

SELECT name, sorting_key FROM system.tables WHERE database = currentDatabase() AND length(sorting_key) > 0 ORDER BY name;

INSERT INTO i VALUES (3, 1), (1, 2), (3, 0);

SELECT k, l FROM i ORDER BY k, l;

-- error: more than one PRIMARY KEY
CREATE TABLE bad (k Int64 NOT NULL PRIMARY KEY, l Int64 NOT NULL) PRIMARY KEY k;

-- error: more than one PRIMARY KEY
CREATE TABLE bad (k Int64 NOT NULL PRIMARY KEY, l Int64 NOT NULL, PRIMARY KEY (k));

-- error: more than one PRIMARY KEY
CREATE TABLE bad (k Int64 NOT NULL, l Int64 NOT NULL, PRIMARY KEY (k)) PRIMARY KEY k;

-- error: does not begin the ORDER BY
CREATE TABLE bad (k Int64 NOT NULL, l Int64 NOT NULL) PRIMARY KEY l ORDER BY (k, l);

-- error: does not begin the ORDER BY
CREATE TABLE bad (k Int64 NOT NULL, l Int64 NOT NULL) PRIMARY KEY (k, l) ORDER BY k;

-- error: does not begin the ORDER BY
CREATE TABLE bad (k Int64 NOT NULL PRIMARY KEY, l Int64 NOT NULL) ORDER BY (l, k);

-- error: column `k` twice
CREATE TABLE bad (k Int64 NOT NULL) PRIMARY KEY (k, k);

-- error: column `k` twice
CREATE TABLE bad (k Int64 NOT NULL) ORDER BY (k, k);

-- error: nope
CREATE TABLE bad (k Int64 NOT NULL, PRIMARY KEY (nope));

-- error: .
CREATE TABLE bad (k Int64 NOT NULL, PRIMARY KEY (k DESC));

-- error: .
CREATE TABLE bad (k Int64 NOT NULL, CONSTRAINT named PRIMARY KEY (k));

-- error: .
CREATE TABLE bad (k Int64 NOT NULL UNIQUE);

-- error: .
CREATE TABLE bad (k Int64 NOT NULL CHECK (k > 1));

-- error: .
CREATE TABLE bad (k Int64 NOT NULL REFERENCES a(k));

-- error: .
CREATE TABLE bad (k Int64 NOT NULL AUTO_INCREMENT);

-- what ClickHouse takes and does not keep to, or does and dodb does not
-- refused: FOREIGN KEY
CREATE TABLE bad (k Int64 NOT NULL, FOREIGN KEY (k) REFERENCES a(k));

-- refused: CHECK
CREATE TABLE bad (k Int64 NOT NULL, CONSTRAINT c CHECK (k > 1));

-- refused: DEFAULT
CREATE TABLE bad (k Int64 NOT NULL DEFAULT 7);

-- refused: PRIMARY KEY .* of a table
CREATE TABLE bad (k Int64 NOT NULL, PRIMARY KEY (k + 1));

-- type names of SQL
CREATE TABLE types (a INTEGER NOT NULL, b VARCHAR(30) NOT NULL, c TEXT NOT NULL, d DOUBLE NOT NULL, e REAL NOT NULL, f NUMERIC NOT NULL,
  g NUMERIC(10, 2) NOT NULL, h DECIMAL(5) NOT NULL, i CHAR(4) NOT NULL, j DOUBLE PRECISION NOT NULL, k BIGINT NOT NULL,
  l SMALLINT NOT NULL, m TINYINT NOT NULL, o BOOLEAN NOT NULL, q FLOAT NOT NULL, r INT UNSIGNED NOT NULL,
  t CHARACTER VARYING(10) NOT NULL, u DEC NOT NULL, v MEDIUMINT NOT NULL, x DATETIME NOT NULL, y NVARCHAR(3) NOT NULL,
  z CLOB NOT NULL, ab INT1 NOT NULL, ad INTEGER(11) NOT NULL, ae LONGTEXT NOT NULL, af BIGINT UNSIGNED NOT NULL)
  ORDER BY a;

SELECT name, type FROM system.columns WHERE database = currentDatabase() AND `table` = 'types' ORDER BY position;

-- only: chdb
SET default_table_engine = 'Memory';
