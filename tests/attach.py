"""Attached databases: Iceberg tables that somebody else made, read where they are. PyIceberg makes
them on an S3 server; dodb finds them through a REST catalog that hands out credentials, and in the
folder that they lie in, and gives the answers that DuckDB gives over what PyIceberg reads. Then a
dodb reads another one's tables, natively and in the Worker. What may not be read is refused. Not
here: tables that dodb writes and others read (tests/iceberg_peers.py).

Run by scripts/test.sh with DODB (the binary), after the Worker was built.
"""

import datetime
import decimal
import http.server
import json
import os
import pathlib
import random
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import duckdb
import pyarrow
from buckets import KEY_ID, NAME, REGION, S3, SECRET, Folder
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, DayTransform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "dodb"
TOKEN = "let me in"
DAY = datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc)

# Of DuckDB over PyIceberg's rows, and of dodb over the table; where the spelling differs, both.
ORDERS = [
    "SELECT count(*), min(id), max(id), sum(amount) FROM {t}",
    "SELECT count(*), sum(quantity) FROM {t} WHERE id >= 4990 AND id < 5020",
    "SELECT country, count(*), sum(price) FROM {t} GROUP BY country ORDER BY country",
    "SELECT count(*), sum(price) FROM {t} WHERE price > 50.25",
    "SELECT id, amount FROM {t} WHERE amount BETWEEN 3 AND 3.02 ORDER BY id LIMIT 20",
    "SELECT count(*) FROM {t} WHERE is_paid",
    "SELECT day, count(*) FROM {t} GROUP BY day ORDER BY day",
    (
        "SELECT count(*) FROM {t} WHERE t.at >= TIMESTAMPTZ '2024-05-07 00:00:00+00'",
        "SELECT count(*) FROM {t} WHERE at >= '2024-05-07 00:00:00'",
    ),
    (
        "SELECT count(*) FROM {t} WHERE local < TIMESTAMP '2024-05-06 06:00:00'",
        "SELECT count(*) FROM {t} WHERE local < '2024-05-06 06:00:00'",
    ),
    "SELECT count(*), count(note), min(note), max(note) FROM {t}",
    "SELECT count(*) FROM {t} WHERE note = 'note 77'",
    "SELECT count(*) FROM {t} WHERE note IS NULL",
    "SELECT address.city AS city, count(*) FROM {t} GROUP BY city ORDER BY city NULLS LAST",
    "SELECT sum(address.geo.floor), min(address.geo.lat) FROM {t}",
    "SELECT count(*) FROM {t} WHERE address.city = 'Rome' AND address.geo.floor > 2",
    ("SELECT sum(len(tags)), sum(tags[1]) FROM {t}", "SELECT sum(length(tags)), sum(tags[1]) FROM {t}"),
    ("SELECT sum(octet_length(raw)) FROM {t}", "SELECT sum(length(raw)) FROM {t}"),
]

SCHEMA = Schema(
    NestedField(1, "id", IntegerType(), required=True),
    NestedField(2, "quantity", IntegerType()),
    NestedField(3, "amount", DecimalType(12, 2)),
    NestedField(4, "price", DoubleType()),
    NestedField(5, "ratio", FloatType()),
    NestedField(6, "country", StringType()),
    NestedField(7, "is_paid", BooleanType()),
    NestedField(8, "day", DateType()),
    NestedField(9, "at", TimestamptzType()),
    NestedField(10, "local", TimestampType()),
    NestedField(11, "note", StringType()),
    NestedField(12, "raw", BinaryType()),
    NestedField(13, "tags", ListType(14, IntegerType(), element_required=False)),
    NestedField(
        15,
        "address",
        StructType(
            NestedField(16, "city", StringType()),
            NestedField(
                17,
                "geo",
                StructType(
                    NestedField(18, "lat", DoubleType()), NestedField(19, "floor", IntegerType())
                ),
            ),
        ),
    ),
    NestedField(20, "labels", MapType(21, StringType(), 22, StringType())),
)


