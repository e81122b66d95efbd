"""Which backups stay: once a day for each file, after a backup of it, and only for files that the plugin itself backs up."""

import time

from qgis.PyQt.QtCore import QObject

from . import settings
from .command import Run

A_DAY = 86400


class Retention(QObject):
    def __init__(self, keeper, parent=None):
        super().__init__(parent)
        self.keeper = keeper
        self.thinned = {}  # line -> when
        keeper.saved.connect(self.saved)

    def saved(self, path, o):
        line = o.get("name")
        if not settings.get("keep") or o.get("status") != "saved" or not line or not rules():
            return
        if time.monotonic() - self.thinned.get(line, -A_DAY) < A_DAY:
            return
        self.thinned[line] = time.monotonic()
        run = Run(self.keeper.program.path, ["forget", line, "--from", settings.destination(), *rules()], self)
        run.ended.connect(lambda _code: self._ended(run, line))
        run.start()

    def _ended(self, run, line):
        if run.trouble() is not None:
            self.thinned.pop(line, None)  # Somebody else is at work in the folder: at the next save, then.
        run.deleteLater()


def rules():
    """All of the last two days, and then one a day, a week, a month. No rule at all: everything stays."""
    arguments = []
    for name, option in (("keep_daily", "--keep-daily"), ("keep_weekly", "--keep-weekly"), ("keep_monthly", "--keep-monthly")):
        if settings.get(name) > 0:
            arguments += [option, str(settings.get(name))]
    return ["--keep-within", "2d", *arguments] if arguments else []
