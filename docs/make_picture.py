#!/usr/bin/env python3
"""Makes docs/session.svg, the picture in the README, from a real session with geokeep.

    python3 docs/make_picture.py target/release/geokeep docs/session.svg

The commands run in a fresh folder with a copy of examples/town.gpkg; what they print is what is drawn.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from xml.sax.saxutils import escape

HERE = os.path.dirname(os.path.abspath(__file__))
TOWN = os.path.join(os.path.dirname(HERE), "examples", "town.gpkg")
COLUMNS, CELL, LINE, MARGIN = 144, 8.4, 20, 16
GREEN, WHITE, GREY, RED = "#8ec07c", "#ebdbb2", "#a89984", "#fb4934"

COMMANDS = [
    "geokeep backup town.gpkg --to backups",
    "geokeep backup town.gpkg --to backups",
    "geokeep list --from backups",
    "geokeep verify --from backups",
    "geokeep restore town --from backups --to again.gpkg",
    "cmp town.gpkg again.gpkg && echo the same",
    "geokeep restore town --from backups --to again.gpkg",
]


def session(geokeep, folder):
    """The lines of the session: (text, colour)."""
    shutil.copy(TOWN, folder)
    time.sleep(2.1)  # a file that is younger may still change without a new time stamp
    binaries = os.path.join(folder, ".bin")
    os.mkdir(binaries)
    os.symlink(os.path.abspath(geokeep), os.path.join(binaries, "geokeep"))
    environment = dict(os.environ, PATH=binaries + os.pathsep + os.environ["PATH"], TZ="UTC", LC_ALL="C.UTF-8")
    for command in COMMANDS:
        yield "$ " + command, GREEN
        done = subprocess.run(["sh", "-c", command + " 2>&1"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
        for line in done.stdout.splitlines():
            yield line, WHITE if done.returncode == 0 else RED if line.startswith("error") else GREY


def draw(lines):
    rows = []
    for text, colour in lines:
        # A terminal breaks long lines at its edge.
        rows += [(part, colour) for part in textwrap.wrap(text, COLUMNS, drop_whitespace=False) or [""]]
    width, height = COLUMNS * CELL + 2 * MARGIN, len(rows) * LINE + 2 * MARGIN
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">' % (width, height, width, height),
           '<title>A session with geokeep</title>',
           '<rect width="100%" height="100%" rx="8" fill="#282828"/>',
           '<g font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14" xml:space="preserve">']
    for n, (text, colour) in enumerate(rows):
        if text:
            out.append('<text xml:space="preserve" x="%d" y="%d" fill="%s" textLength="%.1f">%s</text>' % (
                MARGIN, MARGIN + (n + 0.75) * LINE, colour, len(text) * CELL, escape(text)))
    return "\n".join(out + ["</g>", "</svg>", ""])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as temporary:
        # Its name is in what geokeep prints.
        place = os.path.join(temporary, "gis")
        os.mkdir(place)
        picture = draw(list(session(sys.argv[1], place)))
    with open(sys.argv[2], "w", encoding="utf-8") as svg:
        svg.write(picture)
