"""The suites that pass in every home of dodb, inside the Worker on workerd: the engine's model,
crashes, damage and row budgets, what holds of parts, and object_store's own tests on R2. Natively
cargo runs the same functions. Not here: what is asked over HTTP (crates/server/tests/wire).

A case that fails panics, which ends the instance of WebAssembly it ran in; so each is a request of
its own, and workerd is one that nothing else talks to. Run by scripts/test.sh, which builds the
Worker first. Names of cases as arguments run only those.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "dodb"
BUILD = CACHE / "worker" / "test"
SUITES = ["object_store", "part", "engine"]
CASE_SECONDS_MAX = 300


def serve(log):
    """workerd, and where it listens; what it and the Worker say goes to a file."""
    command = ["node", ROOT / "crates/worker/js/serve.mjs", "--build", BUILD, "--port", "0"]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    while process.poll() is None:
        if found := re.search(r"dodb listens on (\S+)", pathlib.Path(log.name).read_text()):
            return process, found.group(1)
        time.sleep(0.1)
    raise SystemExit(pathlib.Path(log.name).read_text())


def ask(url, path, database):
    """The status and text of an answer."""
    request = urllib.request.Request(f"{url}{path}?database={database}", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=CASE_SECONDS_MAX) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def run(url, log, case):
    """Runs a case; False when it failed, and then the log says why."""
    said_before = log.stat().st_size
    started = time.monotonic()
    status, text = ask(url, f"/_test/{case}", "suites")
    is_right = (status, text) == (200, "passed\n")
    seconds = time.monotonic() - started
    print(f"  {'ok' if is_right else 'WRONG'}  {case} {seconds:.1f} s", flush=True)
    if not is_right:
        # What the Worker said last is on its way to the file.
        time.sleep(0.5)
        print(f"status {status}: {text}", log.read_bytes()[said_before:].decode(), flush=True)
    return is_right


def main(chosen):
    failed, ran = [], 0
    with tempfile.NamedTemporaryFile("w", prefix="dodb-suites-") as file:
        process, url = serve(file)
        try:
            for suite in SUITES:
                started = time.monotonic()
                names = ask(url, f"/_test/{suite}", "names")[1].split()
                cases = [f"{suite}/{name}" for name in names]
                cases = [case for case in cases if not chosen or case in chosen]
                ran += len(cases)
                failed += [case for case in cases if not run(url, pathlib.Path(file.name), case)]
                seconds = time.monotonic() - started
                print(f"{suite}: {len(cases)} cases in {seconds:.1f} s", flush=True)
            with urllib.request.urlopen(f"{url}/v1/stats?database=names") as answer:
                print(f"peak {json.load(answer)['memory_bytes'] / 1e6:.1f} MB of WebAssembly")
        finally:
            process.terminate()
            process.wait(timeout=30)
    if failed or not ran:
        raise SystemExit(f"{len(failed)} of {ran} cases failed: {' '.join(failed)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
