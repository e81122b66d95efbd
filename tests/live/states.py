"""The states in which QGIS, GDAL and SQLite programs leave a GeoPackage, each brought about by the real program.

A state enters (and proves that it is there: header, sidecars, locks), knows which contents are committed, lets the
program go on afterwards, and asserts that the program got what it wanted. `README.md` says how one is added.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import time

import gpkg
import look
from driven import PYTHON, Qgis, Writer

OWNER, STRANGER = 54321, 54322  # two users: one owns the file, the other makes the backup
STATES = {}


class NotReached(Exception):
    """The other program is not in the state that was wanted: says nothing about geokeep."""


class Harmed(Exception):
    """The other program did not get what it wanted, or the file is not what it should be."""


class TooSlow(Harmed):
    """The other program got what it wanted, later than it should: by our doing, or because the machine is busy."""


def state(cls):
    STATES[cls.__name__] = cls
    return cls


def wait_for(condition, what, seconds=30.0, pause=0.002):
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            raise NotReached("waited %d s for: %s" % (seconds, what))
        time.sleep(pause)


class State:
    """One state of one source. `path` is the file itself, `given` the name under which it is backed up."""

    title = ""
    needs = ()  # of "qgis", "gdal", "root"
    size = gpkg.SMALL
    wal = False  # the journal mode that the file starts in
    still = True  # nothing but geokeep moves while the backup runs: the folder is compared bit by bit
    backups = 1  # how many backups are taken, one after the other
    lock_wait = "1s"
    user = None  # the user that makes the backup, where it is not ourselves
    file_name = "town.gpkg"
    may_end_as = ()  # other ways than without a backup in which the file may lie there in the end

    def __init__(self, kit, scratch):
        self.kit, self.scratch = kit, scratch
        self.folder = os.path.join(scratch, "source")
        os.makedirs(self.folder)
        self.path = self.given = os.path.join(self.folder, self.file_name)
        self.children = []
        self.committed = []
        self.seen = ""
        shutil.copyfile(kit.template(self.size), self.path)
        self.base = kit.template_content(self.size)
        if self.wal:
            self.sqlite("PRAGMA journal_mode=wal")

    # What a state defines.

    def enter(self):
        raise NotImplementedError

    def about_to_back_up(self):
        """Called before each backup."""

    def during(self, process):
        """Called while the backup runs, with its process; with None where the state is tried without a backup."""

    def backed_up(self):
        """Called after each backup, before it is judged."""

    def judge(self, found):
        """None where the content is one committed state, else what is wrong with it."""
        if found in self.committed:
            return None
        return "holds %s, which is no committed state (%s)" % (found, " or ".join(str(c) for c in self.committed))

    def go_on(self):
        """The other programs finish their work and end; raises Harmed."""

    # What states share.

    def qgis(self, *layers, name="qgis", groups=False):
        child = Qgis(self.scratch, name)
        self.children.append(child)
        if groups:
            child("transaction_groups", on=True)
        for layer in layers:
            child("open_layer", path=self.path, name=layer)
        return child

    def writer(self, name="writer", path=None, user=None):
        child = Writer(self.scratch, self.kit.programs, path or self.path, name, user)
        self.children.append(child)
        return child

    def sqlite(self, *statements):
        """What a plain SQLite program does and leaves again."""
        connection = gpkg.register(sqlite3.connect(self.path, timeout=5, isolation_level=None))
        try:
            for statement in statements:
                answer = connection.execute(statement).fetchall()
            return answer
        finally:
            connection.close()

    def reached(self, mode=None, sidecars=None, locks=None, without=(), content_missing_from_cp=None):
        """Proves the state from outside; remembers what was seen."""
        seen_mode, seen_sidecars, seen_locks = look.mode(self.path), look.sidecars(self.path), look.locks(self.path)
        self.seen = "%s · %s · %s" % (
            seen_mode,
            " ".join("%s %d" % s for s in seen_sidecars.items()) or "no sidecars",
            " ".join(sorted(seen_locks)) or "no locks")
        if mode is not None and seen_mode != mode:
            raise NotReached("header is %s, not %s (%s)" % (seen_mode, mode, self.seen))
        if sidecars is not None and set(seen_sidecars) != set(sidecars):
            raise NotReached("other sidecars than %s (%s)" % (sorted(sidecars), self.seen))
        for lock in locks or ():
            if lock not in seen_locks:
                raise NotReached("no lock %s (%s)" % (lock, self.seen))
        if locks is not None and not locks and seen_locks:
            raise NotReached("locks where none should be (%s)" % self.seen)
        for lock in without:
            if lock in seen_locks:
                raise NotReached("lock %s (%s)" % (lock, self.seen))
        if content_missing_from_cp and gpkg.content_of(self.path) in self.committed:
            raise NotReached("the .gpkg alone already holds what was committed (%s)" % self.seen)

    def truth(self):
        return gpkg.recovered_content(self.path, os.path.join(self.scratch, "recovered-%d" % time.monotonic_ns()))

    def expect_end(self, wanted):
        """The file as it now lies there holds `wanted`."""
        found = self.truth()
        if found != wanted:
            raise Harmed("afterwards the file holds %s, wanted %s" % (found, wanted))

    def saved(self, answer, what="save"):
        said, errors, seconds = answer
        if said is not True or any("ERROR" in e for e in errors):
            raise Harmed("QGIS's %s failed after %.1f s: %s" % (what, seconds, "; ".join(errors)[-200:]))
        if seconds > 4.0:
            raise TooSlow("QGIS's %s took %.1f s" % (what, seconds))

    def left(self):
        """How the file lies there at the end: to be the same as without a backup."""
        return look.mode(self.path), tuple(sorted(look.sidecars(self.path)))

    def close(self):
        for child in self.children:
            child.end()


def plus(content, table, rows, each):
    """The content after `rows` rows with val=each were added to a table."""
    count, total = getattr(content, table)
    return content._replace(**{table: (count + rows, total + rows * each)})


def shifted(content, table, by):
    """The content after the sum of a table moved."""
    count, total = getattr(content, table)
    return content._replace(**{table: (count, total + by)})


# ----------------------------------------------------------------------------------------------------------- QGIS


@state
class Q1(State):
    title = "QGIS shows a layer"
    needs = ("qgis",)

    def enter(self):
        self.q = self.qgis("parcels")
        self.q("render")
        self.committed = [self.base]
        self.reached("delete", (), locks=())

    def go_on(self):
        self.q("render")
        self.q("start_editing", name="parcels")
        self.q("add", name="parcels", count=5)
        self.saved(self.q("commit", name="parcels"))
        self.q.quit()
        self.expect_end(plus(self.base, "parcels", 5, 0))


@state
class Q2(State):
    title = "QGIS edits a layer, edits unsaved in its buffer"
    needs = ("qgis",)

    def enter(self):
        self.q = self.qgis("parcels")
        self.q("render")
        self.q("start_editing", name="parcels")
        self.q("add", name="parcels", count=500, val=1)
        self.q("change", name="parcels", count=100, val=7)
        self.committed = [self.base]
        self.reached("wal", ("-wal", "-shm"), locks=("db:SHARED(R)", "shm:DMS(R)"), without=("shm:WRITE(W)",))

    def go_on(self):
        self.saved(self.q("commit", name="parcels"))
        self.q.quit()
        self.expect_end(shifted(plus(self.base, "parcels", 500, 1), "parcels", 100 * (7 - 100)))


class Saving(State):
    """QGIS saves again and again while backups are taken."""

    needs = ("qgis",)
    still = False
    backups = 3
    lock_wait = "20s"
    batch = 300
    leave_editing = False
    groups = False
    pause = 0.05

    def enter(self):
        self.stop, self.progress = (os.path.join(self.scratch, n) for n in ("stop", "progress"))
        self.q = self.qgis("parcels", "poles", groups=self.groups) if self.groups else self.qgis("parcels")
        self.q.send("commit_loop", name="parcels", batch=self.batch, leave_editing=self.leave_editing,
                    stop_file=self.stop, progress_file=self.progress, pause=self.pause)
        wait_for(lambda: self.saves() >= 2, "two saves")
        modes = set()
        wanted = {"wal", "delete"} if self.leave_editing and not self.groups else {"wal"}

        def all_seen():
            modes.add(look.mode(self.path))
            return wanted <= modes

        wait_for(all_seen, "the journal modes %s while it saves" % " and ".join(sorted(wanted)), seconds=60.0)
        self.seen = "while saving: " + ", ".join(sorted(modes))

    def saves(self):
        try:
            with open(self.progress) as f:
                return int(f.read())
        except FileNotFoundError:
            return 0

    def about_to_back_up(self):
        self.least = self.saves()

    def backed_up(self):
        self.most = self.saves() + 1

    def judge(self, found):
        more = found.parcels[0] - self.base.parcels[0]
        if found._replace(parcels=self.base.parcels) != self.base or found.parcels[1] != self.base.parcels[1]:
            return "holds %s, which no save ever made" % (found,)
        if more % self.batch:
            return "holds %d rows of a save of %d" % (more % self.batch, self.batch)
        if not self.least <= more // self.batch <= self.most:
            return "holds %d saves; %d were made before it began, %d when it ended" % (more // self.batch, self.least, self.most)
        return None

    def go_on(self):
        open(self.stop, "w").close()
        result = self.q.answer()
        self.q.quit()
        if result["errors"]:
            raise Harmed("QGIS's saves failed %d times of %d: %s" % (len(result["errors"]), result["commits"], result["errors"][0]))
        if result["longest"] > 4.0:
            raise TooSlow("QGIS was held up for %.1f s" % result["longest"])
        self.seen += "; %d saves, longest %.2f s" % (result["commits"], result["longest"])
        saved = self.truth().parcels[0] - self.base.parcels[0]
        if saved != result["commits"] * self.batch:
            raise Harmed("QGIS reported %d rows saved, the file holds %d" % (result["commits"] * self.batch, saved))


@state
class Q3(Saving):
    title = "QGIS saves again and again, staying in edit mode"


@state
class Q3s(Saving):
    title = "QGIS starts editing, saves, stops, again and again: the journal mode flips each time"
    leave_editing = True


@state
class Q3t(Saving):
    title = "QGIS starts editing, saves, stops, again and again, in an automatic transaction group"
    groups = True
    leave_editing = True  # QGIS 3.22 that saves and edits on in such a group soon locks itself out, with nobody else there


@state
class Q4(State):
    title = "QGIS automatic transaction group, edits unsaved"
    needs = ("qgis",)

    def enter(self):
        self.q = self.qgis("parcels", "poles", groups=True)
        self.q("start_editing", name="parcels")
        self.q("add", name="parcels", count=500, val=1)
        self.q("change", name="parcels", count=100, val=7)
        self.committed = [self.base]
        self.reached("wal", ("-wal", "-shm"), locks=("shm:WRITE(W)", "db:SHARED(R)"))

    def go_on(self):
        self.saved(self.q("commit", name="parcels"))
        self.q.quit()
        self.expect_end(shifted(plus(self.base, "parcels", 500, 1), "parcels", 100 * (7 - 100)))


@state
class Q5(State):
    title = "QGIS edited two layers of the file and stopped: it stays in WAL"
    needs = ("qgis",)

    def enter(self):
        self.q = self.qgis("parcels", "poles")
        self.q("render")
        for layer in ("parcels", "poles"):
            self.q("start_editing", name=layer)
            self.q("change", name=layer, count=100, val=7)
        for layer in ("parcels", "poles"):
            self.saved(self.q("commit", name=layer))
        self.committed = [shifted(shifted(self.base, "parcels", -9300), "poles", -9300)]
        self.reached("wal", ("-wal", "-shm"), locks=("db:SHARED(R)", "shm:DMS(R)"))

    def go_on(self):
        self.q("start_editing", name="parcels")
        self.q("add", name="parcels", count=10)
        self.saved(self.q("commit", name="parcels"))
        self.q.quit()
        self.expect_end(plus(self.committed[0], "parcels", 10, 0))


@state
class Q6(State):
    title = "QGIS automatic transaction group, saved and idle: the edits are in the -wal only"
    needs = ("qgis",)

    def enter(self):
        self.q = self.qgis("parcels", "poles", groups=True)
        self.q("start_editing", name="parcels")
        self.q("add", name="parcels", count=500, val=1)
        self.q("change", name="parcels", count=100, val=7)
        self.saved(self.q("commit", name="parcels"))
        self.committed = [shifted(plus(self.base, "parcels", 500, 1), "parcels", -9300)]
        self.reached("wal", ("-wal", "-shm"), locks=("db:SHARED(R)", "shm:DMS(R)"), content_missing_from_cp=True)

    def go_on(self):
        self.q("start_editing", name="parcels")
        self.q("add", name="parcels", count=10)
        self.saved(self.q("commit", name="parcels"))
        self.q.quit()
        self.expect_end(plus(self.committed[0], "parcels", 10, 0))


@state
class Q7(State):
    title = "two QGIS on one file: one has unsaved edits, the other has saved"
    needs = ("qgis",)

    def enter(self):
        self.a, self.b = self.qgis("parcels", name="first"), self.qgis("poles", name="second")
        self.a("start_editing", name="parcels")
        self.a("add", name="parcels", count=50, val=1)
        self.b("start_editing", name="poles")
        self.b("change", name="poles", count=100, val=7)
        self.saved(self.b("commit", name="poles", stop=False))
        self.committed = [shifted(self.base, "poles", -9300)]
        self.reached("wal", ("-wal", "-shm"), locks=("db:SHARED(R)", "shm:DMS(R)"), content_missing_from_cp=True)

    def go_on(self):
        self.saved(self.a("commit", name="parcels"))
        self.saved(self.b("commit", name="poles"))
        self.a.quit()
        self.b.quit()
        self.expect_end(plus(self.committed[0], "parcels", 50, 1))


# ------------------------------------------------------------------------------------------- dead programs


class Dead(State):
    """A program died. What is committed is found by recovering a private copy, and must be what the state expects."""

    def settle(self, expected):
        self.committed = [self.truth()]
        if self.committed[0] not in expected:
            raise NotReached("recovery gives %s" % (self.committed[0],))

    def go_on(self):
        """The owner opens the file again and works on."""
        found = self.sqlite("SELECT count(*), sum(val) FROM parcels")[0]
        if found != self.committed[0].parcels:
            raise Harmed("reopened by its owner the file holds %s, wanted %s" % (found, self.committed[0].parcels))
        self.sqlite("UPDATE parcels SET val = val + 1 WHERE fid = 1")
        self.expect_end(shifted(self.committed[0], "parcels", 1))


@state
class K1(Dead):
    title = "QGIS killed while editing: WAL header, empty -wal, -shm"
    needs = ("qgis",)

    def enter(self):
        q = self.qgis("parcels")
        q("start_editing", name="parcels")
        q("add", name="parcels", count=500, val=1)
        q.kill()
        self.settle([self.base])
        self.reached("wal", ("-wal", "-shm"), locks=())


class KilledInWal(Dead):
    def save_and_die(self):
        """QGIS has saved, the frames are in the -wal, and it is killed."""
        q = self.qgis("parcels", "poles", groups=True)
        q("start_editing", name="parcels")
        q("change", name="parcels", count=200, val=8)
        self.saved(q("commit", name="parcels"))
        q.kill()


@state
class K2(Dead):
    title = "QGIS killed in a commit: frames of an unfinished transaction in the -wal"
    needs = ("qgis",)

    def enter(self):
        q = self.qgis("parcels", "poles")
        q("start_editing", name="parcels")
        q("add", name="parcels", count=25_000, val=1)
        q.send("commit", name="parcels")
        wait_for(lambda: look.sidecars(self.path).get("-wal", 0) > 1_000_000, "1 MB of frames")
        q.kill()
        self.settle([self.base])
        self.reached("wal", ("-wal", "-shm"), locks=())


@state
class K3(KilledInWal):
    title = "QGIS killed after a save: committed frames in the -wal, -shm there"
    needs = ("qgis",)

    def enter(self):
        self.save_and_die()
        self.settle([shifted(self.base, "parcels", 200 * (8 - 100))])
        self.reached("wal", ("-wal", "-shm"), locks=(), content_missing_from_cp=True)


@state
class K4(KilledInWal):
    title = "as K3, and the -shm is gone"
    needs = ("qgis",)

    def enter(self):
        self.save_and_die()
        os.unlink(self.path + "-shm")
        self.settle([shifted(self.base, "parcels", 200 * (8 - 100))])
        self.reached("wal", ("-wal",), locks=(), content_missing_from_cp=True)


@state
class K5(Dead):
    title = "QGIS (WAL switched off) killed while it writes: hot journal"
    needs = ("qgis",)

    def enter(self):
        q = self.qgis()
        q("setting", name="qgis/walForSqlite3", value=False)
        q("open_layer", path=self.path, name="parcels")
        before = look.fingerprint(self.folder)[self.file_name]["mtime"]
        q("start_editing", name="parcels")
        q("add", name="parcels", count=25_000, val=1)
        q.send("commit", name="parcels")
        wait_for(lambda: os.stat(self.path).st_mtime_ns != before and os.stat(self.path).st_size > 9_000_000, "pages of the transaction in the file")
        q.kill()
        self.settle([self.base])
        self.reached("delete", ("-journal",), locks=())


@state
class H1(Dead):
    title = "SQLite writer killed in rollback mode: hot journal, half a transaction in the file"

    def enter(self):
        w = self.writer()
        for statement in ("PRAGMA cache_size=10", "BEGIN IMMEDIATE", "UPDATE parcels SET val=val+1"):
            w("sql", statement=statement)
        w.kill()
        self.settle([self.base])
        self.reached("delete", ("-journal",), locks=(), content_missing_from_cp=True)


@state
class H2(Dead):
    title = "SQLite writer killed in WAL: committed frames, -shm there"
    wal = True

    def enter(self):
        w = self.writer()
        w("sql", statement="UPDATE parcels SET val=val+1 WHERE fid<=3000")
        w.kill()
        self.settle([shifted(self.base, "parcels", 3000)])
        self.reached("wal", ("-wal", "-shm"), locks=(), content_missing_from_cp=True)


@state
class H3(Dead):
    title = "as H2, and the -shm is gone"
    wal = True

    def enter(self):
        w = self.writer()
        w("sql", statement="UPDATE parcels SET val=val+1 WHERE fid<=3000")
        w.kill()
        os.unlink(self.path + "-shm")
        self.settle([shifted(self.base, "parcels", 3000)])
        self.reached("wal", ("-wal",), locks=(), content_missing_from_cp=True)


@state
class H4(Dead):
    title = "SQLite writer and reader killed in WAL, the -wal half written back"
    wal = True

    def enter(self):
        w, r = self.writer(), self.writer("reader")
        w("sql", statement="UPDATE parcels SET val=val+1 WHERE fid<=2000")
        r("sql", statement="BEGIN")
        r("sql", statement="SELECT count(*) FROM parcels")
        w("sql", statement="UPDATE parcels SET val=val+1 WHERE fid>2000 AND fid<=8000")
        w("sql", statement="PRAGMA wal_checkpoint(passive)")
        w.kill()
        r.kill()
        self.settle([shifted(self.base, "parcels", 8000)])
        self.reached("wal", ("-wal", "-shm"), locks=(), content_missing_from_cp=True)


# ----------------------------------------------------------------------------------- transactions held open


class Held(State):
    """A transaction that stays open while the backup runs; 49 rows (or all, where the cache spills) are changed in it."""

    begin = "BEGIN IMMEDIATE"
    before = ()
    update = "UPDATE parcels SET val=val+1 WHERE fid<50"
    moved = 49

    def enter(self):
        self.w = self.writer()
        self.committed = [self.base]
        for statement in self.before:
            self.w("sql", statement=statement)
        if self.wal:  # something that only the -wal holds
            self.w("sql", statement="UPDATE poles SET val=val+1 WHERE fid<=10")
            self.committed = [shifted(self.base, "poles", 10)]
        self.w("sql", statement=self.begin)
        self.w("sql", statement=self.update)
        self.prove()

    def go_on(self):
        self.w("sql", statement="COMMIT")
        self.w.quit()
        self.expect_end(shifted(self.committed[0], "parcels", self.moved))


@state
class W1(Held):
    title = "BEGIN IMMEDIATE held, rollback mode"

    def prove(self):
        self.reached("delete", ("-journal",), locks=("db:RESERVED(W)",), without=("db:SHARED(W)",))


@state
class W2(Held):
    title = "BEGIN IMMEDIATE held, WAL, cache spilled: uncommitted frames in the -wal"
    wal = True
    before = ("PRAGMA cache_size=10",)
    update = "UPDATE parcels SET val=val+1"
    moved = gpkg.SMALL[0]

    def prove(self):
        self.reached("wal", ("-wal", "-shm"), locks=("shm:WRITE(W)", "db:SHARED(R)"), content_missing_from_cp=True)


@state
class W3(Held):
    title = "BEGIN EXCLUSIVE held, rollback mode"
    begin = "BEGIN EXCLUSIVE"

    def prove(self):
        exclusive_locks(self)


def exclusive_locks(held):
    """EXCLUSIVE: a write lock over the whole range, however the kernel joins its parts."""
    held.reached("delete", ("-journal",))
    if not any("SHARED(W)" in lock or "+SHARED(W)" in lock for lock in look.locks(held.path)):
        raise NotReached("no EXCLUSIVE lock (%s)" % held.seen)


@state
class W3r(W3):
    title = "as W3, committed one second after the backup began"
    lock_wait = "20s"
    still = False

    def enter(self):
        super().enter()
        self.done = False
        self.committed = [shifted(self.base, "parcels", self.moved)]

    def during(self, process):
        if not self.done:
            time.sleep(1.0)
            self.w("sql", statement="COMMIT")
            self.done = True

    def go_on(self):
        if not self.done:
            self.w("sql", statement="COMMIT")
        self.w.quit()
        self.expect_end(self.committed[0])


@state
class W4(Held):
    title = "BEGIN EXCLUSIVE held, WAL"
    begin = "BEGIN EXCLUSIVE"
    wal = True

    def prove(self):
        self.reached("wal", ("-wal", "-shm"), locks=("shm:WRITE(W)", "db:SHARED(R)"), content_missing_from_cp=True)


@state
class W5(Held):
    title = "rollback mode, cache spilled: half a transaction in the file, its writer alive"
    before = ("PRAGMA cache_size=10",)
    update = "UPDATE parcels SET val=val+1"
    moved = gpkg.SMALL[0]

    def prove(self):
        exclusive_locks(self)
        if gpkg.faults_of(self.path)[1] in self.committed:
            raise NotReached("nothing spilled (%s)" % self.seen)


@state
class W6(Held):
    title = "WAL with locking_mode=EXCLUSIVE"
    wal = True
    before = ("PRAGMA locking_mode=exclusive",)

    def prove(self):
        self.reached("wal", ("-wal",), content_missing_from_cp=True)
        if not any("SHARED(W)" in lock for lock in look.locks(self.path)):
            raise NotReached("no EXCLUSIVE lock (%s)" % self.seen)


# --------------------------------------------------------------------------------------------- steady writers


class Working(State):
    """A writer at work; its commits keep the equation and are numbered."""

    size = gpkg.BIG
    still = False
    backups = 3
    lock_wait = "20s"
    work = "commit"
    pause = 0.01
    options = {}

    def enter(self):
        self.w = self.writer()
        self.w("start", kind=self.work, pause=self.pause, **self.options)
        wait_for(lambda: self.w("progress") >= 2, "two rounds", pause=0.02)
        self.seen = "a writer at work"

    def about_to_back_up(self):
        self.least = self.w("progress")

    def backed_up(self):
        self.most = self.w("progress") + 1

    def judge(self, found):
        if found.total() != self.base.total() or found.rows() != self.base.rows():
            return "breaks the equation: %s" % (found,)
        if found.first_note != found.last_note:
            return "holds half a commit: first note %d, last note %d" % (found.first_note, found.last_note)
        if not self.least <= found.first_note <= self.most:
            return "holds commit %d; %d were made before it began, %d when it ended" % (found.first_note, self.least, self.most)
        return None

    def go_on(self):
        stats = self.w("finish")
        self.w.quit()
        if stats["errors"]:
            raise Harmed("the writer failed %d times in %d commits: %s" % (len(stats["errors"]), stats["commits"], stats["errors"][0]))
        if stats["longest"] > 4.0:
            raise TooSlow("the writer was held up for %.1f s" % stats["longest"])
        self.seen += "; %d rounds, longest %.2f s" % (stats["commits"], stats["longest"])
        self.at_the_end(stats)

    def at_the_end(self, stats):
        found = self.truth()
        if found.total() != self.base.total() or found.first_note != stats["commits"]:
            raise Harmed("after %d commits the file holds %s" % (stats["commits"], found))


@state
class C1(Working):
    title = "a steady writer, WAL"
    wal = True


@state
class C2(Working):
    title = "a steady writer, rollback mode"


@state
class C3(Working):
    title = "five small commits a second, rollback mode"
    pause = 0.2


@state
class J1(Working):
    title = "the journal mode is switched back and forth, with commits in each"
    work = "toggle"
    pause = 0.12


class Vacuuming(Working):
    work = "vacuum"
    pause = 0.02

    def judge(self, found):
        return None if found == self.base else "holds %s, wanted %s" % (found, self.base)

    def at_the_end(self, stats):
        self.expect_end(self.base)


@state
class V1(Vacuuming):
    title = "VACUUM in a loop, rollback mode"


@state
class V2(Vacuuming):
    title = "VACUUM in a loop, WAL"
    wal = True


@state
class R1(Working):
    title = "another program replaces the file by renaming a new one over it, again and again"
    work = "replace"
    pause = 0.15

    def enter(self):
        variant = os.path.join(self.scratch, "variant.gpkg")
        shutil.copyfile(self.path, variant)
        connection = gpkg.register(sqlite3.connect(variant))
        connection.execute("UPDATE parcels SET val=val+1")
        connection.execute("UPDATE notes SET val=1")
        connection.commit()
        self.committed = [self.base, gpkg.content(connection)]
        connection.close()
        self.options = {"variants": [variant, self.kit.template(self.size)]}
        super().enter()

    def judge(self, found):
        return State.judge(self, found)

    def at_the_end(self, stats):
        if self.truth() not in self.committed:
            raise Harmed("the file is none of those that were put there")
        stray = set(os.listdir(self.folder)) - {self.file_name}
        if stray:
            raise Harmed("left in the folder: %s" % sorted(stray))


class Appending(State):
    """ogr2ogr appends 100,000 features to a layer of the file."""

    needs = ("gdal",)
    still = False
    lock_wait = "60s"
    rows = 100_000
    transaction = None

    def enter(self):
        arguments = ["ogr2ogr", "-append"] + (["-gt", str(self.transaction)] if self.transaction else [])
        self.log = open(os.path.join(self.scratch, "ogr2ogr.log"), "wb")
        self.ogr = subprocess.Popen(arguments + [self.path, self.kit.many_poles(self.rows), "-nln", "poles", "poles"], stderr=self.log)

        def at_work():
            if self.ogr.poll() is not None:
                raise NotReached("ogr2ogr is already done (%s)" % self.ogr.returncode)
            return any("RESERVED" in lock or "PENDING" in lock for lock in look.locks(self.path))

        wait_for(at_work, "ogr2ogr to write")
        self.reached("delete")

    def judge(self, found):
        more = found.poles[0] - self.base.poles[0]
        if found._replace(poles=self.base.poles) != self.base or found.poles[1] != self.base.poles[1] or more not in self.steps():
            return "holds %s: %d rows more, which ogr2ogr never committed" % (found, more)
        return None

    def steps(self):
        """How many rows ogr2ogr has added after each of its commits; it commits before the last row of each `-gt`."""
        between = range(self.transaction - 1, self.rows - 1, self.transaction) if self.transaction else ()
        return {0, self.rows, *between}

    def go_on(self):
        code = self.ogr.wait(120)
        if code:
            with open(os.path.join(self.scratch, "ogr2ogr.log")) as f:
                raise Harmed("ogr2ogr failed (%d): %s" % (code, f.read()[-200:]))
        self.expect_end(plus(self.base, "poles", self.rows, 0))

    def close(self):
        if self.ogr.poll() is None:
            self.ogr.kill()
            self.ogr.wait()
        self.log.close()
        super().close()


@state
class G1(Appending):
    title = "ogr2ogr appends 100,000 features in one transaction"


@state
class G2(Appending):
    title = "ogr2ogr appends 100,000 features in transactions of 5,000"
    transaction = 5_000


# ------------------------------------------------------------------------ something happens in the midst of a read


class Midst(State):
    """The backup is stopped (SIGSTOP) in the midst of its read; something happens; it goes on."""

    size = gpkg.HUGE
    still = False
    lock_wait = "20s"
    by = "lock"  # how the read shows: it holds a lock, or has the file open
    deeper = 0.0  # how long it is left to read before it is stopped
    caught = None

    def during(self, process):
        caught = None
        while process is not None and process.poll() is None and not caught:
            caught = look.reads(process.pid, self.path, self.by)
        self.caught = bool(caught)
        if caught:
            time.sleep(self.deeper)
            os.killpg(process.pid, signal.SIGSTOP)
        self.seen += "; stopped in its read" if caught else "; not caught in its read"
        try:
            self.happens()
        finally:
            if caught:
                os.killpg(process.pid, signal.SIGCONT)


@state
class T1(Midst):
    title = "QGIS saves and quits in the midst of our read: we are the last one on a WAL file"
    needs = ("qgis",)
    may_end_as = (("wal", ()),)

    def enter(self):
        self.q = self.qgis("parcels")
        self.q("start_editing", name="parcels")
        self.q("add", name="parcels", count=500, val=1)
        self.after = plus(self.base, "parcels", 500, 1)
        self.committed = [self.base, self.after]
        self.reached("wal", ("-wal", "-shm"), locks=("db:SHARED(R)", "shm:DMS(R)"))

    def happens(self):
        self.saved(self.q("commit", name="parcels"))
        self.q.quit()

    def go_on(self):
        """By now the file is as it will be mailed to someone: whatever is in a -wal would be lost."""
        found = gpkg.content_of(self.path)
        if found != self.after:
            raise Harmed("the .gpkg alone holds %s, wanted %s" % (found, self.after))


@state
class T2(Midst):
    title = "a writer commits, checkpoints and starts its -wal anew in the midst of our read"
    wal = True

    def enter(self):
        self.w = self.writer()
        self.w("sql", statement="UPDATE parcels SET val=val+1 WHERE fid<=30")
        self.committed = [shifted(self.base, "parcels", 30)]
        self.reached("wal", ("-wal", "-shm"), locks=("db:SHARED(R)", "shm:DMS(R)"), content_missing_from_cp=True)

    def happens(self):
        for _ in range(3):
            self.w("sql", statement="UPDATE parcels SET val=val+1")
            self.committed.append(shifted(self.committed[-1], "parcels", self.base.parcels[0]))
            self.w("sql", statement="PRAGMA wal_checkpoint(passive)")

    def go_on(self):
        self.w("sql", statement="UPDATE parcels SET val=val+1 WHERE fid<=30")
        self.w.quit()
        self.expect_end(shifted(self.committed[-1], "parcels", 30))


@state
class T3(Midst):
    title = "another program renames a new file over ours in the midst of our read"
    deeper = 0.01

    def enter(self):
        self.fresh = os.path.join(self.scratch, "fresh.gpkg")
        shutil.copyfile(self.path, self.fresh)
        connection = gpkg.register(sqlite3.connect(self.fresh))
        connection.execute("UPDATE parcels SET val=val+1")
        connection.commit()
        connection.close()
        self.committed = [self.base, shifted(self.base, "parcels", self.base.parcels[0])]
        self.reached("delete", (), locks=())

    def happens(self):
        os.rename(self.fresh, self.path)

    def go_on(self):
        self.expect_end(self.committed[1])


@state
class T4(Midst):
    title = "a WAL file that nobody had open is written and closed again in the midst of our read"
    wal = True
    by = "open"
    deeper = 0.01

    def enter(self):
        self.committed = [self.base]
        self.reached("wal", (), locks=())

    def happens(self):
        self.sqlite("BEGIN", "UPDATE parcels SET val=val-1", "UPDATE poles SET val=val+3", "UPDATE notes SET val=1", "COMMIT")
        rows = self.base.rows()
        after = shifted(shifted(shifted(self.base, "parcels", -rows["parcels"]), "poles", 3 * rows["poles"]), "notes", rows["notes"])
        self.committed.append(after._replace(first_note=1, last_note=1))

    def go_on(self):
        self.expect_end(self.committed[-1])


# ------------------------------------------------------------------------- files that lie in special places


class Lying(State):
    """Nobody has the file open; its owner works on it afterwards."""

    owner = None
    folder_mode = None
    file_mode = 0o644

    def enter(self):
        self.committed = [self.base]
        os.chmod(self.path, self.file_mode)
        if self.owner:
            os.chown(self.path, self.owner, self.owner)
            os.chown(self.folder, self.owner, self.owner)
        if self.folder_mode:
            os.chmod(self.folder, self.folder_mode)
        self.reached("wal" if self.wal else "delete", (), locks=())

    def go_on(self):
        if self.folder_mode == 0o555:
            os.chmod(self.folder, 0o755)
        done = subprocess.run(
            [PYTHON, "-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('UPDATE notes SET val=5 WHERE fid=2'); c.commit(); c.close()", self.path],
            capture_output=True, text=True, user=self.owner, group=self.owner, extra_groups=[] if self.owner else None)
        if done.returncode:
            raise Harmed("the owner can no longer write: %s" % done.stderr.strip().splitlines()[-1])
        self.expect_end(shifted(self.base, "notes", 5))


@state
class D0(Lying):
    title = "rollback mode, nobody there"


@state
class D1(Lying):
    title = "WAL header without sidecars, nobody there"
    wal = True


@state
class D2(Lying):
    title = "as D1, in a folder without write permission, another user's"
    wal = True
    needs = ("root",)
    owner, user, folder_mode = OWNER, STRANGER, 0o555


@state
class D3(Lying):
    title = "as D1, another user's file in a folder that all may write to"
    wal = True
    needs = ("root",)
    owner, user, folder_mode, file_mode = OWNER, STRANGER, 0o777, 0o664


@state
class D4(Lying):
    title = "rollback mode, in a folder without write permission, another user's"
    needs = ("root",)
    owner, user, folder_mode = OWNER, STRANGER, 0o555


@state
class D5(Lying):
    title = "WAL, live with saved edits in the -wal, another user's"
    wal = True
    needs = ("root",)
    owner, user, folder_mode = OWNER, STRANGER, 0o755

    def enter(self):
        os.chown(self.path, self.owner, self.owner)
        os.chown(self.folder, self.owner, self.owner)
        os.chmod(self.folder, self.folder_mode)
        self.w = self.writer(user=self.owner)
        self.w("sql", statement="UPDATE parcels SET val=val+1 WHERE fid<=30")
        self.committed = [shifted(self.base, "parcels", 30)]
        self.reached("wal", ("-wal", "-shm"), locks=("db:SHARED(R)", "shm:DMS(R)"), content_missing_from_cp=True)

    def go_on(self):
        self.w("sql", statement="UPDATE parcels SET val=val+1 WHERE fid<=30")
        self.w.quit()
        self.expect_end(shifted(self.committed[0], "parcels", 30))


class OnReadOnlyMedium(State):
    """The folder as a read-only mount: what lies there cannot be recovered there."""

    needs = ("root",)
    mounted = None

    def mount(self):
        self.mounted = os.path.join(self.scratch, "medium")
        os.mkdir(self.mounted)
        try:
            subprocess.run(["mount", "--bind", self.folder, self.mounted], check=True)
        except subprocess.CalledProcessError:
            self.mounted = None
            raise
        subprocess.run(["mount", "-o", "remount,ro,bind", self.mounted], check=True)
        self.given = os.path.join(self.mounted, self.file_name)
        if os.access(self.given, os.W_OK):
            raise NotReached("the medium can be written to")

    def go_on(self):
        """A medium that cannot be written to: nobody goes on."""
        self.expect_end(self.committed[0])

    def close(self):
        if self.mounted:
            if subprocess.run(["umount", self.mounted], stderr=subprocess.DEVNULL).returncode:
                subprocess.run(["umount", "-l", self.mounted], check=True)
        super().close()


@state
class M1(OnReadOnlyMedium):
    title = "read-only medium, rollback mode"

    def enter(self):
        self.committed = [self.base]
        self.reached("delete", (), locks=())
        self.mount()


@state
class M2(OnReadOnlyMedium):
    title = "read-only medium, WAL header without sidecars"
    wal = True

    def enter(self):
        self.committed = [self.base]
        self.reached("wal", (), locks=())
        self.mount()


@state
class M3(OnReadOnlyMedium):
    title = "read-only medium, committed frames in the -wal, no -shm"
    wal = True

    def enter(self):
        H3.enter(self)
        self.mount()

    settle = Dead.settle


@state
class M4(OnReadOnlyMedium):
    title = "read-only medium, hot journal"

    def enter(self):
        H1.enter(self)
        self.mount()

    settle = Dead.settle


class LiveWal(State):
    """A writer that has the file open in WAL mode, with committed content in the -wal only."""

    wal = True

    def enter(self):
        self.arrange()
        self.w = self.writer()
        self.w("sql", statement="UPDATE parcels SET val=val+1 WHERE fid<=30")
        self.committed = [shifted(self.base, "parcels", 30)]
        self.reached("wal", ("-wal", "-shm"), locks=("db:SHARED(R)", "shm:DMS(R)"), content_missing_from_cp=True)

    def arrange(self):
        pass

    def go_on(self):
        self.w("sql", statement="UPDATE parcels SET val=val+1 WHERE fid<=30")
        self.w.quit()
        self.expect_end(shifted(self.committed[0], "parcels", 30))


@state
class S1(LiveWal):
    title = "through a symbolic link, WAL, live with saved edits in the -wal"

    def arrange(self):
        os.mkdir(os.path.join(self.folder, "links"))
        self.given = os.path.join(self.folder, "links", "link.gpkg")
        os.symlink(self.path, self.given)

    def left(self):
        stray = sorted(set(os.listdir(os.path.join(self.folder, "links"))) - {"link.gpkg"})
        return super().left() + (tuple(stray),)


@state
class S2(LiveWal):
    title = "through a hard link of another name, WAL, live: the -wal belongs to the other name"

    def arrange(self):
        self.given = os.path.join(self.folder, "other.gpkg")
        os.link(self.path, self.given)


@state
class S3(Lying):
    title = "through a hard link of another name, rollback mode, nobody there"

    def enter(self):
        self.given = os.path.join(self.folder, "other.gpkg")
        os.link(self.path, self.given)
        super().enter()


@state
class N1(LiveWal):
    title = "a name with blank, percent sign, hash and question mark, WAL, live"
    file_name = "zoning 50% #1?.gpkg"
