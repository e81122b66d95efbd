"""“Every night, whether QGIS runs or not”: through the program's own schedule, of which each user has one.

A schedule that somebody else set up is left as it is: then the lines to add to its geokeep.toml are offered.
"""

import json
import os
import re

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject, QProcess, pyqtSignal

from . import settings
from .command import Run
from .sources import files_of_project, project_file
from .words import sentence_of, tr, when


class Schedule(QObject):
    said = pyqtSignal(str)
    lines = pyqtSignal(str)  # to be added by hand to a configuration that is not ours
    done = pyqtSignal(str)
    refused = pyqtSignal(str)

    def __init__(self, program, parent=None):
        super().__init__(parent)
        self.program = program
        self.config = os.path.join(QgsApplication.qgisSettingsDirPath(), "geokeep", "nightly.toml")

    def ask(self):
        self._status(self._say)

    def _status(self, then):
        if self.program.path is None:
            self.said.emit("")
            return
        run = Run(self.program.path, ["schedule", "status"], self)
        run.ended.connect(lambda _code: self._answered(run, then))
        run.start()

    def _answered(self, run, then):
        trouble = run.trouble()
        there = [o for o in run.objects if o.get("kind") == "schedule" and o.get("status") == "scheduled"]
        run.deleteLater()
        if trouble is not None:
            self.said.emit(sentence_of(trouble))
        else:
            then(there)

    def _say(self, there):
        if not there:
            self.said.emit(tr("Not set up."))
            return
        following = when(there[0].get("next_run"))
        words = tr("Set up, next at {time}.").format(time=following) if following else tr("Set up.")
        self._ours(there, lambda ours: self.said.emit(words if ours else tr("Another schedule is set up; it stays as it is.")))

    # Setting it up

    def set_up(self, at):
        sources = wanted()
        if not sources or not settings.destination():
            self._refuse(tr("Choose a folder of backups and open a project first."))
            return
        self._status(lambda there: self._ours(there, lambda ours: self._set_up(at, sources, ours)))

    def _set_up(self, at, sources, ours):
        if not ours:
            self._refuse(tr("Another schedule is set up; it stays as it is. Add these lines to its geokeep.toml; they are in the clipboard."))
            self.lines.emit(job(sources))
            return
        self._write(sources)
        run = Run(self.program.path, ["schedule", "install", "--at", at, "--config", self.config], self)
        run.ended.connect(lambda _code: self._installed(run, at))
        run.start()

    def _write(self, sources):
        """One job a project. The file is the plugin's own and written anew each time."""
        jobs = [s for s in json.loads(settings.get("night_sources")) if s != sources] + [sources]
        settings.put("night_sources", json.dumps(jobs))
        os.makedirs(os.path.dirname(self.config), exist_ok=True)
        with open(self.config + ".new", "w", encoding="utf-8") as f:
            f.write("# " + tr("Written by the plugin geokeep of QGIS; changes are lost.") + "\n")
            f.write("\n".join(job(s, "-%d" % n if n else "") for n, s in enumerate(jobs)))
        os.replace(self.config + ".new", self.config)

    def _installed(self, run, at):
        trouble = run.trouble()
        run.deleteLater()
        if trouble is not None:
            self._refuse(sentence_of(trouble))
            return
        words = tr("Set up: every night at {time}.").format(time=at)
        self.said.emit(words)
        self.done.emit(words)

    def _refuse(self, words):
        self.said.emit(words)
        self.refused.emit(words)

    # Whose schedule it is

    def _ours(self, there, then):
        """True where there is none, or where it runs the plugin's own configuration."""
        if not there:
            then(True)
            return
        scheduler, place = there[0].get("scheduler"), there[0].get("place") or ""
        command = {"cron": ["crontab", "-l"], "task": ["schtasks", "/query", "/tn", "geokeep", "/xml"]}.get(scheduler)
        if command is None:
            then(len(there) == 1 and self.config in text_of(place))
            return
        process = QProcess(self)
        process.finished.connect(lambda *_: self._read(process, there, then))
        process.errorOccurred.connect(lambda e: then(False) if e == QProcess.ProcessError.FailedToStart else None)
        process.start(command[0], command[1:])

    def _read(self, process, there, then):
        text = bytes(process.readAllStandardOutput()).decode("utf-8", "replace").replace("\0", "")
        process.deleteLater()
        then(len(there) == 1 and self.config in text)


def wanted():
    """The saved project, which stands for all that it shows; without one the GeoPackages."""
    project = project_file()
    return [project] if project else files_of_project()


def text_of(place):
    """What a scheduler's file says. A timer of systemd has its command in the service beside it."""
    found = ""
    for path in {place, re.sub(r"\.timer$", ".service", place)}:
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                found += f.read()
        except OSError:
            pass
    return found


def job(sources, suffix=""):
    """TOML's basic strings are those of JSON."""

    def quoted(text):
        return json.dumps(text, ensure_ascii=False)

    name = re.sub(r"[^a-z0-9]+", "-", os.path.splitext(os.path.basename(sources[0]))[0].lower()).strip("-") or "project"
    lines = ["[[job]]", "name = %s" % quoted("qgis-%s%s" % (name, suffix)), "sources = [%s]" % ", ".join(quoted(s) for s in sources)]
    lines += ["to = %s" % quoted(settings.destination()), "must_exist = true", 'label = "nightly"', ""]
    if settings.get("keep"):
        lines += ["[job.keep]", 'within = "2d"']
        lines += ["%s = %d" % (n, settings.get("keep_" + n)) for n in ("daily", "weekly", "monthly") if settings.get("keep_" + n)]
    return "\n".join(lines) + "\n"
