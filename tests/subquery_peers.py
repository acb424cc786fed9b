"""Random queries with subqueries beside DuckDB: values, IN and EXISTS that depend on rows outside,
nested, under NOT and OR, over NULLs, duplicates and no rows. The same queries, the same answers,
from the native server and from the Worker. Not here: queries that were thought of (tests/record).

Where DuckDB and dodb differ, SQLite is heard: what both others answer is right. Run by
scripts/test.sh with DODB (the binary) and DODB_WORKER_URL (a Worker built for tests). SEED and
QUERIES ask for others and more.
"""

import os
import random
import sqlite3
import sys
import tempfile

import duckdb

from json_peers import Dodb, native

SEED = int(os.environ.get("SEED", "1"))
QUERIES = int(os.environ.get("QUERIES", "400"))
REFUSED_MAX = 0.02

TABLES = {"t": "abc", "u": "kvw", "none": "xy"}
DATA = [
    "CREATE TABLE t (a BIGINT, b BIGINT, c BIGINT)",
    "CREATE TABLE u (k BIGINT, v BIGINT, w BIGINT)",
    "CREATE TABLE none (x BIGINT, y BIGINT)",
    "INSERT INTO t VALUES (1, 1, 1), (1, 2, NULL), (2, NULL, 3), (NULL, 2, 2), (3, 3, NULL), "
    "(2, 2, 2), (NULL, NULL, NULL), (1, 1, 1), (4, 0, 1)",
    "INSERT INTO u VALUES (1, 1, 2), (1, NULL, 3), (2, 2, 1), (NULL, 3, 1), (NULL, NULL, NULL), "
    "(5, 2, 2), (2, 2, 1)",
]
AGGREGATES = [
    "count(*)", "count({})", "sum({})", "max({})", "min({})", "count(DISTINCT {})", "sum({} + 1)",
    "count(*) + 1", "COALESCE(max({}), 0)",
]


class Scope:
    """The tables that a column may be of, the innermost first."""

    def __init__(self, outer, *tables):
        self.tables = [*tables, *(outer.tables if outer else [])]


class Writer:
    """Writes queries. `depth` is how many levels of subqueries may still come."""

    def __init__(self, dice):
        self.dice, self.aliases = dice, 0

    def one(self, *choices):
        return self.dice.choice(choices)

    def chance(self, share):
        return self.dice.random() < share

    def table(self, *names):
        """A name of its own for a table."""
        self.aliases += 1
        return f"q{self.aliases}", self.one(*names)

    def column_of(self, table):
        return f"{table[0]}.{self.one(*TABLES[table[1]])}"

    def column(self, scope):
        weights = [3] + [2] * (len(scope.tables) - 1)
        return self.column_of(self.dice.choices(scope.tables, weights)[0])

    def number(self, scope, depth):
        kind = self.dice.random()
        if kind < 0.15:
            return str(self.dice.randint(0, 4))
        if kind < 0.19:
            return "CAST(NULL AS BIGINT)"
        if kind < 0.29:
            sign = self.one("+", "-", "*")
            return f"({self.number(scope, depth)} {sign} {self.number(scope, depth)})"
        if kind < 0.33:
            return f"COALESCE({self.number(scope, depth)}, {self.dice.randint(0, 3)})"
        if kind < 0.35:
            return f"NULLIF({self.number(scope, depth)}, {self.number(scope, depth)})"
        if kind < 0.50 and depth > 0:
            return self.value(scope, depth - 1)
        return self.column(scope)

    def inner(self, scope, depth, share):
        """A table within, the scope there, and a condition on it in so many of all cases."""
        table = self.table("t", "u", "u", "none")
        inside = Scope(scope, table)
        where = f" WHERE {self.condition(inside, depth)}" if self.chance(share) else ""
        return table, inside, f"FROM {table[1]} AS {table[0]}{where}"

    def value(self, scope, depth):
        table, inside, rest = self.inner(scope, depth, 0.85)
        kind = self.dice.random()
        if kind < 0.75:
            of = self.column_of(table) if self.chance(0.8) else self.number(inside, 0)
            if self.chance(0.08):
                rest += f" HAVING count(*) {self.one('> 1', '= 0', '< 3')}"
            return f"(SELECT {self.one(*AGGREGATES).format(of)} {rest})"
        if kind < 0.9:
            order = ", ".join(
                f"{table[0]}.{name} {self.one('', 'DESC ')}NULLS LAST" for name in TABLES[table[1]]
            )
            return f"(SELECT {self.column_of(table)} {rest} ORDER BY {order} LIMIT 1)"
        return f"(SELECT {self.number(scope, 0)})"

    def condition(self, scope, depth):
        def number():
            return self.number(scope, depth)

        kind, negation = self.dice.random(), self.one("", "NOT ")
        if kind < 0.06:
            return f"{number()} IS {negation}NULL"
        if kind < 0.10:
            return f"({number()} IS {negation}DISTINCT FROM {number()})"
        if kind < 0.14:
            return f"{number()} {negation}BETWEEN {number()} AND {number()}"
        if kind < 0.18:
            last = self.one("1", "NULL", "2")
            return f"{number()} {negation}IN ({self.number(scope, 0)}, {last})"
        if kind < 0.28:
            word = self.one("AND", "OR")
            return f"({self.condition(scope, depth)} {word} {self.condition(scope, depth)})"
        if kind < 0.32:
            return f"NOT ({self.condition(scope, depth)})"
        if kind < 0.34:
            what = self.one("NULL", "TRUE", "FALSE")
            return f"(({self.condition(scope, depth)}) IS {negation}{what})"
        if kind < 0.43 and depth > 0:
            return self.is_in(scope, depth - 1)
        if kind < 0.50 and depth > 0:
            table, _, rest = self.inner(scope, depth - 1, 0.9)
            what = self.one("1", "count(*)", self.column_of(table))
            return f"{negation}EXISTS (SELECT {what} {rest})"
        return f"{number()} {self.one('=', '=', '=', '<', '<=', '<>', '>')} {number()}"

    def is_in(self, scope, depth):
        table, _, rest = self.inner(scope, depth, 0.7)
        what = self.column_of(table)
        if self.chance(0.1):
            rest += f" GROUP BY {what}{self.one('', ' HAVING count(*) > 1')}"
        elif self.chance(0.2):
            what = self.one("count(*)", f"max({what})")
        return f"{self.number(scope, 0)} {self.one('', 'NOT ', 'NOT ')}IN (SELECT {what} {rest})"

    def from_tables(self):
        """FROM, and what is in scope behind it."""
        left = self.table("t", "u")
        if self.chance(0.75):
            return f"{left[1]} AS {left[0]}", Scope(None, left)
        right, join = self.table("t", "u", "none"), self.one("", "LEFT ", "RIGHT ", "FULL ")
        scope = Scope(None, right, left)
        on = f"{self.column_of(left)} = {self.column_of(right)}"
        if self.chance(0.3):
            on += f" AND {self.condition(scope, 0 if join else 1)}"
        return f"{left[1]} AS {left[0]} {join}JOIN {right[1]} AS {right[0]} ON {on}", scope

    def query(self):
        self.aliases, depth = 0, self.one(1, 1, 1, 2)
        tables, scope = self.from_tables()
        if self.chance(0.6):
            tables += f" WHERE {self.condition(scope, depth)}"
        kind = self.dice.random()
        if kind < 0.15:
            return self.grouped(tables, scope)
        if kind < 0.25:
            case = f"CASE WHEN {self.condition(scope, depth)} THEN 1 ELSE 0 END"
            sums = f"sum({self.number(scope, depth)}) AS i1, max({case}) AS i2"
            return f"SELECT count(*) AS i0, {sums} FROM {tables}"
        items = [self.column(scope)]
        for _ in range(self.one(1, 1, 2)):
            number, condition = self.number(scope, depth), self.condition(scope, depth)
            case = f"CASE WHEN {condition} THEN {number} ELSE {self.number(scope, 0)} END"
            items.append(self.one(number, f"({condition})", case))
        items = ", ".join(f"{item} AS i{number}" for number, item in enumerate(items))
        return f"SELECT {self.one('', '', '', '', 'DISTINCT ')}{items} FROM {tables}"

    def grouped(self, tables, scope):
        key, within = self.column(scope), self.table("t", "u")
        column = self.column_of(within)
        value = f"SELECT {self.one('count(*)', f'max({column})')} FROM {within[1]} AS {within[0]}"
        value += f" WHERE {column} {self.one('=', '<', '<>')} {key}"
        of = self.one("count(*)", f"max({self.column(scope)})", f"sum({self.column(scope)})")
        groups = f"FROM {tables} GROUP BY {key}"
        if self.chance(0.6):
            groups += f" HAVING {of} {self.one('=', '<', '>', '<>')} ({value})"
        return f"SELECT {key} AS i0, count(*) AS i1, sum({self.number(scope, 0)}) AS i2 {groups}"


