"""Where the geokeep program is, and whether it is new enough."""

import os
import shutil
import sys
import sysconfig

from qgis.PyQt.QtCore import QObject, pyqtSignal

from . import settings
from .command import Run, Trouble, missing
from .install import EXE, own
from .words import tr

NEEDED = {"diff", "events", "must_exist", "restore_layer"}


def named(path):
    """People point at the folder as often as at the program: both are accepted."""
    return os.path.join(path, EXE) if os.path.isdir(path) else path


def user_scheme():
    if os.name == "nt":
        return "nt_user"
    return "osx_framework_user" if sys.platform == "darwin" and getattr(sys, "_framework", "") else "posix_user"


def candidates():
    """In this order. QGIS that is started from a dock or a menu has a short PATH, so that PATH alone is not enough."""
    chosen = settings.get("program")
    if chosen:
        yield named(os.path.expanduser(chosen))
        return  # What was chosen is not silently replaced by another one.
    yield from own()
    yield from places()


def places():
    """Where installers of all kinds put it."""
    yield os.path.join(sysconfig.get_path("scripts"), EXE)
    yield os.path.join(sysconfig.get_path("scripts", scheme=user_scheme()), EXE)
    home = os.path.expanduser("~")
    for folder in (os.path.join(home, ".local", "bin"), os.path.join(home, ".cargo", "bin"), "/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"):
        yield os.path.join(folder, EXE)
    found = shutil.which(EXE)
    if found:
        yield found


def find():
    for place in candidates():
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    return None


def too_old(version):
    return Trouble(
        "program_too_old",
        tr("geokeep {version} is too old for this plugin.").format(version=version or "?"),
        tr("It does not know all that the plugin asks of it."),
        tr("Until then nothing is backed up."),
        tr("Install a newer one: pip install --upgrade geokeep"),
    )


class Program(QObject):
    """Asks the program once what it can do. `path` is None until it has answered."""

    changed = pyqtSignal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self.path = None
        self.place = None
        self.version = ""
        self.trouble = None
        self._run = None

    def check(self):
        """After `changed`, either `path` or `trouble` is set."""
        self.path, self.version, self.trouble = None, "", None
        self.place = find()
        self._run = None
        if self.place is None:
            self.trouble = missing()
            self.changed.emit()
            return
        run = self._run = Run(self.place, ["version"], self)
        run.ended.connect(lambda code: self._answered(run, code))
        run.start()

    def _answered(self, run, code):
        if run is not self._run:
            return  # Another one was chosen meanwhile.
        answer = next((o for o in run.objects if o.get("kind") == "version"), None)
        if run.killed or (code == 127 and answer is None):
            self.trouble = missing()
        elif answer is None:
            self.trouble = too_old("")
        else:
            self.version = str(answer.get("version") or "")
            if NEEDED <= set(answer.get("features") or []):
                self.path = self.place
            else:
                self.trouble = too_old(self.version)
        self.changed.emit()
