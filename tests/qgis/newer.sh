#!/usr/bin/env bash
# Runs the plugin's tests on the newest QGIS that Debian has (3.44 of trixie-backports), in a folder of its own.
#
#   sudo GEOKEEP=target/debug/geokeep tests/qgis/newer.sh FOLDER     a folder that is new, or was made by an earlier run
#
# Takes ten minutes and 2.5 GB the first time, and Debian's packages from a mirror (MIRROR=...); a run after that takes two.
# Ends with `N passed, M failed`. The folder is left there: remove it with `rm -rf --one-file-system`.
set -euo pipefail
cd "$(dirname "$0")/../.."

root=${1:?"newer.sh: name a folder"}
mirror=${MIRROR:-http://deb.debian.org/debian}
geokeep=$(realpath "${GEOKEEP:-target/debug/geokeep}")
[ "$(id -u)" = 0 ] || { echo "newer.sh: debootstrap and chroot need root" >&2; exit 2; }
[ -x "$geokeep" ] || { echo "newer.sh: no program at $geokeep; build it, or set GEOKEEP" >&2; exit 2; }

inside() {
    # A mount namespace of its own: what is mounted in it is gone when the command ends, however it ends.
    unshare --mount --fork --pid --kill-child sh -c '
        mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/dev/shm" && exec chroot "$0" /usr/bin/env -i \
            PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive TMPDIR=/tmp "$@"' "$root" "$@"
}

if [ ! -e "$root/ready" ]; then
    debootstrap --variant=minbase --include=ca-certificates trixie "$root" "$mirror"
    printf 'deb %s trixie main\ndeb %s trixie-backports main\n' "$mirror" "$mirror" >"$root/etc/apt/sources.list"
    [ -e /etc/resolv.conf ] && cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    cp -L /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
    mkdir -p "$root/dev/shm"
    inside apt-get update -qq
    inside apt-get install -y -qq --no-install-recommends -t trixie-backports qgis python3-qgis qgis-providers
    inside apt-get install -y -qq --no-install-recommends python3-venv python3-pip python3-gdal xvfb xauth sqlite3 fonts-dejavu-core procps
    inside apt-get clean
    touch "$root/ready"
fi

rm -rf "$root/project" && mkdir -p "$root/project/tests"
cp -r qgis_plugin examples "$root/project/"
cp -r tests/qgis "$root/project/tests/"
cp "$geokeep" "$root/project/geokeep"
inside /usr/bin/python3 -c 'import qgis.core, osgeo, sys; print("QGIS", qgis.core.Qgis.QGIS_VERSION, "GDAL", osgeo.__version__, "Python", sys.version.split()[0])'
# Both are pure Python: what this machine's pip fetches fits the other Python, too.
python3 -m pip download --quiet --disable-pip-version-check --dest "$root/project/wheels" -r qgis_plugin/tests/requirements.txt
inside env GEOKEEP=/project/geokeep PIP_NO_INDEX=1 PIP_FIND_LINKS=/project/wheels SKIP_LOGIC="${SKIP_LOGIC:-}" bash /project/tests/qgis/run.sh
