"""JSON columns beside chDB: the same random documents, the same questions, the same answers, from
the native server and from the Worker, fresh and merged. What the two do not share (documents back
as written, times as texts, paths without a cast) is tested elsewhere (tests/slt, dodb-part).

Run by scripts/test.sh with DODB (the binary) and DODB_WORKER_URL (a Worker built for tests).
"""

import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from chdb.session import Session

DOCUMENTS = 4_000
SEED = int(os.environ.get("SEED", "1"))
CHDB_SETTINGS = (
    "SETTINGS allow_suspicious_types_in_group_by = 1, allow_suspicious_types_in_order_by = 1"
)
TYPES = {"i": "Int64", "f": "Float64", "s": "String", "b": "Bool"}

# `{path:i}` is the path as an Int64, and so on: NULL where a value is of another type. `{path}` is
# the path itself.
QUESTIONS = [
    "SELECT count(), count({user.age:i}), sum({user.age:i}), min({user.age:i}), max({user.age:i}) FROM t",
    "SELECT count({score:f}), min({score:f}), max({score:f}), round(sum({score:f}), 6) FROM t",
    "SELECT countIf({ok:b}), countIf(NOT {ok:b}), countIf({ok:b} IS NULL) FROM t",
    "SELECT {user.name:s} AS name, count() AS n FROM t GROUP BY name ORDER BY n DESC, name LIMIT 20",
    "SELECT n FROM t WHERE {user.age:i} > 30 AND {user.name:s} = 'bob' ORDER BY n LIMIT 50",
    "SELECT n FROM t WHERE {user.age:i} IN (7, 11, 13) ORDER BY n LIMIT 50",
    "SELECT count() FROM t WHERE {user.age:i} BETWEEN 10 AND 20",
    "SELECT count() FROM t WHERE {user.age:i} NOT BETWEEN 10 AND 20",
    "SELECT count() FROM t WHERE NOT ({user.age:i} = 7)",
    "SELECT count() FROM t WHERE {user.name:s} LIKE 'a%' OR {score:f} < 0.25",
    "SELECT count() FROM t WHERE {user.name:s} >= 'carol'",
    "SELECT uniqExact({user.name:s}), uniqExact({user.age:i}), uniqExact({mixed:s}) FROM t",
    "SELECT n, {user.age:i} AS age FROM t ORDER BY age DESC NULLS LAST, n LIMIT 30",
    "SELECT {mixed:i}, {mixed:s}, {mixed:f}, {mixed:b} FROM t ORDER BY n LIMIT 300",
    "SELECT dynamicType({mixed}) AS kind, count() AS c FROM t GROUP BY kind ORDER BY kind",
    "SELECT dynamicType({user.age}) AS kind, count() AS c FROM t GROUP BY kind ORDER BY kind",
    "SELECT dynamicType({tags}) AS kind, count() AS c FROM t GROUP BY kind ORDER BY kind",
    "SELECT dynamicType({nums}) AS kind, count() AS c FROM t GROUP BY kind ORDER BY kind",
    "SELECT dynamicType({nowhere}) AS kind, count() AS c FROM t GROUP BY kind ORDER BY kind",
    "SELECT count() FROM t WHERE {late:i} IS NOT NULL",
    "SELECT sum({late:i}), sum({gone:i}) FROM t",
    "SELECT {big:i}, {deep.a.b.c:i} FROM t WHERE {big:i} IS NOT NULL ORDER BY n LIMIT 40",
    "SELECT n, arrayStringConcat(JSONAllPaths(doc), ' ') FROM t ORDER BY n LIMIT 500",
    "SELECT n, {`a.b`:i}, {`odd key`:s} FROM t WHERE n < 400 ORDER BY n",
    "SELECT a.{user.name:s} AS name, count() FROM t a JOIN t b ON a.{user.age:i} = b.{mixed:i} "
    "WHERE a.n < 300 AND b.n < 300 GROUP BY name ORDER BY name NULLS LAST",
    "SELECT {user.age:i} % 10 AS digit, avg({score:f}) > 0.4 FROM t GROUP BY digit "
    "ORDER BY digit NULLS LAST",
]

