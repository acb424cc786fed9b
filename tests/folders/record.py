"""Writes a data folder with a dodb and records what it answers, so that every later one can be asked
the same: `record.py DODB FOLDER`. Rows lie in both tiers, changed and deleted ones among them. The
bucket's objects name each other by absolute addresses; whoever opens the folder says that it lies
at that address (`BUCKET`), wherever it is.
"""

import pathlib
import shutil
import subprocess
import sys

BUCKET = pathlib.Path("/tmp/dodb-folder")
HERE = pathlib.Path(__file__).parent


def statements(name):
    return [line for line in (HERE / name).read_text().splitlines() if line]


def main():
    dodb, out = sys.argv[1], pathlib.Path(sys.argv[2])
    shutil.rmtree(BUCKET, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    data = BUCKET / "data"
    place = ["--data", str(data), "--objects", f"file://{BUCKET}/objects"]

    def run(command, *more):
        done = subprocess.run([dodb, command, *place, *more], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{command} {more}: {done.stderr}")
        return done.stdout

    for statement in statements("made.sql"):
        run("sql", statement)
    run("flush")
    for statement in statements("changed.sql"):
        run("sql", statement)
    out.mkdir(parents=True)
    with open(out / "answers.txt", "w") as answers:
        for statement in statements("asked.sql"):
            answers.write(f"> {statement}\n{run('sql', statement)}")
    run("verify")
    shutil.copy(data / "default" / "dodb.sqlite", out / "dodb.sqlite")
    shutil.copytree(BUCKET / "objects" / "default", out / "objects")
    shutil.rmtree(BUCKET)


if __name__ == "__main__":
    main()
