"""What the bench measures, seen from outside: peers in their processes, dodb as its binary.

Both have the same verbs: load(run) -> (seconds, rows, bytes), prepare(run), query(sql) ->
(seconds, rows). A BenchError says in one sentence what is missing or wrong.
"""

import http.client
import json
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import time

from queries import TABLES

HERE = pathlib.Path(__file__).parent


class BenchError(Exception):
    """Something that stops the bench, in words that say what to do."""


class Peer:
    """A peer database, in the process that peer.py runs."""

    def __init__(self, name, label, work, source, threads):
        self.name, self.label, self.version = name, label, None
        command = [sys.executable, str(HERE / "peer.py"), name, str(work), str(source)]
        self.process = subprocess.Popen(
            [*command, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise BenchError(
                f"{self.label} ended with exit code {self.process.wait()}; its message is above. "
                "If a package is missing: scripts/setup.sh bench"
            )
        reply = json.loads(line)
        if "error" in reply:
            raise BenchError(f"{self.label} failed at {request}:\n{reply['error']}")
        return reply

    def load(self, run):
        reply = self.ask(do="import", run=run)
        return reply["seconds"], reply["rows"], reply["bytes"]

    def prepare(self, run):
        self.version = self.ask(do="prepare", run=run)["version"]

    def query(self, sql):
        reply = self.ask(do="query", sql=sql)
        return reply["seconds"], reply["answer"]

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Dodb:
    """dodb: `import` as a process, queries over HTTP with keep-alive from `dodb serve`."""

    name, label = "dodb", "dodb"

    def __init__(self, binary, work, source):
        self.binary, self.work, self.source = pathlib.Path(binary), work, source
        self.server = self.connection = None
        self.round_trips = []
        if not self.binary.is_file():
            raise BenchError(
                f"there is no dodb at {binary}: cargo build --release -p dodb-cli, or --dodb PATH, "
                "or --peers-only to measure the peers alone"
            )
        starts = [self.command("--version") for _ in range(5)]
        self.start_seconds = statistics.median(seconds for seconds, _ in starts)
        self.version = starts[0][1].split()[-1]

    def command(self, *arguments):
        """(seconds, standard output) of one run of the binary."""
        started = time.perf_counter()
        done = subprocess.run(
            [str(self.binary), *map(str, arguments)], capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - started
        if done.returncode != 0:
            raise BenchError(
                f"`dodb {' '.join(map(str, arguments))}` failed with exit code "
                f"{done.returncode}:\n{done.stderr.strip()[-2000:]}"
            )
        return seconds, done.stdout

    def folder(self, run):
        return self.work / f"dodb-{run}"

    def import_table(self, run, table):
        file = self.source / f"{table}.csv"
        return self.command("import", "--data", self.folder(run), "--table", table, file)[0]

    def load(self, run):
        shutil.rmtree(self.folder(run), ignore_errors=True)
        seconds = self.import_table(run, "flights")
        files = [path for path in self.folder(run).rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        sql = "SELECT count(*) FROM flights"
        output = self.command("sql", "--data", self.folder(run), "--format", "TSV", sql)[1]
        try:
            rows = int(output.split()[0])
        except (ValueError, IndexError):
            raise BenchError(f"`dodb sql --format TSV {sql!r}` printed {output!r}") from None
        return max(seconds - self.start_seconds, 1e-6), rows, size

    def prepare(self, run):
        for table in TABLES[1:]:
            self.import_table(run, table)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.log = open(self.work / "serve.log", "w+", encoding="utf-8")
        self.server = subprocess.Popen(
            [self.binary, "serve", "--data", self.folder(run), "--listen", f"127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.await_ping()

    def await_ping(self):
        for _ in range(300):
            try:
                self.connection.request("GET", "/ping")
                if self.connection.getresponse().read() == b"Ok.\n":
                    return
            except OSError:
                self.connection.close()
            if self.server.poll() is not None:
                break
            time.sleep(0.1)
        self.log.seek(0)
        raise BenchError(f"`dodb serve` answers no /ping; it said:\n{self.log.read()[-2000:]}")

    def query(self, sql):
        """The server's own time; the time with HTTP is kept in `round_trips`."""
        started = time.perf_counter()
        self.connection.request("POST", "/?default_format=JSONCompact", body=sql.encode())
        response = self.connection.getresponse()
        body = response.read()
        self.round_trips.append(time.perf_counter() - started)
        if response.status != 200:
            text = body.decode(errors="replace")
            raise BenchError(f"dodb answered {response.status} to\n{sql}\n{text[:2000]}")
        reply = json.loads(body)
        return self.elapsed(reply, response), reply["data"]

    def elapsed(self, reply, response):
        """Seconds the server says it took, from the answer or the summary header."""
        seconds = reply.get("statistics", {}).get("elapsed")
        if seconds is None:
            summary = json.loads(response.headers.get("X-ClickHouse-Summary") or "{}")
            if "elapsed_ns" not in summary:
                raise BenchError(
                    "dodb's answer has neither statistics.elapsed nor elapsed_ns in "
                    "X-ClickHouse-Summary, so its own time is not known"
                )
            seconds = int(summary["elapsed_ns"]) / 1e9
        return float(seconds)

    def close(self):
        if self.connection is not None:
            self.connection.close()
        if self.server is not None:
            self.server.terminate()
            try:
                self.server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
