#!/bin/bash
# Installs what a job of this repository needs and this machine lacks, and says what it installs.
#
#   scripts/setup.sh build    a C compiler, git and cargo, to compile dodb
#   scripts/setup.sh data     Python with the package that carries the demo's data
#   scripts/setup.sh bench    Python with the databases that the bench measures against
#   scripts/setup.sh tests    Python with what the tests compare answers with
#   scripts/setup.sh worker   what makes WebAssembly, and wrangler with workerd, to serve it
#
# Several may be named. What is already there is left alone, so a second run takes no time.
# Python packages go into a virtual environment in the cache folder, never into the system.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/dodb"
venv="$cache/venv"

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# system TEST PACKAGE...: installs the Debian packages unless the shell command TEST succeeds.
system() {
    local test="$1"
    shift
    if eval "$test" >/dev/null 2>&1; then return; fi
    if ! command -v apt-get >/dev/null; then
        fail "missing: $*" \
            "this system has no apt-get: install the same with its own package manager, try again"
    fi
    local root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "missing: $*" "run as root: apt-get install $*"
        root=(sudo)
    fi
    say "installing Debian packages: $*"
    if [ -z "${apt_updated:-}" ]; then
        "${root[@]}" apt-get -qq update
        apt_updated=yes
    fi
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install --yes --no-install-recommends "$@" >/dev/null
    eval "$test" >/dev/null 2>&1 || fail "installed $*, yet this still fails: $test"
}

# libsql-ffi, zstd-sys, blake3 and pco compile C with cc and the C library's headers, and nothing
# else: bindgen is built but its bindings ship ready-made, so no libclang; no cmake either.
setup_build() {
    local header='printf "%s\n" "#include <stdlib.h>" | cc -E -x c -'
    system "command -v cc && command -v ar && $header" build-essential
    system 'command -v git' git
    if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
        fail "cargo is in $HOME/.cargo/bin but not on the PATH" \
            'run: . "$HOME/.cargo/env", then try again'
    fi
    command -v cargo >/dev/null || fail 'cargo is missing, and Debian'"'"'s own is too old' \
        'install a current Rust with rustup, then try again'
    local need have
    need="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
    have="$(rustc --version | cut -d' ' -f2)"
    if [ "$(printf '%s\n%s\n' "$need" "$have" | sort -V | head -n1)" != "$need" ]; then
        fail "Rust $need or newer is needed, this is $have" 'run: rustup update stable'
    fi
}

setup_python() {
    # A link to a Python that is no longer there does not run.
    if [ -x "$venv/bin/pip" ] && "$venv/bin/python" -S -c '' >/dev/null 2>&1; then return; fi
    system 'command -v python3 && python3 -c "import venv, ensurepip"' python3 python3-venv
    say "making a Python virtual environment in $venv"
    python3 -m venv --clear "$venv"
    rm -f "$venv".*.stamp
}

# packages NAME PIP-OPTION...: installs NAME/requirements.txt once, until that file changes.
packages() {
    local name="$1" list="$1/requirements.txt" stamp="$venv.$1.stamp"
    shift
    if cmp --silent "$list" "$stamp"; then return; fi
    say "installing Python packages: $(grep -v '^#' "$list" | tr '\n' ' ')"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" --requirement "$list"
    cp "$list" "$stamp"
}

# A Rust that knows wasm32, a C compiler that does (zstd is C), wasm-bindgen in the very version of
# the library, and Node's packages.
setup_worker() {
    local target=wasm32-unknown-unknown version
    if [ ! -d "$(rustc --print target-libdir --target "$target")" ]; then
        # Where rustup has no such target to give, Debian builds one from source.
        system 'test -x /usr/bin/cargo && test -d /usr/lib/rustlib/src && command -v wasm-ld-22' \
            rustc-web cargo-web rust-web-src lld-22
    fi
    system 'command -v clang-19 && command -v llvm-ar-19' clang-19 llvm-19
    version="$(sed -n '/^name = "wasm-bindgen"$/{n;s/^version = "\(.*\)"/\1/p}' Cargo.lock)"
    local bindgen="$cache/wasm-bindgen"
    if [ "$("$bindgen/bin/wasm-bindgen" --version 2>/dev/null)" != "wasm-bindgen $version" ]; then
        say "building wasm-bindgen $version"
        CARGO_TARGET_DIR="$bindgen/target" \
            cargo install --quiet --root "$bindgen" --version "$version" wasm-bindgen-cli
        rm -rf -- "$bindgen/target"
    fi
    system 'command -v curl' curl
    system 'command -v node && command -v npm' nodejs npm
    local need=20.3.0 have
    have="$(node --version | tr -d v)"
    if [ "$(printf '%s\n%s\n' "$need" "$have" | sort -V | head -n1)" != "$need" ]; then
        fail "Node $need or newer is needed, this is $have" 'install a current Node, then try again'
    fi
    local tools=crates/worker/js
    if ! cmp --silent "$tools/package-lock.json" "$tools/node_modules/.from-lock"; then
        say "installing Node packages: wrangler, with Miniflare and workerd under it"
        npm ci --prefix "$tools" --silent --no-audit --no-fund
        cp "$tools/package-lock.json" "$tools/node_modules/.from-lock"
    fi
}

[ $# -gt 0 ] || fail 'say what for: build, data, bench, tests or worker'
for job in "$@"; do
    case "$job" in
        build) setup_build ;;
        data)
            setup_python
            packages demo --no-deps --use-pep517
            ;;
        bench)
            setup_python
            packages demo --no-deps --use-pep517
            packages bench
            ;;
        tests)
            # Of their own: the extensions of DuckDB there are lag behind what `make bench` measures.
            venv="$cache/venv-tests"
            setup_python
            packages tests
            venv="$cache/venv"
            ;;
        worker)
            setup_build
            setup_worker
            ;;
        *) fail "unknown: $job (build, data, bench, tests or worker)" ;;
    esac
done
