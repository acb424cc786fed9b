#!/bin/bash
# Builds the Worker: WebAssembly, its JavaScript, and the entry module that joins them.
#
#   scripts/worker.sh test       quick to build, with the routes for tests, into the cache folder
#   scripts/worker.sh release    small, into crates/worker/build, from where wrangler deploys it
#
# The last lines say where it is and how large. Cargo has a target folder of its own here: two
# compilers would throw out each other's work.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/dodb"
target=wasm32-unknown-unknown
case "${1:-}" in
    test)
        out="$cache/worker/test"
        profile=(--profile worker-test --features testing)
        built="$cache/target-wasm/$target/worker-test"
        ;;
    release)
        out="$PWD/crates/worker/build"
        profile=(--profile worker)
        built="$cache/target-wasm/$target/worker"
        ;;
    *)
        printf 'worker: say what to build: test or release\n' >&2
        exit 2
        ;;
esac

scripts/setup.sh worker

export CARGO_TARGET_DIR="$cache/target-wasm"
export CC_wasm32_unknown_unknown=clang-19 AR_wasm32_unknown_unknown=llvm-ar-19
# The Worker's randomness is JavaScript's; what iceberg asks of tokio is unstable in WebAssembly.
export RUSTFLAGS='--cfg getrandom_backend="wasm_js" --cfg tokio_unstable'
build=(build --package dodb-worker --locked --target "$target" "${profile[@]}")
if [ -d "$(rustc --print target-libdir --target "$target")" ]; then
    cargo "${build[@]}"
else
    # Debian's Rust stands in /usr/bin, behind rustup's; it builds the standard library too, which
    # stable Rust allows only when told that this is meant.
    PATH="/usr/bin:$PATH" RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 /usr/bin/cargo "${build[@]}" \
        -Z build-std=std,panic_abort --config "target.$target.linker='wasm-ld-22'"
fi

rm -rf -- "$out"
mkdir -p "$out"
"$cache/wasm-bindgen/bin/wasm-bindgen" "$built/dodb_worker.wasm" --out-dir "$out" \
    --target web --no-typescript --remove-producers-section --remove-name-section \
    --experimental-reset-state-function
cp crates/worker/js/shim.mjs "$out/index.mjs"

wasm="$out/dodb_worker_bg.wasm"
if [ "$1" = release ]; then
    # Only what wasm-bindgen's output uses: workerd refuses a module that declares more.
    crates/worker/js/node_modules/.bin/wasm-opt -O1 "$wasm" -o "$wasm.small" \
        --enable-mutable-globals --enable-sign-ext --enable-nontrapping-float-to-int \
        --enable-bulk-memory --enable-multivalue --enable-reference-types
    mv "$wasm.small" "$wasm"
    # Cloudflare takes 64 MiB; the rest is for what comes later.
    if [ "$(stat -c %s "$wasm")" -gt $((48 << 20)) ]; then
        printf 'worker: %s has grown past 48 MiB; see what it carries\n' "$wasm" >&2
        exit 1
    fi
fi
printf 'The Worker is in %s: %s bytes of WebAssembly, %s gzipped\n' \
    "$out" "$(stat -c %s "$wasm")" "$(gzip -c "$wasm" | wc -c)"
