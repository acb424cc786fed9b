"""The warm tier beside other engines: rows go to Iceberg tables in a folder, and PyIceberg, DuckDB
and chDB read them and give dodb's answers: after a flush, half way through one, after deletes,
compaction and changes of schema. PyIceberg writes to them through the REST catalog. dodb itself
gives the same answers wherever the rows are.

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
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import StaticTable

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
    """`dodb serve` on a folder."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [os.environ["DODB"], "serve", "--data", str(folder / "data")]
        command += ["--objects", f"file://{folder}/objects", "--listen", f"127.0.0.1:{port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
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

    def metadata(self, table):
        return self.query(f"SELECT metadata_path FROM system.tables WHERE name = '{table}'").strip()

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
    """The engines, each asked the same of a table."""

    def __init__(self):
        self.duck = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        for name in ["avro", "iceberg"]:
            module = importlib.import_module(f"duckdb_extension_{name}")
            folder = pathlib.Path(module.__file__).parent
            [path] = glob.glob(f"{folder}/**/{name}.duckdb_extension", recursive=True)
            self.duck.execute(f"LOAD '{path}'")
        self.chdb = chdb.session.Session()

    def things(self, metadata, ask_paths_of_chdb=True):
        """Each engine's count, ids, sums of paths and documents."""
        path = metadata.removeprefix("file://")
        folder = path.rsplit("/metadata/", 1)[0]
        columns = "count(*), min(id), max(id)"
        paths = "sum(data.age), sum(data.score), count(data.address.city)"
        documents = "sum(length(CAST(data._json AS VARCHAR)))"
        found = {}
        found["DuckDB"] = self.duck.execute(
            f"SELECT {columns}, {paths}, {documents} FROM iceberg_scan('{path}')"
        ).fetchall()[0]
        # A struct that grew reads as a whole there (docs/lake.md).
        whole = f"(SELECT id, data AS data FROM icebergLocal('{folder}'))"
        text = self.chdb.query(
            f"SELECT {columns}, sum(data.age), sum(data.score), "
            "countIf(data.address.city IS NOT NULL AND data.address.city != ''), "
            f"sum(lengthUTF8(assumeNotNull(data._json))) FROM {whole}",
            "JSONCompactEachRow",
        )
        found["chDB"] = tuple(json.loads(str(text)))
        rows = StaticTable.from_metadata(metadata).scan().to_arrow()
        data = rows.column("data").combine_chunks()
        field = pyarrow.compute.struct_field
        found["PyIceberg"] = (
            rows.num_rows,
            pyarrow.compute.min(rows.column("id")).as_py(),
            pyarrow.compute.max(rows.column("id")).as_py(),
            pyarrow.compute.sum(field(data, "age")).as_py(),
            pyarrow.compute.sum(field(data, "score")).as_py(),
            pyarrow.compute.count(field(data, ["address", "city"])).as_py(),
            sum(map(len, field(data, "_json").to_pylist())),
        )
        return found


def check_things(what, dodb, peers):
    text = dodb.query(
        "SELECT count(*), min(id), max(id), sum(data.age), sum(data.score), "
        "count(data.address.city), sum(lengthUTF8(toString(data))) FROM things"
    )
    cells = text.strip().split("\t")
    wanted = (int(cells[0]), cells[1], cells[2], int(cells[3]), float(cells[4]), int(cells[5]), int(cells[6]))
    for engine, found in peers.things(dodb.metadata("things")).items():
        found = tuple(int(cell) if isinstance(cell, str) and cell.isdigit() else cell for cell in found)
        found = (*found[:4], float(found[4]), *found[5:])
        expect(f"{what}, {engine}", found, wanted)


def check_log(what, dodb, peers):
    wanted = dodb.query("SELECT count(*), sum(n), count(note) FROM log").strip()
    path = dodb.metadata("log").removeprefix("file://")
    row = peers.duck.execute(
        f"SELECT count(*), sum(n), count(note) FROM iceberg_scan('{path}')"
    ).fetchall()[0]
    expect(f"{what}, DuckDB", "\t".join(map(str, row)), wanted)
    rows = StaticTable.from_metadata(f"file://{path}").scan().to_arrow()
    notes = rows.column("note")
    found = (rows.num_rows, pyarrow.compute.sum(rows.column("n")).as_py(), len(notes) - notes.null_count)
    expect(f"{what}, PyIceberg", "\t".join(map(str, found)), wanted)
    folder = path.rsplit("/metadata/", 1)[0]
    text = peers.chdb.query(
        f"SELECT count(), sum(n), count(note) FROM icebergLocal('{folder}')", "TabSeparated"
    )
    expect(f"{what}, chDB", str(text).strip(), wanted)


def check_catalog(dodb):
    """PyIceberg knows the tables by the REST catalog, and writes to them through it."""
    catalog = load_catalog("dodb", type="rest", uri=f"{dodb.url}/iceberg")
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

    # Things replace those of the same id, wherever these are.
    count = int(dodb.query("SELECT count(*) FROM things"))
    insert(dodb, "things", [{"id": "hot", "type": "User", "data": {"age": 1}}])
    table = catalog.load_table("default.things")
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


def run(folder):
    dice = random.Random(SEED)
    # chDB reads no file outside of the current folder.
    os.chdir(folder)
    dodb, peers = Dodb(folder), Peers()
    try:
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
        insert(dodb, "log", [{"n": n, "at": f"2026-01-{n % 28 + 1:02} 00:00:00"} for n in range(900)])
        dodb.query("ALTER TABLE log ADD COLUMN note Nullable(String)")
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
        insert(dodb, "log", [{"n": n, "at": "2026-02-01 00:00:00", "note": "new"} for n in range(50)])
        dodb.until_done("/v1/flush")
        dodb.until_done("/v1/compact")
        check_catalog(dodb)
        # Its text is nowhere but in its fields, so other engines cannot count its characters.
        dodb.query("DELETE FROM things WHERE id = 'new too'")
        left = tour(dodb)
        dodb.until_done("/v1/flush")
        dodb.until_done("/v1/compact")
        expect("answers after others wrote", tour(dodb) == left, True)
        check_things("deleted", dodb, peers)
        check_log("appended", dodb, peers)
        dodb.stop()
        dodb = Dodb(folder)
        expect("answers after a restart", tour(dodb) == left, True)
        print(dodb.query("SELECT table, operation, count(*) FROM system.snapshots GROUP BY 1, 2 ORDER BY 1, 2"))
    finally:
        dodb.stop()
    command = [os.environ["DODB"], "verify", "--data", str(folder / "data")]
    command += ["--objects", f"file://{folder}/objects"]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        run(pathlib.Path(folder).resolve())
    print("all engines agree")
    sys.exit(0)
