"""Measures JSON columns: a million nested events in dodb, chDB with and without hints, and DuckDB.

One run, one machine, the same answers: they are compared, and a difference ends the run. Prints
the tables that it writes to bench/results/events.md.
"""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import time

import events
import json_queries as queries
from report import table, times

HERE = pathlib.Path(__file__).parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "dodb"
REPEATS = 5
THREADS = 2
BODY_BYTES = 8 << 20


def folder_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Dodb:
    """The binary: `dodb serve`, documents in requests of 8 MiB, then `dodb compact`."""

    label = "dodb"
    path = staticmethod(queries.dodb_path)

    def __init__(self, binary, work):
        self.binary, self.folder = binary, work / "dodb"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.server = None

    def start(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [self.binary, "serve", "--data", str(self.folder)]
        self.server = subprocess.Popen(
            [*command, "--listen", f"127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        for _ in range(300):
            try:
                self.connection.request("GET", "/ping")
                if self.connection.getresponse().read() == b"Ok.\n":
                    return
            except OSError:
                self.connection.close()
            time.sleep(0.1)
        sys.exit("dodb serve answers no /ping")

    def stop(self):
        self.server.terminate()
        self.server.wait()

    def post(self, path, body):
        self.connection.request("POST", path, body=body)
        response = self.connection.getresponse()
        text = response.read()
        if response.status != 200:
            sys.exit(f"dodb answered {response.status}: {text.decode(errors='replace')[:2000]}")
        return text

    def load(self, source):
        self.start()
        self.post("/", queries.DODB_TABLE.encode())
        started = time.perf_counter()
        insert = "/?query=INSERT%20INTO%20events%20FORMAT%20JSONAsObject"
        with open(source, "rb") as lines:
            while body := lines.readlines(BODY_BYTES):
                self.post(insert, b"".join(body))
        seconds = time.perf_counter() - started
        self.stop()
        fresh = folder_bytes(self.folder)
        done = subprocess.run([self.binary, "compact", "--data", str(self.folder)], check=True,
                              capture_output=True, text=True)
        print(done.stderr.strip() or done.stdout.strip())
        self.start()
        size = json.loads(self.post("/?default_format=JSONCompact", b"SELECT sum(bytes) FROM "
                                    b"system.parts WHERE table = 'events'"))["data"][0][0]
        return seconds, int(size), fresh

    def query(self, sql):
        reply = json.loads(self.post("/?default_format=JSONCompact", sql.encode()))
        return float(reply["statistics"]["elapsed"]), reply["data"]


class Chdb:
    """chDB, in this process."""

    def __init__(self, label, ddl, path, work):
        self.label, self.ddl, self.path = label, ddl, path
        self.folder = work / label.replace(" ", "-").replace(",", "")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.session = None

    def load(self, source):
        from chdb.session import Session
        self.session = Session(str(self.folder))
        self.session.query("CREATE DATABASE IF NOT EXISTS b ENGINE = Atomic")
        self.session.query("USE b")
        self.session.query(self.ddl)
        started = time.perf_counter()
        self.session.query(
            f"INSERT INTO events SELECT json FROM file('{source}', JSONAsObject, 'json JSON') "
            f"SETTINGS max_insert_threads = {THREADS}, max_threads = {THREADS}"
        )
        seconds = time.perf_counter() - started
        self.session.query("OPTIMIZE TABLE events FINAL")
        size = self.session.query(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'events' "
            "AND database = 'b'", "CSV")
        return seconds, int(str(size).strip()), None

    def query(self, sql):
        started = time.perf_counter()
        reply = self.session.query(f"{sql} SETTINGS max_threads = {THREADS}", "JSONCompact")
        seconds = time.perf_counter() - started
        return seconds, json.loads(str(reply))["data"]

    def stop(self):
        self.session.close()


class Duckdb:
    """DuckDB on JSON text."""

    label = "DuckDB, JSON text"
    path = staticmethod(queries.duckdb_path)

    def __init__(self, work):
        self.file = work / "duck.db"
        self.file.unlink(missing_ok=True)

    def load(self, source):
        import duckdb
        self.connection = duckdb.connect(str(self.file))
        self.connection.execute(f"SET threads = {THREADS}; SET TimeZone = 'UTC'")
        started = time.perf_counter()
        self.connection.execute(
            f"CREATE TABLE events AS SELECT json AS j FROM read_ndjson_objects('{source}')")
        self.connection.execute("CHECKPOINT")
        return time.perf_counter() - started, self.file.stat().st_size, None

    def query(self, sql):
        started = time.perf_counter()
        rows = self.connection.execute(queries.duckdb_sql(sql)).fetchall()
        return time.perf_counter() - started, [list(row) for row in rows]

    def stop(self):
        self.connection.close()


def compared(rows):
    """Numbers in quotes and numbers are the same; so are missing text and NULL."""
    return [["" if value is None else str(value) for value in row] for row in rows]


def measure(engine, source, values):
    print(f"{engine.label}: loading", flush=True)
    seconds, size, fresh = engine.load(source)
    found = {"load_seconds": seconds, "bytes": size, "fresh_bytes": fresh, "queries": {}}
    answers = []
    for name, sql in queries.CLICKHOUSE:
        if isinstance(engine, Duckdb):
            sql = queries.duckdb_sql(sql)
        sql = queries.spelled(sql, engine.path, values)
        _, answer = engine.query(sql)
        answers.append(compared(answer))
        runs = [engine.query(sql)[0] for _ in range(REPEATS)]
        found["queries"][name] = statistics.median(runs)
        print(f"  {name}: {found['queries'][name] * 1e3:.1f} ms", flush=True)
    engine.stop()
    return found, answers


def page(results, count, size):
    """The results as Markdown."""
    labels = list(results)
    own = results["dodb"]
    rows = []
    for name, _ in queries.CLICKHOUSE:
        mine = own["queries"][name]
        row = [name, f"{mine * 1e3:.1f} ms"]
        for label in labels[1:]:
            theirs = results[label]["queries"][name]
            row.append(f"{theirs * 1e3:.1f} ms ({times(theirs / mine)})")
        rows.append(row)
    head = ["query, median of 5", *labels[:1], *[f"{label} (dodb is)" for label in labels[1:]]]
    loads = [
        [label, f"{found['load_seconds']:.1f} s", f"{size / 1e6 / found['load_seconds']:.0f}",
         f"{count / found['load_seconds']:,.0f}", f"{found['bytes'] / 1e6:.1f}"]
        for label, found in results.items()
    ]
    text = [f"# {count:,} events, {size / 1e6:.0f} MB of JSON", "", table(head, rows), "",
            table(["load", "time", "MB/s", "documents/s", "MB stored"], loads), "",
            *aims(results, labels)]
    return "\n".join(text) + "\n"


def shredding(binary, source):
    """How fast one core takes documents apart and puts them together, as the example prints it."""
    example = pathlib.Path(binary).parent / "examples" / "shred_speed"
    done = subprocess.run([example, source], check=True, capture_output=True, text=True)
    return "\nOn one core, without the store:\n\n```\n" + done.stdout + "```\n"


def aims(results, labels):
    """One line an aim: met, or where and by how much it is missed."""
    own = results["dodb"]
    lines = []
    for label, factor in zip(labels[1:], (1.0, 2.0, 10.0)):
        missed = []
        for name, mine in own["queries"].items():
            ratio = results[label]["queries"][name] / mine
            if ratio < factor:
                missed.append(f"{name} {times(ratio)}")
        verdict = "met" if not missed else "missed: " + ", ".join(missed)
        lines.append(f"- {times(factor)} as fast as {label} or more on every query: {verdict}")
    theirs = results[labels[2]]["bytes"]
    verdict = "met" if own["bytes"] <= theirs else "missed"
    lines.append(f"- no larger than {labels[2]}: {verdict} ({times(own['bytes'] / theirs)})")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dodb", required=True)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    work = CACHE / "events"
    work.mkdir(parents=True, exist_ok=True)
    source = work / f"events-{options.count}-{options.seed}.ndjson"
    if not source.exists():
        events.write(source.with_suffix(".part"), options.count, options.seed)
        source.with_suffix(".part").rename(source)
    with open(source, encoding="utf-8") as lines:
        first = json.loads(lines.readline())
    start = first["time_us"] + events.SPAN_US // 2
    values = {"user": first["did"], "from": start, "to": start + events.SPAN_US // 100}
    engines = [
        Dodb(options.dodb, work),
        Chdb("chDB, hints", queries.CHDB_TABLE_HINTS, queries.chdb_hinted_path, work),
        Chdb("chDB", queries.CHDB_TABLE, queries.chdb_path, work),
        Duckdb(work),
    ]
    results, reference = {}, None
    for engine in engines:
        results[engine.label], answers = measure(engine, source, values)
        reference = reference or answers
        for (name, _), ours, theirs in zip(queries.CLICKHOUSE, reference, answers):
            if ours != theirs:
                sys.exit(f"{name}: dodb answers {ours[:5]}, {engine.label} {theirs[:5]}")
    text = page(results, options.count, source.stat().st_size) + shredding(options.dodb, source)
    print(text)
    if options.count >= 1_000_000:
        (HERE / "results" / "events.md").write_text(text, encoding="utf-8")
        (HERE / "results" / "events.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
