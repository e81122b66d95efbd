"""“Restore of parcels from today 14:02”: what comes back, and what cannot. Not modal: the map can be looked at meanwhile."""

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QButtonGroup, QDialog, QDialogButtonBox, QPushButton, QRadioButton, QVBoxLayout

from . import edit
from .compare import Comparison
from .pages import text
from .sources import file_and_table
from .words import number, plural, sentence_of, tr, when

LOST, BOTH, SELECTION = range(3)


class RestoreDialog(QDialog):
    said = pyqtSignal()  # for whoever waits until the program has answered

    def __init__(self, restore, layer, version, preview, fids=None, parent=None):
        super().__init__(parent)
        self.restore, self.layer, self.version, self.preview = restore, layer, version, preview
        self.only = set(fids) if fids is not None else None
        self.path, self.table = file_and_table(layer)
        self.difference = self.plan = self.old = None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Restore"))
        self._build()
        restore.failed.connect(self._failed)
        layer.willBeDeleted.connect(self.close)
        self.comparison = Comparison(restore.program, version.id, self.path, self.table, self)
        self.comparison.ready.connect(self._ready)
        self.comparison.failed.connect(self._failed)
        self.comparison.start()

    def _build(self):
        self.title = text(tr("Restore of “{layer}” from {time}").format(layer=self.table, time=when(self.version.instant)), bold=True)
        self.state = text(tr("Comparing with the file as it is now…"))
        self.choices = QButtonGroup(self)
        self.radios = [QRadioButton() for _ in range(3)]
        column = QVBoxLayout(self)
        column.addWidget(self.title)
        column.addWidget(self.state)
        for index, radio in enumerate(self.radios):
            self.choices.addButton(radio, index)
            radio.hide()
            column.addWidget(radio)
        self.warning = text()
        self.warning.hide()
        self.note = text(tr("The features come back into the edit session. Look at them, then save, or undo."))
        self.note.hide()
        column.addWidget(self.warning)
        column.addWidget(self.note)
        self.show_them = QPushButton(tr("Show them"))
        self.exactly = QPushButton(tr("Write them exactly"))
        self.exactly.setToolTip(tr("geokeep writes them into the file itself, to the last bit, after a backup. Only while nothing of the file is edited."))
        self.go = QPushButton(tr("Restore"))
        self.go.setDefault(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        for button in (self.show_them, self.exactly):
            self.buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.addButton(self.go, QDialogButtonBox.ButtonRole.AcceptRole)
        column.addWidget(self.buttons)
        for button in (self.show_them, self.exactly, self.go):
            button.setEnabled(False)
        self.choices.buttonClicked.connect(lambda _b: self._check())
        self.show_them.clicked.connect(self._show)
        self.exactly.clicked.connect(self._exactly)
        self.go.clicked.connect(self._restore)
        self.buttons.rejected.connect(self.reject)
        self.setMinimumWidth(460)

    def _fit(self):
        """Texts that came or went: a dialog does not grow by itself for lines that wrap."""
        self.layout().activate()
        self.resize(self.width(), max(self.layout().totalHeightForWidth(self.width()), self.minimumSizeHint().height()))

    # What the program found

    def _ready(self, difference):
        self.difference = difference
        if difference.matched_by not in ("fid", None):
            self._refuse(tr("The features have other numbers now than in this version, so that it is not known which is which. Show the version as a layer, and copy what you need."))
            return
        if difference.too_many:
            lost, changed, _added = difference.counts
            self._refuse(tr("{n} features are lost or changed: too many for an edit session.").format(n=number(lost + changed)))
            self.exactly.setEnabled(True)
            return
        self._offer()
        self.said.emit()

    def _offer(self):
        lost, changed = self.lost(), self.difference.changed
        selection = self.selection()
        labels = [
            plural(len(lost), tr("what is lost: 1 feature"), tr("what is lost: {n} features")),
            plural(len(lost) + len(changed), tr("lost and changed: 1 feature"), tr("lost and changed: {n} features")),
            plural(len(selection), tr("only my selection: 1 feature"), tr("only my selection: {n} features")),
        ]
        if not selection:
            labels[SELECTION] = tr("only my selection: nothing of it is lost or changed")
        if self.only is not None:
            labels[SELECTION] = plural(len(selection), tr("only this feature"), tr("only these {n} features"))
        counts = [len(lost), len(lost) + len(changed), len(selection)]
        for radio, words, count in zip(self.radios, labels, counts):
            radio.setText(words)
            radio.setVisible(True)
            radio.setEnabled(count > 0)
        self.radios[BOTH].setVisible(bool(changed))  # else it is the same as what is lost
        possible = [i for i in ((SELECTION, LOST, BOTH) if self.only else (LOST, BOTH, SELECTION)) if counts[i]]
        if not possible:
            self.state.setText(tr("Nothing is lost or changed since this version."))
            return
        self.state.hide()
        self.note.show()
        self.radios[possible[0]].setChecked(True)
        self._check()

    def lost(self):
        """Also what was deleted in this edit session and is not saved yet."""
        return edit.with_deletions(self.layer, self.difference.lost)

    def selection(self):
        """What is selected in the layer, and in the old version where that is shown."""
        chosen = set(self.layer.selectedFeatureIds()) if self.only is None else set(self.only)
        for shown in self.preview.of(self.version.id):
            if file_table(shown) == self.table:
                chosen |= set(shown.selectedFeatureIds())
        return sorted(chosen & (set(self.lost()) | set(self.difference.changed)))

    def wanted(self):
        """(lost, changed) as chosen."""
        lost, changed = set(self.lost()), set(self.difference.changed)
        choice = self.choices.checkedId()
        if choice == SELECTION:
            chosen = set(self.selection())
            return lost & chosen, changed & chosen
        return lost, changed if choice == BOTH else set()

    def _check(self):
        lost, changed = self.wanted()
        self.restore.prepare(self.layer, self.version, lost, changed, self._checked)

    def _checked(self, old, plan):
        self.old, self.plan = old, plan
        self.warning.setVisible(bool(plan.collisions))
        lines = [tr("{fid} cannot come back: {reason}.").format(fid=fid, reason=reason) for fid, reason in plan.collisions[:3]]
        if len(plan.collisions) > 3:
            lines.append(tr("… and {n} more.").format(n=number(len(plan.collisions) - 3)))
        self.warning.setText("\n".join(lines))
        possible = bool(plan.lost or plan.changed)
        self.go.setEnabled(possible and not self.layer.readOnly())
        self.show_them.setEnabled(possible)
        self.exactly.setEnabled(possible)
        self._fit()
        self.said.emit()

    def _refuse(self, words):
        self.state.setText(words)
        self.state.show()
        self._fit()
        self.said.emit()

    def _failed(self, trouble):
        self._refuse(sentence_of(trouble))

    # What the buttons do

    def _show(self):
        self.preview.shown.connect(self._select)
        self.preview.show(self.version, self.path, self.table, self.layer)

    def _select(self, shown):
        self.preview.shown.disconnect(self._select)
        shown.selectByIds(self.plan.lost + self.plan.changed)

    def _restore(self):
        if self.plan is not None and self.restore.apply(self.layer, self.old, self.plan, self.version):
            self.accept()

    def _exactly(self):
        choice = self.choices.checkedId()
        what = "--lost" if choice == LOST else "--changed"
        if self.difference.too_many or (choice != SELECTION and not self.plan.collisions):
            run = self.restore.exactly(self.version, self.path, self.table, what=what)
        else:
            run = self.restore.exactly(self.version, self.path, self.table, self.plan.lost + self.plan.changed)
        if run is not None:
            self.accept()

    def done(self, result):
        self.comparison = None
        try:
            self.restore.failed.disconnect(self._failed)
        except (TypeError, RuntimeError):
            pass
        super().done(result)


def file_table(layer):
    source = layer.source()
    return source.rsplit("|layername=", 1)[1] if "|layername=" in source else None
