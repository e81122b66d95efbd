"""An old version as something that QGIS can open: the archive itself, or a copy where that would be slow.

GDAL before 3.7 reads a ZIP from its beginning for each look at a later page, so that a large file is
restored to a temporary folder there.
"""

import os

from osgeo import gdal
from qgis.PyQt.QtCore import QObject, QTemporaryDir

from . import settings
from .command import Run, Trouble
from .sources import archive_uri, file_uri
from .words import tr

LARGE = 50 * 1000 * 1000
KNOWS_SOZIP = int(gdal.VersionInfo("VERSION_NUM")) >= 3070000


class Archives(QObject):
    def __init__(self, program, parent=None):
        super().__init__(parent)
        self.program = program
        self._folder = None
        self._copies = {}  # id of a backup -> path
        self._runs = set()

    def open(self, version, table, then):
        """Calls `then(uri, trouble)`, at once or when a copy is there. One of the two is None."""
        if version.id in self._copies:
            then(file_uri(self._copies[version.id], table), None)
        elif KNOWS_SOZIP or version.bytes <= LARGE:
            uri = archive_uri(version.archive, table)
            then(uri, None if uri else unreadable(version))
        else:
            self.copy(version, lambda path, trouble: then(path and file_uri(path, table), trouble))

    def copy(self, version, then):
        """A restored copy, which goes when QGIS ends."""
        if version.id in self._copies:
            then(self._copies[version.id], None)
            return
        path = os.path.join(self.folder(), "%s.gpkg" % version.id)
        run = Run(self.program.path, ["restore", version.id, "--from", settings.destination(), "--to", path], self)
        self._runs.add(run)
        run.ended.connect(lambda _code: self._copied(run, version, path, then))
        run.start()

    def _copied(self, run, version, path, then):
        self._runs.discard(run)
        trouble = run.trouble()
        run.deleteLater()
        if trouble is None:
            self._copies[version.id] = path
        then(path if trouble is None else None, trouble)

    def folder(self):
        if self._folder is None:
            self._folder = QTemporaryDir()
        return self._folder.path()

    def close(self):
        for run in self._runs:
            run.stop()
        self._runs.clear()
        if self._folder is not None:
            self._folder.remove()
            self._folder = None


def unreadable(version):
    return Trouble(
        "archive_unreadable",
        tr("This version cannot be read."),
        version.archive,
        tr("Other versions are not touched by that."),
        tr("Is the folder of backups there? “Check backups” says more."),
    )
