"""What the user asks for in the panel, the bar and the menus."""

import os

from qgis.core import Qgis, QgsApplication
from qgis.PyQt.QtCore import QObject, Qt, QUrl
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import QFileDialog, QInputDialog, QMessageBox

from . import settings
from .command import Run
from .feature_history import FeatureHistory
from .gone import take_in
from .history import files_of
from .options import PAGE
from .program import named
from .restore_dialog import RestoreDialog
from .sources import being_edited, file_and_table, layers_of
from .words import number, plural, tr, when


class Actions(QObject):
    def __init__(self, plugin):
        super().__init__()
        self.plugin = plugin
        self.window = plugin.iface.mainWindow()
        self.dialog = None

    def do(self, what, versions):
        getattr(self, "_" + what)(versions)

    @property
    def where(self):
        """(path, table, layer) of the panel."""
        panel = self.plugin.panel
        return panel.path, panel.table, panel.layer

    # Backing up

    def _now(self, _versions):
        self.plugin.keeper.back_up(self.where[0], "by hand")

    def choose_folder(self):
        folder = QFileDialog.getExistingDirectory(self.window, tr("Where should backups go?"), os.path.expanduser("~"))
        if folder:
            self.plugin.choose_folder(os.path.normpath(folder))

    def locate_program(self):
        path, _filter = QFileDialog.getOpenFileName(self.window, tr("The program geokeep"), os.path.expanduser("~"))
        if path.lower().endswith(".whl"):
            self.plugin.installer.from_file(path)
        elif path:
            settings.put("program", named(os.path.normpath(path)))
            self.plugin.program.check()

    def installed(self, _path):
        """What was chosen before did not work, else nobody would have asked for another one."""
        self.plugin.panel.missing.busy(False)
        settings.put("program", "")
        self.plugin.program.check()

    # Looking

    def _show(self, versions):
        path, table, layer = self.where
        self.plugin.preview.show(versions[0], path, table, layer)

    def _changes(self, versions):
        path, table, _layer = self.where
        self.plugin.changes.since(versions[0], path, table)

    def _between(self, versions):
        later, earlier = versions
        self.plugin.changes.between(earlier, later, self.where[1])

    def nothing_changed(self):
        self.plugin.bar.push(tr("Nothing is different."))

    def _clear(self, _versions):
        self.plugin.preview.clear()

    def feature_history(self, layer, feature):
        it = FeatureHistory(self.plugin.program, layer, feature, self.window)
        it.restore.connect(self.restore_these)
        it.show()

    # Bringing back

    def _restore(self, versions):
        self.restore_these(self.where[2], versions[0], None)

    def restore_these(self, layer, version, fids):
        self.dialog = RestoreDialog(self.plugin.restore, layer, version, self.plugin.preview, fids, self.window)
        self.dialog.show()

    def brought_back(self, layer, count):
        words = plural(count, tr("1 feature is back in the edit session. Look at it, then save, or undo."), tr("{n} features are back in the edit session. Look at them, then save, or undo."))
        self.plugin.bar.push(words, Qgis.MessageLevel.Success)
        self.plugin.iface.mapCanvas().refresh()

    def compared(self, layer, version, differ, equal):
        """After the save: QGIS loses some values without a word, and the program can write them as they were."""
        if not differ:
            return
        path, table = file_and_table(layer)
        words = tr("{equal} features are back; {n} could not be written by QGIS as they were.").format(equal=number(equal), n=number(len(differ)))
        button = (tr("Write them exactly"), lambda: self.plugin.restore.exactly(version, path, table, differ))
        self.plugin.bar.push(words, Qgis.MessageLevel.Warning, [button], seconds=0)

    def written(self, path, o):
        layer, buttons = o.get("layer"), []
        if layer is None or o.get("whole_layer"):
            take_in(path, layer)
        if o.get("undo") and not o.get("whole_layer"):  # To take a layer out again is to delete it, which QGIS does as well.
            buttons = [(tr("Undo"), lambda: self.plugin.restore.undo_exactly(o["undo"], path))]
        self.plugin.bar.push(back_words(path, layer, o), Qgis.MessageLevel.Success, buttons, seconds=30)
        self.plugin.keeper.back_up(path, "restored")
        self.plugin.panel.refresh()
        self.plugin.iface.mapCanvas().refresh()

    def _exact(self, versions):
        path, table, _layer = self.where
        words = tr("The layer “{layer}” becomes what it was {time}. Features that were added since are deleted, and changes are undone. A backup is made first, and the step can be undone.")
        if self._agreed(words.format(layer=table, time=when(versions[0].instant))):
            self.plugin.restore.exactly(versions[0], path, table, what="--exact")

    def _beside(self, versions):
        """A copy under another name is always safe."""
        path = self.where[0]
        stem = os.path.splitext(os.path.basename(path))[0]
        name = "%s %s.gpkg" % (stem, when(versions[0].instant).replace(":", "."))
        target, _filter = QFileDialog.getSaveFileName(self.window, tr("Save this version as a file…"), os.path.join(os.path.dirname(path), name), "GeoPackage (*.gpkg)")
        if target:
            self.run(["restore", versions[0].id, "--from", settings.destination(), "--to", target], tr("{file} is written.").format(file=os.path.basename(target)))

    def bring_layer_back(self, table, version):
        self.plugin.restore.whole_layer(version, self.where[0], table)

    def bring_file_back(self, version):
        self.plugin.restore.whole_file(version, self.where[0])

    def _whole(self, versions):
        path = self.where[0]
        layers = len(layers_of(path))
        if being_edited(path):
            self.plugin.restore.whole_file(versions[0], path)  # says why not
            return
        words = tr("The whole file {file} becomes what it was {time}, with all of its layers, styles and projects ({n} layers of this project). What is there now is backed up first. Close the file in all other programs.")
        if self._agreed(words.format(file=os.path.basename(path), time=when(versions[0].instant), n=layers)):
            self.plugin.restore.whole_file(versions[0], path)

    def _agreed(self, words):
        box = QMessageBox(QMessageBox.Icon.Warning, tr("Restore"), words, QMessageBox.StandardButton.Cancel, self.window)
        box.setTextFormat(Qt.TextFormat.PlainText)
        go = box.addButton(tr("Restore"), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        return box.clickedButton() is go

    # The rest

    def _pin(self, versions):
        reason, agreed = QInputDialog.getText(self.window, tr("Pin"), tr("Why it is kept (may be left empty):"))
        if agreed:
            extra = ["--reason=" + reason] if reason else []
            self.run(["pin", *(v.id for v in versions), "--from", settings.destination(), *extra], None)

    def _accept(self, _versions):
        """The loss was meant: the light goes green again. The backup of before stays pinned."""
        path = self.where[0]
        reason, agreed = QInputDialog.getText(self.window, tr("Removed on purpose"), tr("Why (may be left empty):"))
        if agreed:
            run = self.run(["accept", path, "--from", settings.destination(), "--reason=" + reason], None)
            run.ended.connect(lambda _code: self.plugin.keeper.back_up(path, "by hand"))

    def _unpin(self, versions):
        self.run(["unpin", *(v.id for v in versions), "--from", settings.destination()], None)

    def _verify(self, versions):
        self.run(["verify", *(v.id for v in versions), "--from", settings.destination()], plural(len(versions), tr("The backup is whole, to the last byte."), tr("{n} backups are whole, to the last byte.")))

    def _report(self, _versions):
        target = os.path.join(QgsApplication.qgisSettingsDirPath(), "geokeep", "backups.html")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        run = self.run(["report", "--from", settings.destination(), "--html", target], None)
        run.ended.connect(lambda _code: QDesktopServices.openUrl(QUrl.fromLocalFile(target)) if os.path.exists(target) else None)

    def _other(self, _versions):
        """A file of which there are backups here, though no layer of the project shows it; perhaps because there is none left."""
        run = self.run(["list", "--from", settings.destination()], None)
        run.ended.connect(lambda _code: self._choose_file(files_of(run.objects)))

    def _choose_file(self, files):
        names = ["%s (%s)" % (os.path.basename(path), os.path.dirname(path)) for path in files]
        if not names:
            self.plugin.bar.push(tr("There are no backups of files of this computer in the folder."))
            return
        name, agreed = QInputDialog.getItem(self.window, tr("Another file…"), tr("Show the backups of:"), names, 0, False)
        if agreed:
            self.plugin.panel.look_at(files[names.index(name)])

    def _options(self, _versions):
        self.plugin.iface.showOptionsDialog(self.window, PAGE)

    def _help(self, _versions):
        self.help()

    def help(self):
        QDesktopServices.openUrl(QUrl.fromLocalFile(os.path.join(os.path.dirname(__file__), "help", "index.html")))

    def run(self, arguments, success):
        run = Run(self.plugin.program.path, arguments, self)
        run.ended.connect(lambda _code: self._ran(run, success))
        return run.start()

    def _ran(self, run, success):
        trouble = run.trouble()
        if trouble is not None:
            self.plugin.bar.trouble(trouble)
        elif success:
            self.plugin.bar.push(success, Qgis.MessageLevel.Success)
        self.plugin.panel.refresh()
        run.deleteLater()


def back_words(path, layer, o):
    count = (o.get("inserted") or 0) + (o.get("updated") or 0) + (o.get("deleted") or 0)
    if layer is None:
        return tr("{file} is as it was.").format(file=os.path.basename(path))
    if o.get("whole_layer"):
        return tr("The layer “{layer}” is back in {file}.").format(layer=layer, file=os.path.basename(path))
    return plural(count, tr("1 feature was written."), tr("{n} features were written."))
