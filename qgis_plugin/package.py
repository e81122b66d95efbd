#!/usr/bin/env python3
"""Makes the ZIP that plugins.qgis.org takes: qgis_plugin/package.py [FILE].

Translations are compiled on the way (lrelease of Qt); where that program is missing, a note says so,
and the plugin speaks English.
"""

import configparser
import os
import re
import shutil
import subprocess  # nosec B404
import sys
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
PLUGIN = os.path.join(HERE, "geokeep")
KINDS = (".py", ".txt", ".svg", ".html", ".qm")
WANTED = ("name", "description", "version", "qgisMinimumVersion", "qgisMaximumVersion", "author", "email", "about", "tracker", "repository")
LRELEASE = ("lrelease", "lrelease-qt5", "lrelease6", "lrelease-qt6", "/usr/lib/qt6/bin/lrelease", "/usr/lib/qt5/bin/lrelease")
LARGEST = 25 * 1000 * 1000


def version():
    """Checks the metadata on the way: the repository refuses what is not whole."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(os.path.join(PLUGIN, "metadata.txt"), encoding="utf-8")
    missing = [key for key in WANTED if not metadata.get("general", key, fallback="").strip()]
    if missing:
        sys.exit("metadata.txt lacks: %s" % ", ".join(missing))
    number = metadata.get("general", "version")
    if not re.fullmatch(r"\d+\.\d+\.\d+", number):
        sys.exit("metadata.txt: the version must be like 1.2.3, and is %s" % number)
    if "//example.org/" in metadata.get("general", "repository"):
        print("note: metadata.txt has addresses of example.org, which plugins.qgis.org does not accept", file=sys.stderr)
    return number


def files():
    for folder, folders, names in os.walk(PLUGIN):
        folders[:] = sorted(f for f in folders if f != "__pycache__" and not f.startswith("."))
        for name in sorted(names):
            if name.endswith(KINDS) or name == "LICENSE":
                path = os.path.join(folder, name)
                yield path, os.path.join("geokeep", os.path.relpath(path, PLUGIN)).replace(os.sep, "/")


def translations(folder):
    """Compiled into a folder that goes: nothing is left in the sources."""
    lrelease = next((found for found in map(shutil.which, LRELEASE) if found), None)
    if lrelease is None:
        print("note: no lrelease; the plugin speaks English only", file=sys.stderr)
        return
    source = os.path.join(PLUGIN, "i18n")
    for name in sorted(os.listdir(source)):
        if name.endswith(".ts"):
            target = os.path.join(folder, name[:-3] + ".qm")
            # A program of Qt, without a shell.
            subprocess.run([lrelease, "-silent", os.path.join(source, name), "-qm", target], check=True)  # nosec B603
            yield target, "geokeep/i18n/" + os.path.basename(target)


def main():
    number = version()
    target = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "geokeep-%s.zip" % number)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, name in [*files(), *translations(folder)]:
            archive.write(path, name)
    if os.path.getsize(target) > LARGEST:
        sys.exit("the ZIP is larger than the repository takes")
    print(target)


if __name__ == "__main__":
    main()