def order(dice, number):
    at = DAY + datetime.timedelta(seconds=number * 20, microseconds=dice.randrange(10**6))
    geo = {"lat": dice.randrange(-900, 900) / 10, "floor": dice.choice([None, 1, 2, 3, 4])}
    address = {"city": dice.choice(["Paris", "Rome", None]), "geo": geo}
    return {
        "id": number,
        "quantity": dice.choice([None, 1, 2, 3]),
        "amount": decimal.Decimal(dice.randrange(100_000)) / 100,
        "price": dice.randrange(8_000) / 64,
        "ratio": dice.randrange(100) / 8,
        "country": dice.choice(["DE", "FR", "IT", "PL"]),
        "is_paid": dice.random() < 0.7,
        "day": at.date(),
        "at": at,
        "local": at.replace(tzinfo=None),
        "note": None if number % 5 == 0 else f"note {number % 700}",
        "raw": bytes([number % 256]) * (number % 4),
        "tags": [dice.randrange(9) for _ in range(dice.randrange(4))],
        "address": address if dice.random() < 0.9 else None,
        "labels": {"a": "b"},
    }


class Catalog:
    """Iceberg's REST protocol over PyIceberg's catalog, as far as reading goes: with a prefix, small
    pages, a token, and credentials for each table."""

    def __init__(self, catalog, s3):
        self.catalog, self.s3 = catalog, s3
        self.asked = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                status, body = 401, {"error": {"message": "no such token", "code": 401}}
                if self.headers.get("authorization") == f"Bearer {TOKEN}":
                    status, body = outer.answer(urllib.parse.urlsplit(self.path))
                payload = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/catalog"

    def answer(self, url):
        query = dict(urllib.parse.parse_qsl(url.query))
        parts = url.path.removeprefix("/catalog/v1/").split("/")
        if parts == ["config"]:
            if query.get("warehouse") != "the house":
                return 400, {"error": {"message": "no such warehouse", "code": 400}}
            return 200, {"defaults": {}, "overrides": {"prefix": "ws/1"}}
        if parts[:2] != ["ws", "1"]:
            return 404, {"error": {"message": "no such prefix", "code": 404}}
        levels = [tuple(urllib.parse.unquote(part).split("\x1f")) for part in parts[3:4]]
        match parts[2:]:
            case ["namespaces"]:
                parent = tuple(query["parent"].split("\x1f")) if "parent" in query else ()
                names = [list(name) for name in self.catalog.list_namespaces(parent)]
                return 200, self.page("namespaces", names, query)
            case ["namespaces", _, "tables"]:
                names = [
                    {"namespace": list(name[:-1]), "name": name[-1]}
                    for name in self.catalog.list_tables(levels[0])
                ]
                return 200, self.page("identifiers", names, query)
            case ["namespaces", _, "tables", name]:
                name = (*levels[0], urllib.parse.unquote(name))
                if not self.catalog.table_exists(name):
                    return 404, {"error": {"message": "no such table", "code": 404}}
                table = self.catalog.load_table(name)
                return 200, {
                    "metadata-location": table.metadata_location,
                    "metadata": json.loads(table.metadata.model_dump_json()),
                    "config": self.s3.pyiceberg,
                }
        return 404, {"error": {"message": "no such path", "code": 404}}

    @staticmethod
    def page(key, items, query):
        start = int(query.get("pageToken", 0))
        more = {"next-page-token": str(start + 2)} if start + 2 < len(items) else {}
        return {key: items[start : start + 2], **more}


