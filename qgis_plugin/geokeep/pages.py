"""What the panel shows as long as there is no list of versions: the first steps, and what is missing."""

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QLineEdit, QProgressBar, QPushButton, QScrollArea, QVBoxLayout, QWidget

from . import settings
from .words import all_of, sentence, tr

INSTALL = "pip install geokeep"


def text(words="", bold=False):
    """A label for any text: names are never taken for markup."""
    it = QLabel(words)
    it.setTextFormat(Qt.TextFormat.PlainText)
    it.setWordWrap(True)
    if bold:
        font = it.font()
        font.setBold(True)
        it.setFont(font)
    return it


class Page(QScrollArea):
    """Scrolls where there is little room: a panel must not make the window of QGIS larger."""

    def __init__(self, parent=None):
        super().__init__(parent)
        inner = QWidget()
        self.column = QVBoxLayout(inner)
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)


class SetupPage(Page):
    """“Where should backups go?”"""

    choose = pyqtSignal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self.button = QPushButton(tr("Choose a folder…"))
        self.button.setObjectName("geokeepChoose")
        self.button.clicked.connect(self.choose)
        self.editing = QCheckBox(tr("Back up before and after each edit"))
        self.editing.setChecked(settings.get("after_each_save"))
        self.editing.toggled.connect(self._editing)
        self.night = QCheckBox(tr("Also every night, whether QGIS runs or not"))
        column = self.column
        column.addWidget(text(tr("Where should backups go?"), bold=True))
        column.addWidget(text(tr("Best on another disk than the maps.")))
        column.addWidget(self.button)
        column.addWidget(self.editing)
        column.addWidget(self.night)
        column.addWidget(text(tr("Each GeoPackage of the project is backed up at once. Backups never hold up a save.")))
        column.addStretch()

    @staticmethod
    def _editing(on):
        settings.put("when_editing_starts", on)
        settings.put("after_each_save", on)


class MissingPage(Page):
    """The program is missing, or too old. The first button is enough for somebody who has never seen a terminal."""

    get = pyqtSignal()
    stop = pyqtSignal()
    copy = pyqtSignal(str)
    locate = pyqtSignal()
    again = pyqtSignal()
    help = pyqtSignal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self.message = text(bold=True)
        self.cause = text()
        self.fetch = button(tr("Get geokeep"), self._fetch)
        self.fetch.setObjectName("geokeepGet")
        self.fetch.setDefault(True)
        self.what = text(tr("Downloads it from pypi.org (about 6 MB) into the folder of this QGIS profile. Nothing else on this computer is changed."))
        self.bar = QProgressBar()
        self.bar.hide()
        self.failure = text()
        self.failure.hide()
        self.line = QLineEdit(INSTALL)
        self.line.setReadOnly(True)
        self.line.setAccessibleName(tr("The command that installs it"))
        row = QHBoxLayout()
        row.addWidget(self.line, 1)
        row.addWidget(button(tr("Copy"), lambda: self.copy.emit(self.line.text())))
        more = QHBoxLayout()
        more.addWidget(button(tr("I have it: where…"), self.locate.emit, tr("The program, or the file geokeep-….whl that you were given")))
        more.addWidget(button(tr("Look again"), self.again.emit))
        column = self.column
        for widget in (self.message, self.cause, text(tr("Until then nothing is backed up.")), self.fetch, self.bar, self.what, self.failure):
            column.addWidget(widget)
        column.addSpacing(column.spacing() * 2)
        column.addLayout(more)
        column.addWidget(text(tr("In a terminal:")))
        column.addLayout(row)
        column.addWidget(button(tr("How to install it"), self.help.emit))
        column.addStretch()

    def show_trouble(self, trouble):
        self.message.setText(sentence(trouble.message))
        self.cause.setText(sentence(trouble.cause))
        old = trouble.kind == "program_too_old"
        self.line.setText("pip install --upgrade geokeep" if old else INSTALL)

    def _fetch(self):
        if self.bar.isHidden():
            self.failure.hide()
            self.busy(True)
            self.get.emit()
        else:
            self.busy(False)
            self.stop.emit()

    def busy(self, on):
        self.bar.setRange(0, 0)  # nobody knows yet how much it is
        self.bar.setVisible(on)
        self.fetch.setText(tr("Cancel") if on else tr("Get geokeep"))

    def progress(self, percent):
        self.bar.setRange(0, 100)
        self.bar.setValue(percent)

    def failed(self, trouble):
        self.busy(False)
        self.failure.setText(all_of(trouble))
        self.failure.show()


def button(words, action, tip=""):
    it = QPushButton(words)
    it.setToolTip(tip)
    it.clicked.connect(lambda _checked=False: action())
    return it
