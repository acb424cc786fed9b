"""Turns the figures of a run into a Markdown page. It measures nothing."""

import math
import statistics

IMPORT_AIM = 1.0
QUERY_AIM = 1.2
SIZE_AIM = 1.2


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def table(header, rows):
    """A Markdown table with its columns aligned, the first to the left, the others right."""
    cells = [header, *rows]
    widths = [max(len(row[at]) for row in cells) for at in range(len(header))]

    def line(row):
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        return "| " + " | ".join([first, *rest]) + " |"

    rules = ["-" * (widths[0] + 2)] + ["-" * (width + 1) + ":" for width in widths[1:]]
    return "\n".join([line(header), "|" + "|".join(rules) + "|", *map(line, rows)])


def times(value):
    return f"{value:.2f}x"


def import_table(results):
    engines = results["engines"]
    rows = []
    for name, engine in engines.items():
        speed = engine["import"]["rows_per_second"]
        row = [engine["label"], f"{engine['import']['seconds'] * 1e3:,.0f} ms", f"{speed:,.0f}"]
        if "dodb" in engines:
            own = engines["dodb"]["import"]["rows_per_second"]
            row.append(times(own / speed) if name != "dodb" else "")
        rows.append(row)
    header = ["import of flights.csv", "median", "rows/s"]
    return table(header + (["dodb's speed to this"] if "dodb" in engines else []), rows)


def size_table(results):
    engines = results["engines"]
    rows = [["flights.csv", f"{results['csv_bytes']:,}"]]
    rows += [[engine["label"], f"{engine['bytes']:,}"] for engine in engines.values()]
    if "dodb" in engines:
        own = engines["dodb"]["bytes"]
        sizes = [results["csv_bytes"]] + [engine["bytes"] for engine in engines.values()]
        for row, size in zip(rows, sizes):
            row.append(times(own / size) if row[0] != "dodb" else "")
    header = ["size on disk", "bytes"]
    return table(header + (["dodb's size to this"] if "dodb" in engines else []), rows)


def query_table(results):
    engines = results["engines"]
    peers = [name for name in engines if name != "dodb"]
    has_dodb = "dodb" in engines
    header = ["query, ms"] + [engines[name]["label"] for name in engines]
    if has_dodb:
        header += ["with HTTP"] + [f"to {engines[name]['label']}" for name in peers]
    rows = []
    for query in results["queries"]:
        seconds = {name: engine["queries"][query]["seconds"] for name, engine in engines.items()}
        row = [query] + [f"{seconds[name] * 1e3:.2f}" for name in engines]
        if has_dodb:
            row.append(f"{engines['dodb']['queries'][query]['round_trip_seconds'] * 1e3:.2f}")
            row += [times(seconds["dodb"] / seconds[name]) for name in peers]
        rows.append(row)
    if has_dodb:
        means = [times(query_ratio(results, name)) for name in peers]
        rows.append(["geometric mean"] + [""] * (len(engines) + 1) + means)
    return table(header, rows)


def query_ratio(results, peer):
    """The geometric mean over the queries of dodb's time divided by the peer's."""
    own, other = results["engines"]["dodb"]["queries"], results["engines"][peer]["queries"]
    return geometric_mean(own[name]["seconds"] / other[name]["seconds"] for name in own)


def aims(results):
    engines = results["engines"]
    speed = {name: engine["import"]["rows_per_second"] for name, engine in engines.items()}
    faster = speed["dodb"] / speed["duckdb"]
    slower = query_ratio(results, "datafusion")
    own, other = engines["dodb"]["queries"], engines["datafusion"]["queries"]
    over = [
        f"{name} ({times(own[name]['seconds'] / other[name]['seconds'])})"
        for name in own
        if own[name]["seconds"] > QUERY_AIM * other[name]["seconds"]
    ]
    larger = engines["dodb"]["bytes"] / engines["datafusion"]["bytes"]

    def verdict(is_met):
        return "met" if is_met else "**missed**"

    return "\n".join([
        f"- Import no slower than DuckDB's: {verdict(faster >= IMPORT_AIM)}, "
        f"{times(faster)} its speed.",
        f"- Queries within {QUERY_AIM}x of DataFusion on Parquet: {verdict(not over)}, "
        f"{times(slower)} over all ten; slower than that: {', '.join(over) or 'none'}.",
        f"- Size within {SIZE_AIM}x of Parquet with zstd: {verdict(larger <= SIZE_AIM)}, "
        f"{times(larger)}.",
    ])


def method(results):
    return f"""\
- One run, {results['threads']} cores for every engine: processes are bound to them, and thread
  counts set to match. Medians of {results['import_repetitions']} imports, and of
  {results['query_repetitions']} runs of each query, the engines taking turns.
- Every answer is compared with DuckDB's before anything is timed; a difference stops the run.
- Import: the same CSV file into an empty database on disk, types detected or declared as each
  does it by itself (chDB: declared). DuckDB: open, `CREATE TABLE AS`, `CHECKPOINT`, close. chDB:
  `CREATE TABLE` (MergeTree), `INSERT ... SELECT`; it does not wait for the disk. Parquet: read and
  written by pyarrow, zstd level 3. dodb: the wall time of `dodb import` as a process, less that of
  `dodb --version`; it waits for the disk.
- Queries: after one unmeasured run. Peers are timed inside their process, from SQL text to rows in
  Python, so nothing but the call is in it. dodb is asked over HTTP with keep-alive; its time is
  what the server reports (`statistics.elapsed`), and *with HTTP* is what the client sees.
- Size: DuckDB's file, chDB's active parts, the Parquet file, dodb's whole folder, with flights
  alone in each."""


def page(results):
    parts = ["# dodb beside its peers: the New York flights"]
    versions = [f"{engine['label']} {engine['version']}" for engine in results["engines"].values()]
    parts.append(f"{results['rows']:,} rows. {', '.join(versions)}. {results['processor']}.")
    parts += [import_table(results), size_table(results), query_table(results)]
    if "dodb" in results["engines"]:
        parts += ["## Aims", aims(results)]
    parts += ["## How it is measured", method(results)]
    return "\n\n".join(parts) + "\n"
