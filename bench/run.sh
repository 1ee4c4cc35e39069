#!/bin/sh
# Measures Indelible beside PostgreSQL 15 with the same events and prints a table of ratios.
#   bench/run.sh [--events N] [--quick] [--phase postgres,indelible,tools,trails,report]
# Needs PostgreSQL's programs (Debian: postgresql-15), 25 GB of disk and, for all of it, an hour.
set -eu
cd "$(dirname "$0")/.."
cargo build --release -p indelible -p bench
target="${CARGO_TARGET_DIR:-target}/release"
exec "$target/bench" --binary "$target/indelible" "$@"
