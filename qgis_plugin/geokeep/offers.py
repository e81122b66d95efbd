"""After a save that removed many features: “parcels lost 40 features” with [Show them] and [Restore]."""

from qgis.core import Qgis, QgsProject
from qgis.PyQt.QtCore import QObject, pyqtSignal

from . import settings
from .command import Run
from .history import versions
from .sources import file_and_table
from .words import number, tr

MANY = 10


class Offers(QObject):
    """Waits for the backup after the save: the version before it is the one to offer."""

    restore = pyqtSignal(object, object, list)  # layer, version, numbers

    def __init__(self, keeper, bar, preview, parent=None):
        super().__init__(parent)
        self.keeper, self.bar, self.preview = keeper, bar, preview
        self.removed = {}  # path -> {layer id: numbers}
        keeper.removed.connect(self._removed)
        keeper.saved.connect(self._backed_up)

    def _removed(self, path, layer_id, fids):
        if len(fids) >= MANY and settings.get("after_each_save"):
            self.removed.setdefault(path, {})[layer_id] = fids

    def _backed_up(self, path, o):
        if path not in self.removed or path in self.keeper.due or path in self.keeper.waiting:
            return  # Another backup follows: that of the save itself.
        for layer_id, fids in self.removed.pop(path).items():
            layer = QgsProject.instance().mapLayer(layer_id)
            if layer is not None:
                self._look(layer, path, fids, o.get("id"))

    def _look(self, layer, path, fids, newest):
        table = file_and_table(layer)[1]
        run = Run(self.keeper.program.path, ["list", "--from", settings.destination(), "--source", path], self)
        run.ended.connect(lambda _code: self._listed(run, layer.id(), path, table, fids, newest))
        run.start()

    def _listed(self, run, layer_id, path, table, fids, newest):
        layer = QgsProject.instance().mapLayer(layer_id)
        found = versions(run.objects, path, table)
        run.deleteLater()
        now = next((v for v in found if v.id == newest), None)
        if layer is None or now is None or now.rows is None:
            return
        before = [v for v in found if v.instant < now.instant and v.verdict == "sound" and v.rows is not None]
        if before and before[0].rows > now.rows:
            self._offer(layer, path, table, fids, before[0], before[0].rows - now.rows)

    def _offer(self, layer, path, table, fids, version, fewer):
        words = tr("{layer} lost {n} features.").format(layer=layer.name(), n=number(fewer))
        layer_id = layer.id()

        def alive(action):
            it = QgsProject.instance().mapLayer(layer_id)
            if it is not None:
                action(it)

        show = (tr("Show them"), lambda: alive(lambda it: self._show(version, path, table, it, fids)))
        back = (tr("Restore…"), lambda: alive(lambda it: self.restore.emit(it, version, fids)))
        self.bar.push(words, Qgis.MessageLevel.Warning, [show, back], seconds=60)

    def _show(self, version, path, table, live, fids):
        def select(shown):
            self.preview.shown.disconnect(select)
            shown.selectByIds(fids)

        self.preview.shown.connect(select)
        self.preview.show(version, path, table, live)
