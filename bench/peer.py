"""One peer database in a process of its own, driven by lines of JSON: not to be run by hand.

    python bench/peer.py duckdb|chdb|datafusion WORK-FOLDER CSV-FOLDER THREADS

Each engine has its own process so that none disturbs another's memory or threads; what is timed
is timed in here, so starting the process and talking to it never count. Requests are
{"do": "import", "run": n}, {"do": "prepare"} and {"do": "query", "sql": text}; an answer has
"seconds" and what was asked for, or "error".
"""

import json
import os
import pathlib
import sys
import time
import traceback

from queries import TABLES


def timed(work):
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


class DuckDb:
    """A database file on disk, closed and checkpointed at the end of an import."""

    def __init__(self, work, source, threads):
        import duckdb

        self.module, self.work, self.source, self.threads = duckdb, work, source, threads
        self.connection = None
        self.version = duckdb.__version__

    def path(self, run):
        return self.work / f"flights-{run}.duckdb"

    def connect(self, run):
        return self.module.connect(str(self.path(run)), config={"threads": self.threads})

    def create(self, connection, table):
        file = self.source / f"{table}.csv"
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{file}')")

    def load(self, run):
        connection = self.connect(run)
        self.create(connection, "flights")
        connection.execute("CHECKPOINT")
        rows = connection.execute("SELECT count(*) FROM flights").fetchone()[0]
        connection.close()
        return rows

    def size(self, run):
        return self.path(run).stat().st_size

    def prepare(self, run):
        self.connection = self.connect(run)
        for table in TABLES[1:]:
            self.create(self.connection, table)

    def query(self, sql):
        return self.connection.execute(sql).fetchall()


class ChDb:
    """ClickHouse in the process: MergeTree tables on disk, one database a run."""

    # Strings with few values are what LowCardinality is for; the rest is what the file holds.
    COLUMNS = {
        "flights": """
            year Int64, month Int64, day Int64, dep_time Nullable(Int64), sched_dep_time Int64,
            dep_delay Nullable(Int64), arr_time Nullable(Int64), sched_arr_time Int64,
            arr_delay Nullable(Int64), carrier LowCardinality(String), flight Int64,
            tailnum Nullable(String), origin LowCardinality(String), dest LowCardinality(String),
            air_time Nullable(Int64), distance Int64, hour Int64, minute Int64,
            time_hour DateTime('UTC')""",
        "planes": """
            tailnum String, year Nullable(Int64), type LowCardinality(String),
            manufacturer LowCardinality(String), model LowCardinality(String), engines Int64,
            seats Int64, speed Nullable(Int64), engine LowCardinality(String)""",
        "airlines": "carrier String, name String",
    }

    def __init__(self, work, source, threads):
        from chdb import session

        self.source, self.settings = source, f"max_threads = {threads}"
        self.settings += f", max_insert_threads = {threads}"
        self.session = session.Session(str(work / "chdb"))
        self.version = json.loads(str(self.session.query("SELECT version()", "JSONCompact")))
        self.version = self.version["data"][0][0]

    def run(self, sql):
        return self.session.query(sql)

    def create(self, run, table):
        self.run(
            f"CREATE TABLE run{run}.{table} ({self.COLUMNS[table]}) "
            "ENGINE = MergeTree ORDER BY tuple()"
        )
        file = self.source / f"{table}.csv"
        self.run(
            f"INSERT INTO run{run}.{table} SELECT * FROM file('{file}', CSVWithNames) "
            f"SETTINGS {self.settings}, date_time_input_format = 'best_effort'"
        )

    def load(self, run):
        self.run(f"CREATE DATABASE run{run}")
        self.create(run, "flights")
        return self.rows(f"SELECT count() FROM run{run}.flights")[0][0]

    def size(self, run):
        return self.rows(
            "SELECT sum(bytes_on_disk) FROM system.parts "
            f"WHERE active AND database = 'run{run}' AND table = 'flights'"
        )[0][0]

    def prepare(self, run):
        for table in TABLES[1:]:
            self.create(run, table)
        self.run(f"USE run{run}")

    def rows(self, sql):
        options = f"SETTINGS {self.settings}, output_format_json_quote_64bit_integers = 0"
        answer = self.session.query(f"{sql}\n{options}", "JSONCompact")
        return json.loads(str(answer))["data"]

    def query(self, sql):
        return self.rows(sql)


class DataFusion:
    """DataFusion on Parquet files that pyarrow writes from the same CSV, with zstd."""

    # Small enough that each core has work; the format's usual size would be one group for all.
    ROW_GROUP_ROWS = 1 << 17
    LEVEL = 3

    def __init__(self, work, source, threads):
        import datafusion

        self.work, self.source = work, source
        config = datafusion.SessionConfig().with_target_partitions(threads)
        self.context = datafusion.SessionContext(config)
        self.version = datafusion.__version__

    def write(self, path, table):
        from pyarrow import csv, parquet

        nulls = csv.ConvertOptions(strings_can_be_null=True)
        rows = csv.read_csv(self.source / f"{table}.csv", convert_options=nulls)
        parquet.write_table(
            rows,
            path,
            compression="zstd",
            compression_level=self.LEVEL,
            row_group_size=self.ROW_GROUP_ROWS,
        )
        return rows.num_rows

    def path(self, table, run):
        return self.work / f"{table}-{run}.parquet"

    def load(self, run):
        return self.write(self.path("flights", run), "flights")

    def size(self, run):
        return self.path("flights", run).stat().st_size

    def prepare(self, run):
        for table in TABLES[1:]:
            self.write(self.path(table, run), table)
        for table in TABLES:
            self.context.register_parquet(table, str(self.path(table, run)))

    def query(self, sql):
        batches = self.context.sql(sql).collect()
        return [list(row.values()) for batch in batches for row in batch.to_pylist()]


ENGINES = {"duckdb": DuckDb, "chdb": ChDb, "datafusion": DataFusion}


def answer(engine, request):
    if request["do"] == "import":
        rows, seconds = timed(lambda: engine.load(request["run"]))
        return {"seconds": seconds, "rows": rows, "bytes": engine.size(request["run"])}
    if request["do"] == "prepare":
        engine.prepare(request["run"])
        return {"version": engine.version}
    rows, seconds = timed(lambda: engine.query(request["sql"]))
    return {"seconds": seconds, "answer": [list(row) for row in rows]}


def main():
    name, work, source, threads = sys.argv[1:]
    # An engine may print: the answers have a channel of their own.
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    engine = ENGINES[name](pathlib.Path(work), pathlib.Path(source), int(threads))
    for line in sys.stdin:
        try:
            reply = answer(engine, json.loads(line))
        except Exception:  # whatever an engine raises belongs to the one who asked
            reply = {"error": traceback.format_exc()}
        channel.write(json.dumps(reply, default=float) + "\n")
    # Engines with threads of their own do not always leave by themselves.
    channel.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
