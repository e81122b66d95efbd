"""Messages: two lines in QGIS's bar, all four in the log panel, and none for success after the first."""

import os

from qgis.core import Qgis
from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtWidgets import QPushButton

from . import settings
from .command import log
from .history import History
from .words import all_of, no_folder, plain, sentence_of, size, tr, when

TITLE = "geokeep"
SECONDS = 8


class Bar(QObject):
    def __init__(self, iface, keeper, standing, show_panel, parent=None):
        super().__init__(parent)
        self.show_panel = show_panel
        self.iface, self.standing = iface, standing
        self.items = []
        self.told = set()  # what was said already, until it is well again
        keeper.saved.connect(self.saved)
        keeper.failed.connect(self.failed)
        keeper.back.connect(self.back)

    def push(self, words, level=Qgis.MessageLevel.Info, buttons=(), seconds=SECONDS):
        """Names in `words` may be anything; the bar would show markup, so that it is made harmless here."""
        bar = self.iface.messageBar()
        # The bar has room for little more than a line: what can be done about it comes before the title.
        item = bar.createMessage("" if buttons else TITLE, plain(words))
        for label, action in buttons:
            button = QPushButton(label, item)
            button.clicked.connect(lambda _checked=False, act=action, it=item: (bar.popWidget(it), act()))
            item.layout().addWidget(button)
        bar.pushWidget(item, level, seconds)
        self.items.append(item)
        item.destroyed.connect(lambda *_: self._gone(item))
        log(words, level)
        return item

    def _gone(self, item):
        if item in self.items:
            self.items.remove(item)

    def trouble(self, trouble, level=Qgis.MessageLevel.Warning):
        log(all_of(trouble), level)
        bar = self.iface.messageBar()
        item = bar.createMessage(TITLE, plain("%s\n%s" % (sentence_of(trouble), sentence_of(trouble._replace(message=trouble.state, cause=trouble.hint)))))
        bar.pushWidget(item, level, 0)

    # What the keeper reports

    def saved(self, path, o):
        for key in [k for k in self.told if k[0] == path]:
            self.told.discard(key)
        name = os.path.basename(path)
        if o.get("verdict") == "damaged":
            self._once((path, "damaged"), lambda: self._damaged(path))
        elif o.get("status") == "saved" and not settings.get("first_told"):
            settings.put("first_told", True)
            self.push(tr("{file} is backed up ({size}, sound).").format(file=name, size=size(o.get("stored_bytes") or 0)), Qgis.MessageLevel.Success)

    def _damaged(self, path):
        """Said when the newest sound backup is known: that is what helps."""
        history = History(self.standing.keeper.program, self)
        history.ready.connect(lambda versions: self._say_damaged(path, versions))
        history.failed.connect(lambda _trouble: self._say_damaged(path, []))
        history.load(path, None)

    def _say_damaged(self, path, versions):
        sound = next((v for v in versions if v.verdict == "sound"), None)
        words = tr("{file} is damaged.").format(file=os.path.basename(path))
        then = tr("The newest sound backup is of {time}.").format(time=when(sound.instant)) if sound else tr("There is no sound backup of it.")
        self.push("%s %s" % (words, then), Qgis.MessageLevel.Critical, [(tr("Show"), self.show_panel)], seconds=0)

    def failed(self, path, trouble):
        if trouble.kind == "no_such_destination":
            self._once(("", trouble.kind), self._away)
        elif trouble.kind != "program_missing":  # the panel says that one
            self._once((path, trouble.kind), lambda: self.trouble(trouble))

    def _away(self):
        # The bar has one line: the panel says which folder, and the log panel all of it.
        log(no_folder(settings.destination()), Qgis.MessageLevel.Warning)
        self.push(tr("Nothing is backed up: the folder of backups is not there."), Qgis.MessageLevel.Warning, seconds=0)

    def back(self):
        self.told.discard(("", "no_such_destination"))
        self.push(tr("The folder of backups is there again. Backups go on."), Qgis.MessageLevel.Success)

    def _once(self, key, say):
        if key not in self.told:
            self.told.add(key)
            say()

    def close(self):
        for item in list(self.items):
            try:
                self.iface.messageBar().popWidget(item)
            except RuntimeError:
                pass  # It was closed by the user.
