"""What backups have and the disk lacks: a layer that was dropped from its file, or the file. One line and one button in the panel."""

import os

from qgis.core import QgsDataProvider, QgsProject, QgsReadWriteContext, QgsVectorLayer
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QFrame, QMenu, QPushButton, QVBoxLayout
from qgis.PyQt.QtXml import QDomDocument

from .history import gone, rows_in
from .pages import text
from .sources import broken_layers, file_and_table, file_uri, layers_of, named_by
from .words import menu, plural, tr, when


class GoneBox(QFrame):
    """Hidden as long as nothing is gone."""

    layer_wanted = pyqtSignal(str, object)  # the table, the newest version that has it
    file_wanted = pyqtSignal(object)  # the newest sound version

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.words = text()
        self.button = QPushButton()
        self.button.setObjectName("geokeepGone")
        self.button.clicked.connect(self._clicked)
        self.found = []
        column = QVBoxLayout(self)
        column.addWidget(self.words)
        column.addWidget(self.button)
        self.hide()

    def look(self, path, versions):
        """`versions` are those of the file, the newest first."""
        sound = [v for v in versions if v.verdict == "sound"]
        if sound and not os.path.exists(path):
            self.found = [(None, sound[0])]
            self._show(tr("{file} no longer exists.").format(file=os.path.basename(path)), tr("Bring the file back"))
            return
        self.found = gone(versions)
        if not self.found:
            self.hide()
            return
        one = plural(len(self.found), tr("The layer “{layer}” is no longer in the file."), tr("{n} layers that backups have are no longer in the file."))
        self._show(one.format(layer=self.found[0][0]), tr("Bring the layer back") if len(self.found) == 1 else tr("Bring a layer back"))

    def _show(self, words, button):
        self.words.setText(words)
        self.button.setText(button)
        # With one there is nothing to choose: the button does it.
        self.button.setMenu(self._menu() if len(self.found) > 1 else None)
        self.button.setToolTip(said(*self.found[0]) if len(self.found) == 1 else "")
        self.show()

    def _menu(self):
        choice = QMenu(self.button)
        for table, version in self.found:
            choice.addAction(menu(said(table, version)), lambda t=table, v=version: self.layer_wanted.emit(t, v))
        return choice

    def _clicked(self):
        if len(self.found) != 1:
            return
        table, version = self.found[0]
        if table is None:
            self.file_wanted.emit(version)
        else:
            self.layer_wanted.emit(table, version)


def said(table, version):
    if table is None:
        return tr("as it was {time}").format(time=when(version.instant))
    count = rows_in(version.raw, table)
    features = "" if count is None else plural(count, tr("1 feature"), tr("{n} features"))
    return ", ".join(part for part in (table, features, when(version.instant)) if part)


def take_in(path, table):
    """Shows in the project what has come back: broken layers are mended, and the layer is added if none shows it."""
    for layer in broken_layers(path):
        if table is None or named_by(layer)[1] == table:
            mend(layer)
    if table is not None and not any(file_and_table(layer)[1] == table for layer in layers_of(path)):
        layer = QgsVectorLayer(file_uri(path, table), table, "ogr")
        if layer.isValid():
            QgsProject.instance().addMapLayer(layer)


def mend(layer):
    """The style of a layer that could not be opened waits in the text that the project had for it."""
    kept = layer.originalXmlProperties() or ""
    layer.setDataSource(layer.source(), layer.name(), layer.providerType(), QgsDataProvider.ProviderOptions())
    document = QDomDocument()
    document.setContent(kept)
    if layer.isValid() and not document.documentElement().isNull():
        layer.readSymbology(document.documentElement(), "", QgsReadWriteContext())
        layer.setOriginalXmlProperties("")
    layer.triggerRepaint()
