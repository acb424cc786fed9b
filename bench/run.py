"""The bench: dodb, DuckDB, chDB and DataFusion on Parquet, side by side in one run.

Imports flights.csv into each, compares the answers of ten queries, then times them, prints the
tables and writes bench/results/NAME.json and NAME.md. `make bench` installs the peers, prepares
the data and calls it. How each thing is measured is written in the page itself (report.py).
"""

import argparse
import contextlib
import json
import math
import os
import pathlib
import platform
import shutil
import statistics
import sys

import engines
import report
from queries import QUERIES, spelling

ROWS = 336776
# Queries take milliseconds, so they are repeated this many times as often as imports.
QUERY_REPETITIONS = 3
HERE = pathlib.Path(__file__).parent


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "dodb"


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    cache = cache_folder()
    target = os.environ.get("CARGO_TARGET_DIR") or cache / "target"
    binary = pathlib.Path(target) / "release" / "dodb"
    parser.add_argument("--dodb", type=pathlib.Path, default=binary, help="the binary to measure")
    parser.add_argument("--flights", type=pathlib.Path, default=cache / "flights")
    parser.add_argument("--work", type=pathlib.Path, default=cache / "bench", help="is emptied")
    parser.add_argument(
        "--repetitions", type=int, default=7, help="of imports, at least 5 (default 7)"
    )
    parser.add_argument("--threads", type=int, help="cores for every engine (default: all)")
    parser.add_argument("--name", default="flights", help="of the files under bench/results")
    parser.add_argument("--peers-only", action="store_true", help="no dodb; writes no results")
    chosen = parser.parse_args()
    if chosen.repetitions < 5:
        parser.error("a median of fewer than 5 says little")
    return chosen


def bind_cores(count):
    """Binds this process, and so all it starts, to `count` cores. Returns how many there are."""
    cores = sorted(os.sched_getaffinity(0))
    count = min(count or len(cores), len(cores))
    os.sched_setaffinity(0, cores[:count])
    return count


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.machine()


def same(one, other):
    """True if two values are equal; numbers to 9 digits, whether or not they came as text."""
    if one is None or other is None:
        return one is other
    numbers = [isinstance(value, (int, float)) for value in (one, other)]
    if not any(numbers):
        return one == other
    try:
        return math.isclose(float(one), float(other), rel_tol=1e-9, abs_tol=1e-12)
    except ValueError:
        return False


def same_rows(one, other):
    return len(one) == len(other) and all(
        len(a) == len(b) and all(map(same, a, b)) for a, b in zip(one, other)
    )


def measure_imports(running, repetitions):
    """Seconds, rows and bytes of each engine; every run goes into an empty database."""
    seconds = {engine.name: [] for engine in running}
    size = {}
    for run in range(repetitions + 1):
        for engine in running:
            taken, rows, size[engine.name] = engine.load(run)
            if rows != ROWS:
                raise engines.BenchError(f"{engine.label} imported {rows} rows, not {ROWS}")
            # The first run warms the file cache and each engine's code.
            if run > 0:
                seconds[engine.name].append(taken)
        print(f"bench: import {run} of {repetitions}", file=sys.stderr)
    return seconds, size


def compare_answers(running):
    """Stops the bench if any engine's answer to any query differs from the first peer's."""
    judge = next(engine for engine in running if engine.name == "duckdb")
    for name in QUERIES:
        expected = judge.query(spelling(judge.name, name))[1]
        if not expected:
            raise engines.BenchError(f"{judge.label} answers {name!r} with no rows")
        for engine in running:
            if engine is judge:
                continue
            found = engine.query(spelling(engine.name, name))[1]
            if not same_rows(expected, found):
                raise engines.BenchError(
                    f"different answers to {name!r}\n{judge.label}: {expected[:20]}\n"
                    f"{engine.label}: {found[:20]}"
                )
    print(f"bench: {len(QUERIES)} answers are the same everywhere", file=sys.stderr)


def measure_queries(running, repetitions):
    """Per engine and query, the medians: the engine's own time and, for dodb, that with HTTP.

    The engines take turns within a query, so that a busy moment of the machine hits them all.
    """
    figures = {engine.name: {} for engine in running}
    for name in QUERIES:
        taken = {engine.name: [] for engine in running}
        trips = []
        for run in range(repetitions + 1):
            for engine in running:
                seconds, _ = engine.query(spelling(engine.name, name))
                if run > 0:
                    taken[engine.name].append(seconds)
                    if engine.name == "dodb":
                        trips.append(engine.round_trips[-1])
        for engine in running:
            figure = {"seconds": statistics.median(taken[engine.name]), "all": taken[engine.name]}
            if engine.name == "dodb":
                figure["round_trip_seconds"] = statistics.median(trips)
            figures[engine.name][name] = figure
    return figures


def measure(chosen, running, threads):
    seconds, size = measure_imports(running, chosen.repetitions)
    for engine in running:
        engine.prepare(chosen.repetitions)
    compare_answers(running)
    figures = measure_queries(running, chosen.repetitions * QUERY_REPETITIONS)
    results = {
        "rows": ROWS,
        "threads": threads,
        "import_repetitions": chosen.repetitions,
        "query_repetitions": chosen.repetitions * QUERY_REPETITIONS,
        "processor": processor(),
        "csv_bytes": (chosen.flights / "flights.csv").stat().st_size,
        "queries": list(QUERIES),
        "engines": {},
    }
    for engine in running:
        median = statistics.median(seconds[engine.name])
        results["engines"][engine.name] = {
            "label": engine.label,
            "version": engine.version,
            "import": {
                "seconds": median,
                "rows_per_second": ROWS / median,
                "all": seconds[engine.name],
            },
            "bytes": size[engine.name],
            "queries": figures[engine.name],
        }
    return results


def start(chosen, threads, stack):
    """The engines, dodb first, each closed when `stack` is."""
    shutil.rmtree(chosen.work, ignore_errors=True)
    chosen.work.mkdir(parents=True)
    running = []
    if not chosen.peers_only:
        running.append(engines.Dodb(chosen.dodb, chosen.work, chosen.flights))
        stack.callback(running[0].close)
    labels = {"duckdb": "DuckDB", "chdb": "chDB", "datafusion": "DataFusion on Parquet"}
    for name, label in labels.items():
        peer = engines.Peer(name, label, chosen.work, chosen.flights, threads)
        stack.callback(peer.close)
        running.append(peer)
    return running


def write(results, name):
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    text = json.dumps(results, indent=1) + "\n"
    for suffix, content in (("json", text), ("md", report.page(results))):
        path = folder / f"{name}.{suffix}"
        part = folder / f"{name}.{suffix}.tmp"
        part.write_text(content, encoding="utf-8")
        part.replace(path)
        print(f"bench: written {path.relative_to(HERE.parent)}", file=sys.stderr)


def main():
    chosen = options()
    if not (chosen.flights / "manifest.json").is_file():
        sys.exit(f"bench: no data in {chosen.flights}: run demo/prepare.py first")
    threads = bind_cores(chosen.threads)
    try:
        with contextlib.ExitStack() as stack:
            results = measure(chosen, start(chosen, threads, stack), threads)
    except engines.BenchError as error:
        sys.exit(f"bench: {error}")
    print(report.page(results))
    if not chosen.peers_only:
        write(results, chosen.name)
    shutil.rmtree(chosen.work, ignore_errors=True)


if __name__ == "__main__":
    main()
