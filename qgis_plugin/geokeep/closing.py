"""QGIS closes while a backup is being made: wait for it, or let it go on without QGIS."""

import os

from qgis.gui import QgsApplicationExitBlockerInterface
from qgis.PyQt.QtCore import QEventLoop, Qt
from qgis.PyQt.QtWidgets import QMessageBox

from . import settings
from .words import tr


class ExitBlocker(QgsApplicationExitBlockerInterface):
    """QGIS asks it after all edits were saved or given up, and only then."""

    def __init__(self, window, keeper):
        super().__init__()
        self.window, self.keeper = window, keeper
        self.box = None

    def allowExit(self):
        if settings.get("when_qgis_closes"):
            self.keeper.all("QGIS closed")
        self.keeper.hurry()
        if self.keeper.outstanding() and not self._wait():
            self.keeper.leave()
        return True

    def _wait(self):
        """True when all backups are done, False when the user does not want to wait."""
        names = ", ".join(os.path.basename(path) for path in self.keeper.outstanding()[:3])
        self.box = QMessageBox(self.window)
        self.box.setObjectName("geokeepClosing")
        self.box.setIcon(QMessageBox.Icon.Information)
        self.box.setWindowTitle("geokeep")
        self.box.setTextFormat(Qt.TextFormat.PlainText)
        self.box.setText(tr("A backup of {files} is being made.").format(files=names))
        self.box.setInformativeText(tr("QGIS closes by itself when it is done. If you leave now, the backup goes on without QGIS."))
        leave = self.box.addButton(tr("Leave"), QMessageBox.ButtonRole.RejectRole)
        loop = QEventLoop()
        leave.clicked.connect(loop.quit)
        self.box.rejected.connect(loop.quit)
        self.keeper.idle.connect(loop.quit)
        self.box.open()
        loop.exec()
        self.keeper.idle.disconnect(loop.quit)
        self.box.close()
        self.box.deleteLater()
        self.box = None
        return not self.keeper.outstanding()
