"""Restoring features: into the edit session, and compared after the save; or exactly, by the program."""

from qgis.core import QgsVectorLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from . import edit, settings
from .command import Run, Trouble
from .compare import Comparison
from .detach import Detached
from .sources import being_edited, file_and_table, layers_of
from .words import plural, tr, when

AFTER_MS = 1200  # The backup after the save has begun by then; nobody waits for the comparison.


class Watch:
    """One step of restored features, until it is saved or undone."""

    def __init__(self, layer, version, fids):
        self.layer, self.version, self.fids = layer, version, set(fids)
        self.undone = False
        self.stack = layer.undoStack()
        self.position = self.stack.index()
        self.stack.indexChanged.connect(self._moved)

    def _moved(self, index):
        if self.stack.count() >= self.position:  # else the stack was emptied by a save
            self.undone = index < self.position

    def end(self):
        try:
            self.stack.indexChanged.disconnect(self._moved)
        except (TypeError, RuntimeError):
            pass


class Restore(QObject):
    brought_back = pyqtSignal(object, int)  # layer, how many: in the edit session, not saved yet
    compared = pyqtSignal(object, object, list, int)  # layer, version, numbers that differ, how many are as they were
    written = pyqtSignal(str, dict)  # file, the program's object
    failed = pyqtSignal(object)

    def __init__(self, program, archives, parent=None):
        super().__init__(parent)
        self.program, self.archives = program, archives
        self._watches = {}  # layer id -> [Watch]
        self._layers = {}  # layer id -> slot
        self._runs = set()

    # Into the edit session

    def prepare(self, layer, version, lost, changed, then):
        """Opens the old version and checks: `then(old, plan)`, or `failed`."""
        _path, table = file_and_table(layer)

        def opened(uri, trouble):
            if trouble is not None:
                self.failed.emit(trouble)
                return
            old = QgsVectorLayer(uri, "old", "ogr")
            if old.isValid():
                then(old, edit.check(layer, old, lost, changed))
            else:
                self.failed.emit(Trouble("archive_unreadable", tr("This version cannot be read by QGIS."), "", tr("Nothing was changed."), tr("“Write them exactly” does not need QGIS for it.")))

        self.archives.open(version, table, opened)

    def apply(self, layer, old, plan, version):
        count = len(plan.lost) + len(plan.changed)
        what = plural(count, tr("Restore 1 feature"), tr("Restore {n} features"))
        try:
            fids = edit.apply(layer, old, plan, "%s (%s)" % (what, when(version.instant)))
        except edit.CannotRestore as e:
            self.failed.emit(Trouble("cannot_restore", str(e), "", tr("Nothing was changed."), tr("“Write them exactly” does not need QGIS for it.")))
            return False
        self._watch(layer, version, fids)
        self.brought_back.emit(layer, count)
        return True

    def _watch(self, layer, version, fids):
        key = layer.id()
        self._watches.setdefault(key, []).append(Watch(layer, version, fids))
        if key not in self._layers:
            self._layers[key] = (layer, lambda: self._saved(layer))
            layer.afterCommitChanges.connect(self._layers[key][1])
            layer.afterRollBack.connect(lambda: self._forget(key))
            layer.willBeDeleted.connect(lambda: self._gone(key))

    def _saved(self, layer):
        watches = self._watches.pop(layer.id(), [])
        for watch in watches:
            watch.end()
            if not watch.undone:
                QTimer.singleShot(AFTER_MS, lambda w=watch: self._compare(w))

    def _forget(self, key):
        for watch in self._watches.pop(key, []):
            watch.end()

    def _gone(self, key):
        self._forget(key)
        self._layers.pop(key, None)

    def _compare(self, watch):
        """Did QGIS write what it was given? It loses some values without a word."""
        try:
            path, table = file_and_table(watch.layer)
        except RuntimeError:
            return  # The layer was removed meanwhile.
        if path is None or self.program.path is None:
            return
        comparison = Comparison(self.program, watch.version.id, path, table, self)
        comparison.ready.connect(lambda d: self._report(watch, d))
        comparison.start()

    def _report(self, watch, difference):
        differ = sorted(watch.fids & (set(difference.changed) | set(difference.lost)))
        self.compared.emit(watch.layer, watch.version, differ, len(watch.fids) - len(differ))

    # Exactly, by the program

    def exactly(self, version, path, table, fids=None, what="--changed"):
        """Only while no layer of that file is edited: the program writes to the file, which is backed up first."""
        if being_edited(path):
            self.failed.emit(Trouble("being_edited", tr("A layer of this file is being edited."), "", tr("Nothing was changed."), tr("Save or end the edit session first.")))
            return None
        arguments = ["restore", version.id, "--from", settings.destination(), "--layer", table, "--into", path, what]
        if fids:  # A command line has room for some thousand of them.
            arguments += ["--fid", ",".join(str(fid) for fid in fids)]
        return self._start([*arguments, "--yes"], path)

    def whole_layer(self, version, path, table):
        """A layer that the file lacks, with all that belongs to it."""
        if being_edited(path):
            return self.exactly(version, path, table)  # says why not
        return self._start(["restore", version.id, "--from", settings.destination(), "--layer", table, "--into", path, "--yes"], path)

    def whole_file(self, version, path):
        """Replaces the file, which is backed up first."""
        if being_edited(path):
            return self.exactly(version, path, "")
        return self._start(["restore", version.id, "--from", settings.destination(), "--to", path, "--force"], path)

    def undo_exactly(self, backup_id, path):
        return self._start(["restore", "--undo", backup_id, "--from", settings.destination(), "--into", path, "--yes"], path)

    def _start(self, arguments, path):
        """Its layers in QGIS let go of the file meanwhile: after an edit session QGIS holds it like one who is still editing."""
        detached = Detached(path)
        run = Run(self.program.path, arguments, self)
        self._runs.add(run)
        run.ended.connect(lambda _code: detached.attach())
        run.ended.connect(lambda _code: self._ended(run, path))
        return run.start()

    def _ended(self, run, path):
        self._runs.discard(run)
        trouble = run.trouble()
        # Whatever happened: what QGIS shows is what the file holds.
        for layer in layers_of(path):
            if not getattr(layer, "isEditable", lambda: False)():
                layer.reload()
                layer.triggerRepaint()
        if trouble is not None:
            self.failed.emit(trouble)
        else:
            self.written.emit(path, next((o for o in run.objects if o.get("kind") == "restore"), {}))
        run.deleteLater()

    def busy(self):
        return bool(self._runs)

    def close(self):
        for key in list(self._watches):
            self._forget(key)
        for layer, slot in self._layers.values():
            try:
                layer.afterCommitChanges.disconnect(slot)
            except (TypeError, RuntimeError):
                pass
        self._layers.clear()
        for run in self._runs:
            run.let_go()  # What writes to a file is not interrupted.
        self._runs.clear()
