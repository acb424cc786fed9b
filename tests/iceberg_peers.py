"""The warm tier beside other engines: rows go to Iceberg tables in a folder, then to some on an S3
server, and PyIceberg, DuckDB and chDB read them there and give dodb's answers: after a flush, half
way through one, after deletes, compaction and changes of schema. PyIceberg reads and writes through
the REST catalog; the others are told where a table is and no more. dodb itself gives the same
answers wherever the rows are. Not here: many rows, the Worker and R2 (tests/tiers.py).

Run by scripts/test.sh with DODB (the binary).
"""

import datetime
import glob
import importlib
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

import chdb.session
import duckdb
import pyarrow
import pyarrow.compute
from buckets import S3, Folder
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import CommitFailedException

SEED = int(os.environ.get("SEED", "1"))
THINGS = 6_000
DAY_MS = 86_400_000
START_MS = 1_700_000_000_000

# Asked of dodb in every state of the table; the rows may be in either tier.
TOUR = [
    "SELECT count(*), min(id), max(id) FROM things",
    "SELECT type, count(*) FROM things GROUP BY type ORDER BY type",
    "SELECT min(createdAt), max(createdAt), max(updatedAt) FROM things",
    "SELECT sum(data.age), sum(data.score), count(data.late) FROM things",
    "SELECT data.address.city AS city, count(*) FROM things GROUP BY city ORDER BY city NULLS LAST",
    "SELECT id, type, data FROM things WHERE data.age = 41 ORDER BY id LIMIT 20",
    "SELECT data FROM things WHERE id = 'thing-00042'",
    "SELECT id FROM things WHERE createdAt >= '2023-11-16' ORDER BY id LIMIT 30",
    "SELECT count(*) FROM things WHERE data.tags[1] = 'red'",
    "SELECT r.type, t.type, count(*) FROM relationships r JOIN things t ON t.id = r.toId "
    "GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT fromId, toId FROM relationships WHERE fromId = 'thing-00007' ORDER BY toId",
    "SELECT count(*), sum(n), max(at), count(note) FROM log",
]


class Dodb:
    """`dodb serve` on a folder and a bucket."""

    def __init__(self, folder, bucket):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [os.environ["DODB"], "serve", "--data", str(folder / "data")]
        command += ["--objects", bucket.url, "--listen", f"127.0.0.1:{port}"]
        environment = {**os.environ, **bucket.environment}
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/ping", timeout=5).read()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("dodb serve does not answer")

    def post(self, path, body=""):
        request = urllib.request.Request(self.url + path, data=body.encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path}: {error.code}: {error.read().decode()}") from error

    def query(self, sql):
        return self.post("/", sql)

    def until_done(self, path):
        while json.loads(self.post(path))["more"]:
            pass

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def thing(dice, number, version):
    cities = ["Berlin", "Paris", "Rome", "Żagań"]
    data = {"age": dice.randrange(90), "score": dice.randrange(400) / 4, "version": version}
    if dice.random() < 0.8:
        data["address"] = {"city": dice.choice(cities), "zip": str(10_000 + number)}
    if dice.random() < 0.5:
        data["tags"] = dice.sample(["red", "green", "blue"], 2)
    if number >= THINGS // 2:
        data["late"] = number
    if dice.random() < 0.02:
        data[f"rare {dice.randrange(200)}"] = [1, "two", {"three": 3.0}]
    created = START_MS + number % 3 * DAY_MS + number
    kind = ["User", "Order", "Post"][number % 3]
    return {"id": f"thing-{number:05}", "type": kind, "createdAt": created, "data": data}


def insert(dodb, table, rows):
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    dodb.post("/", f"INSERT INTO {table} FORMAT JSONEachRow\n{lines}")


def tour(dodb):
    return [dodb.query(question) for question in TOUR]


def expect(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"{what}:\n  found  {found}\n  wanted {wanted}")
    print(f"  {what}: {str(found)[:90]}")


