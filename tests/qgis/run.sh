#!/usr/bin/env bash
# The tests of the QGIS plugin, with the QGIS and the Python of this machine.
#
#   GEOKEEP=target/debug/geokeep tests/qgis/run.sh [PICTURES]     PICTURES: a folder for pictures of the panel
#
# Ends with `N passed, M failed`, and says before that what was skipped, and why. Exit code: 0 if nothing failed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
here=$PWD

geokeep=$(realpath "${GEOKEEP:-target/debug/geokeep}" 2>/dev/null)
python=${PYTHON:-/usr/bin/python3}
work=$(mktemp -d "${TMPDIR:-/tmp}/geokeep-qgis.XXXXXX")
passed=0 failed=0
display= screen= qgis=
cleanup() {
    [ -z "$display" ] || kill "$display" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}
skip() { echo "skipped: $*"; }

if ! "$python" -c 'import qgis.core' 2>/dev/null; then
    skip "the tests of the QGIS plugin: $python has no PyQGIS (Debian: apt-get install qgis python3-qgis)"
    finish
fi
if [ ! -x "$geokeep" ]; then
    echo "FAILED: no program at ${GEOKEEP:-target/debug/geokeep}"
    failed=1
    finish
fi
"$python" -c 'import qgis.core; print("QGIS", qgis.core.Qgis.QGIS_VERSION)'

# A profile, a home and a runtime folder of its own: nothing of the user's QGIS is touched.
export GEOKEEP=$geokeep HOME=$work/home XDG_RUNTIME_DIR=$work/run XDG_CONFIG_HOME=$work/home/config XDG_CACHE_HOME=$work/home/cache
export QGIS_CUSTOM_CONFIG_PATH=$work/profile PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 LANGUAGE=en
cache=${PIP_CACHE_DIR:-$(getent passwd "$(id -u)" | cut -d: -f6)/.cache/pip}
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$work/profile"
chmod 700 "$XDG_RUNTIME_DIR"

