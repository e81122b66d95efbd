"""What is known of each file, for the panel and the status bar: green, amber, red."""

from qgis.PyQt.QtCore import QObject, pyqtSignal

from . import settings
from .sources import files_of_project, unsaved
from .words import age, no_folder, plural, sentence_of, tr

GOOD, CARE, BAD, BUSY, NOTHING = "good", "care", "bad", "busy", "nothing"


class Standing(QObject):
    """Follows the keeper. A file is safe when its newest backup is sound and nothing went wrong since."""

    changed = pyqtSignal(str)

    def __init__(self, keeper, parent=None):
        super().__init__(parent)
        self.keeper = keeper
        self.newest = {}  # path -> the newest backup's object
        self.trouble = {}  # path -> Trouble
        self.percent = {}
        keeper.began.connect(self._began)
        keeper.progress.connect(self._progress)
        keeper.saved.connect(self._saved)
        keeper.failed.connect(self._failed)
        keeper.ended.connect(self.changed)

    def _began(self, path):
        self.percent[path] = 0
        self.changed.emit(path)

    def _progress(self, path, percent):
        if percent != self.percent.get(path):
            self.percent[path] = percent
            self.changed.emit(path)

    def _saved(self, path, o):
        self.newest[path] = o
        self.trouble.pop(path, None)
        self.changed.emit(path)

    def _failed(self, path, trouble):
        self.trouble[path] = trouble
        self.changed.emit(path)

    def of(self, path):
        """(colour, text) of one file."""
        if path in self.keeper.running:
            percent = self.percent.get(path, 0)
            return BUSY, tr("being backed up…") if not percent else tr("being backed up… {n} %").format(n=percent)
        trouble = self.keeper.program.trouble or self.trouble.get(path)
        if trouble is not None:
            return BAD, no_folder(settings.destination()) if trouble.kind == "no_such_destination" else sentence_of(trouble)
        o = self.newest.get(path)
        if o is None:
            return NOTHING, tr("not backed up yet")
        if o.get("verdict") == "damaged":
            return BAD, tr("the file is damaged; its backup is as it is")
        text = tr("safe: backed up {age}, sound").format(age=age(o.get("instant")))
        if o.get("status") == "unchanged":
            text = tr("safe: backed up {age}, sound, unchanged since").format(age=age(o.get("instant")))
        if o.get("data_loss"):
            return CARE, "\n".join([text, tr("something was lost since an earlier version"), *losses(o)])
        count = len(unsaved(path))
        if count:
            note = plural(count, tr("1 layer has edits that are not saved yet"), tr("{n} layers have edits that are not saved yet"))
            return CARE, "%s\n%s" % (text, note)
        return GOOD, text

    def all(self):
        """The worst of all files of the project, for the status bar."""
        if not settings.destination():
            return NOTHING, tr("no folder of backups is chosen")
        if self.keeper.program.trouble is not None:
            return BAD, self.keeper.program.trouble.message
        files = files_of_project()
        if not files:
            return NOTHING, tr("no GeoPackage in this project")
        states = [self.of(path)[0] for path in files]
        for worst in (BAD, BUSY, CARE, NOTHING):
            if worst in states:
                return worst, summary(worst, states.count(worst), len(files))
        return GOOD, plural(len(files), tr("1 file is safe"), tr("all {n} files are safe"))


def losses(o):
    """Each with the layer that it is about, as far as it is about one."""
    lost = o["data_loss"].get("lost") or []
    return [": ".join(str(part) for part in (one.get("table"), one.get("message")) if part) for one in lost[:3]]


def summary(state, n, of):
    texts = {
        BAD: tr("{n} of {of} files cannot be backed up"),
        BUSY: tr("{n} of {of} files are being backed up"),
        CARE: tr("{n} of {of} files need a look"),
        NOTHING: tr("{n} of {of} files are not backed up yet"),
    }
    return texts[state].format(n=n, of=of)
