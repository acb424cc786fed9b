"""Look-ups over a thousand files behind a store that answers each request 60 ms late: dodb with its
index, and DuckDB, chDB and DataFusion over the very same Parquet files, in one run. The store is
moto's S3 server behind a proxy that waits. Prints a table and writes bench/results/slow.md and
slow.json. Fails where an answer differs. Every question is asked once, of warm processes: what an
engine keeps of files from one question to the next counts for it.

Not here: the same files in a folder (bench/index.py).
"""

import argparse
import asyncio
import importlib
import glob
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from index import ChDb, Dodb, questions, same
from report import table

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "dodb"
# The tests' environment has an S3 server, and a DuckDB with what it needs to read from one.
TESTS_PYTHON = CACHE / "venv-tests" / "bin" / "python"
LATENCY_MS = 60
PREFIX = "slow"
ASKED = ["one by id", "one by a path", "none by a path", "an hour", "the ten newest", "sum by country"]


def serve():
    """The store. Says on standard output where it is, and ends with standard input."""
    sys.path.append(str(ROOT / "tests"))
    from buckets import S3

    with S3(PREFIX) as s3:
        asyncio.run(proxy(s3))


async def proxy(s3):
    host, port = s3.endpoint.removeprefix("http://").split(":")
    # The loop alone does not keep tasks that wait.
    kept = set()

    async def connected(reader, writer):
        kept.add(asyncio.current_task())
        try:
            await passed_on(reader, writer)
        finally:
            kept.discard(asyncio.current_task())

    async def passed_on(reader, writer):
        above_reader, above_writer = await asyncio.open_connection(host, int(port))
        is_new = True

        async def down():
            nonlocal is_new
            while data := await above_reader.read(1 << 20):
                is_new = True
                writer.write(data)
                await writer.drain()
            writer.close()

        task = asyncio.ensure_future(down())
        try:
            while data := await reader.read(1 << 20):
                # Once for each request: connections are used for one at a time.
                if is_new:
                    is_new = False
                    await asyncio.sleep(LATENCY_MS / 1e3)
                above_writer.write(data)
                await above_writer.drain()
        except ConnectionError:
            pass
        above_writer.close()
        await task

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    endpoint = "http://{}:{}".format(*server.sockets[0].getsockname()[:2])
    environment = {**s3.environment, "AWS_ENDPOINT_URL": endpoint}
    print(json.dumps({"url": s3.url, "endpoint": endpoint, "environment": environment}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def duckdb_answers(store):
    """Answers a question a line, in the tests' environment."""
    import duckdb

    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    module = importlib.import_module("duckdb_extension_httpfs")
    folder = pathlib.Path(module.__file__).parent
    [path] = glob.glob(f"{folder}/**/httpfs.duckdb_extension", recursive=True)
    connection.execute(f"LOAD '{path}'")
    keys = store["environment"]
    connection.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID '{keys['AWS_ACCESS_KEY_ID']}', "
        f"SECRET '{keys['AWS_SECRET_ACCESS_KEY']}', REGION '{keys['AWS_REGION']}', "
        f"ENDPOINT '{store['endpoint'].removeprefix('http://')}', URL_STYLE 'path', USE_SSL false)"
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_object_cache = true")
    files = f"read_parquet('{store['url']}/default/things/data/*.parquet')"
    connection.execute(f"CREATE VIEW things AS SELECT * FROM {files}")
    for line in sys.stdin:
        rows = connection.execute(json.loads(line)).fetchall()
        print(json.dumps([list(row) for row in rows], default=str), flush=True)


class DuckDb:
    label = "DuckDB"

    def __init__(self, store):
        command = [TESTS_PYTHON, __file__, "--duckdb", json.dumps(store)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def query(self, sql):
        self.process.stdin.write(json.dumps(sql) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class SlowChDb(ChDb):
    def __init__(self, store):
        from chdb.session import Session

        self.session = Session()
        keys = store["environment"]
        path = store["url"].removeprefix("s3://") + "/default/things/"
        self.place = (
            f"FROM icebergS3('{store['endpoint']}/{path}', '{keys['AWS_ACCESS_KEY_ID']}', "
            f"'{keys['AWS_SECRET_ACCESS_KEY']}')"
        )


class DataFusion:
    label = "DataFusion"

    def __init__(self, store):
        import datafusion
        from datafusion.object_store import AmazonS3

        bucket = store["url"].removeprefix("s3://").split("/")[0]
        keys = store["environment"]
        s3 = AmazonS3(
            bucket_name=bucket,
            region=keys["AWS_REGION"],
            access_key_id=keys["AWS_ACCESS_KEY_ID"],
            secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            endpoint=store["endpoint"],
            allow_http=True,
        )
        self.context = datafusion.SessionContext()
        self.context.register_object_store(f"s3://{bucket}/", s3, None)
        self.context.register_parquet("things", f"{store['url']}/default/things/data/")

    def query(self, sql):
        batches = self.context.sql(sql.replace("createdAt", '"createdAt"')).collect()
        return [list(row.values()) for batch in batches for row in batch.to_pylist()]


def timed(engine, sql):
    started = time.perf_counter()
    answer = engine.query(sql)
    return time.perf_counter() - started, answer


def run(binary, files, rows, store, folder):
    dodb = Dodb(binary, folder, store["url"], store["environment"])
    try:
        dodb.load(files, rows)
        ident = dodb.query("SELECT id FROM things WHERE data.email = 'user7@example.org'")[0][0]
        results = []
        peers = [DuckDb(store), SlowChDb(store), DataFusion(store)]
        for title, own, theirs, brackets in questions(files, rows, ident):
            if title not in ASKED:
                continue
            seconds, answer = timed(dodb, own)
            line = {"title": title, "dodb": seconds, "cost": dodb.cost}
            for peer in peers:
                sql = brackets if peer.label == "DataFusion" else theirs
                line[peer.label], other = timed(peer, sql)
                if not same(answer, other):
                    raise SystemExit(f"{title}: {answer[:3]}, {peer.label} says {other[:3]}")
            told = ", ".join(f"{name} {line[name]:.2f} s" for name in line if name not in ("title", "cost"))
            print(f"  {title}: {told}", flush=True)
            results.append(line)
        return results
    finally:
        dodb.stop()


def page(results, files, rows):
    peers = [label for label in results[0] if label not in ("title", "dodb", "cost")]
    lines = []
    for line in results:
        cells = [f"{line[peer]:,.2f} s ({line[peer] / line['dodb']:,.1f}x)" for peer in peers]
        gets = str(line["cost"].get("object_gets", 0))
        lines.append([line["title"], f"{line['dodb']:,.3f} s", gets, *cells])
    header = ["asked once", "dodb", "GETs", *[f"{peer} (dodb is)" for peer in peers]]
    return "\n\n".join([
        f"# Look-ups over {files:,} files of {rows:,} rows, {LATENCY_MS} ms a request",
        "How: bench/slow.py. An S3 server behind a proxy that waits; every engine has two cores.",
        table(header, lines),
    ]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dodb")
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--serve", action="store_true", help="be the store")
    parser.add_argument("--duckdb", type=json.loads, help="be DuckDB, asked line by line")
    chosen = parser.parse_args()
    if chosen.serve:
        return serve()
    if chosen.duckdb:
        return duckdb_answers(chosen.duckdb)
    process = subprocess.Popen(
        [TESTS_PYTHON, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        store = json.loads(process.stdout.readline())
        with tempfile.TemporaryDirectory(prefix="dodb-bench-") as folder:
            results = run(chosen.dodb, chosen.files, chosen.rows, store, folder)
    finally:
        process.kill()
    text = page(results, chosen.files, chosen.rows)
    print(text)
    if (chosen.files, chosen.rows) == (1_000, 100):
        place = ROOT / "bench" / "results"
        (place / "slow.md").write_text(text)
        (place / "slow.json").write_text(json.dumps(results, indent=2) + "\n")
    # Its connections would be waited for.
    os._exit(0)


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    sys.exit(main())
