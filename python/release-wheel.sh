#!/usr/bin/env bash
# Makes the wheel that is released for Linux: it runs wherever there is glibc 2.17 or later, however new this machine's own is.
#
#   python/release-wheel.sh [FOLDER]     where to put it [default: target/release-wheels]
#
# Linked by zig, which knows the symbols of old C libraries; it comes from PyPI into .venv. Needs ten minutes from nothing.
# The wheel is looked through by auditwheel, installed into a Python of its own, and makes a backup there.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
out=${1:-$target/release-wheels}
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

python3 -m venv .venv
.venv/bin/pip install -q --disable-pip-version-check maturin ziglang auditwheel
rm -rf "$out"
# maturin looks for zig beside itself.
PATH=$PWD/.venv/bin:$PATH maturin build --release --locked --zig --compatibility manylinux2014 --compression-level 9 --out "$out"
wheel=$(echo "$out"/geokeep-*.whl)
[[ $wheel == *manylinux_2_17_* ]] || { echo "release-wheel.sh: $wheel is not for manylinux2014" >&2; exit 1; }
.venv/bin/auditwheel show "$wheel" | tee "$fresh/audit"
# auditwheel judges by the symbols that are used, whatever the name promises.
grep -Eq '"manylinux_2_(5|12|17)_[a-z0-9_]+"' "$fresh/audit" || { echo "release-wheel.sh: it uses symbols of a newer glibc" >&2; exit 1; }

python3 -m venv "$fresh/venv"
"$fresh/venv/bin/pip" install -q --disable-pip-version-check --no-index "$wheel"
"$fresh/venv/bin/geokeep" backup examples/town.gpkg --to "$fresh/backups"
"$fresh/venv/bin/geokeep" verify --from "$fresh/backups"
ls -l "$wheel"
