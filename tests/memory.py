"""What a Durable Object takes of memory on workerd, whose isolates have 128 MB: relationships, of
which many fit in a part, and tables of 61 columns, one of them sorted, whose rows take 2 kB each.
They are loaded, flushed to R2, compacted and asked before and after; the peak must leave room for JavaScript. Each
has an isolate of its own, for the memory of wasm never shrinks. Not here: things
(tests/tiers.py).

Run by scripts/test.sh, which builds the Worker first and sets DODB to the native binary.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from tiers import CACHE, DODB, MEMORY_BYTES_MAX, worker

WIDE_ROWS, BATCH_ROWS = 60_000, 2_000
NUMBERS = range(20)
COLUMNS = ", ".join(f"i{k} Int64, f{k} Float64, s{k} String" for k in NUMBERS)


def load_relationships(home):
    command = [DODB, "import", "--url", home.url, "--table", "relationships", "--progress", "none"]
    command += ["--batch-rows", "5000", CACHE / "flights" / "relationships.ndjson.gz"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    manifest = json.loads((CACHE / "flights" / "manifest.json").read_text())
    rows = manifest["files"]["relationships.ndjson.gz"]["rows"]
    return "relationships", "count(*), sum(length(toId))", rows


def load_wide(home, clauses):
    """A table of which a row has 20 integers, 20 decimals and 20 addresses."""
    home.post("/", f"CREATE TABLE events (t DateTime, {COLUMNS}) {clauses}".encode())
    dice = random.Random(7)
    pages = [
        f"https://example.com/shop/{dice.randrange(10**9)}/an-address/of-some-length/{k}?from=mail"
        for k in range(500)
    ]
    for start in range(0, WIDE_ROWS, BATCH_ROWS):
        day = 3 * start // WIDE_ROWS + 1
        lines = []
        for _ in range(BATCH_ROWS):
            row = {"t": f"2024-01-{day:02} {dice.randrange(24):02}:00:00"}
            for k in NUMBERS:
                row[f"i{k}"] = dice.randrange(10 ** (k // 2 + 1))
                row[f"f{k}"] = dice.randrange(10_000) / 8
                row[f"s{k}"] = pages[dice.randrange(500)]
            lines.append(json.dumps(row))
        insert = "/?query=INSERT+INTO+events+FORMAT+JSONEachRow"
        home.post(insert, "\n".join(lines).encode())
    return "events", "count(*), sum(i9), sum(f3), uniqExact(s7)", WIDE_ROWS


def all_steps(home, path):
    while json.loads(home.post(path))["more"]:
        pass


def run(what, load):
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        home = worker(pathlib.Path(folder).resolve())
        try:
            table, asked, rows = load(home)
            loaded = home.stats()["memory_bytes"]
            query = f"SELECT {asked} FROM {table}".encode()
            before = home.post("/", query)
            all_steps(home, f"/v1/flush?table={table}")
            all_steps(home, f"/v1/compact?table={table}")
            after = home.post("/", query)
            if before != after or not before.startswith(f"{rows}\t"):
                sys.exit(f"{what}: {before} before, {after} after, of {rows} rows")
            peak = home.stats()["memory_bytes"]
        finally:
            home.stop()
    print(
        f"  {what}: {rows:,} rows, {loaded / 1e6:.1f} MB once loaded, {peak / 1e6:.1f} MB in all, "
        f"{time.monotonic() - started:.0f} s"
    )
    if peak >= MEMORY_BYTES_MAX:
        sys.exit("that is too much")


if __name__ == "__main__":
    run("relationships", load_relationships)
    run("61 columns", lambda home: load_wide(home, "PARTITION BY toDate(t)"))
    run("61 columns, sorted", lambda home: load_wide(home, "ORDER BY (i3, t)"))
    print("a Worker has room for all of it")
