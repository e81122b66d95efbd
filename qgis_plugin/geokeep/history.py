"""The versions of one file, as the program lists them."""

import os
import socket
from collections import namedtuple

from qgis.PyQt.QtCore import QObject, pyqtSignal

from . import settings
from .command import Run

WITH_ROWS = {"features", "attributes"}  # tiles come back with the whole file only

# rows and change are of one table; change is None where there is nothing to compare with.
Version = namedtuple("Version", "id line instant label verdict archive bytes rows change pinned loss tables raw")


def versions(objects, path, table):
    """Newest first. A folder of backups may hold those of other machines, and other files of the same name."""
    mine = [o for o in objects if is_of(o, path)]
    mine.sort(key=lambda o: o["instant"])
    found, before = [], None
    for o in mine:
        rows = rows_in(o, table)
        change = None if rows is None or before is None else rows - before
        found.append(version_of(o, rows, change))
        before = rows if rows is not None else before
    return found[::-1]


def gone(found):
    """[(table, the newest sound version that has it)] of tables that the newest version lacks, the latest first."""
    if not found or found[0].verdict != "sound":
        return []
    last = {}
    for version in found[1:]:
        if version.verdict == "sound":
            for table in version.tables - found[0].tables:
                last.setdefault(table, version)
    return sorted(last.items(), key=lambda item: (item[1].instant, item[0]), reverse=True)


def files_of(objects):
    """The GeoPackages of this machine that have backups, the latest backup first."""
    newest = {}
    for o in objects:
        path = os.path.realpath(o.get("source") or "")
        if is_of(o, path) and path.lower().endswith(".gpkg"):
            newest[path] = max(newest.get(path, ""), o["instant"])
    return sorted(newest, key=newest.get, reverse=True)


def rows_in(o, table):
    return next((layer.get("rows") for layer in o.get("layers") or [] if layer.get("name") == table), None)


def is_of(o, path):
    if not (o.get("id") and o.get("instant") and o.get("path")) or o.get("content") == "project":
        return False
    return os.path.realpath(o.get("source") or "") == path and (not o.get("host") or same_machine(o["host"]))


def same_machine(host):
    return host.split(".")[0].lower() == socket.gethostname().split(".")[0].lower()


def version_of(o, rows, change):
    return Version(
        o["id"],
        o.get("name") or "",
        o["instant"],
        o.get("label") or "",
        "unverified" if o.get("verification_failed") else o.get("verdict") or "",
        archive_of(o),
        o.get("bytes") or 0,
        rows,
        change,
        o.get("pinned"),
        o.get("data_loss"),
        {layer.get("name") for layer in o.get("layers") or [] if layer.get("type") in WITH_ROWS},
        o,
    )


def archive_of(o):
    """The archive as a path of this machine: the program gives it below the folder as that was named."""
    path = o["path"]
    return path if os.path.isabs(path) else os.path.join(settings.destination(), o.get("name") or "", os.path.basename(path))


class History(QObject):
    """Loads the versions of a file; an answer that comes after another file was asked for is dropped."""

    ready = pyqtSignal(list)
    failed = pyqtSignal(object)

    def __init__(self, program, parent=None):
        super().__init__(parent)
        self.program = program
        self.run = None

    def load(self, path, table):
        self.cancel()
        if self.program.path is None or not settings.destination():
            return
        run = self.run = Run(self.program.path, ["list", "--from", settings.destination(), "--source", path], self)
        run.ended.connect(lambda _code: self._ended(run, path, table))
        run.start()

    def cancel(self):
        if self.run is not None and not self.run.done:
            self.run.stop()
        self.run = None

    def _ended(self, run, path, table):
        if run is not self.run:
            run.deleteLater()
            return
        self.run = None
        trouble = run.trouble()
        # An archive that cannot be read does not hide the others.
        if trouble is not None and not any(o.get("id") for o in run.objects):
            self.failed.emit(trouble)
        else:
            self.ready.emit(versions(run.objects, path, table))
        run.deleteLater()