logic() {
    local venv
    venv=$(realpath -m "${CARGO_TARGET_DIR:-target}")/qgis-venv-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ ! -e "$venv/ready" ]; then
        rm -rf "$venv"
        if ! { "$python" -m venv --system-site-packages "$venv" &&
            PIP_CACHE_DIR=$cache "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/qgis_plugin/tests/requirements.txt" && touch "$venv/ready"; } >"$work/venv.log" 2>&1; then
            skip "the plugin's logic: no pytest-qgis could be installed ($(tail -n 1 "$work/venv.log" | cut -c1-150))"
            return
        fi
        # Only for a look under Qt 6; the test of it says so where this is missing.
        PIP_CACHE_DIR=$cache "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/qgis_plugin/tests/requirements-qt6.txt" >>"$work/venv.log" 2>&1
    fi
    # From another folder: pytest-qgis leaves a folder of settings where it runs.
    (cd "$work" && QT_QPA_PLATFORM=offscreen timeout 1800 "$venv/bin/python" -m pytest -q -rs -p no:cacheprovider --rootdir "$here/qgis_plugin/tests" "$here/qgis_plugin/tests") >"$work/logic.log" 2>&1
    local code=$?
    cat "$work/logic.log"
    sed -n 's/^SKIPPED \[[0-9]*\] [^:]*:[0-9]*: /skipped: the plugin: /p' "$work/logic.log"
    local found
    found=$(sed 's/\x1b\[[0-9;]*m//g' "$work/logic.log" | awk '/ in [0-9.]+s/ { p = f = 0; for (i = 1; i < NF; i++) { if ($(i+1) ~ /^passed/) p = $i; if ($(i+1) ~ /^(failed|error)/) f += $i } } END { print p + 0, f + 0 }')
    passed=$((passed + ${found% *}))
    failed=$((failed + ${found#* }))
    # A crash at the end, after all tests have passed, counts too.
    [ "$code" = 0 ] || [ "${found#* }" != 0 ] || { echo "FAILED: pytest ended with code $code"; failed=$((failed + 1)); }
}

# A profile with the plugin in it: PLACE PROFILE, then more lines for its settings.
profile() {
    mkdir -p "$1/$2/profiles/default/QGIS" "$1/plugins" "$1/backups" "$1/tmp"
    [ -e "$1/plugins/geokeep" ] || cp -r "$here/qgis_plugin/geokeep" "$1/plugins/geokeep"
    printf '[PythonPlugins]\ngeokeep=true\n[qgis]\ncheckVersion=false\n[locale]\noverrideFlag=true\nuserLocale=en_US\n[plugins]\ngeokeep\\program=%s\n' "$geokeep" >"$1/$2/profiles/default/QGIS/QGIS3.ini"
    printf '%s\n' "${@:3}" >>"$1/$2/profiles/default/QGIS/QGIS3.ini"
}

# PLACE PROFILE SCRIPT [NAME=VALUE...]. What lies in the temporary folder is a temporary layer to QGIS, about which it asks when it closes.
in_qgis() {
    env -u QT_QPA_PLATFORM -u QGIS_CUSTOM_CONFIG_PATH DISPLAY="$screen" QGIS_PLUGINPATH="$1/plugins" GEOKEEP_DESKTOP="$1" GEOKEEP_SCRIPTS="$here/tests/qgis" TMPDIR="$1/tmp" "${@:4}" \
        timeout 1200 "$qgis" --noversioncheck --nologo --profiles-path "$1/$2" --code "$here/tests/qgis/$3"
}

# Adds up what a script has written.
count_results() {
    cat "$1" 2>/dev/null
    local ok bad
    ok=$(grep -c '^ok' "$1" 2>/dev/null)
    bad=$(grep -c '^FAILED' "$1" 2>/dev/null)
    passed=$((passed + ${ok:-0}))
    failed=$((failed + ${bad:-0}))
}

a_screen() {
    # Debian's wrapper passes an option that the program does not know.
    qgis=$(command -v qgis.bin || command -v qgis) || { skip "the desktop: there is no qgis"; return 1; }
    command -v Xvfb >/dev/null || { skip "the desktop: there is no Xvfb (Debian: apt-get install xvfb)"; return 1; }
    exec 9>"$work/display"
    Xvfb -displayfd 9 -screen 0 1400x900x24 -nolisten tcp >"$work/xvfb.log" 2>&1 &
    display=$!
    for _ in $(seq 1200); do [ -s "$work/display" ] && break; sleep 0.1; done
    [ -s "$work/display" ] || { echo "FAILED: Xvfb opened no screen: $(tail -n 1 "$work/xvfb.log")"; failed=$((failed + 1)); return 1; }
    screen=:$(cat "$work/display")
}

desktop() {
    local pictures=$1 place=$work/desktop
    mkdir -p "$place/pictures"
    profile "$place" profiles
    cp "$here/examples/town.gpkg" "$place/town.gpkg"
    "$python" - "$place/town.gpkg" "$place/damaged.gpkg" <<'PYTHON'
import shutil, sqlite3, sys
shutil.copy(sys.argv[1], sys.argv[2])
c = sqlite3.connect(sys.argv[2])
root, size = c.execute("select rootpage from sqlite_master where name = 'owners'").fetchone()[0], c.execute("pragma page_size").fetchone()[0]
c.close()
with open(sys.argv[2], "r+b") as f:
    f.seek((root - 1) * size + 100)
    f.write(b"\xff" * 200)
PYTHON
    in_qgis "$place" profiles desktop.py >"$work/desktop.log" 2>&1
    local code=$?
    count_results "$place/results"
    last_backup "$place" "$code"
    [ -z "$pictures" ] || { mkdir -p "$pictures" && cp "$place"/pictures/*.png "$pictures/"; }
}

# Two of them, each with a profile of its own, on one project.
two_at_once() {
    local place=$work/two role pids=()
    for role in first second; do
        profile "$place" "$role" "geokeep\\destination=$place/backups" 'geokeep\first_told=true'
    done
    cp "$here/examples/town.gpkg" "$place/town.gpkg"
    for role in first second; do
        in_qgis "$place" "$role" two.py GEOKEEP_ROLE=$role GEOKEEP_RESULTS=$role.results >"$place/$role.log" 2>&1 &
        pids+=($!)
    done
    wait "${pids[@]}"
    for role in first second; do
        count_results "$place/$role.results"
        grep -q "^ok $role: the end of the script" "$place/$role.results" 2>/dev/null && continue
        echo "FAILED: the $role of two QGIS did not come to its end: $(tail -n 3 "$place/$role.log" | tr '\n' ' ' | cut -c1-300)"
        failed=$((failed + 1))
    done
    "$geokeep" list --from "$place/backups" --json >"$place/list" 2>/dev/null
    "$python" - "$place/runs" "$place/list" >"$place/backups.results" <<'PYTHON'
import json, sys
runs = [line.split() for line in sorted(open(sys.argv[1], encoding="utf-8")) if line.endswith(" town.gpkg\n")]
at_work, together = set(), []
for at, role, what, _file in runs:
    at_work.add(role) if what == "began" else at_work.discard(role)
    together += [at] if len(at_work) > 1 else []
both = {role for _at, role, _what, _file in runs} == {"first", "second"}
print("ok one run a file at a time" if both and not together else "FAILED two runs at a time: %s of %s" % (together, runs))
made = sorted((o for o in map(json.loads, open(sys.argv[2], encoding="utf-8")) if o.get("content") == "database"), key=lambda o: o["instant"])
states = [(o["label"], {l["name"]: l["rows"] for l in o["layers"] if l["name"] != "owners"}) for o in made]
saved = [rows for label, rows in states if label == "after save"]
wanted = [{"buildings": 256 - (n + 2) // 2, "trees": 180 - (n + 1) // 2} for n in range(6)]
print("ok a backup of each save" if saved == wanted else "FAILED the saves that have backups: %s" % states)
PYTHON
    count_results "$place/backups.results"
}

# Without windows, in a process of QGIS's own.
headless() {
    local process place=$work/headless
    process=$(command -v qgis_process.bin || command -v qgis_process) || { skip "qgis_process: it is not there"; return; }
    mkdir -p "$place/backups" "$place/plugins"
    cp "$here/examples/town.gpkg" "$place/town.gpkg"
    cp -r "$here/qgis_plugin/geokeep" "$place/plugins/geokeep"
    export QGIS_PLUGINPATH=$place/plugins
    # No settings tell it where the program is: it finds it on the PATH.
    ln -s "$geokeep" "$place/geokeep"
    if QT_QPA_PLATFORM=offscreen PATH=$place:$PATH timeout 120 "$process" plugins enable geokeep >"$place/log" 2>&1 &&
        QT_QPA_PLATFORM=offscreen PATH=$place:$PATH timeout 120 "$process" run geokeep:backup -- FILES="$place/town.gpkg" FOLDER="$place/backups" >>"$place/log" 2>&1 &&
        grep -q 'SAVED:[[:space:]]*1' "$place/log" && [ -n "$(find "$place/backups" -name '*.gpkg.zip')" ]; then
        echo "ok qgis_process backs up"
        passed=$((passed + 1))
    else
        echo "FAILED: qgis_process: $(tail -n 4 "$place/log" | tr '\n' ' ' | cut -c1-300)"
        failed=$((failed + 1))
    fi
}

# What only shows after QGIS has ended.
last_backup() {
    local place=$1 code=$2 live newest
    if [ "$code" != 0 ] || ! grep -q '^ok the end of the script' "$place/results" 2>/dev/null; then
        echo "FAILED: QGIS ended with code $code: $(tail -n 3 "$work/desktop.log" | tr '\n' ' ' | cut -c1-300)"
        failed=$((failed + 1))
        return
    fi
    live=$("$python" -c 'import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute("select count(*) from trees").fetchone()[0])' "$place/town.gpkg")
    newest=$("$geokeep" list --from "$place/backups" --json 2>/dev/null | "$python" -c '
import json, sys
rows = [o for o in map(json.loads, sys.stdin) if o.get("content") == "database"]
print([l["rows"] for l in max(rows, key=lambda o: o["instant"])["layers"] if l["name"] == "trees"][0])')
    if [ "$live" = "$newest" ]; then
        echo "ok the last save is in the last backup"
        passed=$((passed + 1))
    else
        echo "FAILED: the file has $live trees, the last backup $newest"
        failed=$((failed + 1))
    fi
}

[ -n "${SKIP_LOGIC:-}" ] || logic
headless
if a_screen; then
    [ -n "${SKIP_DESKTOP:-}" ] || desktop "${1:-}"
    two_at_once
fi
finish
