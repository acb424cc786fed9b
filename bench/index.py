"""What look-ups over a thousand files take: dodb with its index, and DuckDB, chDB and DataFusion over
the very same Parquet files in the same folder, in one run. Prints a table and writes
bench/results/index.md and index.json. Fails where an answer differs. Warm processes, medians.

Not here: what look-ups cost in rows and requests at other numbers of files (the engine's test
look_ups_cost_the_same_at_any_number_of_files prints that), and the Worker (bench/flush.py).
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

from report import table

ROOT = pathlib.Path(__file__).resolve().parent.parent
DAY_MS = 86_400_000
START_MS = 1_577_836_800_000
TYPES = ["Order", "Refund", "Visit", "Login"]
REPEATS = 7


class Dodb:
    """`dodb serve` with files in a folder or elsewhere, asked over one connection."""

    label = "dodb"

    def __init__(self, binary, folder, objects=None, environment=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        objects = objects or f"file://{folder}/lake"
        command = [binary, "serve", "--data", f"{folder}/data", "--objects", objects]
        environment = {**os.environ, **(environment or {})}
        command += ["--listen", f"127.0.0.1:{port}"]
        self.process = subprocess.Popen(command, env=environment)
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        for _ in range(200):
            try:
                self.post("/", b"SELECT 1")
                return
            except OSError:
                self.connection.close()
                time.sleep(0.05)
        raise SystemExit("dodb does not answer")

    def post(self, path, body=b""):
        self.connection.request("POST", path, body=body)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise SystemExit(f"dodb: {answer.status} {text}")
        self.cost = json.loads(answer.headers.get("x-dodb-cost", "{}"))
        return text

    def load(self, files, rows):
        for lines in batches(files, rows):
            self.post("/?query=" + urllib.parse.quote("INSERT INTO things FORMAT JSONEachRow"), lines)
        while json.loads(self.post("/v1/flush?table=things"))["more"]:
            pass
        while json.loads(self.post("/v1/compact?table=things"))["more"]:
            pass
        found = self.post("/", b"SELECT warm_files FROM system.tables WHERE name = 'things'")
        if int(found) != files:
            raise SystemExit(f"{found.strip()} files, not {files}")

    def query(self, sql):
        text = self.post("/", (sql + " FORMAT JSONCompactEachRow").encode())
        return [json.loads(line) for line in text.splitlines()]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


class DuckDb:
    label = "DuckDB"

    def __init__(self, folder):
        import duckdb

        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        files = f"read_parquet('{folder}/lake/default/things/data/*.parquet')"
        self.connection.execute(f"CREATE VIEW things AS SELECT * FROM {files}")

    def query(self, sql):
        return [list(row) for row in self.connection.execute(sql).fetchall()]


class ChDb:
    label = "chDB"

    def __init__(self, folder):
        from chdb.session import Session

        # It reads what is below the folder that it was started in.
        os.chdir(folder)
        self.session = Session()
        self.place = f"FROM icebergLocal('{folder}/lake/default/things')"

    def query(self, sql):
        sql = sql.replace("FROM things", self.place)
        text = str(self.session.query(sql, "JSONCompactEachRow"))
        return [json.loads(line) for line in text.splitlines()]


class DataFusion:
    label = "DataFusion"

    def __init__(self, folder):
        import datafusion

        self.context = datafusion.SessionContext()
        self.context.register_parquet("things", f"{folder}/lake/default/things/data/")

    def query(self, sql):
        # Names without quotes are taken for lower case.
        batches = self.context.sql(sql.replace("createdAt", '"createdAt"')).collect()
        return [list(row.values()) for batch in batches for row in batch.to_pylist()]


def batches(files, rows):
    """Things as NDJSON: for each file one day of one type; emails and ids are each there once."""
    dice, lines = random.Random(7), []
    for file in range(files):
        day = START_MS + file // len(TYPES) * DAY_MS
        for row in range(rows):
            number = file * rows + row
            thing = {
                "id": f"{dice.getrandbits(64):016x}",
                "type": TYPES[file % len(TYPES)],
                "createdAt": day + row * 1_000 * len(TYPES) + file % len(TYPES),
                "data": {
                    "email": f"user{number}@example.org",
                    "amount": dice.randrange(100_000) / 4,
                    "country": dice.choice(["CN", "DE", "FR", "IN", "JP", "US"]),
                },
            }
            lines.append(json.dumps(thing, separators=(",", ":")))
            if len(lines) == 50_000:
                yield "\n".join(lines).encode()
                lines = []
    if lines:
        yield "\n".join(lines).encode()


def questions(files, rows, ident):
    """Title, SQL of dodb, and where it differs that of DuckDB and ClickHouse, and of DataFusion."""
    middle = files * rows // 2
    day = time.strftime("%Y-%m-%d", time.gmtime(START_MS / 1_000 + files // len(TYPES) // 2 * 86_400))
    hour = f"createdAt >= '{day} 00:00:00' AND createdAt < '{day} 01:00:00'"
    moments = hour.replace("'" + day, "TIMESTAMP '" + day)
    count = "SELECT count(*) FROM things"
    by_email = "SELECT count(*) FROM things WHERE {path} = '{value}'"
    hit, miss = f"user{middle}@example.org", "nobody@example.org"

    def on_path(sql):
        plain = sql.format(path="data.email", amount="data.amount", country="data.country")
        brackets = sql.format(
            path="data['email']", amount="data['amount']", country="data['country']"
        )
        return plain, plain, brackets

    return [
        ("count", count, count, count),
        ("count by type", *[f"SELECT type, count(*) FROM things GROUP BY type ORDER BY type"] * 3),
        ("one by id", *on_path(f"SELECT {{amount}} FROM things WHERE id = '{ident}'")),
        ("one by a path", *on_path(by_email.replace("{value}", hit))),
        ("none by a path", *on_path(by_email.replace("{value}", miss))),
        (
            "bounds of a path",
            *on_path("SELECT min({amount}), max({amount}), count({amount}) FROM things"),
        ),
        ("an hour", f"{count} WHERE {hour}", f"{count} WHERE {hour}", f"{count} WHERE {moments}"),
        ("the ten newest", *["SELECT id FROM things ORDER BY createdAt DESC, id LIMIT 10"] * 3),
        (
            "sum by country",
            *on_path("SELECT {country} AS c, sum({amount}) FROM things GROUP BY c ORDER BY c"),
        ),
    ]


def measure(engine, sql):
    engine.query(sql)
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        answer = engine.query(sql)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), answer


def same(a, b):
    def plain(value):
        try:
            return round(float(value), 4)
        except (TypeError, ValueError):
            return value

    return [[plain(v) for v in row] for row in a] == [[plain(v) for v in row] for row in b]


def run(binary, files, rows, folder):
    dodb = Dodb(binary, folder)
    try:
        dodb.load(files, rows)
        ident = dodb.query("SELECT id FROM things WHERE data.email = 'user7@example.org'")[0][0]
        peers = [DuckDb(folder), ChDb(folder), DataFusion(folder)]
        results = []
        for title, own, theirs, brackets in questions(files, rows, ident):
            seconds, answer = measure(dodb, own)
            line = {"title": title, "dodb": seconds, "cost": dodb.cost}
            for peer in peers:
                sql = brackets if peer.label == "DataFusion" else theirs
                line[peer.label], other = measure(peer, sql)
                if not same(answer, other):
                    raise SystemExit(f"{title}: {answer[:3]}, {peer.label} says {other[:3]}")
            print(f"  {title}: {seconds * 1e3:.2f} ms", flush=True)
            results.append(line)
        return results
    finally:
        dodb.stop()


def page(results, files, rows):
    peers = [label for label in results[0] if label not in ("title", "dodb", "cost")]
    lines = []
    for line in results:
        cells = [f"{line[peer] * 1e3:,.1f} ms ({line[peer] / line['dodb']:,.1f}x)" for peer in peers]
        gets = str(line["cost"].get("object_gets", 0))
        lines.append([line["title"], f"{line['dodb'] * 1e3:,.2f} ms", gets, *cells])
    header = ["median of 7", "dodb", "GETs", *[f"{peer} (dodb is)" for peer in peers]]
    return "\n\n".join([
        f"# Look-ups over {files:,} files of {rows:,} rows in a folder",
        "How: bench/index.py. dodb over HTTP, the others within the process that measures.",
        table(header, lines),
    ]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dodb", required=True)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=500)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dodb-bench-") as folder:
        results = run(chosen.dodb, chosen.files, chosen.rows, folder)
    text = page(results, chosen.files, chosen.rows)
    print(text)
    if (chosen.files, chosen.rows) == (1_000, 500):
        place = ROOT / "bench" / "results"
        (place / "index.md").write_text(text)
        (place / "index.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    sys.exit(main())