# Over JSON text: the same functions of the same documents.
TEXTS = [
    '{"a":1,"b":"x","c":[1,2,3],"d":{"e":null,"f":true}}', '{"a":-1.5,"c":[]}', "{}", "[1,[2,3]]",
    '{"a":"12","b":7}', '{"a":"-1.5"}', '{"a":"1e3"}', '{"a":"true","b":0.5}', '{"a":300}', '{"a":18446744073709551615}', '{"a":"é\\n\\u0041"}', '{"a":[{"b":1},{"b":2}]}',
]
FUNCTIONS = [
    "JSONExtractInt(x, 'a')", "JSONExtractUInt(x, 'a')", "JSONExtractFloat(x, 'a')",
    "JSONExtractString(x, 'a')", "JSONExtractString(x, 'b')", "JSONExtractRaw(x, 'c')",
    "JSONExtractRaw(x, 'd', 'f')", "JSONHas(x, 'd', 'e')", "JSONHas(x, 'nowhere')",
    "JSONLength(x, 'c')", "JSONLength(x)", "JSONType(x, 'c')", "JSONType(x, 'd')",
    "JSONExtractInt(x, 'c', 2)", "JSONExtractInt(x, 'c', -1)", "JSONExtractKeys(x)",
    "JSONExtractArrayRaw(x, 'c')",
    "JSONExtractKeysAndValuesRaw(x, 'd')", "JSONExtractKeysAndValues(x, 'Int64')",
    "JSONExtractKeysAndValues(x, 'd', 'String')", "JSONExtractKeysAndValues(x, 'Nullable(Bool)')",
    "JSONExtract(x, 'a', 'Int64')",
    "JSONExtract(x, 'a', 'Nullable(Int64)')", "JSONExtract(x, 'b', 'String')",
    "JSONExtract(x, 'a', 'Nullable(Bool)')", "JSONExtract(x, 'd', 'f', 'Nullable(Float64)')",
    "JSONExtract(x, 'd', 'f', 'Int64')", "JSONExtract(x, 'c', 'Array(Int64)')", "JSONExtract(x, 'd', 'f', 'Bool')", "isValidJSON(x)",
]


def document(dice, number):
    """A document; paths come and go, and some change their type."""
    names = ["alice", "bob", "carol", "dave", "ann", "änne", "", "a b"]
    value = {"n": number}
    if dice.random() < 0.9:
        value["user"] = {"name": dice.choice(names)}
        if dice.random() < 0.8:
            value["user"]["age"] = dice.randrange(60)
    if dice.random() < 0.7:
        value["score"] = dice.choice([0.5, 0.125, dice.random(), -3.75, 1e-7])
    if dice.random() < 0.7:
        value["ok"] = dice.random() < 0.5
    value["mixed"] = dice.choice([1, 7, 41, "text", "7", 2.5, True, None, "x" * 40])
    if dice.random() < 0.5:
        value["tags"] = [dice.choice(names) for _ in range(dice.randrange(1, 4))]
    if dice.random() < 0.5:
        value["nums"] = [dice.randrange(9) for _ in range(dice.randrange(1, 4))]
    if dice.random() < 0.05:
        value["big"] = dice.choice([2**53 + 1, -(2**63), 2**63 - 1])
    if dice.random() < 0.1:
        value["deep"] = {"a": {"b": {"c": number}}}
    if number > DOCUMENTS * 3 // 4:
        value["late"] = number
    if number < DOCUMENTS // 4:
        value["gone"] = number
    if dice.random() < 0.02:
        value[f"rare{dice.randrange(500)}"] = number
    value["odd key"] = "k"
    return value


