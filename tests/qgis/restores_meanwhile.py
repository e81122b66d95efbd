"""A real QGIS displays, edits and saves a layer in its process, while another process puts lost and changed trees back
into the same file, over and over.

    /usr/bin/python3 tests/qgis/restores_meanwhile.py GEOKEEP TOWN.GPKG FOLDER [ROUNDS]

Somebody deletes the trees 1 to 4 and changes the height of tree 5, again and again; each time `geokeep restore` brings
them back. QGIS works on the other trees. Nothing of that is in step with the rest. In the end each tree must be as the last
who worked on it left it, and the spatial index and the number of features right. One line for each state of QGIS, `ok` or
`FAILED`; exit code 0 if nothing failed.
"""

import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import threading
import time

os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qgis.core import (  # noqa: E402
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize  # noqa: E402

GEOKEEP, TOWN, FOLDER = sys.argv[1:4]
ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 6
LOST = [1, 2, 3, 4]
CHANGED = 5
# In a process of its own: whoever closes a file drops all locks that its process holds on it.
MISHAP = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60)
for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
    db.create_function(name, 1, lambda geometry: 0)  # triggers name them, and come to none of them here
db.execute("BEGIN IMMEDIATE")
db.execute("DELETE FROM trees WHERE fid < 5")
db.execute("UPDATE trees SET height_m = 99 WHERE fid = 5")
db.commit()
"""
# As GDAL has it in files that it makes.
COUNTED = """
CREATE TABLE gpkg_ogr_contents(table_name TEXT NOT NULL PRIMARY KEY, feature_count INTEGER DEFAULT NULL);
INSERT INTO gpkg_ogr_contents SELECT 'trees', count(*) FROM trees;
CREATE TRIGGER trigger_insert_feature_count_trees AFTER INSERT ON trees
  BEGIN UPDATE gpkg_ogr_contents SET feature_count = feature_count + 1 WHERE lower(table_name) = lower('trees'); END;
CREATE TRIGGER trigger_delete_feature_count_trees AFTER DELETE ON trees
  BEGIN UPDATE gpkg_ogr_contents SET feature_count = feature_count - 1 WHERE lower(table_name) = lower('trees'); END;
