"""Scripts that run inside the real QGIS: each step waits for something that can be seen, and what does not come in time is a failure.

Results go to a file, one line a check.
"""

import os
import time
import traceback

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QTimer
from qgis.utils import iface

WORK = os.environ["GEOKEEP_DESKTOP"]
LIMIT = 120  # seconds for one thing to happen; on a busy machine QGIS draws slowly

results = open(os.path.join(WORK, os.environ.get("GEOKEEP_RESULTS", "results")), "w", buffering=1, encoding="utf-8")


def check(name, right, more=""):
    results.write("%s %s %s\n" % ("ok" if right else "FAILED", name, "" if right else more))


class Story:
    """Goes on when what a step waits for has come, without ever holding up QGIS."""

    def __init__(self, steps):
        self.steps = steps
        self.waits_for = None
        self.since = time.monotonic()
        self.timer = QTimer()
        self.timer.setInterval(50)
        self.timer.timeout.connect(self.look)
        self.timer.start()

    def look(self):
        self.timer.stop()
        try:
            if self.ready():
                self.waits_for = next(self.steps)
                self.since = time.monotonic()
            self.timer.start()
        except StopIteration:
            pass
        except Exception:
            results.write("FAILED the script: %s\n" % traceback.format_exc().replace("\n", " | "))
            QgsProject.instance().setDirty(False)
            iface.actionExit().trigger()

    def ready(self):
        spent = time.monotonic() - self.since
        if self.waits_for is None:
            return True
        if isinstance(self.waits_for, float):
            return spent >= self.waits_for
        if self.waits_for():
            return True
        if spent > LIMIT:
            raise AssertionError("waited in vain in line %d" % self.waits_for.__code__.co_firstlineno)
        return False
