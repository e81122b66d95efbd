"""One run of the geokeep program as a child of QGIS.

Nothing in this plugin opens a GeoPackage, its -wal, -shm or -journal as a file: closing it would
drop the locks that QGIS itself holds on it. A child process has locks of its own.
"""

import json
import os
from collections import namedtuple

from qgis.core import Qgis, QgsApplication, QgsMessageLog
from qgis.PyQt.QtCore import QObject, QProcess, QProcessEnvironment, pyqtSignal

from .words import tr

TAG = "geokeep"

# A QGIS bundle must push neither its libraries nor its Python on the child.
NOT_FOR_THE_CHILD = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "GDAL_DRIVER_PATH")

Trouble = namedtuple("Trouble", "kind message cause state hint")


def trouble_of(error):
    """The `error` of one of the program's objects."""
    return Trouble(*(str(error.get(k) or "") for k in Trouble._fields))


def missing():
    return Trouble(
        "program_missing",
        tr("geokeep, the program that makes the backups, is not installed."),
        tr("It was not found in any of the usual places."),
        tr("Until then nothing is backed up."),
        tr("Install it: pip install geokeep"),
    )


def environment():
    env = QProcessEnvironment.systemEnvironment()
    for name in NOT_FOR_THE_CHILD:
        env.remove(name)
    return env


def log(text, level=Qgis.MessageLevel.Info):
    QgsMessageLog.logMessage(text, TAG, level, False)


class Run(QObject):
    """Emits each JSON object as it comes, then `ended` once. Lives in the main thread and never waits there."""

    object_came = pyqtSignal(dict)
    ended = pyqtSignal(int)

    def __init__(self, program, arguments, parent=None):
        super().__init__(parent)
        self.program = program
        self.arguments = [*arguments, "--json"]
        self.objects = []
        self.code = None
        self.stopped = False
        self.killed = False
        self._out = b""
        self._err = b""
        self.process = QProcess(self)
        self.process.setProcessEnvironment(environment())
        self.process.readyReadStandardOutput.connect(self._read)
        self.process.readyReadStandardError.connect(self._read_errors)
        self.process.finished.connect(self._finished)
        self.process.errorOccurred.connect(self._error)

    def start(self):
        if self.program:
            self.process.start(self.program, self.arguments)
        else:
            self._end(127)
        return self

    @property
    def done(self):
        return self.code is not None

    def stop(self):
        """What was begun is swept up by the next run, so that even a kill does no harm."""
        self.stopped = True
        if os.name == "nt":
            self.process.kill()  # A program without a window does not hear of `terminate` there.
        else:
            self.process.terminate()

    def let_go(self):
        """The plugin is unloaded: the child goes on to its end, and nobody listens any more."""
        for signal in (self.process.readyReadStandardOutput, self.process.readyReadStandardError, self.process.finished, self.process.errorOccurred):
            signal.disconnect()
        self.process.finished.connect(self.process.deleteLater)
        self.process.setParent(QgsApplication.instance())

    def again_detached(self):
        """The same run once more, as a process that outlives QGIS."""
        return bool(self.program) and start_detached(self.program, self.arguments)

    def trouble(self):
        """Why it failed, as a Trouble, or None."""
        if self.code == 127 and not self.objects:
            return missing()
        errors = [o["error"] for o in self.objects if isinstance(o.get("error"), dict)]
        if errors:
            return trouble_of(errors[0])
        if self.killed:
            return Trouble("killed", tr("geokeep was ended before it was done."), "", tr("Backups that were made before are whole."), tr("It is tried again at the next save."))
        if self.code in (0, 3):
            return None
        if self.stopped:
            return Trouble("interrupted", tr("It was stopped."), "", tr("Nothing was changed."), "")
        return Trouble("unexpected", tr("geokeep ended with code {code}.").format(code=self.code), self.last_words(), "", tr("See the log panel, tab “geokeep”."))

    def last_words(self):
        lines = self._err.decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def _read(self):
        self._out += bytes(self.process.readAllStandardOutput())
        *lines, self._out = self._out.split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line):
        try:
            o = json.loads(line.decode("utf-8", "replace"))
        except ValueError:
            return  # A child that is killed may leave half a line.
        if isinstance(o, dict):
            if o.get("kind") not in ("progress", "snapshot"):
                self.objects.append(o)
            self.object_came.emit(o)

    def _read_errors(self):
        # Read even if nobody wants it: a full pipe would stop the child.
        self._err = (self._err + bytes(self.process.readAllStandardError()))[-20000:]

    def _finished(self, code, status):
        self._read()
        self._read_errors()
        self.killed = status == QProcess.ExitStatus.CrashExit
        self._end(code if not self.killed else 137)

    def _error(self, what):
        if what == QProcess.ProcessError.FailedToStart:
            self._end(127)

    def _end(self, code):
        if self.done:
            return
        self.code = code
        text = self._err.decode("utf-8", "replace").strip()
        if text:
            log(text, Qgis.MessageLevel.Info if code == 0 else Qgis.MessageLevel.Warning)
        self.ended.emit(code)


def start_detached(program, arguments):
    process = QProcess()
    process.setProcessEnvironment(environment())
    process.setProgram(program)
    process.setArguments(arguments)
    process.setStandardOutputFile(QProcess.nullDevice())
    process.setStandardErrorFile(QProcess.nullDevice())
    result = process.startDetached()
    return bool(result[0] if isinstance(result, tuple) else result)