class Peers:
    """The engines, each asked the same of a table in the bucket."""

    def __init__(self, dodb, bucket):
        self.dodb, self.bucket = dodb, bucket
        self.catalog = load_catalog(
            "dodb", type="rest", uri=f"{dodb.url}/iceberg", **bucket.pyiceberg
        )
        self.duck = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        for name in ["avro", "iceberg", "httpfs"]:
            module = importlib.import_module(f"duckdb_extension_{name}")
            folder = pathlib.Path(module.__file__).parent
            [path] = glob.glob(f"{folder}/**/{name}.duckdb_extension", recursive=True)
            self.duck.execute(f"LOAD '{path}'")
        for statement in bucket.duckdb:
            self.duck.execute(statement)
        self.chdb = chdb.session.Session()

    def metadata(self, table):
        """Where the table's metadata is. Not in the bucket: engines would read something else."""
        question = f"SELECT metadata_path FROM system.tables WHERE name = '{table}'"
        path = self.dodb.query(question).strip()
        if not path.startswith(f"{self.bucket.url}/"):
            raise SystemExit(f"{table} is not in {self.bucket.url}: {path}")
        return path

    def ask_duckdb(self, columns, table):
        question = f"SELECT {columns} FROM iceberg_scan('{self.metadata(table)}')"
        return self.duck.execute(question).fetchall()[0]

    def ask_chdb(self, columns, table, first=None):
        source = self.bucket.chdb(self.metadata(table).rsplit("/metadata/", 1)[0])
        if first:
            source = f"(SELECT {first} FROM {source})"
        settings = "SETTINGS output_format_json_quote_64bit_integers = 0"
        question = f"SELECT {columns} FROM {source} {settings}"
        return tuple(json.loads(str(self.chdb.query(question, "JSONCompactEachRow"))))

    def things(self):
        """Each engine's count, ids, sums of paths and documents."""
        columns = "count(*), min(id), max(id), sum(data.age), sum(data.score)"
        yield "DuckDB", self.ask_duckdb(
            f"{columns}, count(data.address.city), sum(length(CAST(data._json AS VARCHAR)))",
            "things",
        )
        # A struct that grew reads as a whole there (docs/lake.md).
        yield "chDB", self.ask_chdb(
            f"{columns}, countIf(data.address.city IS NOT NULL AND data.address.city != ''), "
            "sum(lengthUTF8(assumeNotNull(data._json)))",
            "things",
            "id, data AS data",
        )
        rows = self.catalog.load_table("default.things").scan().to_arrow()
        data = rows.column("data").combine_chunks()
        field = pyarrow.compute.struct_field
        yield "PyIceberg", (
            rows.num_rows,
            pyarrow.compute.min(rows.column("id")).as_py(),
            pyarrow.compute.max(rows.column("id")).as_py(),
            pyarrow.compute.sum(field(data, "age")).as_py(),
            pyarrow.compute.sum(field(data, "score")).as_py(),
            pyarrow.compute.count(field(data, ["address", "city"])).as_py(),
            sum(map(len, field(data, "_json").to_pylist())),
        )

    def log(self, table="log"):
        """Each engine's count, sum of numbers and count of notes."""
        columns = "count(*), sum(n), count(note)"
        yield "DuckDB", self.ask_duckdb(columns, table)
        yield "chDB", self.ask_chdb(columns, table)
        rows = self.catalog.load_table(f"default.{table}").scan().to_arrow()
        yield "PyIceberg", (
            rows.num_rows,
            pyarrow.compute.sum(rows.column("n")).as_py(),
            pyarrow.compute.count(rows.column("note")).as_py(),
        )

    def close(self):
        self.duck.close()
        self.chdb.close()


def check_things(what, dodb, peers):
    text = dodb.query(
        "SELECT count(*), min(id), max(id), sum(data.age), sum(data.score), "
        "count(data.address.city), sum(lengthUTF8(toString(data))) FROM things"
    )
    kinds = [int, str, str, int, float, int, int]
    cells = text.rstrip("\n").split("\t")
    wanted = tuple(kind(cell) for kind, cell in zip(kinds, cells, strict=True))
    for engine, found in peers.things():
        expect(f"{what}, {engine}", found, wanted)


def check_log(what, dodb, peers):
    text = dodb.query("SELECT count(*), sum(n), count(note) FROM log")
    wanted = tuple(map(int, text.split("\t")))
    for engine, found in peers.log():
        expect(f"{what}, {engine}", found, wanted)


