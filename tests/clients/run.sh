#!/usr/bin/env bash
# Outside verifiers, unmodified: aics-tlog checks a served trail at every tile edge, and aics-witness
# cosigns its checkpoints. And an outside client: pyopencga reads real records through the facade of
# its platform. Needs Python 3.12 or later and pip.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=""
for candidate in python3.13 python3.12 python3 "$HOME"/.pyenv/versions/3.1[2-9]*/bin/python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "the outside verifiers and clients need Python 3.12 or later; install it and run this again" >&2
    exit 1
fi

target=${CARGO_TARGET_DIR:-target}
venv=$target/clients-venv
if [ ! -x "$venv/bin/aics-tlog" ]; then
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet aics-tlog==0.2.1 aics-witness==0.1.0
fi
opencga=$target/opencga-venv
if [ ! -x "$opencga/bin/python" ] || ! "$opencga/bin/python" -c 'import pyopencga' 2>/dev/null; then
    "$python" -m venv "$opencga"
    "$opencga/bin/pip" install --quiet pyopencga==5.0.0
fi
cargo build --quiet --locked --workspace --bins
"$venv/bin/python" tests/clients/verify.py "$target/debug/indelible" "$venv/bin"
"$opencga/bin/python" tests/clients/opencga.py "$target/debug/indelible"
