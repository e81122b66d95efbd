"""A program that writes a GeoPackage with SQLite: one JSON command a line on standard input, one answer a line."""

import json
import os
import shutil
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from gpkg import content, register  # noqa: E402

path = sys.argv[1]
BUSY_TIMEOUT = 5.0  # GDAL's
stopping = threading.Event()
work = {"thread": None, "stats": {"commits": 0, "tries": 0, "errors": [], "longest": 0.0, "refused_switches": 0}}
connection = None


def connect():
    return register(sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False))


def sql(statement):
    global connection
    if connection is None:
        connection = connect()
    return connection.execute(statement).fetchall()


def what():
    if connection is None:
        sql("SELECT 1")
    return content(connection)


def close():
    global connection
    if connection is not None:
        connection.close()
        connection = None


def move(c, number, rows, parcels, poles, notes):
    """One honest transaction: takes from `rows` parcels, gives it to one pole, and signs both ends of notes."""
    first = 1 + (number * 7919) % (parcels - rows)
    c.execute("BEGIN IMMEDIATE")
    c.execute("UPDATE parcels SET val=val-1, txt=hex(randomblob(100)) WHERE fid BETWEEN ? AND ?", (first, first + rows - 1))
    c.execute("UPDATE poles SET val=val+? WHERE fid=?", (rows, 1 + (number * 31) % poles))
    c.execute("UPDATE notes SET val=? WHERE fid IN (1, ?)", (number, notes))
    c.execute("COMMIT")


def _loop(step, pause):
    stats = work["stats"]
    c = connect()
    sizes = [c.execute("SELECT count(*) FROM %s" % t).fetchone()[0] for t in ("parcels", "poles", "notes")]
    while not stopping.is_set():
        stats["tries"] += 1
        start = time.time()
        try:
            step(c, stats, sizes)
        except sqlite3.Error as error:
            stats["errors"].append(str(error))
            if c.in_transaction:
                c.execute("ROLLBACK")
        stats["longest"] = max(stats["longest"], round(time.time() - start, 3))
        time.sleep(pause)
    c.close()


def _commit(c, stats, sizes, rows=200):
    move(c, stats["commits"] + 1, rows, *sizes)
    stats["commits"] += 1


def _vacuum(c, stats, sizes):
    c.execute("VACUUM")
    stats["commits"] += 1


def _toggle(c, stats, sizes):
    """Commits once in each journal mode; a switch back that a reader prevents is tried again in the next round."""
    for target in ("wal", "delete"):
        try:
            c.execute("PRAGMA journal_mode=%s" % target)
        except sqlite3.OperationalError:
            stats["refused_switches"] += 1
        _commit(c, stats, sizes)
        time.sleep(0.12)


def _replace(c, stats, sizes, variants=()):
    """Another program's export: writes a new file beside it, then renames it over the old one."""
    fresh = path + ".export"
    shutil.copyfile(variants[stats["commits"] % len(variants)], fresh)
    os.rename(fresh, path)
    stats["commits"] += 1


def start(kind, pause, **options):
    step = {"commit": _commit, "vacuum": _vacuum, "toggle": _toggle, "replace": _replace}[kind]
    work["thread"] = threading.Thread(target=_loop, args=(lambda c, s, n: step(c, s, n, **options), pause))
    work["thread"].start()


def progress():
    return work["stats"]["commits"]


def finish():
    stopping.set()
    work["thread"].join()
    return work["stats"]


answers = os.fdopen(os.dup(1), "wb", 0)


def answer(value):
    answers.write(json.dumps(value, default=str).encode() + b"\n")


answer({"result": "ready"})
for line in sys.stdin:
    command, arguments = json.loads(line)
    if command == "quit":
        break
    try:
        answer({"result": globals()[command](**arguments)})
    except Exception as error:
        answer({"error": "%s: %s" % (type(error).__name__, error)})
stopping.set()
if work["thread"]:
    work["thread"].join()
close()