def check_catalog(dodb, catalog):
    """PyIceberg knows the tables by the REST catalog, and writes to them through it."""
    expect("namespaces", catalog.list_namespaces(), [("default",)])
    tables = sorted(name[-1] for name in catalog.list_tables("default"))
    expect("tables", tables, ["log", "relationships", "things"])
    expect("no such table", catalog.table_exists("default.nothing"), False)

    count = int(dodb.query("SELECT count(*) FROM log"))
    total = int(dodb.query("SELECT sum(n) FROM log"))
    table = catalog.load_table("default.log")
    at = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
    rows = [{"n": 10_000 + n, "at": at, "note": "from PyIceberg"} for n in range(40)]
    table.append(pyarrow.Table.from_pylist(rows, schema=table.schema().as_arrow()))
    found = dodb.query("SELECT count(*), sum(n), countIf(note = 'from PyIceberg') FROM log").strip()
    expect("appended by PyIceberg", found, f"{count + 40}\t{total + 400_780}\t40")
    table.delete("n >= 10020")
    found = dodb.query("SELECT count(*), max(n) FROM log").strip()
    expect("deleted by PyIceberg", found, f"{count + 20}\t10019")

    # A writer that lost the race says so or tries again; it does not undo the other's work.
    first, second = catalog.load_table("default.log"), catalog.load_table("default.log")
    one = pyarrow.Table.from_pylist(rows[:1], schema=first.schema().as_arrow())
    first.append(one)
    won = 1
    try:
        second.append(one)
        won = 2
    except CommitFailedException as error:
        print(f"  the second writer is told: {str(error)[:80]}")
    expect("after a race", int(dodb.query("SELECT count(*) FROM log")), count + 20 + won)


def check_things_of_others(dodb, catalog):
    """Things that PyIceberg appends replace those of the same id, wherever these are."""
    count = int(dodb.query("SELECT count(*) FROM things"))
    insert(dodb, "things", [{"id": "hot", "type": "User", "data": {"age": 1}}])
    table = catalog.load_table("default.things")
    at = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
    old = dodb.query("SELECT id FROM things WHERE id != 'hot' ORDER BY id LIMIT 3").split()
    data = {"_json": '{"age":5000,"by":"PyIceberg"}', "age": 5000}
    # Without the text of the document, it is what its fields say.
    spelled = {"age": 5000, "address": {"city": "Oslo"}}
    rows = [{"id": id, "type": "User", "data": data} for id in [*old, "hot", "new"]]
    rows.append({"id": "new too", "type": "Order", "data": spelled})
    for row in rows:
        row |= {"createdAt": at, "updatedAt": at}
    schema = table.schema().as_arrow()
    table.append(pyarrow.Table.from_pylist(rows, schema=schema))
    found = dodb.query("SELECT count(*), countIf(data.age = 5000) FROM things").strip()
    expect("things of PyIceberg", found, f"{count + 3}\t6")
    found = dodb.query("SELECT data FROM things WHERE id = 'new too'").strip()
    expect("a document that was spelled", json.loads(found), spelled)
    found = dodb.query("SELECT id FROM things WHERE data.by = 'PyIceberg' ORDER BY id").split()
    expect("found by a path", found, sorted([*old, "hot", "new"]))


def check_table_of_others(dodb, peers):
    """A table that PyIceberg makes is one of dodb, and everybody reads what both wrote."""
    peers.catalog.create_namespace_if_not_exists("default")
    at = pyarrow.timestamp("us", tz="UTC")
    schema = pyarrow.schema([("n", pyarrow.int64()), ("at", at), ("note", pyarrow.string())])
    table = peers.catalog.create_table("default.made", schema, properties={"owner": "ann"})
    expect("its properties", table.properties["owner"], "ann")
    start = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
    rows = [{"n": n, "at": start, "note": "theirs"} for n in range(100)]
    table.append(pyarrow.Table.from_pylist(rows, schema=schema))
    insert(dodb, "made", [{"n": n, "at": "2026-03-02 00:00:00"} for n in range(100, 150)])
    dodb.query("DELETE FROM made WHERE n < 10")
    wanted = (140, sum(range(10, 150)), 90)
    found = tuple(map(int, dodb.query("SELECT count(*), sum(n), count(note) FROM made").split()))
    expect("made by PyIceberg", found, wanted)
    dodb.until_done("/v1/flush?table=made")
    dodb.until_done("/v1/compact?table=made")
    for engine, found in peers.log("made"):
        expect(f"made by PyIceberg, {engine}", found, wanted)


