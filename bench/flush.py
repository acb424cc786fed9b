"""What moving rows to the bucket costs at scale, in a Durable Object on workerd with R2: a thousand
flushes of ten thousand things each, then compaction until nothing is left, then a count and a query.
Rows, requests and dollars are those of the meters; memory is the peak of the Worker's wasm. Prints
tables and writes bench/results/flush.md and flush.json. Fails where an answer is wrong, a flush did
not make its one file, or the memory is past that of an isolate.

Takes the build for tests (scripts/worker.sh test), which can be told to leave background work alone:
so all the files are there at once. Not here: how long queries over files take, and other engines.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

from report import table

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVE = ROOT / "crates" / "worker" / "js" / "serve.mjs"
ISOLATE_BYTES = 128 * 1000 * 1000
# One day, so that everything is of one partition and each flush makes one file.
DAY_MS = 1_704_067_200_000
COUNTS = ["rows_read", "rows_written", "object_gets", "object_puts", "object_bytes"]


class Object:
    """The Worker on workerd, its data in a folder, and what its answers cost."""

    def __init__(self, build, folder):
        self.process = subprocess.Popen(
            ["node", SERVE, "--build", build, "--port", "0", "--persist", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        line = self.process.stdout.readline()
        if not line.startswith("dodb listens on "):
            raise SystemExit(f"the Worker did not start: {line}")
        address = urllib.parse.urlsplit(line.split()[-1])
        self.place = (address.hostname, address.port)

    def post(self, path, body=b""):
        """The text of an answer, what it cost, and how many seconds it took."""
        started = time.perf_counter()
        text, headers = self.ask("POST", path, body)
        return text, json.loads(headers["x-dodb-cost"]), time.perf_counter() - started

    def ask(self, method, path, body=b""):
        # workerd closes a connection after an answer that took some seconds: none is used again.
        connection = http.client.HTTPConnection(*self.place)
        try:
            connection.request(method, path, body=body)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {text}")
        return text, answer.headers

    def memory_bytes(self):
        return json.loads(self.ask("GET", "/v1/stats")[0])["memory_bytes"]

    def warm(self, what):
        """Something that the statistics say of the things in the bucket."""
        tables = json.loads(self.ask("GET", "/v1/stats")[0])["tables"]
        [found] = [t[what] for t in tables if (t["name"], t["tier"]) == ("things", "warm")]
        return found

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


class Phase:
    """What all requests of one kind came to."""

    def __init__(self, object_):
        self.object = object_
        self.costs = []
        self.seconds = 0.0

    def post(self, path, body=b""):
        text, cost, seconds = self.object.post(path, body)
        self.costs.append(cost)
        self.seconds += seconds
        return text

    def result(self):
        sums = {key: sum(cost.get(key, 0) for cost in self.costs) for key in [*COUNTS, "usd"]}
        return {
            **sums,
            "requests": len(self.costs),
            "seconds": self.seconds,
            "memory_bytes": self.object.memory_bytes(),
        }

    def each(self, key):
        counts = [cost.get(key, 0) for cost in self.costs]
        return {"median": statistics.median(counts), "max": max(counts)}


def batch(dice, number, rows):
    """Things as NDJSON; their time grows by a little under nine microseconds a thing."""
    countries = ["CN", "DE", "FR", "IN", "JP", "US"]
    lines = []
    for at in range(number * rows, (number + 1) * rows):
        data = {
            "user": f"u{dice.randrange(200_000)}",
            "amount": dice.randrange(100_000) / 100,
            "status": dice.choice(["open", "paid", "paid", "paid", "void"]),
            "country": dice.choice(countries),
        }
        thing = {"id": f"order/{at:09}", "type": "Order", "data": data}
        thing["createdAt"] = DAY_MS + at * 8 // 1_000
        lines.append(json.dumps(thing, separators=(",", ":")))
    return "\n".join(lines).encode()


def measure(worker, flushes, rows):
    worker.post("/_test/hold")
    dice = random.Random(1)
    insert, flush = Phase(worker), Phase(worker)
    for number in range(flushes):
        insert.post("/?query=INSERT+INTO+things+FORMAT+JSONEachRow", batch(dice, number, rows))
        moved = json.loads(flush.post("/v1/flush?table=things"))
        if (moved["rows"], moved["files"], moved["more"]) != (rows, 1, False):
            raise SystemExit(f"flush {number}: {moved}")
        if (number + 1) % 50 == 0:
            print(f"  {number + 1:,} flushes", flush=True)
    result = {"rows": flushes * rows, "insert": insert.result(), "flush": flush.result()}
    result["each_flush"] = {key: flush.each(key) for key in COUNTS}
    result["files_flushed"] = files(worker)
    result["index_bytes_flushed"] = worker.warm("index_bytes")
    check("files", result["files_flushed"], flushes)
    result["flushed"] = queries(worker, result["rows"])
    compact = Phase(worker)
    while json.loads(compact.post("/v1/compact?table=things"))["more"]:
        pass
    result["compact"] = compact.result()
    result["files_compacted"] = files(worker)
    result["index_bytes"] = worker.warm("index_bytes")
    result["compacted"] = queries(worker, result["rows"])
    return result


def files(worker):
    query = b"SELECT warm_files FROM system.tables WHERE name = 'things'"
    return int(worker.post("/", query)[0])


def queries(worker, rows):
    """A count and one thing by its id, each on an object that has just woken."""
    asked = {}
    middle = f"order/{rows // 2:09}"
    for name, query, wanted in [
        ("count", "SELECT count(*) FROM things", str(rows)),
        ("by id", f"SELECT id FROM things WHERE id = '{middle}'", middle),
        ("no such id", "SELECT count(*) FROM things WHERE id = 'nobody'", "0"),
        ("an hour's last", "SELECT max(createdAt) > '2024-01-01' FROM things", "true"),
    ]:
        worker.post("/_test/forget")
        phase = Phase(worker)
        check(name, phase.post("/", query.encode()).strip(), wanted)
        asked[name] = phase.result()
    return asked


def check(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"{what}: {found}, not {wanted}")


def page(result):
    def line(name, phase):
        return [
            name,
            *[f"{phase[key]:,}" for key in COUNTS[:4]],
            f"{phase['object_bytes'] / 1e6:,.1f}",
            f"${phase['usd']:.4f}",
            f"{phase['seconds']:,.1f}",
            f"{phase['memory_bytes'] / 1e6:.1f}",
        ]

    header = ["", "rows read", "rows written", "GETs", "PUTs", "MB moved", "cost", "seconds"]
    lines = [
        line("inserts", result["insert"]),
        line("flushes", result["flush"]),
        *[line(f"flushed: {name}", phase) for name, phase in result["flushed"].items()],
        line("compaction", result["compact"]),
        *[line(f"compacted: {name}", phase) for name, phase in result["compacted"].items()],
    ]
    each = result["each_flush"]
    counts = [
        [key.replace("_", " "), f"{each[key]['median']:,}", f"{each[key]['max']:,}"]
        for key in COUNTS
    ]
    per_thousand = result["flush"]["rows_written"] * 1_000 / result["rows"]
    return "\n\n".join([
        f"# {result['rows']:,} things to the bucket of a Worker",
        "How: bench/flush.py.",
        table([*header, "peak MB"], lines),
        f"{result['files_flushed']:,} files after the flushes, {result['files_compacted']:,} after "
        f"compaction. {per_thousand:.3f} rows written for 1,000 things flushed. The index (lists of "
        f"files, ids, posting lists, footers) has {result['index_bytes_flushed'] / 1e6:.1f} MB after "
        f"the flushes, {result['index_bytes'] / 1e6:.1f} MB after compaction.",
        table(["one flush", "median", "most"], counts),
    ]) + "\n"


def main():
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "dodb"
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=cache / "worker" / "test")
    parser.add_argument("--flushes", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=10_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dodb-bench-") as folder:
        worker = Object(chosen.build, folder)
        try:
            result = measure(worker, chosen.flushes, chosen.rows)
        finally:
            worker.stop()
    text = page(result)
    print(text)
    if (chosen.flushes, chosen.rows) == (1_000, 10_000):
        results = ROOT / "bench" / "results"
        (results / "flush.md").write_text(text)
        (results / "flush.json").write_text(json.dumps(result, indent=2) + "\n")
    peak = max(result[name]["memory_bytes"] for name in ["insert", "flush", "compact"])
    if peak > ISOLATE_BYTES:
        sys.exit(f"the Worker took {peak:,} bytes, an isolate has {ISOLATE_BYTES:,}")


if __name__ == "__main__":
    main()
