"""Answers of other databases, for tests/slt: each tests/record/TOPIC.sql is asked of the database
that it names, and tests/slt/TOPIC.slt is what that answers. So no answer is typed, and what is
right is not for dodb to say. Not here: what dodb answers (crates/server/tests/wire/slt.rs asks).

Without an argument it looks whether the files in tests/slt are what the databases answer today, as
scripts/test.sh does; `--write` writes them.

A topic begins with what it is about and with `-- engine: duckdb`, `sqlite` or `chdb`. Statements
end with a `;` at the end of a line. A query whose order is not said by an ORDER BY is compared
without order (`rowsort`). Lines of comment before a statement may say:

  -- only: dodb       the other database is not asked: it has the data in another way
  -- only: duckdb     dodb is not asked (any name of an engine)
  -- error: WORDS     both refuse the statement; dodb's error has the words (a regular expression)
  -- refused: WORDS   dodb refuses by design what the other answers; its error has the words

Every other comment goes into the .slt. What is compared is made equal by these steps alone: chDB's
columns are Nullable, its joins give NULL where there is no row, and floats are written as dodb
writes them. Booleans are `true` and `false`, as dodb writes them; chDB writes numbers, so a topic
of chDB must not answer with one.
"""

import pathlib
import re
import sqlite3
import sys

import chdb
import duckdb
from chdb.session import Session

TESTS = pathlib.Path(__file__).resolve().parent
ANNOTATION = re.compile(r"-- (engine|only|error|refused): (.*)")
QUERY = re.compile(r"\(*\s*(SELECT|WITH|VALUES)\b", re.IGNORECASE)


class Refused(Exception):
    """A database answered with an error."""


class DuckDb:
    """DuckDB in this process."""

    name, version = "DuckDB", duckdb.__version__

    def __init__(self):
        self.connection = duckdb.connect()

    def run(self, sql):
        """The rows, and the letters of their columns' types."""
        # Where DuckDB and ClickHouse write these words: inside of the brackets, and behind them.
        sql = re.sub(r"\(([^()]*)\) ((?:IGNORE|RESPECT) NULLS)", r"(\1 \2)", sql)
        try:
            rows = self.connection.execute(sql).fetchall()
        except duckdb.Error as error:
            raise Refused(str(error)) from error
        return typed(rows)


class Sqlite:
    """SQLite as Python has it. Its version is not ours to choose, so it is not told."""

    name, version = "SQLite", ""

    def __init__(self):
        self.connection = sqlite3.connect(":memory:", isolation_level=None)

    def run(self, sql):
        """The rows, and the letters of their columns' types."""
        try:
            rows = self.connection.execute(sql).fetchall()
        except sqlite3.Error as error:
            raise Refused(str(error)) from error
        return typed(rows)


class Chdb:
    """ClickHouse in this process. One session for each process is all it has, so each topic gets a
    database of its own."""

    name, version = "chDB", chdb.__version__
    session, topics = None, 0

    def __init__(self):
        if Chdb.session is None:
            Chdb.session = Session()
        # Each time, since a topic may have set them otherwise.
        Chdb.session.query("SET data_type_default_nullable = 1, join_use_nulls = 1")
        Chdb.session.query("SET default_table_engine = 'Memory'")
        Chdb.topics += 1
        Chdb.session.query(f"CREATE DATABASE d{Chdb.topics} ENGINE = Atomic")
        Chdb.session.query(f"USE d{Chdb.topics}")

    def run(self, sql):
        """The rows, and the letters of their columns' types."""
        try:
            answer = self.session.query(sql, "TabSeparatedWithNamesAndTypes").bytes()
        except RuntimeError as error:
            raise Refused(str(error)) from error
        lines = [line.split("\t") for line in answer.decode().splitlines()]
        return (lines[2:], "".join(map(letter_of, lines[1]))) if lines else ([], "")


ENGINES = {"duckdb": DuckDb, "sqlite": Sqlite, "chdb": Chdb}


def letter_of(type_name):
    """The letter of a type of ClickHouse."""
    found = re.search(r"^(?:\w+\()?(U?Int|Float)", type_name)
    return {"Float": "R"}.get(found[1], "I") if found else "T"


def typed(rows):
    """Values of Python as dodb writes them, and the letters of their columns' types."""
    letters = ""
    for column in zip(*rows):
        kinds = {type(value) for value in column} - {type(None)}
        letters += "R" if float in kinds else "I" if kinds == {int} else "T"
    return [[written(value) for value in row] for row in rows], letters