def fill(dodb, dice):
    insert(dodb, "things", [thing(dice, n, 0) for n in range(THINGS // 2)])
    edges = [
        {"fromId": f"thing-{n % 500:05}", "toId": f"thing-{n * 7 % 900:05}", "type": "likes"}
        for n in range(2_000)
    ]
    insert(dodb, "relationships", edges)
    dodb.query(
        "CREATE TABLE log (n Int64, at DateTime64(3)) ENGINE = MergeTree "
        "PARTITION BY toYYYYMM(at) ORDER BY n"
    )
    rows = [{"n": n, "at": f"2026-01-{n % 28 + 1:02} 00:00:00"} for n in range(900)]
    insert(dodb, "log", rows)
    dodb.query("ALTER TABLE log ADD COLUMN note Nullable(String)")


def check(dodb, peers, dice):
    """From an empty database on; returns what dodb answers in the end."""
    fill(dodb, dice)
    hot = tour(dodb)
    dodb.post("/v1/flush?table=things")
    expect("answers after things went", tour(dodb) == hot, True)
    check_things("flushed", dodb, peers)
    dodb.until_done("/v1/flush")
    expect("answers after all went", tour(dodb) == hot, True)
    check_log("flushed", dodb, peers)

    insert(dodb, "things", [thing(dice, n, 1) for n in range(THINGS // 2 - 500, THINGS)])
    dodb.query("DELETE FROM things WHERE data.age = 13")
    dodb.query("UPDATE log SET note = 'seen' WHERE n < 100")
    mixed = tour(dodb)
    dodb.until_done("/v1/flush")
    dodb.until_done("/v1/compact?table=log")
    dodb.until_done("/v1/flush")
    expect("answers after deletes and new paths", tour(dodb) == mixed, True)
    dodb.until_done("/v1/compact")
    expect("answers after compaction", tour(dodb) == mixed, True)
    check_things("compacted", dodb, peers)
    check_log("a column that came later", dodb, peers)

    dodb.query("DELETE FROM things WHERE data.age > 80")
    dodb.query("ALTER TABLE log RENAME COLUMN n TO number")
    dodb.query("ALTER TABLE log RENAME COLUMN number TO n")
    rows = [{"n": n, "at": "2026-02-01 00:00:00", "note": "new"} for n in range(50)]
    insert(dodb, "log", rows)
    dodb.until_done("/v1/flush")
    dodb.until_done("/v1/compact")
    check_catalog(dodb, peers.catalog)
    check_things_of_others(dodb, peers.catalog)
    check_table_of_others(dodb, peers)
    # Its text is nowhere but in its fields, so other engines cannot count its characters.
    dodb.query("DELETE FROM things WHERE id = 'new too'")
    left = tour(dodb)
    dodb.until_done("/v1/flush")
    dodb.until_done("/v1/compact")
    expect("answers after others wrote", tour(dodb) == left, True)
    check_things("deleted", dodb, peers)
    check_log("appended", dodb, peers)
    return left


def run(folder, bucket):
    started = time.monotonic()
    print(f"{bucket.name}:")
    dodb = Dodb(folder, bucket)
    try:
        peers = Peers(dodb, bucket)
        left = check(dodb, peers, random.Random(SEED))
        peers.close()
        dodb.stop()
        dodb = Dodb(folder, bucket)
        expect("answers after a restart", tour(dodb) == left, True)
        snapshots = "SELECT table, operation, count(*) FROM system.snapshots GROUP BY 1, 2"
        print(dodb.query(f"{snapshots} ORDER BY 1, 2"))
    finally:
        dodb.stop()
    command = [os.environ["DODB"], "verify", "--data", folder / "data", "--objects", bucket.url]
    subprocess.run(command, check=True, env={**os.environ, **bucket.environment})
    print(f"{bucket.name}: all engines agree after {time.monotonic() - started:.0f} s\n")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder).resolve()
        # chDB reads no file outside of the current folder.
        os.chdir(folder)
        run(folder / "folder", Folder(folder / "objects"))
        with S3("some/where") as bucket:
            run(folder / "s3", bucket)


if __name__ == "__main__":
    main()
    sys.exit(0)
