"""One run a file at a time, also where two QGIS are open: the program itself would make two backups of one state.

The lock of a QGIS that was killed counts for nothing, and where no lock can be had nobody waits for one.
"""

import hashlib
import os

from qgis.PyQt.QtCore import QDir, QLockFile, QStandardPaths


class Turns:
    def __init__(self):
        self.held = {}  # path -> QLockFile

    def take(self, path):
        """Whether it is our turn now. Never waits."""
        lock = QLockFile(place(path))
        lock.setStaleLockTime(0)  # A backup may take long; that its process is alive is what counts.
        if not lock.tryLock(0) and lock.error() == QLockFile.LockError.LockFailedError:
            return False
        self.held[path] = lock
        return True

    def give_back(self, path):
        lock = self.held.pop(path, None)
        if lock is not None:
            lock.unlock()


def place(path):
    """Beside all profiles of this user, since each QGIS may have another one."""
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericCacheLocation) or QDir.tempPath()
    folder = os.path.join(folder, "geokeep-qgis")
    QDir().mkpath(folder)
    return os.path.join(folder, hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:32] + ".lock")