def cell(value):
    """A value as dodb writes it, but for booleans, which SQLite has as numbers."""
    return "\\N" if value is None else str(int(value))


def rows_of(connection, sql):
    """The sorted rows of an answer; None where the query is refused."""
    try:
        rows = connection.execute(sql).fetchall()
    except (duckdb.Error, sqlite3.Error):
        return None
    return sorted([cell(value) for value in row] for row in rows)


def answer_of(text):
    boolean = {"true": "1", "false": "0"}
    return sorted([boolean.get(v, v) for v in line.split("\t")] for line in text.splitlines())


def compare(name, dodb, duck, lite, faults):
    """Asks one home; how many queries it refused."""
    writer, refused = Writer(random.Random(SEED)), 0
    for _ in range(QUERIES):
        sql = writer.query()
        said, theirs = dodb.query(sql), rows_of(duck, sql)
        if theirs is None:
            continue
        if "DB::Exception" in said:
            refused += 1
            print(f"{name} refuses: {sql}\n  {said[:300].strip()}")
        elif (ours := answer_of(said)) not in (theirs, rows_of(lite, sql)):
            faults.append(f"{name}: {sql}\n  dodb   {ours}\n  DuckDB {theirs}")
    return refused


def main():
    duck, lite = duckdb.connect(), sqlite3.connect(":memory:")
    for statement in DATA:
        duck.execute(statement)
        lite.execute(statement)
    faults, refused, asked = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        process, url = native(folder)
        homes = [("native", url)]
        if worker := os.environ.get("DODB_WORKER_URL"):
            homes.append(("Worker", worker))
        for name, url in homes:
            Dodb(url, "default").query("CREATE DATABASE IF NOT EXISTS subquery_peers")
            dodb = Dodb(url, "subquery_peers")
            for statement in DATA:
                if said := dodb.query(statement):
                    raise SystemExit(f"{statement}: {said}")
            refused += compare(name, dodb, duck, lite, faults)
            asked += QUERIES
            for table in TABLES:
                dodb.query(f"DROP TABLE {table}")
        process.terminate()
    print(*faults, sep="\n")
    print(f"seed {SEED}: {asked} asked, {refused} refused, {len(faults)} wrong")
    sys.exit(1 if faults or refused > asked * REFUSED_MAX else 0)


if __name__ == "__main__":
    main()
