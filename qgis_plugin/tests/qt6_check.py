"""Runs with PyQt6 and without QGIS: every module is imported, the windows are built, and the real program lists real backups.

    qt6_check.py PROGRAM FOLDER-OF-BACKUPS SOURCE TABLE

Prints `ok NAME` for each check. test_qt6.py runs it in a process of its own.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import qt6_shim  # noqa: E402

core = qt6_shim.install()
program_path, folder, source, table = sys.argv[1:]
chosen = {"plugins/geokeep/destination": folder, "plugins/geokeep/program": program_path}
core.QgsSettings.return_value.value.side_effect = lambda key, default=None, **_more: chosen.get(key, default)
core.QgsProject.instance.return_value.mapLayers.return_value = {}

from PyQt6.QtCore import QObject, QTimer, pyqtSignal  # noqa: E402
from PyQt6.QtWidgets import QApplication  # noqa: E402

app = QApplication([])
core.QgsApplication.instance.return_value = app
core.QgsApplication.qgisSettingsDirPath.return_value = os.path.dirname(folder)


def until(condition, seconds=30):
    import time

    end = time.monotonic() + seconds
    while not condition():
        app.processEvents()
        if time.monotonic() > end:
            sys.exit("waited in vain")


for name in sorted(os.listdir(os.path.join(os.path.dirname(HERE), "geokeep"))):
    if name.endswith(".py"):
        __import__("geokeep." + name[:-3])
print("ok imports")

from geokeep.history import History  # noqa: E402
from geokeep.keeper import Keeper  # noqa: E402
from geokeep.panel import Panel  # noqa: E402
from geokeep.program import Program  # noqa: E402
from geokeep.standing import Standing  # noqa: E402


class Iface(QObject):
    currentLayerChanged = pyqtSignal(object)

    def activeLayer(self):
        return None


program = Program()
program.check()
until(lambda: program.path is not None or program.trouble is not None)
assert program.path == program_path, program.trouble
print("ok program")
keeper = Keeper(program)
iface = Iface()
history = History(program)
panel = Panel(iface, keeper, Standing(keeper), history)
panel.path, panel.table = source, table
panel.show()
panel.refresh()
until(lambda: panel.list.topLevelItemCount() == 1)
assert panel.list.topLevelItem(0).text(1) == "10", panel.list.topLevelItem(0).text(1)
print("ok panel")
saved = []
keeper.saved.connect(lambda path, o: saved.append(o["status"]))
keeper.back_up(source, "by hand", force=True)
until(lambda: not keeper.outstanding())
assert saved == ["saved"], saved
print("ok backup")

from geokeep.closing import ExitBlocker  # noqa: E402

keeper.back_up(source, "by hand", force=True)
assert ExitBlocker(panel, keeper).allowExit() is True and not keeper.outstanding()
print("ok closing")

from geokeep.options import OptionsPage  # noqa: E402
from geokeep.schedule import Schedule  # noqa: E402


class Plugin:
    pass


plugin = Plugin()
plugin.program, plugin.schedule, plugin.choose_folder = program, Schedule(program), lambda folder: None
page = OptionsPage(plugin)
page.show()
page.apply()
print("ok options")

from index import Index, wheel_of  # noqa: E402
from PyQt6.QtNetwork import QNetworkAccessManager  # noqa: E402

from geokeep import install  # noqa: E402

core.QgsNetworkAccessManager.instance.return_value = QNetworkAccessManager(app)
index = Index()
index.have(wheel_of(program_path, os.path.dirname(folder)))
install.INDEX = index.address + "/geokeep/json"
installer, ends = install.Installer(), []
installer.installed.connect(ends.append)
installer.failed.connect(ends.append)
panel.missing.failed(install.not_installed("x"))
installer.download()
until(lambda: ends != [])
assert ends == install.own() and os.access(ends[0], os.X_OK), ends
index.close()
print("ok install")
keeper.close()
QTimer.singleShot(0, app.quit)
app.exec()
