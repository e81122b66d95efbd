"""The list of versions in the panel."""

from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from .icons import icon
from .words import age, label, number, plain, size, tr, when

VERSION = Qt.ItemDataRole.UserRole
LESS = QColor("#d0342c")


class VersionList(QTreeWidget):
    chosen = pyqtSignal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setObjectName("geokeepVersions")
        self.setAccessibleName(tr("Versions of this layer"))
        self.setHeaderLabels([tr("Version"), tr("Features"), "±", tr("Note")])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAlternatingRowColors(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = self.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(24)
        self.setMinimumWidth(300)  # narrower, and the first three columns have no room
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)  # what has no room ends in “…”, and the tooltip has all of it
        for column in range(3):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.headerItem().setToolTip(2, tr("Features more or fewer than in the version before"))
        self.headerItem().setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
        self.headerItem().setTextAlignment(2, Qt.AlignmentFlag.AlignRight)
        self.itemSelectionChanged.connect(self.chosen)

    def sizeHint(self):
        """Room for a time, a number, and a note; whoever wants the map larger makes it narrower."""
        return QSize(330, 240)

    def fill(self, versions):
        kept = {v.id for v in self.selected()}
        self.clear()
        self.addTopLevelItems([self._item(v) for v in versions])
        for index in range(self.topLevelItemCount()):
            item = self.topLevelItem(index)
            if item.data(0, VERSION).id in kept:
                item.setSelected(True)
        if not self.selectedItems() and self.topLevelItemCount():
            self.setCurrentItem(self.topLevelItem(0))
        self.chosen.emit()

    def selected(self):
        """Newest first."""
        found = [item.data(0, VERSION) for item in self.selectedItems()]
        return sorted(found, key=lambda v: v.instant, reverse=True)

    def all(self):
        return [self.topLevelItem(i).data(0, VERSION) for i in range(self.topLevelItemCount())]

    def select(self, version_id):
        for index in range(self.topLevelItemCount()):
            item = self.topLevelItem(index)
            if item.data(0, VERSION).id == version_id:
                self.setCurrentItem(item)
                return True
        return False

    def _item(self, version):
        change = "" if not version.change else "%s%s" % ("+" if version.change > 0 else "−", number(abs(version.change)))
        rows = "" if version.rows is None else number(version.rows)
        item = QTreeWidgetItem([when(version.instant), rows, change, " ".join(note(version).split())])
        item.setData(0, VERSION, version)
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if version.change and version.change < 0:
            item.setForeground(2, LESS)
        if version.verdict != "sound":
            item.setIcon(0, icon("bad"))
        elif version.loss:
            item.setIcon(0, icon("care"))
        elif version.pinned is not None:
            item.setIcon(0, icon("pin"))
        tip = "<p>%s</p>" % plain(details(version))
        for column in range(4):
            item.setToolTip(column, tip)
        return item


def note(version):
    notes = [label(version.label)]
    if version.verdict != "sound":
        notes.insert(0, verdict(version.verdict))
    elif version.loss:
        notes.insert(0, tr("something was lost"))
    if version.pinned is not None:
        notes.append(tr("pinned: {reason}").format(reason=version.pinned) if version.pinned else tr("pinned"))
    return ", ".join(n for n in notes if n)


def verdict(word):
    return {
        "sound": tr("sound"),
        "damaged": tr("damaged"),
        "unreadable": tr("cannot be read"),
        "unverified": tr("did not pass its last check"),
        "not_ours": tr("of another user"),
    }.get(word, word)


def details(version):
    lines = ["%s (%s)" % (when(version.instant), age(version.instant)), note(version)]
    lines.append(tr("{size}, {verdict}").format(size=size(version.bytes), verdict=verdict(version.verdict)))
    lines.append(tr("backup {id}").format(id=version.id))
    return "\n".join(line for line in lines if line)
