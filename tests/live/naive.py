"""The ways that people use today, dressed as geokeep: the suite must catch what goes wrong with each of them."""

import os
import shutil
import sqlite3
import subprocess
import time
import zipfile
from urllib.parse import quote

from driven import PYTHON
from geokeep import Outcome


class Naive:
    """Stores what `way` made of the source, and says that all is well."""

    version = "naive"
    backups = 1

    def __init__(self, way):
        self.way = way

    def backup(self, given, destination, method, scratch, lock_wait="1s", user=None, during=None):
        os.makedirs(destination)
        copy = os.path.join(destination, "copy.gpkg")
        start = time.time()
        afterwards = self.way(given, copy, user)
        archive = os.path.join(destination, "copy.gpkg.zip")
        if not os.path.exists(copy):
            shutil.copyfile(given, copy)
        connection = sqlite3.connect(copy)
        try:
            connection.execute("PRAGMA journal_mode=delete").fetchall()
        except sqlite3.DatabaseError:
            pass
        connection.close()
        with zipfile.ZipFile(archive, "w") as z:
            z.write(copy, "copy.gpkg")
            z.writestr("manifest.json", "{}")
        answer = {"kind": "backup", "status": "saved", "path": archive, "method": method, "method_reason": "habit", "verdict": "sound", "digest": "-", "findings": []}
        outcome = Outcome(0, answer, [archive], time.time() - start)
        outcome.afterwards = afterwards or (lambda: None)
        return outcome


def cp(given, copy, user):
    shutil.copyfile(given, copy)


def slow_cp(given, copy, user):
    """What `cp` is on a slow disk or a share: the second half is read later than the first."""
    with open(given, "rb") as source, open(copy, "wb") as target:
        target.write(source.read(os.path.getsize(given) // 2))
        time.sleep(0.5)
        shutil.copyfileobj(source, target)


def backup_with(parameters):
    """The backup API over a connection that is opened as most programs do, in a process of its own."""
    code = "import sqlite3,sys; s=sqlite3.connect(sys.argv[1],uri=True,timeout=2); d=sqlite3.connect(sys.argv[2]); s.backup(d); d.close(); s.close()"

    def way(given, copy, user):
        target = copy
        if user:
            target = os.path.join(os.path.dirname(copy), "by-stranger.gpkg")
            os.chown(os.path.dirname(copy), user, user)
        subprocess.run([PYTHON, "-c", code, "file:%s%s" % (quote(given), parameters), target], check=True,
                       user=user, group=user, extra_groups=[] if user else None)
        if target != copy:
            os.rename(target, copy)

    return way


def hold(seconds, before_we_go_on):
    """Reads in one long transaction. Either the other program works on while it is held, or it has been held and is over."""
    code = ("import sqlite3,sys,time; c=sqlite3.connect(sys.argv[1],uri=True,timeout=9,isolation_level=None); c.execute('BEGIN');"
            "c.execute('SELECT count(*) FROM parcels').fetchall(); print('held',flush=True); time.sleep(float(sys.argv[2]))")

    def way(given, copy, user):
        process = subprocess.Popen([PYTHON, "-c", code, "file:%s?mode=ro" % quote(given), str(seconds)], stdout=subprocess.PIPE)
        process.stdout.readline()
        backup_with("?mode=ro")(given, copy, None)
        if before_we_go_on:
            process.wait()

        def afterwards():
            process.kill()
            process.wait()
            process.stdout.close()

        return afterwards

    return way


# (state, the way, what the suite must say of it)
CASES = (
    ("Q6", "cp", cp, r"no committed state"),
    ("K3", "cp", cp, r"no committed state"),
    ("H3", "cp", cp, r"no committed state"),
    ("H1", "cp", cp, r"no committed state|integrity_check|unreadable"),
    ("W5", "cp", cp, r"no committed state|integrity_check|unreadable"),
    ("C2", "slow cp", slow_cp, r"breaks the equation|half a commit|integrity_check|unreadable|rtreecheck"),
    ("S2", "cp of the other name", cp, r"no committed state"),
    ("H2", "immutable=1", backup_with("?mode=ro&immutable=1"), r"no committed state"),
    ("H1", "opened read-write", backup_with("?mode=rw"), r"town.gpkg: .*changed.*|journal is gone"),
    ("H2", "opened read-write", backup_with("?mode=rw"), r"town.gpkg-wal is gone"),
    ("D1", "opened mode=ro", backup_with("?mode=ro"), r"town.gpkg-(wal|shm) appeared"),
    ("D3", "opened mode=ro by another user", backup_with("?mode=ro"), r"owner can no longer write"),
    ("Q2", "reader that stays", hold(60, False), r"lies there as \('wal'"),
    ("Q1", "reader that stays", hold(60, False), r"save failed|save took"),
    ("C2", "reader that holds its lock 7 s", hold(7, True), r"writer failed|held up"),
)
