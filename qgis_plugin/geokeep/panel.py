"""The panel “Backups”: the versions of the active layer, and what can be done with them."""

import os

from qgis.core import QgsVectorLayer
from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QTimer, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from . import settings
from .gone import GoneBox
from .icons import icon
from .pages import MissingPage, SetupPage, text
from .preview import VERSION
from .sources import PREVIEW, file_and_table, file_of, named_by
from .version_list import VersionList
from .words import all_of, no_folder, plain, sentence_of, tr

REFRESH_MS = 60000  # “2 minutes ago” grows older


class Panel(QgsDockWidget):
    wanted = pyqtSignal(str, list)  # what the user asked for, the chosen versions

    def __init__(self, iface, keeper, standing, history, parent=None):
        super().__init__(tr("Backups"), parent)
        self.setObjectName("geokeepPanel")
        self.iface, self.keeper, self.standing, self.history = iface, keeper, standing, history
        self.layer = self.path = self.table = None
        self.setup, self.missing = SetupPage(), MissingPage()
        self.stack = QStackedWidget()
        self.page = self._page()
        for page in (self.setup, self.missing, self.page):
            self.stack.addWidget(page)
        self.setWidget(self.stack)
        self.clock = QTimer(self)
        self.clock.setInterval(REFRESH_MS)
        self.clock.timeout.connect(self.say)
        self.clock.start()
        standing.changed.connect(self._changed)
        keeper.saved.connect(self._saved)
        keeper.program.changed.connect(self.refresh)
        history.ready.connect(self._fill)
        history.failed.connect(self._could_not_list)
        iface.currentLayerChanged.connect(self.set_layer)
        self.set_layer(iface.activeLayer())

    # How it looks

    def _page(self):
        page = QWidget()
        self.title = text(bold=True)
        self.light = QLabel()
        self.light.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.state = text()
        self.state.setObjectName("geokeepState")
        self.list = VersionList()
        self.list.chosen.connect(self._enable)
        self.list.itemDoubleClicked.connect(lambda *_: self._ask("show"))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(lambda at: self.menu.popup(self.list.viewport().mapToGlobal(at)))
        self.gone = GoneBox()
        self.now = self._button("now", tr("&Back up now"), tr("Make a backup of this file now, if it has changed since the last one"))
        self.show_it = self._button("show", tr("&Show as layer"), tr("Show this version on the map, over the layer as it is now"))
        self.give_back = self._button("restore", tr("&Restore…"), tr("Bring back what is lost or changed since this version"))
        row = QHBoxLayout()
        row.addWidget(self.light)
        row.addWidget(self.state, 1)
        # About the file above, about the chosen version below: so the panel stays narrow in any language.
        about = QHBoxLayout()
        about.addWidget(self.title, 1)
        about.addWidget(self.now, 0, Qt.AlignmentFlag.AlignTop)
        buttons = QHBoxLayout()
        for button in (self.show_it, self.give_back):
            buttons.addWidget(button)
        self.more = QToolButton()
        self.more.setText("…")
        self.more.setToolTip(tr("More"))
        self.more.setAccessibleName(tr("More"))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = self._menu()
        self.more.setMenu(self.menu)
        buttons.addWidget(self.more)
        column = QVBoxLayout(page)
        column.addLayout(about)
        column.addLayout(row)
        column.addWidget(self.gone)
        column.addWidget(self.list, 1)
        column.addLayout(buttons)
        return page

    def _button(self, what, words, tip):
        button = QPushButton(words)
        button.setObjectName("geokeep_" + what)
        button.setToolTip(tip)
        button.clicked.connect(lambda: self._ask(what))
        return button

    def _menu(self):
        self.actions_of = {}
        chosen = QMenu(self)
        for what, words in (
            ("show", tr("Show as layer")),
            ("restore", tr("Restore…")),
            ("changes", tr("What has changed since")),
            ("between", tr("What changed between the two")),
            (None, None),
            ("exact", tr("Bring back the whole layer as it was…")),
            ("beside", tr("Save this version as a file…")),
            ("whole", tr("Replace the whole file with this version…")),
            (None, None),
            ("accept", tr("What is missing was removed on purpose…")),
            ("pin", tr("Pin, so that it is never removed…")),
            ("unpin", tr("Unpin")),
            ("verify", tr("Check this backup")),
            (None, None),
            ("other", tr("Another file…")),
            ("report", tr("Report in the browser")),
            ("clear", tr("Remove old versions from the map")),
            ("options", tr("Options…")),
            ("help", tr("Help")),
        ):
            if what is None:
                chosen.addSeparator()
            else:
                self.actions_of[what] = chosen.addAction(words, lambda w=what: self._ask(w))
        return chosen

    # What it shows

    def set_layer(self, layer):
        if layer is not None and layer.customProperty(PREVIEW):
            # An old version was clicked: its row is chosen, and the layer as it is now stays the subject.
            self.list.select(layer.customProperty(VERSION))
            return
        path, table = file_and_table(layer) if isinstance(layer, QgsVectorLayer) else (file_of(layer), None)
        if path is None:
            path, table = named_by(layer)
        if self.layer is not layer:
            self._leave()
            self.layer = layer if path else None
            if self.layer is not None:
                self.layer.willBeDeleted.connect(self._leave)
        self._turn_to(path, table)
        if path:
            self.keeper.look(path)

    def look_at(self, path):
        """A file that no layer of the project shows."""
        self._leave()
        self._turn_to(path, None)
        if os.path.exists(path):
            self.keeper.back_up(path, "found changed")

    def _turn_to(self, path, table):
        if (path, table) != (self.path, self.table):
            self.list.clear()
            self.gone.hide()
        self.path, self.table = path, table
        self.refresh()

    def _leave(self):
        """The layer goes: nothing of it may be touched from here on."""
        if self.layer is not None:
            try:
                self.layer.willBeDeleted.disconnect(self._leave)
            except (TypeError, RuntimeError):
                pass
        self.layer = self.path = self.table = None

    def refresh(self):
        self.say()
        if self.path and self.stack.currentWidget() is self.page:
            self.history.load(self.path, self.table)
        else:
            self.history.cancel()

    def say(self):
        trouble = self.keeper.program.trouble
        if trouble is not None:
            self.missing.show_trouble(trouble)
            self.stack.setCurrentWidget(self.missing)
        elif not settings.destination():
            self.stack.setCurrentWidget(self.setup)
        else:
            self.stack.setCurrentWidget(self.page)
            self._say_state()
        self._enable()

    def _say_state(self):
        if not self.path:
            colour, words = self.standing.all()
            self.title.setText(tr("Select a layer of a GeoPackage to see its versions."))
        else:
            name = os.path.basename(self.path)
            self.title.setText("%s · %s" % (self.table, name) if self.table else name)
            colour, words = self.standing.of(self.path)
        self.light.setPixmap(icon(colour).pixmap(16, 16))
        self.state.setText(words)
        trouble = self.standing.trouble.get(self.path)
        self.state.setToolTip("<p>%s</p>" % plain(all_of(trouble)) if trouble else "")

    def _changed(self, path):
        if path == self.path or self.path is None:
            self.say()

    def _saved(self, path, o):
        if path == self.path and (o.get("status") != "unchanged" or not self.list.topLevelItemCount()):
            self.refresh()

    def _fill(self, versions):
        self.list.setHeaderHidden(False)
        self.list.setColumnHidden(1, self.table is None)
        self.list.setColumnHidden(2, self.table is None)
        self.list.fill(versions)
        if self.path:
            self.gone.look(self.path, versions)

    def _could_not_list(self, trouble):
        self.list.clear()
        self.gone.hide()
        if self.path:
            self.light.setPixmap(icon("bad").pixmap(16, 16))
            away = trouble.kind == "no_such_destination"
            self.state.setText(no_folder(settings.destination()) if away else sentence_of(trouble))

    def _enable(self):
        chosen = self.list.selected() if self.path else []
        one, two = len(chosen) == 1, len(chosen) == 2
        has = one and self.table is not None and (chosen[0].rows is not None or self.table in chosen[0].tables)
        # A layer that is gone cannot be compared with anything: the button above brings it back.
        here = has and self.layer is not None and self.layer.isValid()
        self.now.setEnabled(bool(self.path) and self.path not in self.keeper.running)
        self.show_it.setEnabled(has)
        self.give_back.setEnabled(here)
        states = {"show": has, "restore": here, "changes": here, "between": two and self.table is not None, "exact": here}
        newest = self.standing.newest.get(self.path) or {}
        states.update(accept=bool(newest.get("data_loss")), beside=one, whole=one, pin=bool(chosen), unpin=any(v.pinned is not None for v in chosen), verify=bool(chosen))
        for what, on in states.items():
            self.actions_of[what].setEnabled(on)

    def _ask(self, what):
        chosen = self.list.selected() if self.path else []
        if what in self.actions_of and not self.actions_of[what].isEnabled():
            return
        self.wanted.emit(what, chosen)

    def close_down(self):
        self.clock.stop()
        self._leave()
        self.iface.currentLayerChanged.disconnect(self.set_layer)
        self.standing.changed.disconnect(self._changed)
        self.keeper.saved.disconnect(self._saved)
        self.keeper.program.changed.disconnect(self.refresh)
