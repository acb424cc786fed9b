"""All flights in both tiers: natively with a folder and with an S3 server as the bucket, and in a
Durable Object with R2 on workerd. The same questions are asked while some rows are in the bucket
and some are hot, when all are in the bucket, and after compaction; every answer must be that of a
database whose rows never left the hot tier. Prints what flushing cost, and what of S3 is read again
in the next process. Not here: other engines
(tests/iceberg_peers.py).

Run by scripts/test.sh, which builds the Worker first and sets DODB to the native binary.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from buckets import S3, Folder

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "dodb"
DODB = os.environ["DODB"]
NAMES = ["airlines", "airports", "planes", "weather", "flights"]
FILES = [CACHE / "flights" / f"{name}.ndjson.gz" for name in NAMES]
QUERIES = (ROOT / "tests" / "flights.sql").read_text().strip().split(";\n")
# An isolate has 128 MB; the wasm must leave room for JavaScript.
MEMORY_BYTES_MAX = 96 * 1024 * 1024


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Home:
    """A server, and what its flush cost."""

    def __init__(self, name, command, url, environment=None):
        self.name, self.url = name, url
        environment = {**os.environ, **(environment or {})}
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
        self.cost, self.query_gets = {}, 0
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/ping", timeout=5).read()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"{name}: no answer")

    def post(self, path, body=b""):
        request = urllib.request.Request(self.url + path, data=body, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                cost = json.loads(answer.headers["x-dodb-cost"])
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            sys.exit(f"{self.name}: {path}: {error.code}: {error.read().decode()}")
        if path.startswith("/v1/"):
            for key, count in cost.items():
                self.cost[key] = self.cost.get(key, 0) + count
        else:
            self.query_gets += cost["object_gets"]
        return text

    def load(self, files):
        command = [DODB, "import", "--url", self.url, "--batch-rows", "1000", "--progress", "none"]
        subprocess.run([*command, *files], check=True, stdout=subprocess.DEVNULL)

    def flush(self):
        files, more = 0, True
        while more:
            step = json.loads(self.post("/v1/flush?table=things"))
            files, more = files + step["files"], step["more"]
        return files

    def answers(self):
        return [self.post("/", query.encode()) for query in QUERIES]

    def stats(self):
        with urllib.request.urlopen(f"{self.url}/v1/stats") as answer:
            return json.load(answer)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def native(name, folder, bucket, *more):
    port = free_port()
    command = [DODB, "serve", "--data", folder / name, "--objects", bucket.url, *more]
    command += ["--listen", f"127.0.0.1:{port}"]
    return Home(name, command, f"http://127.0.0.1:{port}", bucket.environment)


def worker(folder):
    port = free_port()
    command = ["node", ROOT / "crates" / "worker" / "js" / "serve.mjs"]
    command += ["--build", CACHE / "worker" / "test", "--port", str(port)]
    command += ["--persist", folder / "worker"]
    return Home("worker", command, f"http://127.0.0.1:{port}")


def check(home, what, found, wanted):
    for query, answer, right in zip(QUERIES, found, wanted, strict=True):
        if answer != right or not answer:
            sys.exit(f"{home.name}, {what}: {query}\n  found  {answer}\n  wanted {right}")
    memory = home.stats().get("memory_bytes")
    peak = f", {memory / 1e6:.1f} MB of memory so far" if memory else ""
    print(f"  {home.name}, {what}: {len(found)} answers are right{peak}")


def run(home, wanted):
    started = time.monotonic()
    home.load(FILES[:-1])
    files = home.flush()
    home.load(FILES[-1:])
    memory = home.stats().get("memory_bytes")
    if memory:
        print(f"  {home.name}, loaded: {memory / 1e6:.1f} MB of memory so far")
    check(home, "half of it flushed", home.answers(), wanted)
    files += home.flush()
    cost = dict(home.cost)
    check(home, "flushed", home.answers(), wanted)
    while json.loads(home.post("/v1/compact?table=things"))["more"]:
        pass
    check(home, "compacted", home.answers(), wanted)
    rows = int(home.post("/", b"SELECT count(*) FROM things"))
    print(
        f"  {home.name}: flushing {rows:,} rows to {files} files: {cost['rows_written']:,} rows "
        f"written, {cost['rows_read']:,} read, {cost['object_puts']:,} PUTs, "
        f"{cost['object_gets']:,} GETs; {time.monotonic() - started:.0f} s in all"
    )


def run_again(folder, bucket, wanted):
    """What was read of S3 is on disk in the next process, unless it is told to keep nothing."""
    gets = []
    for more in [[], ["--objects-cache", "0"]]:
        home = native("s3", folder, bucket, *more)
        try:
            check(home, "started again", home.answers(), wanted)
            gets.append(home.query_gets)
        finally:
            home.stop()
    print(f"  s3: {gets[0]} GETs for the same answers with the cache on disk, {gets[1]} without")
    if gets[0] > 0 or gets[1] == 0:
        sys.exit("the cache on disk does not do what it should")


def hot_answers(folder):
    home = native("hot", folder, Folder(folder / "unused"))
    try:
        home.load(FILES)
        return home.answers()
    finally:
        home.stop()


def main():
    with tempfile.TemporaryDirectory() as folder, S3("some/where") as s3:
        folder = pathlib.Path(folder).resolve()
        homes = [
            lambda: native("folder", folder, Folder(folder / "lake")),
            lambda: native("s3", folder, s3),
            lambda: worker(folder),
        ]
        wanted = hot_answers(folder)
        for make in homes:
            home = make()
            try:
                run(home, wanted)
                if home.name == "worker":
                    memory = home.stats()["memory_bytes"]
                    print(f"  worker: all flights in one object, peak {memory / 1e6:.1f} MB")
                    if memory >= MEMORY_BYTES_MAX:
                        sys.exit("that is too much")
            finally:
                home.stop()
            if home.name == "s3":
                run_again(folder, s3, wanted)
        if not s3.holds("default/things/"):
            sys.exit("nothing is in the S3 bucket")


if __name__ == "__main__":
    main()
    print("all tiers agree")