class Dodb:
    """A server of dodb, native or a Worker."""

    def __init__(self, url, database):
        self.url, self.database = url, database

    def ask(self, path, body):
        sign = "&" if "?" in path else "?"
        url = f"{self.url}{path}{sign}database={self.database}"
        request = urllib.request.Request(url, data=body.encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return f"{error.code}: {error.read().decode()}"

    def query(self, sql):
        return self.ask("/", sql)

    @staticmethod
    def spelled(path, kind):
        return f"doc.{path}.:{TYPES[kind]}" if kind else f"doc.{path}"


class Chdb:
    """chDB in this process."""

    def __init__(self, folder):
        self.session = Session(str(folder))
        self.session.query("CREATE DATABASE d ENGINE = Atomic")
        self.session.query("USE d")

    def query(self, sql):
        return str(self.session.query(f"{sql} {CHDB_SETTINGS}", "TabSeparated"))

    spelled = staticmethod(Dodb.spelled)


def asked(question, engine):
    """The question with the engine's spelling of its paths."""
    out, rest = "", question
    while "{" in rest:
        before, rest = rest.split("{", 1)
        inside, rest = rest.split("}", 1)
        path, _, kind = inside.partition(":")
        out += before + engine.spelled(path, kind)
    return out + rest


def native(folder):
    """The native server, and where it listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [os.environ["DODB"], "serve", "--data", folder, "--listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).read()
            return process, f"http://127.0.0.1:{port}"
        except OSError:
            time.sleep(0.1)
    raise SystemExit("dodb serve does not answer")


def cells(text):
    """Rows of an answer: 1.0 is 1, and true is 1, which some functions of ClickHouse give."""
    def cell(value):
        value = {"true": "1", "false": "0"}.get(value, value)
        try:
            number = float(value)
            return value if number.is_integer() and "." not in value else number
        except ValueError:
            return value
    return [[cell(value) for value in row.split("\t")] for row in text.splitlines()]


def compare(name, dodb, chdb, failures):
    for question in QUESTIONS:
        ours = dodb.query(asked(question, dodb))
        theirs = chdb.query(asked(question, chdb))
        if cells(ours) != cells(theirs):
            failures.append(f"{name}: {question}\n  dodb {ours[:300]!r}\n  chDB {theirs[:300]!r}")
    for text in TEXTS:
        escaped = text.replace("\\", "\\\\").replace("'", "\\'")
        for function in FUNCTIONS:
            sql = f"SELECT {function} FROM (SELECT '{escaped}' AS x)"
            ours, theirs = dodb.query(sql), chdb.query(sql)
            if cells(ours) != cells(theirs):
                failures.append(f"{name}: {sql}\n  dodb {ours[:300]!r}\n  chDB {theirs[:300]!r}")


def main():
    dice = random.Random(SEED)
    lines = [json.dumps(document(dice, number), ensure_ascii=False) for number in range(DOCUMENTS)]
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        chdb = Chdb(folder / "chdb")
        chdb.query("CREATE TABLE t (n Int64, doc JSON) ENGINE = MergeTree ORDER BY n")
        rows = "\n".join(f'{{"n":{number},"doc":{line}}}' for number, line in enumerate(lines))
        (folder / "rows.ndjson").write_text(rows, encoding="utf-8")
        chdb.session.query(
            "INSERT INTO t SELECT n, doc FROM "
            f"file('{folder}/rows.ndjson', JSONEachRow, 'n Int64, doc JSON') SETTINGS "
            "input_format_try_infer_dates = 0, input_format_try_infer_datetimes = 0"
        )
        process, url = native(str(folder / "dodb"))
        homes = [("native", url)]
        if worker := os.environ.get("DODB_WORKER_URL"):
            homes.append(("Worker", worker))
        for name, url in homes:
            Dodb(url, "default").query("CREATE DATABASE IF NOT EXISTS json_peers")
            dodb = Dodb(url, "json_peers")
            dodb.query("CREATE TABLE t (n Int64, doc JSON)")
            # One by one, a few, and many: fresh rows, and parts with rest and without.
            cuts = [0, 1, 2, 10, 300, 1_500, DOCUMENTS]
            for start, end in zip(cuts, cuts[1:]):
                body = "\n".join(rows.splitlines()[start:end])
                answer = dodb.ask("/?query=INSERT%20INTO%20t%20FORMAT%20JSONEachRow", body)
                if answer:
                    raise SystemExit(answer)
            compare(f"{name}, as it came", dodb, chdb, failures)
            dodb.query("OPTIMIZE TABLE t FINAL")
            compare(f"{name}, merged", dodb, chdb, failures)
            dodb.query("DROP TABLE t")
        process.terminate()
    for failure in failures:
        print(failure)
    count = (len(QUESTIONS) + len(TEXTS) * len(FUNCTIONS)) * 2 * len(homes)
    print(f"seed {SEED}: {count - len(failures)} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
