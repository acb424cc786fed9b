"""The Worker from outside, on workerd: killed at random moments it keeps what it acknowledged; wide
documents fit into one object; databases are there when they were made; wrangler takes the package. Not here: what single requests answer
(crates/server/tests/wire), all flights in one object (tests/tiers.py).

Run by scripts/test.sh, which builds the Worker first and sets DODB to the native binary.
"""

import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "dodb"
BUILD = CACHE / "worker" / "test"
TOOLS = ROOT / "crates" / "worker" / "js"
DODB = os.environ["DODB"]
MEMORY_BYTES_MAX = 96 * 1024 * 1024
ISOLATE_BYTES = 128 * 1000 * 1000
KILLS = 6


class Served:
    """The Worker on workerd, with its data in a folder."""

    def __init__(self, folder):
        command = ["node", TOOLS / "serve.mjs", "--build", BUILD, "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--persist", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # A group of its own, so that workerd goes when its parent is killed.
            start_new_session=True,
        )
        for line in self.process.stdout:
            if found := re.match(r"dodb listens on (\S+)", line):
                self.url = found.group(1)
                return
        raise SystemExit("the Worker did not start")

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)

    def ask(self, path, body=b"", database="default"):
        """The status and text of an answer; None when there was none."""
        sign = "&" if "?" in path else "?"
        request = urllib.request.Request(
            f"{self.url}{path}{sign}database={database}", data=body, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return None

    def sql(self, text, database="default"):
        answer = self.ask("/", text.encode(), database)
        if answer is None or answer[0] != 200:
            raise SystemExit(f"{text}: {answer}")
        return answer[1]


def check(what, is_right, detail=""):
    print(f"  {'ok' if is_right else 'WRONG'}  {what} {detail}".rstrip(), flush=True)
    if not is_right:
        raise SystemExit(f"{what}: {detail}")


def write_until_killed(served, round_number, acknowledged, lock):
    """Posts batches and single things; notes what was acknowledged."""

    def writer(number):
        for count in range(100_000):
            size = random.choice([1, 1, 3, 200, 1_000])
            ids = [f"r{round_number}-w{number}-{count}-{n}" for n in range(size)]
            lines = "\n".join(json.dumps({"id": i, "type": "T", "data": {"s": i}}) for i in ids)
            answer = served.ask("/v1/things", lines.encode())
            if answer is None or answer[0] != 200:
                return
            with lock:
                acknowledged.update(ids)

    threads = [threading.Thread(target=writer, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    return threads


def durability(folder):
    acknowledged, lock = set(), threading.Lock()
    for round_number in range(KILLS):
        served = Served(folder)
        threads = write_until_killed(served, round_number, acknowledged, lock)
        time.sleep(random.uniform(0.3, 2.0))
        served.kill()
        for thread in threads:
            thread.join()
    served = Served(folder)
    found = set(served.sql("SELECT id FROM things").split())
    lost = acknowledged - found
    check(f"{KILLS} kills lose nothing", not lost, f"{len(acknowledged)} acknowledged")
    check("there was something to lose", len(acknowledged) > 1_000)
    status, text = served.ask("/_test/verify")
    check("everything verifies after the kills", status == 200, text.strip())
    count = int(served.sql("SELECT count() FROM things"))
    check("the count is that of the rows", count == len(found), f"{count}, {len(found)}")
    served.stop()


def memory_of(served):
    with urllib.request.urlopen(f"{served.url}/v1/stats") as answer:
        return json.load(answer)["memory_bytes"]


def wide_documents(folder):
    """10,000 documents of 1,000 paths each: more than an isolate holds at once."""
    served = Served(folder)
    served.sql("CREATE TABLE docs (doc JSON)")
    for batch in range(100):
        lines = []
        for row in range(batch * 100, batch * 100 + 100):
            document = {f"path{at:03}": row * at % 1009 for at in range(998)}
            lines.append(json.dumps({"row": row, "name": f"n{row % 7}", **document}))
        path = "/?query=INSERT%20INTO%20docs%20FORMAT%20JSONAsObject"
        status, text = served.ask(path, "\n".join(lines).encode())
        if status != 200:
            check("documents of 1,000 paths are taken", False, text)
    status, text = served.ask("/_test/jobs")
    check("background work is done", status == 200, text)
    expected = {
        "SELECT count(), sum(doc.row), max(doc.path997) FROM docs": "10000\t49995000\t1008\n",
        "SELECT doc.name, count() FROM docs GROUP BY doc.name ORDER BY doc.name LIMIT 1": "n0\t1429\n",
        "SELECT doc.path500 FROM docs WHERE doc.row = 9999": f"{9999 * 500 % 1009}\n",
        "SELECT count() FROM docs WHERE doc.path001 = 5": "10\n",
        "SELECT length(toString(doc)) > 10000 FROM docs WHERE doc.row = 77": "true\n",
    }
    for sql, answer in expected.items():
        check(sql[:70], served.sql(sql) == answer, repr(served.sql(sql)[:60]))
    memory = memory_of(served)
    check("10,000 x 1,000 paths in an isolate", memory < ISOLATE_BYTES, f"peak {memory / 1e6:.1f} MB")
    served.stop()


def path_explosion(folder):
    """100,000 paths that each occur once, in one table."""
    served = Served(folder)
    served.sql("CREATE TABLE docs (doc JSON)")
    for batch in range(10):
        lines = []
        for row in range(batch * 100, batch * 100 + 100):
            document = {f"k{row * 100 + at}": at for at in range(100)}
            lines.append(json.dumps({"row": row, **document}))
        path = "/?query=INSERT%20INTO%20docs%20FORMAT%20JSONAsObject"
        status, text = served.ask(path, "\n".join(lines).encode())
        if status != 200:
            check("documents of 100,000 paths are taken", False, text)
    status, text = served.ask("/_test/jobs")
    check("background work is done", status == 200, text)
    started = time.monotonic()
    expected = {
        "SELECT doc.k77777 FROM docs WHERE doc.row = 777": "77\n",
        "SELECT count(doc.k99999), count(doc.k0), count(doc.k100000) FROM docs": "1\t1\t0\n",
        "SELECT doc.row FROM docs WHERE doc.k4242 = 42": "42\n",
    }
    for sql, answer in expected.items():
        check(sql, served.sql(sql) == answer, repr(served.sql(sql)[:60]))
    seconds = time.monotonic() - started
    check("rare paths are found in time", seconds < 20, f"{seconds:.2f} s for six queries")
    memory = memory_of(served)
    check("100,000 paths in an isolate", memory < ISOLATE_BYTES, f"peak {memory / 1e6:.1f} MB")
    served.stop()


def token(folder):
    """With a token set nothing but /ping answers without it."""
    os.environ["DODB_TOKEN"] = "an open secret"
    served = Served(folder)
    check("/ping needs no token", served.ask("/ping") == (200, "Ok.\n"))
    status, text = served.ask("/", b"SELECT 1")
    check("SQL does", status == 401, text.strip()[:60])
    command = [DODB, "sql", "--url", served.url, "SELECT 1"]
    done = subprocess.run(command, capture_output=True, text=True)
    check("dodb sends it", done.stdout == "1\n", done.stderr)
    served.stop()
    del os.environ["DODB_TOKEN"]


def triggers(folder):
    """Rows that grow old go to the bucket with nobody asking, also over a death."""
    os.environ["DODB_HOT_HOURS"] = "0.001"
    served = Served(folder)
    things = "".join(json.dumps({"id": f"t{n}", "type": "T"}) + "\n" for n in range(100))
    check("things are taken", served.ask("/v1/things", things.encode())[0] == 200)
    served.kill()
    served = Served(folder)
    query = "SELECT warm_rows FROM system.tables WHERE name = 'things'"
    end = time.monotonic() + 60
    while (warm := served.sql(query)) != "100\n" and time.monotonic() < end:
        time.sleep(0.5)
    check("old rows went to the bucket", warm == "100\n", warm)
    check("all are there", served.sql("SELECT count(*) FROM things") == "100\n")
    served.stop()
    os.environ["DODB_HOT_HOURS"] = "soon"
    served = Served(folder)
    status, said = served.ask("/", b"SELECT 1")
    check("a limit that is none is said", status == 400 and "DODB_HOT_HOURS" in said, said)
    served.stop()
    del os.environ["DODB_HOT_HOURS"]


def is_made(file):
    """Was a database ever opened in the SQLite file of an object?"""
    with contextlib.closing(sqlite3.connect(file)) as store:
        found = store.execute("SELECT count(*) FROM sqlite_master WHERE name = '_head'").fetchone()
        return found[0] == 1


def databases(folder):
    """CREATE DATABASE makes databases, and nothing else does, unless that is asked for."""
    served = Served(folder)
    for path in ["/?query=SELECT+1", "/v1/things", "/v1/stats", "/v1/flush", "/iceberg/v1/config"]:
        status, said = served.ask(path, b"{}", "nobody")
        check(f"{path} of nobody's", status == 404 and "`nobody`" in said, said.strip()[:90])
    served.sql("SELECT 1")
    served.stop()
    made = [file.name for file in folder.rglob("*.sqlite") if is_made(file)]
    check("only the default one is made", len(made) == 1, str(made))

    served = Served(folder)
    served.sql("CREATE DATABASE shop")
    things = json.dumps({"id": "a", "type": "T"}).encode()
    check("things are taken", served.ask("/v1/things", things, "shop")[0] == 200)
    served.kill()
    served = Served(folder)
    check("it outlives a death", served.sql("SELECT id FROM things", "shop") == "a\n")
    served.sql("CREATE DATABASE more", "shop")
    listed = "default\nmore\nshop\nsystem\n"
    for database in ["default", "shop", "more"]:
        names = served.sql("SHOW DATABASES", database)
        check(f"all are listed in {database}", names == listed, repr(names))
    status, said = served.ask("/", b"CREATE DATABASE shop", "more")
    check("none is made twice", status == 400 and "(DATABASE_ALREADY_EXISTS)" in said, said.strip())
    # As a release before the list left one: opened, and on no list.
    check("one of before", served.ask("/_test/forget", database="old")[0] == 200)
    check("is there", served.sql("SELECT count() FROM things", "old") == "0\n")
    check("is not listed", served.sql("SHOW DATABASES LIKE 'old'") == "")
    served.sql("CREATE DATABASE IF NOT EXISTS old")
    check("is listed once it is named", served.sql("SHOW DATABASES LIKE 'old'") == "old\n")
    served.stop()

    os.environ["DODB_CREATE_DATABASES"] = "1"
    served = Served(folder)
    check("made when asked", served.sql("SELECT count() FROM things", "fresh") == "0\n")
    check("and listed", served.sql("SHOW DATABASES LIKE 'fresh'") == "fresh\n")
    served.stop()
    os.environ["DODB_CREATE_DATABASES"] = "perhaps"
    served = Served(folder)
    status, said = served.ask("/", b"SELECT 1", "fresher")
    check("neither yes nor no", status == 400 and "DODB_CREATE_DATABASES" in said, said.strip())
    served.stop()
    del os.environ["DODB_CREATE_DATABASES"]


def package(folder):
    """The package as wrangler would send it, with the quickly built WebAssembly."""
    shutil.copytree(BUILD, folder / "build")
    config = (TOOLS.parent / "wrangler.jsonc").read_text()
    config = re.sub(r'\n *"build": .*', "", config)
    (folder / "wrangler.jsonc").write_text(config)
    wrangler = TOOLS / "node_modules" / ".bin" / "wrangler"
    done = subprocess.run(
        [wrangler, "deploy", "--dry-run", "--outdir", folder / "out"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "WRANGLER_SEND_METRICS": "false", "CI": "true"},
    )
    check("wrangler takes the package", done.returncode == 0, done.stderr[-500:])
    check("with both bindings", all(name in done.stdout for name in ["DATABASES", "OBJECTS"]))


def main():
    seed = int(os.environ.get("SEED", time.time_ns() % 1_000_000))
    random.seed(seed)
    print(f"seed {seed}", flush=True)
    for test in [
        durability, wide_documents, path_explosion, token, triggers, databases, package,
    ]:
        print(test.__name__, flush=True)
        with tempfile.TemporaryDirectory(prefix="dodb-worker-") as folder:
            test(pathlib.Path(folder))


if __name__ == "__main__":
    sys.exit(main())
