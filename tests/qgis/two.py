"""Runs inside each of two real QGIS that are open at the same time, with the plugin in both, on one project. GEOKEEP_ROLE: first, second.

They edit and save in turn, while the other one is in an edit session of the same file, and tell each other
by files how far they are. run.sh looks at the backups afterwards.
"""

import os
import subprocess
import sys

from qgis.core import Qgis, QgsApplication, QgsProject
from qgis.PyQt.QtCore import QTimer
from qgis.utils import iface, plugins

sys.path.insert(0, os.environ["GEOKEEP_SCRIPTS"])
from story import WORK, Story, check, results  # noqa: E402  (QGIS runs this as a text, without a place of its own)

TOWN = os.path.join(WORK, "town.gpkg")
PLAN = os.path.join(WORK, "plan.qgs")
ROLE = os.environ["GEOKEEP_ROLE"]
OTHER = {"first": "second", "second": "first"}[ROLE]
MINE = {"first": "buildings", "second": "trees"}[ROLE]  # the layer that stays in an edit session
ROUNDS = 3

bad = []  # what a user would read as an error


def tell(step):
    with open(os.path.join(WORK, "%s.%s" % (ROLE, step)), "w", encoding="utf-8"):
        pass


def has_told(step, who=OTHER):
    return lambda: os.path.exists(os.path.join(WORK, "%s.%s" % (who, step)))


def log_of_runs(keeper):
    """When each run of the program begins and ends, for run.sh: those of both QGIS must not overlap."""
    import time

    def note(what, path):
        with open(os.path.join(WORK, "runs"), "a", encoding="utf-8") as f:
            f.write("%.6f %s %s %s\n" % (time.monotonic(), ROLE, what, os.path.basename(path)))

    keeper.began.connect(lambda path: note("began", path))
    keeper.ended.connect(lambda path: note("ended", path))


def listen():
    def logged(text, tag, level):
        if tag == "geokeep" and level in (Qgis.MessageLevel.Warning, Qgis.MessageLevel.Critical):
            bad.append(text)

    QgsApplication.messageLog().messageReceived.connect(logged)


def locked():
    """Whether this very process holds a lock on the file, and on its -shm, as the system sees it."""
    with open("/proc/locks", encoding="ascii") as f:
        held = {(int(line.split()[4]), int(line.split()[5].split(":")[2])) for line in f if "POSIX" in line and "->" not in line}
    return all((os.getpid(), os.stat(path).st_ino) in held for path in (TOWN, TOWN + "-shm"))


def stranger():
    """Opens the file and closes it again; were it the last one, it would take -wal and -shm away. Not in this process."""
    code = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('select count(*) from trees').fetchone(); c.close()"
    subprocess.run(["/usr/bin/python3", "-c", code, TOWN], check=True)
    return os.path.exists(TOWN + "-wal")


def steps():
    listen()
    plugin = plugins["geokeep"]
    keeper = plugin.keeper
    log_of_runs(keeper)
    if ROLE == "first":
        iface.addVectorLayer(TOWN + "|layername=buildings", "buildings", "ogr")
        iface.addVectorLayer(TOWN + "|layername=trees", "trees", "ogr")
        yield lambda: not keeper.outstanding()
        check("%s: the project is saved" % ROLE, QgsProject.instance().write(PLAN))
        yield lambda: not keeper.outstanding()
        tell("project")
    else:
        yield has_told("project")
        iface.addProject(PLAN)
    layers = {layer.name(): layer for layer in QgsProject.instance().mapLayers().values()}
    mine = layers[MINE]
    iface.setActiveLayer(mine)
    yield lambda: not keeper.outstanding()
    check("%s: the light is green" % ROLE, plugin.light.look() or plugin.light.colour == "good", plugin.light.toolTip())
    tell("open")
    yield has_told("open")

    # Both at the same moment: one of them has its turn, then the other.
    keeper.back_up(os.path.realpath(TOWN), "by hand", force=True)
    yield lambda: not keeper.outstanding()
    check("%s: editing starts" % ROLE, mine.startEditing())
    yield lambda: not keeper.outstanding()
    check("%s: it holds its locks while editing" % ROLE, locked())
    tell("editing")
    yield has_told("editing")

    for n in range(ROUNDS):
        if ROLE == "second":
            yield has_told("saved%d" % n)
        fid = next(mine.getFeatures()).id()
        saved = mine.deleteFeature(fid) and mine.commitChanges(False)
        check("%s: save %d succeeds" % (ROLE, n + 1), saved, str(mine.commitErrors()))
        yield lambda: not keeper.outstanding()
        yield 0.2
        check("%s: locks after save %d" % (ROLE, n + 1), stranger() and locked())
        tell("saved%d" % n)
        if ROLE == "first":
            yield has_told("saved%d" % n)
            check("%s: locks after the other's save %d" % (ROLE, n + 1), stranger() and locked())
    mine.rollBack()
    yield lambda: not keeper.outstanding()
    tell("done")
    yield has_told("done")
    check("%s: nothing was said as an error" % ROLE, bad == [], str(bad))
    QgsProject.instance().setDirty(False)
    results.write("ok %s: the end of the script\n" % ROLE)
    iface.actionExit().trigger()


story = None


def begin():
    global story
    story = Story(steps())


QTimer.singleShot(2000, begin)