"""
TREES = "SELECT fid, hex(geom), species, height_m, planted FROM trees ORDER BY fid"


def trees(path):
    db = sqlite3.connect(path)
    found = {row[0]: row[1:] for row in db.execute(TREES)}
    db.close()
    return found


class Others(threading.Thread):
    """Those who lose trees and bring them back, until they are told to stop. QGIS knows nothing of them."""

    def __init__(self, path, backups, options):
        super().__init__()
        self.path, self.ends, self.done, self.refused, self.odd = path, threading.Event(), 0, 0, []
        self.restore = [GEOKEEP, "restore", "town", "--from", backups, "--layer", "trees", "--into", path, "--changed", "--yes", "--json"]
        self.restore += ["--fid", ",".join(map(str, [*LOST, CHANGED])), *options]

    def run(self):
        while not self.ends.is_set():
            subprocess.run([sys.executable, "-c", MISHAP, self.path], check=True)
            self.bring_back()
        if not self.bring_back():
            self.odd.append("the last restore did not go through")

    def bring_back(self):
        """Once, or as often as it is refused for those who are there."""
        for _ in range(60):
            ran = subprocess.run(self.restore, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            told = json.loads(ran.stdout or b"{}")
            if told.get("status") in ("restored", "unchanged"):
                self.done += 1
                return True
            if (told.get("error") or {}).get("kind") != "target_in_use":
                self.odd.append(f"{ran.returncode}: {told}")
                return False
            self.refused += 1
            if self.ends.is_set() and not self.restore[-1] == "--while-editing":
                time.sleep(0.2)
        return False


class State:
    """QGIS with the layer of a copy of the file, and the others beside it."""

    def __init__(self, name, *options):
        self.name, self.wrong = name, []
        self.folder = os.path.join(FOLDER, name.replace(" ", "_"))
        self.path, backups = os.path.join(self.folder, "town.gpkg"), os.path.join(self.folder, "backups")
        os.makedirs(self.folder)
        shutil.copy(TOWN, self.path)
        db = sqlite3.connect(self.path)
        db.executescript(COUNTED)
        db.close()
        subprocess.run([GEOKEEP, "backup", self.path, "--to", backups, "--quiet"], check=True)
        self.expected = trees(self.path)
        self.layer = QgsVectorLayer(self.path + "|layername=trees", "trees", "ogr")
        assert self.layer.isValid()
        QgsProject.instance().addMapLayer(self.layer)
        self.fields = {name: at for at, name in enumerate(self.layer.fields().names())}
        self.others = Others(self.path, backups, options)
        self.others.start()

    def check(self, holds, what):
        if not holds and len(self.wrong) < 5:
            self.wrong.append(what)

    def change(self, fid, height):
        self.check(self.layer.changeAttributeValue(fid, self.fields["height_m"], float(height)), f"tree {fid} could not be changed")

    def move(self, fid, x, y):
        self.check(self.layer.changeGeometry(fid, QgsGeometry.fromPointXY(QgsPointXY(x, y))), f"tree {fid} could not be moved")

    def add(self, height):
        feature = QgsFeature(self.layer.fields())
        feature.setAttribute("species", "Added in QGIS")
        feature.setAttribute("height_m", float(height))
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(121100 + height, 487100)))
        self.check(self.layer.addFeature(feature), "a tree could not be added")

    def remove(self, fid):
        self.check(self.layer.deleteFeature(fid), f"tree {fid} could not be deleted")

    def save(self):
        """Whoever is told that the file is locked clicks again; the edits stay."""
        for _ in range(5):
            if self.layer.commitChanges():
                return
            errors = " ".join(self.layer.commitErrors())
            if "locked" not in errors:
                break
        self.check(False, f"QGIS could not save: {errors}")

    def draw(self):
        settings = QgsMapSettings()
        settings.setLayers([self.layer])
        settings.setExtent(self.layer.extent())
        settings.setOutputSize(QSize(200, 200))
        job = QgsMapRendererSequentialJob(settings)
        job.start()
        job.waitForFinished()

    def end(self, edits):
        """`edits` are the heights of trees that QGIS changed, None for those that it deleted; the heights of those that it
        added; and where those stand that it moved."""
        self.others.ends.set()
        self.others.join()
        QgsProject.instance().removeMapLayer(self.layer.id())
        del self.layer
        changed, added, moved = edits
        found = trees(self.path)
        new = sorted(row[2] for fid, row in found.items() if fid not in self.expected)
        self.check(new == sorted(added), f"added were {sorted(added)}, there are {new}")
        for fid, row in self.expected.items():
            there = found.get(fid)
            if changed.get(fid, 0) is None:
                self.check(there is None, f"tree {fid} was deleted in QGIS and is there")
            elif fid in changed:
                self.check(there and there[2] == changed[fid], f"tree {fid} is {there}, and not {changed[fid]} m high")
                place = struct.pack("<2d", *moved[fid]).hex().upper() if fid in moved else row[0][-32:]
                self.check(there and there[0].endswith(place), f"tree {fid} is {there}, and not where it should be")
            else:
                self.check(there == row, f"tree {fid} is {there}, and not {row}")
        self.counts(len(found))
        self.check(self.others.done > 1, f"only {self.others.done} restores went through")
        self.wrong += self.others.odd[:3]
        told = f"QGIS {self.name}: {self.others.done} restores beside it, {self.others.refused} had to wait"
        print("FAILED" if self.wrong else "ok", "; ".join([told, *self.wrong]), flush=True)
        return not self.wrong

    def counts(self, rows):
        """GDAL may have noted a number of its own: what `inspect` offers puts that right."""
        subprocess.run([GEOKEEP, "inspect", self.path, "--recount"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        db = sqlite3.connect(self.path)
        one = lambda sql: db.execute(sql).fetchone()[0]
        self.check(one("PRAGMA integrity_check") == "ok", "the file is damaged")
        self.check(one("SELECT rtreecheck('rtree_trees_geom')") == "ok", "the spatial index is damaged")
        for what in ("SELECT count(*) FROM rtree_trees_geom", "SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = 'trees'"):
            self.check(one(what) == rows, f"{what}: {one(what)}, and not {rows}")
        apart = "SELECT count(*) FROM trees t LEFT JOIN rtree_trees_geom r ON r.id = t.fid WHERE r.id IS NULL"
        self.check(one(apart) == 0, "trees are missing from the spatial index")
        db.close()
        layer = QgsVectorLayer(self.path + "|layername=trees", "again", "ogr")
        self.check(layer.featureCount() == rows, f"QGIS counts {layer.featureCount()}, and not {rows}")
        for feature in layer.getFeatures():
            box = feature.geometry().boundingBox()
            if not any(other.id() == feature.id() for other in layer.getFeatures(box)):
                self.check(False, f"tree {feature.id()} is not found where it stands")


def until(state, restores):
    """Waits until so many more restores went through; QGIS stands still meanwhile."""
    wanted, began = state.others.done + restores, time.monotonic()
    while state.others.done < wanted and state.others.is_alive() and time.monotonic() - began < 120:
        time.sleep(0.02)
    state.check(state.others.done >= wanted, "no restore went through beside it")


def displayed():
    state = State("displays the layer")
    all_of_them = set(state.expected)
    while state.others.done < 2 * ROUNDS and state.others.is_alive():
        seen = {feature.id() for feature in state.layer.getFeatures()}
        # QGIS reads without a lock here: while pages are written it may see no features at all.
        state.check(seen <= all_of_them and (not seen or len(seen) >= len(all_of_them) - len(LOST)), f"QGIS saw {len(seen)} trees")
        state.draw()
        state.layer.dataProvider().reloadData()
    return state.end(({}, [], {}))


def edited():
    state = State("has unsaved edits", "--while-editing")
    changed, added, moved = {}, [], {}
    for n in range(ROUNDS):
        state.check(state.layer.startEditing(), "QGIS could not begin to edit")
        for fid in (10 + n, 40 + n):
            changed[fid] = 100.0 + n
            state.change(fid, changed[fid])
        moved[60 + n] = (121000.0 + n, 487000.0 + n)
        state.move(60 + n, *moved[60 + n])
        changed[60 + n] = 1.0
        state.change(60 + n, 1.0)
        changed[80 + n] = None
        state.remove(80 + n)
        added.append(200.0 + n)
        state.add(added[-1])
        # Unsaved while others lose and restore.
        until(state, 1)
        state.draw()
        state.save()
    return state.end((changed, added, moved))


def grouped():
    """The first edit takes the lock of the file, which QGIS keeps until it saves."""
    QgsProject.instance().setAutoTransaction(True)
    state = State("edits in a transaction group", "--while-editing")
    changed = {}
    for n in range(ROUNDS):
        # Whatever QGIS reads after it began to edit is a snapshot of a file in WAL mode. Once somebody else has written,
        # SQLite refuses every edit on that snapshot (SQLITE_BUSY_SNAPSHOT), so that asking again never helps: whoever
        # cannot change a tree stops editing, and begins again.
        for _ in range(50):
            if state.layer.startEditing():
                if state.layer.changeAttributeValue(10 + n, state.fields["height_m"], 100.0 + n):
                    break
                state.layer.rollBack()
            time.sleep(0.1)
        else:
            state.check(False, f"tree {10 + n} could not be changed")
        changed[10 + n] = 100.0 + n
        time.sleep(0.3)
        state.draw()
        state.save()
        until(state, 1)
    QgsProject.instance().setAutoTransaction(False)
    return state.end((changed, [], {}))


application = QgsApplication([], False)
application.initQgis()
fared = [displayed(), edited(), grouped()]
sys.stdout.flush()
os._exit(0 if all(fared) else 1)
