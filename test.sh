#!/usr/bin/env bash
# Installs what the tests need and runs all of them: format, lints, documentation, unit, property,
# behaviour, crash, client and browser tests. One argument names one stage to run alone.
set -euo pipefail
cd "$(dirname "$0")"

stage() { printf '\n== %s\n' "$1"; }
want() { [ -z "${ONLY:-}" ] || [ "$ONLY" = "$1" ]; }
ONLY="${1:-}"

if want format; then
    stage format
    cargo fmt --all --check
fi

if want lint; then
    stage lint
    cargo clippy --workspace --all-targets --locked -- -D warnings
fi

if want doc; then
    stage documentation
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items
fi

if want clients; then
    stage "outside verifiers and clients"
    tests/clients/run.sh
fi

if want browser; then
    stage "page verifier"
    node --test crates/server/tests/browser/
    stage "pages in a browser"
    tests/browser/run.sh
fi

if want test; then
    stage "tests"
    if ! cargo nextest --version >/dev/null 2>&1; then
        cargo install --locked cargo-nextest
    fi
    cargo nextest run --workspace --locked --no-fail-fast
fi
