"""What the panel shows as long as there is no list of versions: the first steps, and what is missing."""

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from . import settings
from .words import sentence, tr

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


class SetupPage(QWidget):
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
        self.night = QCheckBox(tr("Also every night, QGIS or not"))
        column = QVBoxLayout(self)
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


class MissingPage(QWidget):
    """The program is missing, or too old."""

    copy = pyqtSignal(str)
    locate = pyqtSignal()
    again = pyqtSignal()
    help = pyqtSignal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self.message = text(bold=True)
        self.cause = text()
        self.state = text(tr("Until then nothing is backed up."))
        self.line = QLineEdit(INSTALL)
        self.line.setReadOnly(True)
        self.line.setAccessibleName(tr("The command that installs it"))
        copy = QPushButton(tr("Copy"))
        copy.clicked.connect(lambda: self.copy.emit(self.line.text()))
        locate = QPushButton(tr("I have it: where…"))
        locate.clicked.connect(self.locate)
        again = QPushButton(tr("Look again"))
        again.clicked.connect(self.again)
        how = QPushButton(tr("How to install it"))
        how.clicked.connect(self.help)
        row = QHBoxLayout()
        row.addWidget(self.line, 1)
        row.addWidget(copy)
        more = QHBoxLayout()
        more.addWidget(locate)
        more.addWidget(again)
        column = QVBoxLayout(self)
        for widget in (self.message, self.cause):
            column.addWidget(widget)
        column.addLayout(row)
        column.addLayout(more)
        column.addWidget(how)
        column.addWidget(self.state)
        column.addStretch()

    def show_trouble(self, trouble):
        self.message.setText(sentence(trouble.message))
        self.cause.setText(sentence(trouble.cause))
        old = trouble.kind == "program_too_old"
        self.line.setText("pip install --upgrade geokeep" if old else INSTALL)
