"""What differs, as the program finds it: counted, or feature by feature."""

from collections import namedtuple

from qgis.PyQt.QtCore import QObject, pyqtSignal

from . import settings
from .command import Run, Trouble
from .words import tr

MOST = 5000  # More than these do not go through an edit session.

# `lost` and `changed` are numbers (fid). `too_many`: there are more than the lists hold.
Difference = namedtuple("Difference", "lost changed added columns matched_by counts too_many geometry")


class Comparison(QObject):
    """One version against the file as it is saved now. `ready` gets a Difference, or None where the layer has none."""

    ready = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(self, program, version_id, path, table, parent=None):
        super().__init__(parent)
        self.lost, self.changed, self.added = [], [], []
        self.columns, self.geometry = {}, set()
        self.too_many = False
        arguments = ["diff", version_id, path, "--from", settings.destination(), "--layer", table]
        self.run = Run(program.path, arguments, self)
        self.run.object_came.connect(self._take)
        self.run.ended.connect(self._ended)

    def start(self):
        self.run.start()
        return self

    def cancel(self):
        self.run.stop()

    def _take(self, o):
        if o.get("kind") != "feature":
            return
        self.run.objects.pop()  # Its values are not needed, and there may be many.
        into = {"deleted": self.lost, "changed": self.changed, "added": self.added}.get(o.get("change"))
        if into is None or not isinstance(o.get("key"), int):
            return
        if len(self.lost) + len(self.changed) >= MOST:
            self.too_many = True
            self.run.stop()
            return
        into.append(o["key"])
        if o["change"] == "changed":
            self.columns[o["key"]] = sorted(o.get("columns") or {})
            if o.get("geometry"):
                self.geometry.add(o["key"])

    def _ended(self, _code):
        trouble = self.run.trouble()
        layer = next((o for o in self.run.objects if o.get("kind") == "layer"), None)
        if trouble is not None and not self.too_many:
            self.failed.emit(trouble)
        elif layer is None:
            self.ready.emit(Difference([], [], [], {}, "fid", (0, 0, 0), False, set()))
        elif layer.get("not_compared"):
            self.failed.emit(Trouble("not_compared", tr("The layer could not be compared."), str(layer["not_compared"]), tr("Nothing was changed."), ""))
        else:
            counts = tuple(layer.get(name) or 0 for name in ("deleted", "changed", "added"))
            self.ready.emit(Difference(self.lost, self.changed, self.added, self.columns, layer.get("matched_by"), counts, self.too_many, self.geometry))
        self.deleteLater()