def written(value):
    """A value as dodb writes it in TabSeparated."""
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        return f"{value:.0f}" if whole else repr(value)
    if isinstance(value, (int, str)):
        return str(value)
    if isinstance(value, list):
        quoted = (f"'{v}'" if isinstance(v, str) else written(v) for v in value)
        return f"[{','.join(quoted)}]".replace("\\N", "NULL")
    raise SystemExit(f"{value!r} is of a type that this script does not know: cast it")


def statements(text):
    """The statements of a topic: (notes as a mapping, lines of comment, SQL)."""
    notes, comments, lines = {}, [], []
    for line in text.splitlines():
        if found := ANNOTATION.fullmatch(line):
            notes[found[1]] = found[2]
        elif line.startswith("--"):
            comments.append(line[2:].strip())
        elif line:
            lines.append(line)
            if line.endswith(";"):
                yield notes, comments, "\n".join(lines).removesuffix(";")
                notes, comments, lines = {}, [], []
    if lines:
        raise SystemExit(f"no ; ends this statement: {lines}")


def is_ordered(sql):
    """Whether an ORDER BY stands outside of every bracket."""
    depth, outside = 0, []
    for character in sql:
        depth += {"(": 1, ")": -1}.get(character, 0)
        outside.append(character if depth == 0 else " ")
    return re.search(r"\bORDER\s+BY\b", "".join(outside), re.IGNORECASE) is not None


def record(engine, notes, sql):
    """A statement of a topic as a record of the .slt; nothing when it is not for dodb."""
    only = notes.get("only")
    if "refused" in notes:
        return f"statement error {notes['refused']}\n{sql}\n"
    if "error" in notes:
        try:
            answer = engine.run(sql)
        except Refused:
            return f"statement error {notes['error']}\n{sql}\n"
        raise SystemExit(f"{engine.name} answers {answer} instead of an error: {sql}")
    if only == "dodb":
        return f"statement ok\n{sql}\n"
    try:
        rows, letters = engine.run(sql)
    except Refused as error:
        raise SystemExit(f"{engine.name}: {error}\n{sql}") from error
    if only:
        return ""
    if QUERY.match(sql):
        return query_of(sql, rows, letters)
    return f"statement ok\n{sql}\n"


def query_of(sql, rows, letters):
    """A query and its answer as a record of the .slt."""
    for value in (value for row in rows for value in row):
        # The runner takes blanks as what separates values.
        if not value or value != " ".join(value.split(" ")).strip():
            raise SystemExit(f"the .slt cannot say {value!r}: {sql}")
    mode = ""
    if not is_ordered(sql):
        mode = " rowsort"
        rows = sorted(rows, key=lambda row: [value.encode() for value in row])
    lines = [" ".join(row) for row in rows]
    # Where there is no row DuckDB and SQLite do not tell types.
    return "\n".join([f"query {letters or 'T'}{mode}", sql, "----", *lines]) + "\n"


def recorded(source):
    """The text of the .slt of a topic, and how many queries it has."""
    parsed = list(statements(source.read_text()))
    notes = parsed[0][0]
    if notes.get("engine") not in ENGINES:
        raise SystemExit(f"{source.name} must name its engine: {', '.join(ENGINES)}")
    engine = ENGINES[notes["engine"]]()
    about, *comments = parsed[0][1]
    parsed[0] = (notes, comments, parsed[0][2])
    name = f"{engine.name} {engine.version}".strip()
    head = f"# {about}\n# Made by tests/record.py from tests/record/{source.name}: {name} answers."
    records = [head + "\n"]
    for notes, comments, sql in parsed:
        if text := record(engine, notes, sql):
            records.append("".join(f"# {line}\n" for line in comments) + text)
    return "\n".join(records), sum("\n----\n" in text for text in records)


def main():
    """Writes the files, or looks whether they are what would be written."""
    if sys.argv[1:] not in ([], ["--write"]):
        raise SystemExit(__doc__)
    stale, queries = [], 0
    for source in sorted((TESTS / "record").glob("*.sql")):
        text, count = recorded(source)
        queries += count
        target = TESTS / "slt" / f"{source.stem}.slt"
        if sys.argv[1:]:
            target.write_text(text)
        elif not target.exists() or target.read_text() != text:
            stale.append(target.name)
    print(f"{queries} queries are recorded")
    if stale:
        raise SystemExit(f"not what is recorded today: {', '.join(stale)}; see tests/record.py")


if __name__ == "__main__":
    main()
