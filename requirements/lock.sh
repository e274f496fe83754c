#!/bin/sh
# Makes the hash-pinned lock files anew from pyproject.toml. Needs `uv`; nobody who installs or tests does.
set -eu
cd "$(dirname "$0")/.."
lock() { out=$1; shift; uv pip compile --universal --generate-hashes --python-version 3.11 --no-annotate --no-header --quiet "$@" pyproject.toml -o "requirements/$out.txt" >/dev/null; }
lock run --extra build
lock dev --extra build --extra dev
