"""One small button in QGIS's status bar: green, amber or red, with a sign of its own each. A click opens the panel."""

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QSize, QTimer
from qgis.PyQt.QtWidgets import QToolButton

from .icons import icon
from .words import plain, tr


class Light(QToolButton):
    def __init__(self, iface, standing, open_panel):
        super().__init__()
        self.iface, self.standing = iface, standing
        self.setObjectName("geokeepLight")
        self.setAutoRaise(True)
        self.setIconSize(QSize(16, 16))
        self.clicked.connect(lambda: open_panel())
        # Many files change at once when a project is opened: that is one look, not forty.
        self.soon = QTimer(self)
        self.soon.setSingleShot(True)
        self.soon.setInterval(100)
        self.soon.timeout.connect(self.look)
        standing.changed.connect(self.soon_look)
        standing.keeper.program.changed.connect(self.soon_look)
        project = QgsProject.instance()
        project.layersAdded.connect(self.soon_look)
        project.layersRemoved.connect(self.soon_look)
        iface.statusBarIface().addPermanentWidget(self)
        self.look()

    def soon_look(self, *_):
        self.soon.start()

    def look(self):
        colour, words = self.standing.all()
        self.setIcon(icon(colour))
        self.setToolTip("<p>%s</p>" % plain(tr("Backups: {state}").format(state=words)))
        self.setAccessibleName(tr("Backups: {state}").format(state=words))
        self.colour = colour

    def close_down(self):
        self.soon.stop()
        project = QgsProject.instance()
        project.layersAdded.disconnect(self.soon_look)
        project.layersRemoved.disconnect(self.soon_look)
        self.standing.changed.disconnect(self.soon_look)
        self.standing.keeper.program.changed.disconnect(self.soon_look)
        self.iface.statusBarIface().removeWidget(self)
        self.deleteLater()