class Dodb:
    """`dodb serve`, or the Worker on workerd."""

    def __init__(self, command, environment, port=None):
        self.url = f"http://127.0.0.1:{port}" if port else None
        token = environment.get("DODB_TOKEN")
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, env={**os.environ, **environment}, text=True
        )
        line = self.process.stdout.readline()
        if not line.startswith("dodb listens on "):
            raise SystemExit(f"{command[0]} did not start: {line}")
        self.url = line.split()[-1]

    @staticmethod
    def native(folder, attach, environment=None):
        command = [os.environ["DODB"], "serve", "--data", str(folder), "--listen", "127.0.0.1:0"]
        return Dodb([*command, "--attach", attach], environment or {})

    def ask(self, sql, database="default"):
        """Status and text."""
        url = f"{self.url}/?database={database}"
        request = urllib.request.Request(url, data=sql.encode(), headers=self.headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def query(self, sql, database="default"):
        status, text = self.ask(sql, database)
        if status != 200:
            raise SystemExit(f"{sql}: {status}: {text}")
        return text

    def until_done(self, path, database):
        more = True
        while more:
            url = f"{self.url}{path}?database={database}"
            request = urllib.request.Request(url, data=b"", headers=self.headers)
            with urllib.request.urlopen(request, timeout=120) as answer:
                more = json.loads(answer.read())["more"]

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def expect(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"{what}:\n  found  {found}\n  wanted {wanted}")
    print(f"  {what}: {str(found)[:90]!r}")


def refused(dodb, sql, said, database="default"):
    status, text = dodb.ask(sql, database)
    if status < 400 or said not in text:
        raise SystemExit(f"{sql}: {status} {text!r}, which should say {said!r}")
    print(f"  refused: {sql[:70]}: {text.strip()[:110]}")


def rows(answer):
    """TSV as values, so that 1 and 1.0 are one."""

    def value(text):
        try:
            return round(float(text), 6)
        except ValueError:
            return {"\\N": None, "true": 1.0, "false": 0.0}.get(text, text)

    return [[value(field) for field in line.split("\t")] for line in answer.splitlines()]


def of_duckdb(sql, arrow):
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    duck.register("t", arrow)

    def text(value):
        if value is None:
            return "\\N"
        return str(value).lower() if isinstance(value, bool) else str(value)

    found = duck.execute(sql.format(t="t")).fetchall()
    return rows("\n".join("\t".join(text(value) for value in row) for row in found))


def compare(what, dodb, name, table, questions=ORDERS):
    arrow = table.scan().to_arrow()
    for question in questions:
        duck, ours = question if isinstance(question, tuple) else (question, question)
        expect(f"{what}: {ours.format(t='t')[:60]}", rows(dodb.query(ours.format(t=name))),
               of_duckdb(duck, arrow))


def append(table, dice, numbers, columns=None):
    batch = [order(dice, number) for number in numbers]
    schema = table.schema().as_arrow()
    if columns:
        batch = [{**row, **columns(row)} for row in batch]
    table.append(pyarrow.Table.from_pylist(batch, schema=schema))


def others(s3, folder):
    """Tables of PyIceberg on S3, by catalog and by folder."""
    dice = random.Random(1)
    catalog = SqlCatalog(
        "made", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"{s3.url}/house", **s3.pyiceberg
    )
    for namespace in ["sales", "a", "a.b", "empty", "more"]:
        catalog.create_namespace(namespace)
    day = PartitionField(9, 1000, DayTransform(), "at_day")
    bucket = PartitionField(6, 1001, BucketTransform(3), "country_bucket")
    table = catalog.create_table("sales.orders", SCHEMA, partition_spec=PartitionSpec(day, bucket))
    append(table, dice, range(4_000))
    first = table.current_snapshot().snapshot_id
    append(table, dice, range(4_000, 9_000))
    old = catalog.create_table("a.b.old", SCHEMA, properties={"format-version": "1"})
    append(old, dice, range(500))
    served = Catalog(catalog, s3)
    attach = f"{served.url}=TEST_CATALOG_TOKEN,{s3.url}"
    environment = {**s3.environment, "TEST_CATALOG_TOKEN": TOKEN}
    dodb = Dodb.native(folder / "reads", attach, environment)
    try:
        expect("attached", dodb.query(
            f"CREATE DATABASE shop ENGINE = Iceberg('{served.url}', 'the house')"), "")
        dodb.query(f"CREATE DATABASE IF NOT EXISTS shop ENGINE = Iceberg('{served.url}')")
        expect("tables", dodb.query("SHOW TABLES FROM shop").split(), ["a.b.old", "sales.orders"])
        expect("tables like", dodb.query("SHOW TABLES FROM shop LIKE 's%'").split(),
               ["sales.orders"])
        compare("by catalog", dodb, "shop.sales.orders", table)
        compare("in two parts", dodb, "shop.`sales.orders`", table, ORDERS[:2])
        compare("without a namespace", dodb, "shop.orders", table, ORDERS[:2])
        compare("format 1", dodb, "shop.`a.b.old`", old)
        expect("then", dodb.query(f"SELECT count(*) FROM shop.orders FOR VERSION AS OF {first}"),
               "4000\n")
        pruned(dodb)
        changed(dodb, dice, table)
        by_folder(dodb, s3, table, old)
        joined(dodb)
        wrong(dodb, served)
    finally:
        dodb.stop()
        served.server.shutdown()
    # It is in the database, not in the process; and it is read when it is asked for, not before.
    asked = served.asked
    dodb = Dodb.native(folder / "reads", attach, environment)
    try:
        found = dodb.query("SELECT name, engine FROM system.databases ORDER BY name")
        expect("kept", found.split(), ["by_path", "Iceberg", "default", "dodb", "shop", "Iceberg",
                                       "system", "SystemTables"])
        expect("without a request", served.asked, asked)
        refused(dodb, "SELECT count(*) FROM shop.sales.orders", "no answer")
        dodb.query("DROP DATABASE shop")
        refused(dodb, "SELECT count(*) FROM shop.sales.orders", "shop")
        expect("nothing of it is deleted", table.scan().count() > 0, True)
    finally:
        dodb.stop()


def pruned(dodb):
    """Bounds in manifests keep files from being opened."""
    said = dodb.query("EXPLAIN ANALYZE SELECT sum(price) FROM shop.orders WHERE id < 10")
    print(said)


def changed(dodb, dice, table):
    table.delete("id >= 4000 AND id < 4100")
    compare("after deletes", dodb, "shop.orders", table)
    with table.update_schema() as update:
        update.update_column("quantity", LongType())
        update.rename_column("ratio", "share")
        update.add_column("late", StringType())
    append(table, dice, range(9_000, 9_500),
           lambda row: {"share": row["ratio"], "late": f"l{row['id']}"})
    questions = [*ORDERS, "SELECT count(late), min(late), sum(share) FROM {t}"]
    compare("after changes of schema", dodb, "shop.orders", table, questions)
    described = dodb.query("DESCRIBE TABLE shop.sales.orders").splitlines()
    expect("columns", [line for line in described if "late" in line or "quantity" in line],
           ["quantity\tNullable(Int64)", "late\tNullable(String)"])


def by_folder(dodb, s3, table, old):
    dodb.query(f"CREATE DATABASE by_path ENGINE = Iceberg('{s3.url}/house')")
    expect("in the folder", dodb.query("SHOW TABLES FROM by_path").split(),
           [location(table, s3), location(old, s3)] if location(table, s3) < location(old, s3)
           else [location(old, s3), location(table, s3)])
    compare("by folder", dodb, f"by_path.`{location(table, s3)}`", table)


def location(table, s3):
    return table.location().removeprefix(f"{s3.url}/house/").replace("/", ".")


def joined(dodb):
    dodb.query("CREATE TABLE paid (id Int32, who String)")
    dodb.query("INSERT INTO paid VALUES (7, 'seven'), (8, 'eight'), (100000, 'nobody')")
    expect("joined with a table of its own", dodb.query(
        "SELECT p.who, o.country FROM paid p JOIN shop.sales.orders o ON o.id = p.id ORDER BY 1"
    ).count("\n"), 2)
    dodb.query("INSERT INTO paid SELECT id, country FROM shop.orders WHERE id < 5")
    expect("copied", dodb.query("SELECT count(*) FROM paid"), "8\n")


def wrong(dodb, served):
    made = "CREATE DATABASE x ENGINE = Iceberg"
    refused(dodb, f"{made}('http://127.0.0.1:1/v1')", "may not be read from here")
    refused(dodb, f"{made}('{served.url}/../x')", "not taken in a place")
    refused(dodb, f"{made}('file:///etc')", "may not be read from here")
    refused(dodb, f"{made}()", "Iceberg('https://catalog'")
    refused(dodb, "CREATE DATABASE x ENGINE = MySQL('a')", "Iceberg('https://catalog'")
    refused(dodb, "CREATE DATABASE system ENGINE = Iceberg('file:///x')", "exists already")
    refused(dodb, f"CREATE DATABASE shop ENGINE = Iceberg('{served.url}')", "exists already")
    refused(dodb, "DROP DATABASE nothing", "no database `nothing`")
    dodb.query("DROP DATABASE IF EXISTS nothing")
    refused(dodb, "SELECT * FROM shop.sales.none", "there is no table `shop.sales.none`")
    refused(dodb, "SELECT * FROM shop.none", "there is no table `shop.none`")
    refused(dodb, "SELECT * FROM shop.sales.orders FOR VERSION AS OF 1", "no snapshot 1")
    refused(dodb, "SELECT labels FROM shop.sales.orders", "labels")
    for statement in [
        "INSERT INTO shop.orders VALUES (1)",
        "DELETE FROM shop.orders WHERE id = 1",
        "UPDATE shop.orders SET id = 1 WHERE id = 2",
        "TRUNCATE TABLE shop.orders",
        "DROP TABLE shop.orders",
        "ALTER TABLE shop.orders ADD COLUMN x String",
        "CREATE TABLE shop.t (a String)",
    ]:
        refused(dodb, statement, "read-only")
    dodb.query(f"{made}('{served.url}', 'another house')".replace(" x ", " wrong_house "))
    refused(dodb, "SELECT 1 FROM wrong_house.t", "no such warehouse")
    dodb.query("DROP DATABASE wrong_house")


THINGS = [
    "SELECT count(*), min(id), max(id) FROM {t}",
    "SELECT type, count(*) FROM {t} GROUP BY type ORDER BY type",
    "SELECT sum(data.n::Int64), count(data.name) FROM {t}",
    "SELECT data.name, createdAt FROM {t} WHERE id = 'thing-0042'",
    "SELECT data FROM {t} WHERE data.n = 77",
    "SELECT id FROM {t} WHERE createdAt >= '2024-05-06 00:08:00' ORDER BY id LIMIT 5",
]


def of_dodb(dodb, source, attach):
    """A database of dodb reads another one's tables: deleted rows, documents, and what is new."""
    lines = [
        {"id": f"thing-{n:04}", "type": ["User", "Order"][n % 2],
         "createdAt": int(DAY.timestamp() * 1000) + n * 1_000,
         "data": {"n": n, "name": f"name {n}"} if n % 3 else {"n": n, "big": [1, {"a": None}]}}
        for n in range(600)
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    source.query("CREATE DATABASE made")
    source.query(f"INSERT INTO things FORMAT JSONEachRow\n{text}", "made")
    source.until_done("/v1/flush", "made")
    source.query("DELETE FROM things WHERE id < 'thing-0010'", "made")
    source.until_done("/v1/compact", "made")
    dodb.query(f"CREATE DATABASE other ENGINE = {attach}")

    def same(what):
        for question in THINGS:
            wanted = source.query(question.format(t="things"), "made")
            expect(f"{what}: {question[:50]}", dodb.query(question.format(t="other.things")), wanted)

    same("another dodb")
    source.query("UPDATE things SET type = 'Late' WHERE id = 'thing-0042'", "made")
    source.until_done("/v1/flush", "made")
    source.until_done("/v1/compact", "made")
    same("later")
    expect("tables", dodb.query("SHOW TABLES FROM other").count("things"), 1)


def main():
    with tempfile.TemporaryDirectory(prefix="dodb-attach-") as folder:
        folder = pathlib.Path(folder)
        with S3("attach") as s3:
            others(s3, folder)
        bucket = Folder(folder / "bucket")
        print("one dodb reads another")
        source = Dodb.native(folder / "source", "", {"DODB_OBJECTS": bucket.url})
        dodb = Dodb.native(folder / "reader", f"{source.url}/iceberg,{bucket.url}")
        try:
            of_dodb(dodb, source, f"Iceberg('{source.url}/iceberg', 'made')")
        finally:
            dodb.stop()
            source.stop()
        print("in the Worker")
        worker(folder)
    print("attach: all passed")


def worker(folder):
    serve = ROOT / "crates" / "worker" / "js" / "serve.mjs"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = ["node", str(serve), "--build", str(CACHE / "worker" / "test"), "--port", str(port)]
    places = f"{url}/iceberg=DODB_TOKEN,s3://dodb=OBJECTS,s3://unbound"
    dodb = Dodb(command, {"DODB_ATTACH": places, "DODB_TOKEN": "a token of the Worker"})
    try:
        of_dodb(dodb, dodb, f"Iceberg('{url}/iceberg', 'made')")
        dodb.query("CREATE DATABASE unbound ENGINE = Iceberg('s3://unbound/x')")
        refused(dodb, "SELECT * FROM unbound.t", "through bindings only")
        refused(dodb, "CREATE DATABASE x ENGINE = Iceberg('file:///x')", "may not be read")
    finally:
        dodb.stop()


if __name__ == "__main__":
    main()
