"""Settings → Options → Backups."""

import os

from qgis.core import QgsProject
from qgis.gui import QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtCore import QTime
from qgis.PyQt.QtWidgets import QCheckBox, QFileDialog, QGroupBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSpinBox, QTimeEdit, QVBoxLayout

from . import settings
from .icons import icon
from .pages import text
from .program import named
from .sources import files_of_project
from .words import tr

PAGE = "geokeepOptions"
FLAGS = ("when_editing_starts", "after_each_save", "when_project_is_saved", "when_qgis_closes")
KEPT = ("keep_daily", "keep_weekly", "keep_monthly")


class OptionsFactory(QgsOptionsWidgetFactory):
    def __init__(self, plugin):
        super().__init__()
        self.plugin = plugin
        self.setTitle(tr("Backups"))
        if hasattr(self, "setKey"):  # QGIS 3.32 and later
            self.setKey(PAGE)
        self.setIcon(icon("geokeep"))

    def icon(self):
        return icon("geokeep")

    def createWidget(self, parent):
        return OptionsPage(self.plugin, parent)


class OptionsPage(QgsOptionsPageWidget):
    def __init__(self, plugin, parent=None):
        super().__init__(parent)
        self.plugin = plugin
        self.setObjectName(PAGE)
        column = QVBoxLayout(self)
        for group in (self._folder(), self._moments(), self._keep(), self._night(), self._program()):
            column.addWidget(group)
        column.addStretch()

    def helpKey(self):
        return ""

    # What is on it

    def _folder(self):
        self.folder = QLineEdit(settings.destination())
        self.folder.setAccessibleName(tr("Folder of backups"))
        self.folder.textChanged.connect(lambda _t: self._say_disk())
        browse = QPushButton("…")
        browse.setAccessibleName(tr("Choose a folder…"))
        browse.clicked.connect(self._browse)
        self.disk = text()
        group = QGroupBox(tr("Folder of backups"))
        column = QVBoxLayout(group)
        column.addLayout(row(self.folder, browse))
        column.addWidget(self.disk)
        self._say_disk()
        return group

    def _moments(self):
        self.flags = {}
        group = QGroupBox(tr("Back up"))
        column = QVBoxLayout(group)
        texts = (tr("when editing starts"), tr("after each save"), tr("when the project is saved: the project, and what it shows"), tr("when QGIS closes"))
        for name, words in zip(FLAGS, texts):
            self.flags[name] = QCheckBox(words)
            self.flags[name].setChecked(settings.get(name))
            column.addWidget(self.flags[name])
        self.loss = spin(settings.get("max_loss"), 100, tr("{n} %"))
        column.addLayout(row(QLabel(tr("Alarm if a layer loses more than")), self.loss, stretch=True))
        return group

    def _keep(self):
        group = QGroupBox(tr("Remove old backups"))
        group.setToolTip(tr("Unticked: every backup stays, until the disk is full"))
        group.setCheckable(True)
        group.setChecked(settings.get("keep"))
        self.keep_group = group
        self.kept = {}
        column = QVBoxLayout(group)
        column.addWidget(text(tr("All of the last two days stay, pinned ones, and the last one before a loss. Of older ones:")))
        numbers = QHBoxLayout()
        for name, words in zip(KEPT, (tr("one a day, {n} times"), tr("one a week, {n} times"), tr("one a month, {n} times"))):
            self.kept[name] = spin(settings.get(name), 999, words)
            numbers.addWidget(self.kept[name])
        numbers.addStretch()
        column.addLayout(numbers)
        return group

    def _night(self):
        self.night = QTimeEdit(QTime.fromString(settings.get("night"), "HH:mm"))
        self.night.setDisplayFormat("HH:mm")
        self.night.setAccessibleName(tr("Time of the nightly backup"))
        button = QPushButton(tr("Set up"))
        button.clicked.connect(self._set_up)
        self.schedule = text(tr("Asking…"))
        group = QGroupBox(tr("Every night, whether QGIS runs or not"))
        column = QVBoxLayout(group)
        column.addLayout(row(QLabel(tr("at")), self.night, button, stretch=True))
        column.addWidget(self.schedule)
        self.plugin.schedule.said.connect(self.schedule.setText)
        self.plugin.schedule.ask()
        return group

    def _program(self):
        self.program = QLineEdit(settings.get("program"))
        self.program.setPlaceholderText(self.plugin.program.place or tr("not found"))
        self.program.setAccessibleName(tr("Program"))
        browse = QPushButton("…")
        browse.setAccessibleName(tr("Choose the program…"))
        browse.clicked.connect(self._browse_program)
        find = QPushButton(tr("Find"))
        find.setToolTip(tr("Look in all the usual places again"))
        find.clicked.connect(self._find)
        self.version = text()
        self._say_version()
        self.plugin.program.changed.connect(self._say_version)
        group = QGroupBox(tr("Program"))
        column = QVBoxLayout(group)
        column.addLayout(row(self.program, browse, find))
        column.addWidget(self.version)
        return group

    # What it does

    def _browse(self):
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of backups"), self.folder.text())
        if folder:
            self.folder.setText(os.path.normpath(folder))

    def _browse_program(self):
        path, _filter = QFileDialog.getOpenFileName(self, tr("The program geokeep"), self.program.text())
        if path:
            self.program.setText(os.path.normpath(path))

    def _find(self):
        self.program.clear()
        settings.put("program", "")
        self.plugin.program.check()

    def _set_up(self):
        self.apply()
        self.plugin.schedule.set_up(self.night.time().toString("HH:mm"))

    def _say_version(self):
        program = self.plugin.program
        try:
            self.version.setText(tr("geokeep {version}, {place}").format(version=program.version, place=program.place) if program.path else (program.trouble.message if program.trouble else ""))
            self.program.setPlaceholderText(program.place or tr("not found"))
        except RuntimeError:
            pass  # The page was closed while the program was asked.

    def _say_disk(self):
        self.disk.setText(disk_words(self.folder.text()))

    def apply(self):
        """What QGIS calls when the user presses OK."""
        for name, box in self.flags.items():
            settings.put(name, box.isChecked())
        for name, box in self.kept.items():
            settings.put(name, box.value())
        settings.put("keep", self.keep_group.isChecked())
        settings.put("max_loss", self.loss.value())
        settings.put("night", self.night.time().toString("HH:mm"))
        if self.program.text() != settings.get("program"):
            settings.put("program", named(self.program.text().strip()) if self.program.text().strip() else "")
            self.plugin.program.check()
        if self.folder.text().strip() != settings.destination():
            self.plugin.choose_folder(self.folder.text().strip())


def disk_words(folder):
    """Whether the folder lies on the disk of the maps: one disk that dies should not take both."""
    if not folder:
        return tr("Not chosen: nothing is backed up.")
    try:
        here = os.stat(folder).st_dev
    except OSError:
        return tr("It is not there now.")
    for path in files_of_project(QgsProject.instance()):
        try:
            if os.stat(path).st_dev == here:
                return tr("On the same disk as the maps: if it fails, both are gone.")
        except OSError:
            continue
    return tr("On another disk than the maps.") if files_of_project() else ""


def spin(value, most, words):
    box = QSpinBox()
    box.setRange(0, most)
    before, after = words.split("{n}")
    box.setPrefix(before)
    box.setSuffix(after)
    box.setValue(value)
    return box


def row(*widgets, stretch=False):
    line = QHBoxLayout()
    for widget in widgets:
        line.addWidget(widget, 1 if isinstance(widget, QLineEdit) else 0)
    if stretch:
        line.addStretch()
    return line
