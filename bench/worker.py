"""The Worker's bench: size, the first request to a cold object, a warm count beside a row-per-record
count in the same workerd. Prints a table and writes bench/results/worker.md and worker.json.

Takes the release build in crates/worker/build (`make release` or scripts/worker.sh release) and the
flights. CPU is that of the workerd process, by the kernel; the time in the object is that of a
request less the way there, which is that of `SELECT 1` to the row-per-record object: through its
Worker to an object of plain JavaScript. Not here: the native bench (run.py).
"""

import argparse
import gzip
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "crates" / "worker" / "build"
SERVE = ROOT / "crates" / "worker" / "js" / "serve.mjs"
STARTS = 5
REQUESTS = 300
# Until V8 has compiled the WebAssembly for speed, which it does while it runs.
WARM_UP = 1_000
COUNT = "/?query=SELECT+count(*)+FROM+things"


class Served:
    """workerd with dodb and the row-per-record object, data in a folder."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            ["node", SERVE, "--build", BUILD, "--port", "0", "--persist", folder, "--rows"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        found = {}
        for line in self.process.stdout:
            if match := re.match(r"(\S+) listens on (\S+)", line):
                found[match.group(1)] = match.group(2)
            if len(found) == 2:
                break
        self.url, self.rows_url = found["dodb"], found["row-per-record"]
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.workerd = children.read_text().split()[0]

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.workerd}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


class Client:
    """One connection that stays open."""

    def __init__(self, url):
        address = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(address.hostname, address.port)

    def ask(self, path, body=None):
        self.connection.request("POST" if body else "GET", path, body=body)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {text}")
        return text


def rows_sql(client, sql, records=()):
    body = json.dumps({"sql": sql, "records": list(records)})
    return json.loads(client.ask("/", body))


def load(served, dodb, flights):
    names = ["airlines", "airports", "planes", "weather", "flights"]
    files = [flights / f"{name}.ndjson.gz" for name in names]
    subprocess.run(
        [dodb, "import", "--url", served.url, "--batch-rows", "1000", "--progress", "none", *files],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    client = Client(served.rows_url)
    rows_sql(client, "CREATE TABLE things (id TEXT PRIMARY KEY, type TEXT, data TEXT)")
    for name in files:
        with gzip.open(name, "rt") as lines:
            records = [json.loads(line) for line in lines]
        for start in range(0, len(records), 5_000):
            batch = records[start : start + 5_000]
            put = "INSERT INTO things VALUES (?, ?, ?)"
            rows = [[r["id"], r["type"], json.dumps(r["data"])] for r in batch]
            rows_sql(client, put, rows)
    return int(Client(served.url).ask(COUNT))


def first_request(folder):
    """Seconds, and seconds of CPU, of the first request to a process just started."""
    served = Served(folder)
    time.sleep(0.5)
    before, started = served.cpu_seconds(), time.perf_counter()
    Client(served.url).ask(COUNT)
    elapsed = time.perf_counter() - started
    used = served.cpu_seconds() - before
    served.stop()
    return elapsed, used


def warm(ask):
    for _ in range(WARM_UP):
        ask()
    times = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        ask()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure(folder, dodb, flights):
    served = Served(folder)
    rows = load(served, dodb, flights)
    served.stop()
    starts = [first_request(folder) for _ in range(STARTS)]
    served = Served(folder)
    client, row_client = Client(served.url), Client(served.rows_url)
    wasm = next(BUILD.glob("*.wasm")).read_bytes()
    result = {
        "rows": rows,
        "wasm_bytes": len(wasm),
        "wasm_gzip_bytes": len(gzip.compress(wasm)),
        "first_seconds": statistics.median(s for s, _ in starts),
        "first_cpu_seconds": statistics.median(c for _, c in starts),
        "ping_seconds": warm(lambda: client.ask("/ping")),
        "way_seconds": warm(lambda: rows_sql(row_client, "SELECT 1")),
        "count_seconds": warm(lambda: client.ask(COUNT)),
        "row_count_seconds": warm(
            lambda: rows_sql(row_client, "SELECT count(*) FROM things")
        ),
        "memory_bytes": json.loads(client.ask("/v1/stats"))["memory_bytes"],
    }
    served.stop()
    return result


def page(result):
    def ms(name):
        return f"{result[name] * 1e3:.2f} ms"

    inside = (result["count_seconds"] - result["way_seconds"]) * 1e3
    row_inside = (result["row_count_seconds"] - result["way_seconds"]) * 1e3
    lines = [
        ("WebAssembly", f"{result['wasm_bytes'] / 2**20:.1f} MiB", "48 MiB, better 40"),
        ("the same, gzipped", f"{result['wasm_gzip_bytes'] / 2**20:.1f} MiB", ""),
        ("first request to a cold object: CPU", ms("first_cpu_seconds"), "1 s"),
        ("first request to a cold object: time", ms("first_seconds"), ""),
        ("/ping, warm", ms("ping_seconds"), ""),
        ("the way to an object and back, warm", ms("way_seconds"), ""),
        (f"count(*) of {result['rows']:,} things, warm", ms("count_seconds"), ""),
        ("of that in the object", f"{inside:.2f} ms", "2 ms"),
        ("row-per-record count(*), warm", ms("row_count_seconds"), ""),
        ("of that in the object", f"{row_inside:.2f} ms", ""),
        ("memory of the wasm", f"{result['memory_bytes'] / 1e6:.1f} MB", "96 MB"),
    ]
    table = ["| what | measured | at most |", "|---|---:|---:|"]
    table += [f"| {what} | {value} | {limit} |" for what, value, limit in lines]
    text = "\n".join(table)
    return f"# The Worker on workerd\n\nBy `make bench`; how: bench/worker.py.\n\n{text}\n"


def main():
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "dodb"
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dodb", type=pathlib.Path, default=cache / "target/release/dodb")
    parser.add_argument("--flights", type=pathlib.Path, default=cache / "flights")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dodb-bench-") as folder:
        result = measure(folder, chosen.dodb, chosen.flights)
    text = page(result)
    print(text)
    results = ROOT / "bench" / "results"
    (results / "worker.md").write_text(text)
    (results / "worker.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
