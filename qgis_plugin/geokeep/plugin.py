"""The plugin: puts its parts together, and takes them apart again.

`iface` is None under qgis_process: all that has windows waits for initGui. unload() must cope with
an initGui that went wrong half-way.
"""

import os

from qgis.core import Qgis, QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QLocale, Qt, QTimer, QTranslator

from . import settings

HERE = os.path.dirname(__file__)
MENU = "geokeep"


class Plugin:
    def __init__(self, iface):
        self.iface = iface
        self.provider = None
        self.undo = []  # what unload() calls, last first
        self.translator = None
        self._translate()

    def _translate(self):
        path = os.path.join(HERE, "i18n", "geokeep_%s.qm" % (QgsApplication.locale() or QLocale().name())[:2])
        if os.path.exists(path):
            self.translator = QTranslator()
            if self.translator.load(path):
                QCoreApplication.installTranslator(self.translator)

    def initProcessing(self):
        from .provider import Provider

        self.provider = Provider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):
        self.initProcessing()
        self._parts()
        self._windows()
        self._connect()
        # After QGIS has settled: finding the program is a few looks at the disk, asking it is a child.
        QTimer.singleShot(0, self.program.check)

    def _parts(self):
        from .archives import Archives
        from .bar import Bar
        from .changes import Changes
        from .history import History
        from .install import Installer
        from .keeper import Keeper
        from .offers import Offers
        from .preview import Preview
        from .program import Program
        from .restore import Restore
        from .retention import Retention
        from .schedule import Schedule
        from .standing import Standing

        self.program = Program()
        self.installer = Installer()
        self.undo.append(self.installer.stop)
        self.keeper = self._with_end(Keeper(self.program))
        self.standing = Standing(self.keeper)
        self.history = History(self.program)
        self.archives = self._with_end(Archives(self.program))
        self.bar = self._with_end(Bar(self.iface, self.keeper, self.standing, self.open_panel))
        self.preview = self._with_end(Preview(self.iface, self.archives))
        self.changes = Changes(self.program, self.archives, self.preview)
        self.restore = self._with_end(Restore(self.program, self.archives))
        self.offers = Offers(self.keeper, self.bar, self.preview)
        self.retention = Retention(self.keeper)
        self.schedule = Schedule(self.program)

    def _with_end(self, part):
        self.undo.append(part.close)
        return part

    def _windows(self):
        from .actions import Actions
        from .closing import ExitBlocker
        from .feature_history import FeatureMenu
        from .options import OptionsFactory
        from .panel import Panel
        from .statusbar import Light

        window = self.iface.mainWindow()
        self.panel = Panel(self.iface, self.keeper, self.standing, self.history, window)
        self.undo.append(self._remove_panel)
        self.iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.panel)
        self.light = Light(self.iface, self.standing, self.open_panel)
        self.undo.append(self.light.close_down)
        self.actions = Actions(self)
        self._menu()
        self.blocker = ExitBlocker(window, self.keeper)
        self.iface.registerApplicationExitBlocker(self.blocker)
        self.undo.append(lambda: self.iface.unregisterApplicationExitBlocker(self.blocker))
        self.factory = OptionsFactory(self)
        self.iface.registerOptionsWidgetFactory(self.factory)
        self.undo.append(lambda: self.iface.unregisterOptionsWidgetFactory(self.factory))
        self.feature_menu = self._with_end(FeatureMenu(window))
        self.feature_menu.asked.connect(self.actions.feature_history)

    def _menu(self):
        from .icons import icon

        action = self.panel.toggleViewAction()
        action.setIcon(icon("geokeep"))
        self.iface.addPluginToDatabaseMenu(MENU, action)
        self.iface.addToolBarIcon(action)
        self.undo.append(lambda: self.iface.removePluginDatabaseMenu(MENU, action))
        self.undo.append(lambda: self.iface.removeToolBarIcon(action))
        if not settings.get("panel_opened"):
            settings.put("panel_opened", True)
            self.open_panel()  # the first time; later QGIS remembers where it was

    def _connect(self):
        self.panel.wanted.connect(self.actions.do)
        self.panel.gone.layer_wanted.connect(self.actions.bring_layer_back)
        self.panel.gone.file_wanted.connect(self.actions.bring_file_back)
        self.panel.setup.choose.connect(self.actions.choose_folder)
        self.panel.missing.get.connect(self.installer.download)
        self.panel.missing.stop.connect(self.installer.stop)
        self.installer.progress.connect(self.panel.missing.progress)
        self.installer.failed.connect(self.panel.missing.failed)
        self.installer.installed.connect(self.actions.installed)
        self.panel.missing.copy.connect(QgsApplication.clipboard().setText)
        self.panel.missing.locate.connect(self.actions.locate_program)
        self.panel.missing.again.connect(self.program.check)
        self.panel.missing.help.connect(self.actions.help)
        self.schedule.lines.connect(QgsApplication.clipboard().setText)
        self.schedule.done.connect(lambda words: self.bar.push(words, Qgis.MessageLevel.Success))
        self.schedule.refused.connect(lambda words: self.bar.push(words, Qgis.MessageLevel.Warning))
        for part in (self.preview, self.changes, self.restore):
            part.failed.connect(self.bar.trouble)
        self.changes.nothing.connect(self.actions.nothing_changed)
        self.restore.brought_back.connect(self.actions.brought_back)
        self.restore.compared.connect(self.actions.compared)
        self.restore.written.connect(self.actions.written)
        self.offers.restore.connect(self.actions.restore_these)

    def open_panel(self):
        self.panel.setUserVisible(True)

    def choose_folder(self, folder):
        """The one step of setting up: from now on everything in the project is backed up."""
        settings.put("destination", folder)
        self.keeper.all()
        self.panel.refresh()
        self.light.look()
        if folder and self.panel.setup.night.isChecked():
            self.schedule.set_up(settings.get("night"))

    def _remove_panel(self):
        self.panel.close_down()
        self.iface.removeDockWidget(self.panel)
        self.panel.deleteLater()

    def unload(self):
        while self.undo:
            end = self.undo.pop()
            try:
                end()
            except (RuntimeError, TypeError, AttributeError):
                continue  # One part that cannot be taken away must not keep the others.
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
        if self.translator is not None:
            QCoreApplication.removeTranslator(self.translator)
