#!/bin/bash
# Every check and every test: formatting, clippy, house rules, cargo's tests, natively and against
# the Worker on workerd, then the end-to-end tests in tests/ (*.sh and *.py), if any. `make test` and
# .ci/run call it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/dodb/target}"
# A test that panics should say where.
export RUST_BACKTRACE="${RUST_BACKTRACE:-1}"
# SQLite's own logic tests are run from a folder that is not part of this repository, where it is.
if [ -z "${DODB_SLT:-}" ] && [ -d ../shared/slt ]; then
    DODB_SLT="$(realpath ../shared/slt)"
    export DODB_SLT
fi

# step TITLE COMMAND...: a heading, the command, how long it took. Stops at the first failure.
step() {
    local title="$1" started=$SECONDS
    shift
    printf '\n== %s\n' "$title"
    if "$@"; then
        printf '== %s: ok, %d s\n' "$title" $((SECONDS - started))
    else
        local code=$?
        printf '== %s: FAILED with exit code %d, %d s\n' \
            "$title" "$code" $((SECONDS - started)) >&2
        exit "$code"
    fi
}

log="$(mktemp)"
served="$(mktemp)"
server=
clean_up() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -f "$log" "$served"
}
trap clean_up EXIT

# Run by step as an `if` condition, where errexit is off: hence the && and pipefail.
cargo_tests() {
    cargo test --release --workspace --locked 2>&1 | tee -a "$log"
}

# Serves the Worker on workerd, on a free port, and lets the tests know where.
serve_worker() {
    local build="${XDG_CACHE_HOME:-$HOME/.cache}/dodb/worker/test" tenths=0
    node crates/worker/js/serve.mjs --build "$build" --port 0 >"$served" 2>&1 &
    server=$!
    while [ $tenths -lt 600 ]; do
        DODB_WORKER_URL="$(sed -n 's/^dodb listens on //p' "$served")"
        if [ -n "$DODB_WORKER_URL" ]; then
            export DODB_WORKER_URL
            return 0
        fi
        if ! kill -0 "$server" 2>/dev/null; then break; fi
        sleep 0.1
        tenths=$((tenths + 1))
    done
    cat "$served" >&2
    return 1
}

# An isolate has 128 MB; the wasm, whose memory never shrinks, must leave room for JavaScript.
worker_memory() {
    local bytes
    bytes="$(curl -fsS "$DODB_WORKER_URL/v1/stats" | sed -n 's/.*"memory_bytes":\([0-9]*\).*/\1/p')"
    printf 'after all tests: %s bytes\n' "$bytes"
    [ "$bytes" -lt 100663296 ]
}

step 'set-up' scripts/setup.sh build
step 'formatting' cargo fmt --all --check
step 'clippy' cargo clippy --release --workspace --all-targets --locked -- -D warnings
step 'house rules' cargo run --release --locked --quiet -p xtask -- tidy
step 'building the Worker' scripts/worker.sh test
step 'serving the Worker' serve_worker
step 'tests' cargo_tests
step 'memory of the Worker' worker_memory

shopt -s nullglob
scripts=(tests/*.sh)
programs=(tests/*.py)
if [ ${#scripts[@]} -gt 0 ] || [ ${#programs[@]} -gt 0 ]; then
    step 'data' scripts/setup.sh data tests
    cache="${XDG_CACHE_HOME:-$HOME/.cache}/dodb"
    step 'flights' "$cache/venv/bin/python" demo/prepare.py
    python="$cache/venv-tests/bin/python"
    export DODB="$CARGO_TARGET_DIR/release/dodb"
    for script in "${scripts[@]}"; do step "$script" bash "$script"; done
    for program in "${programs[@]}"; do step "$program" "$python" "$program"; done
fi

printf '\n== All passed in %d s. What cargo test said of each target:\n' "$SECONDS"
grep '^test result:' "$log"
