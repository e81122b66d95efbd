#!/usr/bin/python3
"""Drives real QGIS, real ogr2ogr and SQLite writers through every state of a GeoPackage, and geokeep against each.

    /usr/bin/python3 tests/live/run.py [--state Q4] [--method auto] [--quick] [--jobs 2] [--markdown FILE]
"""

import argparse
import concurrent.futures
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import geokeep as command  # noqa: E402
import gpkg  # noqa: E402
import judge  # noqa: E402
import look  # noqa: E402
import naive  # noqa: E402
from driven import HERE, PYTHON, Died  # noqa: E402
from expectations import METHODS, QUICK, SAVED, TABLE  # noqa: E402
from states import STATES, Harmed, NotReached, TooSlow  # noqa: E402

INSPECT = "inspect"


class Kit:
    """What all states share: template files, the programs as every user may read them, and what is installed here."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.lock = threading.Lock()
        self.made = {}
        self.programs = os.path.join(scratch, "programs")
        os.makedirs(os.path.join(self.programs, "hosts"))
        for name in ("gpkg.py", "hosts/sqlite_host.py"):
            shutil.copyfile(os.path.join(HERE, name), os.path.join(self.programs, name))
        self.missing, self.versions = {}, {"SQLite": sqlite3.sqlite_version}
        self.find("qgis", "QGIS", [PYTHON, "-c", "from qgis.core import Qgis; print(Qgis.QGIS_VERSION)"],
                  "PyQGIS is not installed (python3-qgis)")
        self.find("gdal", "GDAL", ["ogr2ogr", "--version"], "ogr2ogr is not installed (gdal-bin)")
        if os.getuid() != 0:
            self.missing["root"] = "needs root: other users, and a read-only mount"

    def find(self, need, name, arguments, why):
        try:
            done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
            if done.returncode:
                raise OSError(done.stderr[-100:])
            self.versions[name] = re.search(r"\d+\.\d+\.\d+", done.stdout).group()
        except (OSError, subprocess.TimeoutExpired):
            self.missing[need] = why

    def template(self, size, name="template", **options):
        with self.lock:
            key = (size, name)
            if key not in self.made:
                path = os.path.join(self.scratch, "%s-%d.gpkg" % (name, size[1]))
                gpkg.build(path, size, **options)
                self.made[key] = (path, gpkg.content_of(path))
            return self.made[key][0]

    def template_content(self, size):
        self.template(size)
        return self.made[(size, "template")][1]

    def many_poles(self, rows):
        """The source of an append: so many points with val=0."""
        with self.lock:
            path = os.path.join(self.scratch, "many-%d.gpkg" % rows)
            if not os.path.exists(path):
                gpkg.build(path + ".new", (0, rows), text=False)
                connection = gpkg.register(sqlite3.connect(path + ".new"))
                connection.execute("UPDATE poles SET val=0")
                connection.commit()
                connection.close()
                os.rename(path + ".new", path)
            return path

    def why_skipped(self, state):
        return next((self.missing[need] for need in STATES[state].needs if need in self.missing), None)


class Result:
    def __init__(self, state, method):
        self.state, self.method = state, method
        self.problems, self.skipped, self.seen, self.seconds = [], None, "", 0.0
        self.outcomes, self.left = [], None

    @property
    def ok(self):
        return not self.problems and not self.skipped

    def told(self):
        """What happened, for the table."""
        if self.skipped:
            return "skipped"
        if not self.outcomes:
            return "✓" if self.ok else "✗"
        said = []
        for outcome in self.outcomes:
            if outcome.saved:
                word = "✓ %s" % outcome.answer.get("method") if self.method == "auto" else "✓"
            else:
                word = outcome.kind or "failed"
            if word not in said:
                said.append(word)
        return ("" if self.ok else "✗ ") + ", ".join(said)


# What a busy machine alone may bring about begins so, and is tried so often.
MISSED, TRIES = "state not reached: ", 4


def says_nothing(result):
    """Whether nothing is wrong but that the state was missed, or that something took too long."""
    problems = [p for p in result.problems if not p.startswith("kept in ")]
    return problems and all(p.startswith((MISSED, judge.TOO_SLOW)) for p in problems)


class Suite:
    def __init__(self, kit, tool, keep):
        self.kit, self.tool, self.keep = kit, tool, keep
        self.controls, self.controls_lock = {}, {}
        self.guard = threading.Lock()

    def control(self, name):
        """How the file lies there in the end when nobody makes a backup: found once for each state."""
        with self.guard:
            lock = self.controls_lock.setdefault(name, threading.Lock())
        with lock:
            if name not in self.controls:
                result = self.one(name, None, None, "control")
                if result.problems:
                    raise NotReached("without any backup: " + "; ".join(result.problems))
                self.controls[name] = result.left
            return self.controls[name]

    def cell(self, name, method, tool=None):
        result = Result(name, method)
        why = self.kit.why_skipped(name) or (self.kit.missing.get("gdal") if method == "ogr" else None)
        if why:
            result.skipped = why
            return result
        start = time.time()
        try:
            wanted = self.control(name)
            result = self.one(name, method, tool or self.tool, "%s-%s" % (name, method))
            if result.left is not None and result.left != wanted and result.left not in STATES[name].may_end_as:
                result.problems.append("in the end the file lies there as %s, without a backup as %s" % (result.left, wanted))
        except NotReached as error:
            result.problems.append(MISSED + str(error))
        result.seconds = time.time() - start
        return result

    def one(self, name, method, tool, label):
        """One state; again where a try says nothing about geokeep. It fails if none of them does."""
        for again in range(TRIES):
            if again:
                with printing:
                    print("again %-4s %-8s %s" % (name, method or "control", result.problems[0]), flush=True)
            result = self.once(name, method, tool, label)
            if not says_nothing(result):
                break
        return result

    def once(self, name, method, tool, label):
        """One state, once: enter, look, back up, look, judge, let the other program go on. Without a tool: the control."""
        cls = STATES[name]
        result = Result(name, method)
        scratch = os.path.join(self.kit.scratch, re.sub(r"\W", "_", "%s-%s-%d" % (name, label, time.monotonic_ns())))
        os.makedirs(scratch)
        os.chmod(scratch, 0o755)
        state = None
        try:
            state = cls(self.kit, scratch)
            state.enter()
            if tool is None:
                state.during(None)
            elif method == INSPECT:
                self.inspect(state, tool, result)
            else:
                for number in range(min(cls.backups, getattr(tool, "backups", cls.backups))):
                    self.backup(state, number, method, tool, result)
            try:
                state.go_on()
            finally:
                for outcome in result.outcomes:
                    outcome.afterwards()
            result.left = state.left()
        except NotReached as error:
            result.problems.append(MISSED + str(error))
        except TooSlow as error:
            result.problems.append(judge.TOO_SLOW + str(error))
        except (Harmed, Died, RuntimeError, sqlite3.Error, OSError, subprocess.SubprocessError) as error:
            result.problems.append("%s: %s" % ("the other program" if isinstance(error, Harmed) else type(error).__name__, error))
        finally:
            if state is not None:
                result.seen = state.seen
                state.close()
            if self.keep and result.problems:
                result.problems.append("kept in %s" % scratch)
            else:
                shutil.rmtree(scratch)
        return result

    def backup(self, state, number, method, tool, result):
        expected = TABLE[state.__class__.__name__]
        destination = os.path.join(state.scratch, "destination-%d" % number)
        before = look.fingerprint(state.folder) if state.still else None
        state.about_to_back_up()
        outcome = tool.backup(state.given, destination, method, state.scratch, state.lock_wait, state.user, state.during)
        state.backed_up()
        if method in ("auto", "pages") and outcome.saved and getattr(state, "caught", None) is False:
            result.problems.append(MISSED + "the read was over before it could be stopped")
        result.outcomes.append(outcome)
        if state.still:
            after = look.fingerprint(state.folder)
            result.problems += ["the source: " + d for d in look.differences(before, after, method not in ("auto", "pages"))]
        result.problems += judge.outcome_problems(outcome, expected["cells"][method], state, method, expected["takes"])

    def inspect(self, state, tool, result):
        before = look.fingerprint(state.folder) if state.still else None
        code, objects, errors, stray, _ = tool.inspect(state.given, state.scratch, state.user)
        if not state.still:
            state.during(None)
        if state.still:
            result.problems += judge.inspect_problems(code, objects, errors, stray, state)
            result.problems += ["the source: " + d for d in look.differences(before, look.fingerprint(state.folder))]
        elif code != 0:
            result.problems.append("inspect ended with %s: %s" % (code, errors.strip()[-160:]))


def self_test(suite, states):
    """The ways that people use today must fail where they are known to fail: else the suite proves nothing."""
    results = []
    for state, what, way, pattern in naive.CASES:
        if states and state not in states:
            continue
        result = suite.cell(state, "copy", naive.Naive(way))
        result.method = "naive: " + what
        if not result.skipped:
            found = [p for p in result.problems if re.search(pattern, p)]
            result.problems = [] if found else ["the suite did not notice (%s); it said: %s" % (pattern, result.problems)]
            result.seen = found[0] if found else result.seen
        results.append(result)
        show(result)
    return results


printing = threading.Lock()


def show(result):
    with printing:
        if result.skipped:
            print("skip %-4s %-8s %s" % (result.state, result.method, result.skipped))
        else:
            locked = [o.answer.get("lock_ms") for o in result.outcomes if isinstance(o.answer.get("lock_ms"), (int, float))]
            print("%s %-4s %-8s %5.1f s  %s%s" % (
                "ok  " if result.ok else "FAIL", result.state, result.method, result.seconds, result.told(),
                "  lock %.0f ms" % max(locked) if locked else ""))
            for problem in dict.fromkeys(result.problems):
                print("       - %s" % problem)
            if result.seen and not result.ok or result.method.startswith("naive") and result.seen:
                print("       (%s)" % result.seen)
        sys.stdout.flush()


def markdown(results, kit, tool, elapsed):
    """The table of this run."""
    cells = {(r.state, r.method): r for r in results if r.method in METHODS}
    rows = [s for s in TABLE if any((s, m) in cells for m in METHODS)]
    methods = [m for m in METHODS if any((s, m) in cells for s in rows)]
    versions = ", ".join("%s %s" % v for v in kit.versions.items())
    out = [
        "# States and methods", "",
        "Generated by `tests/live/run.py --markdown`; not to be edited. Each cell is one run of the real programs: the state was",
        "brought about and proven, the backup was made, unpacked with Python's `zipfile` and judged with SQLite, the source was",
        "compared bit by bit, and the other program then went on and got what it wanted.", "",
        "Run with %s; %s; Linux %s; %s; %.0f s." % (tool.version, versions, platform.release(), time.strftime("%Y-%m-%d"), elapsed), "",
        "✓ a sound backup equal to one committed state (under `auto`: the method that it chose) · a word: nothing was saved, and this",
        "error said why · ✗ not what was expected · `ogr` translates: its ✓ is about the rows, and its findings name what it left behind.", "",
        "| | state | " + " | ".join("`%s`" % m for m in methods) + " |",
        "|---|---|" + "---|" * len(methods),
    ]
    for state in rows:
        told = [cells[(state, m)].told() if (state, m) in cells else "" for m in methods]
        out.append("| %s | %s | %s |" % (state, STATES[state].title, " | ".join(told)))
    slowest = [o.answer.get("lock_ms") for r in cells.values() if r.method == "auto" for o in r.outcomes if isinstance(o.answer.get("lock_ms"), (int, float))]
    if slowest:
        out += ["", "Longest time that `auto` held a lock in any of these: %.0f ms." % max(slowest)]
    skipped = sorted({"%s: %s" % (r.state, r.skipped) for r in results if r.skipped})
    if skipped:
        out += ["", "Skipped: " + "; ".join(skipped) + "."]
    return "\n".join(out) + "\n"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", action="append", default=[], help="only this state (may be given again)")
    parser.add_argument("--method", action="append", default=[], choices=METHODS + (INSPECT,), help="only this method (may be given again)")
    parser.add_argument("--quick", action="store_true", help="auto in every state, and a few others")
    parser.add_argument("--self-test", action="store_true", help="only the self-tests: the states as such, and naive copies that must be caught")
    parser.add_argument("--list", action="store_true", help="the states and what they need")
    parser.add_argument("--keep", action="store_true", help="keep the folders of failed cells")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--work", help="where the temporary folder goes: a local file system")
    parser.add_argument("--markdown", metavar="FILE", help="write the table there; only after a whole run")
    chosen = parser.parse_args()
    for state in chosen.state:
        if state not in STATES:
            parser.error("no state %s" % state)
    if chosen.markdown and (chosen.state or chosen.method or chosen.quick or chosen.self_test):
        parser.error("--markdown needs a whole run")
    return chosen


def main():
    chosen = arguments()
    assert set(TABLE) == set(STATES), set(TABLE) ^ set(STATES)
    if chosen.list:
        for name in TABLE:
            cls = STATES[name]
            print("%-4s %s%s" % (name, cls.title, "  [%s]" % ", ".join(cls.needs) if cls.needs else ""))
        return 0
    scratch = tempfile.mkdtemp(prefix="geokeep-live-", dir=chosen.work)
    os.chmod(scratch, 0o755)
    started = time.time()
    results = []
    try:
        kit = Kit(scratch)
        print("with " + ", ".join("%s %s" % v for v in kit.versions.items()))
        for why in kit.missing.values():
            print("without: " + why)
        binary = command.find()
        if not binary and not chosen.self_test:
            print("no geokeep: build it (cargo build --release), or set GEOKEEP")
            return 2
        tool = command.Geokeep(binary, scratch) if binary and not chosen.self_test else None
        suite = Suite(kit, tool, chosen.keep)
        if chosen.self_test:
            names = chosen.state or list(TABLE)
            with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
                results += pool.map(lambda name: bare(suite, name), names)
        if chosen.self_test or not (chosen.method or chosen.state or chosen.quick):
            results += self_test(suite, chosen.state)
        if not chosen.self_test:
            cells = wanted(chosen)
            with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
                def run(cell):
                    result = suite.cell(*cell)
                    show(result)
                    return result
                results += pool.map(run, cells)
            table = markdown(results, kit, tool, time.time() - started)
            print("\n" + table)
            if chosen.markdown:
                with open(chosen.markdown, "w") as f:
                    f.write(table)
    finally:
        if not (chosen.keep and any(r.problems for r in results)):
            shutil.rmtree(scratch, ignore_errors=True)
    failed = [r for r in results if r.problems]
    for r in failed:
        print("failed: %s %s: %s" % (r.state, r.method, r.problems[0]))
    skipped = [r for r in results if r.skipped]
    print("in %.0f s" % (time.time() - started))
    print("%d passed, %d failed, %d skipped" % (len(results) - len(failed) - len(skipped), len(failed), len(skipped)))
    return 1 if failed else 0


def bare(suite, name):
    """The state as such: it is reached, and its programs get what they want when nobody makes a backup."""
    result = Result(name, "state")
    result.skipped = suite.kit.why_skipped(name)
    if not result.skipped:
        start = time.time()
        result = suite.one(name, None, None, "bare")
        result.method = "state"
        result.seconds = time.time() - start
        if result.left is not None:
            suite.controls[name] = result.left
    show(result)
    if result.seen and result.ok:
        with printing:
            print("       (%s) ends as %s" % (result.seen, result.left), flush=True)
    return result


def wanted(chosen):
    states = chosen.state or list(TABLE)
    methods = chosen.method or list(METHODS) + [INSPECT]
    cells = [(s, m) for s in states for m in methods]
    if chosen.quick:
        cells = [(s, m) for s, m in cells if m == "auto" or (s, m) in QUICK]
    return cells


if __name__ == "__main__":
    sys.exit(main())
