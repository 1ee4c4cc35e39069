#!/usr/bin/env bash
# The pages in a real browser: what reviewers do, hostile values, accessibility. Needs Node.js 20 or
# later and npm; installs Chromium where apt can.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing() {
    echo "the browser tests need $1" >&2
    exit 1
}
command -v npm >/dev/null || missing "Node.js 20 or later with npm; install it and run this again"
node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || missing "Node.js 20 or later"

for name in chromium chromium-browser google-chrome; do
    CHROMIUM=${CHROMIUM:-$(command -v "$name" || true)}
done
if [ -z "$CHROMIUM" ] && command -v apt-get >/dev/null; then
    as_root=$([ "$(id -u)" = 0 ] || echo sudo)
    $as_root apt-get update -qq && $as_root apt-get install -y -qq chromium
    CHROMIUM=$(command -v chromium || true)
fi
[ -n "$CHROMIUM" ] || missing "Chromium; install it, or set CHROMIUM to its path"
export CHROMIUM

npm ci --silent --prefix tests/browser
cargo build --quiet --locked --workspace --bins
INDELIBLE=$(realpath "${CARGO_TARGET_DIR:-target}/debug/indelible")
export INDELIBLE
node --test --test-timeout=240000 --test-concurrency=2 tests/browser/*.test.mjs
