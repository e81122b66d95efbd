"""A backup when editing starts, and one after each save: every saved state has a backup, and no save waits.

The state before a save is the state at the start of editing or after the save before, so both hooks
are asynchronous. Nothing hangs on beforeCommitChanges: buffered transaction groups do not send it.
"""

import os

from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from . import settings
from .command import Run, start_detached, trouble_of
from .sources import being_edited, file_of, files_of_project, named_by, project_file
from .turns import Turns

# QGIS still holds the file when it sends afterCommitChanges, and a reader that is there when it lets
# go makes it stay in WAL mode.
QUIET_MS = 500
RETRY_MS = 30000
TURN_MS = 250  # Another QGIS is backing the file up.
AT_ONCE = 2  # A project may name forty files.
AWAY = {"no_such_destination"}


class Keeper(QObject):
    """One run a file at a time, and at most one waiting behind it."""

    began = pyqtSignal(str)
    progress = pyqtSignal(str, int)  # the file, per cent
    saved = pyqtSignal(str, dict)
    failed = pyqtSignal(str, object)  # the file, a Trouble
    removed = pyqtSignal(str, str, object)  # file, layer id, the numbers that a save removed
    back = pyqtSignal()  # the folder of backups is there again
    ended = pyqtSignal(str)
    idle = pyqtSignal()

    def __init__(self, program, parent=None):
        super().__init__(parent)
        self.program = program
        self.running = {}
        self.waiting = {}
        self.due = {}  # path -> QTimer: saved a moment ago
        self.dirty = {}  # path -> why a backup is due that could not be begun yet, or failed
        self.away = False
        self.seen = {}  # path -> its stamp when its last run began
        self.turns = Turns()
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.setInterval(TURN_MS)
        self._turn.timeout.connect(self._start_waiting)
        self._watched = {}
        self._retry = QTimer(self)
        self._retry.setInterval(RETRY_MS)
        self._retry.timeout.connect(self.try_again)
        project = QgsProject.instance()
        project.layersAdded.connect(self.watch)
        project.layersWillBeRemoved.connect(self.unwatch)
        project.projectSaved.connect(self.project_saved)
        program.changed.connect(self.try_again)
        self.watch(project.mapLayers().values())

    # What is watched

    def watch(self, layers):
        new = set()
        for layer in layers:
            path = file_of(layer) or there(named_by(layer)[0])
            if path is None:
                continue
            new.add(path)
            if isinstance(layer, QgsVectorLayer) and layer.id() not in self._watched:
                self._watched[layer.id()] = (layer, self._connect(layer))
        for path in sorted(new):
            self.first(path)

    def _connect(self, layer):
        # The file is asked for each time: a layer can be given another source.
        slots = [
            (layer.editingStarted, lambda: self.editing_started(file_of(layer))),
            (layer.afterCommitChanges, lambda: self.after_save(file_of(layer))),
            (layer.committedFeaturesRemoved, lambda layer_id, fids: self.removed.emit(file_of(layer) or "", layer_id, list(fids))),
        ]
        for signal, slot in slots:
            signal.connect(slot)
        return slots

    def unwatch(self, layer_ids):
        for layer_id in layer_ids:
            layer, slots = self._watched.pop(layer_id, (None, []))
            for signal, slot in slots:
                try:
                    signal.disconnect(slot)
                except (TypeError, RuntimeError):
                    pass  # The layer is gone already.

    # What happens in QGIS. None of these waits for anything.

    def first(self, path):
        """A file that came into the project. An unchanged one costs next to nothing."""
        self.back_up(path, "opened")

    def look(self, path):
        """The user looks at a file. What another program did to it since its last backup gets one too."""
        if path in self.seen and path not in self.outstanding() and not being_edited(path) and stamp(path) not in (None, self.seen[path]):
            self.back_up(path, "found changed")

    def editing_started(self, path):
        if path and settings.get("when_editing_starts"):
            self.back_up(path, "before editing")

    def after_save(self, path):
        if not path or not settings.get("after_each_save"):
            return
        self.dirty[path] = "after save"
        timer = self.due.get(path)
        if timer is None:
            timer = self.due[path] = QTimer(self)
            timer.setSingleShot(True)
            timer.timeout.connect(lambda: self._quiet(path))
        timer.start(QUIET_MS)

    def _quiet(self, path):
        timer = self.due.pop(path, None)
        if timer is not None:
            timer.deleteLater()
        self.back_up(path, "after save")

    def project_saved(self):
        path = project_file()
        if path and settings.get("when_project_is_saved"):
            self.back_up(path, "project saved")

    def all(self, label="first backup"):
        for path in files_of_project():
            self.back_up(path, label)

    # Runs

    def back_up(self, path, label, force=False):
        """Starts a backup, or notes that one is due. Returns at once."""
        if not settings.destination():
            return
        self.dirty[path] = label
        if self.program.path is None:
            return  # It is made when the program has been found.
        self.waiting[path] = (label, force)
        self._start_waiting()

    def _start_waiting(self):
        for path in list(self.waiting):
            if path in self.running or len(self.running) >= AT_ONCE:
                continue  # It is looked at again when a run ends.
            if self.turns.take(path):
                self._start(path, *self.waiting.pop(path))
            else:
                self._turn.start()

    def _start(self, path, label, force):
        run = Run(self.program.path, self.arguments(path, label, force), self)
        self.seen[path] = stamp(path)
        self.running[path] = run
        run.label = self.dirty.pop(path, label)
        run.object_came.connect(lambda o: self._object(path, o))
        run.ended.connect(lambda _code: self._ended(path))
        self.began.emit(path)
        run.start()

    @staticmethod
    def arguments(path, label, force=False):
        # The folder of backups is never made by itself here: that of a disk that was pulled out would
        # come into being on the disk below.
        arguments = ["backup", path, "--to", settings.destination(), "--must-exist", "--label", label]
        arguments += ["--lock-wait", "10s", "--max-loss", str(settings.get("max_loss")), "--events"]
        return arguments + (["--force"] if force else [])

    def _object(self, path, o):
        if o.get("kind") == "progress" and o.get("bytes_total"):
            self.progress.emit(path, int(100 * o.get("bytes_done", 0) / o["bytes_total"]))

    def _ended(self, path):
        run = self.running.pop(path)
        trouble = run.trouble()
        if run.stopped:
            self.dirty[path] = run.label
        else:
            self._tell(path, run, trouble)
        self.ended.emit(path)
        self.turns.give_back(path)
        self._start_waiting()
        if not self.outstanding():
            self.idle.emit()
        run.deleteLater()

    def _tell(self, path, run, trouble):
        """A run of a project is about several files, of which some may fail."""
        results = [o for o in run.objects if o.get("kind") in ("backup", "project") and o.get("source")]
        for o in results:
            source = path if len(results) == 1 else o["source"]
            if isinstance(o.get("error"), dict):
                self._did_not_work(source, run.label, trouble_of(o["error"]))
            else:
                self.saved.emit(source, o)
        if trouble is not None and not results:
            self._did_not_work(path, run.label, trouble)
        if self.away and trouble is None:
            self.away = False
            self._retry.stop()
            self.back.emit()
            self.try_again()

    def _did_not_work(self, path, label, trouble):
        self.dirty.setdefault(path, label)
        if trouble.kind in AWAY:
            self.away = True
            self._retry.start()
        self.failed.emit(path, trouble)

    def try_again(self):
        """What could not be backed up, because the program or the folder was not there. One file finds out whether it is back."""
        due = [(path, label) for path, label in sorted(self.dirty.items()) if path not in self.running and path not in self.due]
        for path, label in due[:1] if self.away else due:
            self.back_up(path, label)

    # The end

    def outstanding(self):
        """The files that a run, or the pause before one, is about now."""
        return sorted(set(self.running) | set(self.waiting) | set(self.due))

    def hurry(self):
        """QGIS closes: nothing waits out its pause any more."""
        for path in list(self.due):
            self.due[path].stop()
            self._quiet(path)

    def leave(self):
        """The backups go on without QGIS. A child of QGIS would be killed with it."""
        self.hurry()
        for run in list(self.running.values()):
            run.stop()
            run.again_detached()
        for path, (label, force) in self.waiting.items():
            start_detached(self.program.path, [*self.arguments(path, label, force), "--json"])
        self.waiting.clear()

    def close(self):
        project = QgsProject.instance()
        project.layersAdded.disconnect(self.watch)
        project.layersWillBeRemoved.disconnect(self.unwatch)
        project.projectSaved.disconnect(self.project_saved)
        self.program.changed.disconnect(self.try_again)
        self._retry.stop()
        self.unwatch(list(self._watched))
        self.hurry()
        for path, run in self.running.items():
            run.let_go()
            self.turns.give_back(path)
        self._turn.stop()
        self.running.clear()
        self.waiting.clear()


def there(path):
    return path if path is not None and os.path.exists(path) else None


def stamp(path):
    """What a look at the folder tells of a file and of its journal: it is not opened. None if it is not there."""
    try:
        own = os.stat(path)
    except OSError:
        return None
    try:
        wal = os.stat(path + "-wal")
    except OSError:
        return own.st_mtime_ns, own.st_size, None
    return own.st_mtime_ns, own.st_size, (wal.st_mtime_ns, wal.st_size)
