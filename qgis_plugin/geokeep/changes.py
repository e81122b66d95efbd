"""“What has changed”: the differences as coloured layers and a table, made by the program."""

import os

from qgis.core import QgsDataProvider, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, pyqtSignal

from . import settings
from .command import Run, Trouble
from .words import tr, when


class Changes(QObject):
    failed = pyqtSignal(object)
    nothing = pyqtSignal()
    shown = pyqtSignal(list)

    def __init__(self, program, archives, preview, parent=None):
        super().__init__(parent)
        self.program, self.archives, self.preview = program, archives, preview
        self.number = 0

    def since(self, version, path, table):
        """Between a version and the file as it is saved now."""
        self._start(version.id, path, table, tr("{layer}: changes since {time}").format(layer=table, time=when(version.instant)))

    def between(self, earlier, later, table):
        words = tr("{layer}: changes from {time} to {later}")
        self._start(earlier.id, later.id, table, words.format(layer=table, time=when(earlier.instant), later=when(later.instant)))

    def _start(self, before, after, table, title):
        self.number += 1
        target = os.path.join(self.archives.folder(), "changes %d.gpkg" % self.number)
        arguments = ["diff", before, after, "--from", settings.destination(), "--layer", table, "--counts", "--to", target]
        run = Run(self.program.path, arguments, self)
        run.ended.connect(lambda _code: self._ended(run, target, title))
        run.start()

    def _ended(self, run, target, title):
        trouble = run.trouble()
        summary = next((o for o in run.objects if o.get("kind") == "summary"), {})
        run.deleteLater()
        if trouble is not None:
            self.failed.emit(trouble)
        elif summary.get("equal"):
            self.nothing.emit()
        else:
            self._show(target, title)

    def _show(self, target, title):
        layers = [QgsVectorLayer("%s|layername=%s" % (target, name), name, "ogr") for name in tables(target)]
        layers = [layer for layer in layers if layer.isValid()]
        if not layers:
            self.failed.emit(Trouble("unexpected", tr("The changes could not be shown."), "", tr("Nothing was changed."), ""))
            return
        for layer in layers:
            layer.setReadOnly(True)
        self.preview.add(layers, title)
        self.shown.emit(layers)


def tables(path):
    """What QGIS can open of a file, as QGIS names it."""
    whole = QgsVectorLayer(path, "all", "ogr")
    separator = QgsDataProvider.sublayerSeparator()
    return [entry.split(separator)[1] for entry in whole.dataProvider().subLayers()] if whole.isValid() else []
