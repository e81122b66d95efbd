"""Calling the command, and what it answered."""

import glob
import json
import os
import shutil
import signal
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PATIENCE = 120


def find():
    """$GEOKEEP, else the newer of the release and the debug build."""
    if os.environ.get("GEOKEEP"):
        return os.path.abspath(os.environ["GEOKEEP"])
    built = [os.path.join(ROOT, "target", kind, "geokeep") for kind in ("release", "debug")]
    built = [path for path in built if os.path.exists(path)]
    return max(built, key=os.path.getmtime) if built else None


class Outcome:
    """One call: exit code, the object it printed for the source, and the archives that now lie in the destination."""

    def __init__(self, code, answer, archives, seconds, errors="", stray=()):
        self.code, self.answer, self.archives, self.seconds, self.errors, self.stray = code, answer or {}, archives, seconds, errors, stray
        self.problems = []
        self.afterwards = lambda: None

    @property
    def saved(self):
        return self.answer.get("status") in ("saved", "unchanged")

    @property
    def kind(self):
        return (self.answer.get("error") or {}).get("kind")


class Geokeep:
    """The command under test."""

    def __init__(self, binary, scratch):
        # A copy that every user may run, and that a compiler running at the same time does not replace.
        self.binary = os.path.join(scratch, "geokeep")
        shutil.copy2(binary, self.binary)
        os.chmod(self.binary, 0o755)
        self.version = subprocess.run([self.binary, "--version"], capture_output=True, text=True, timeout=10).stdout.strip() or "geokeep"

    def call(self, arguments, scratch, user=None, during=None):
        """Runs the command; answers (exit code, JSON objects, people's text, what is left in its temporary folder, seconds)."""
        temporary, state = (os.path.join(scratch, "%s-%d" % (name, time.monotonic_ns())) for name in ("tmp", "state"))
        for folder in (temporary, state):
            os.makedirs(folder)
            if user:
                os.chown(folder, user, user)
        # What it remembers from run to run is no litter.
        environment = dict(os.environ, TMPDIR=temporary, HOME=temporary, XDG_CACHE_HOME=temporary, XDG_CONFIG_HOME=temporary,
                           XDG_STATE_HOME=state, LC_ALL="C.UTF-8")
        start = time.time()
        process = subprocess.Popen(
            [self.binary] + arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=temporary, env=environment, user=user, group=user, extra_groups=[] if user else None, start_new_session=True)
        try:
            if during:
                during(process)
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += "\ndid not end within %d s" % PATIENCE
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        seconds = time.time() - start
        objects = []
        for line in out.splitlines():
            try:
                objects.append(json.loads(line))
            except ValueError:
                err += "\nnot JSON on standard output: %s" % line[:80]
        return process.returncode, objects, err, sorted(os.listdir(temporary)), seconds

    def backup(self, given, destination, method, scratch, lock_wait="1s", user=None, during=None):
        os.makedirs(destination)
        if user:
            os.chown(destination, user, user)
        arguments = ["backup", given, "--to", destination, "--json", "--method", method, "--lock-wait", lock_wait]
        code, objects, err, stray, seconds = self.call(arguments, scratch, user, during)
        mine = [o for o in objects if isinstance(o, dict) and o.get("kind") == "backup"]
        archives = sorted(glob.glob(os.path.join(glob.escape(destination), "**", "*.gpkg.zip"), recursive=True))
        outcome = Outcome(code, mine[0] if mine else None, archives, seconds, err, stray)
        if len(mine) != 1:
            outcome.problems.append("printed %d objects of kind backup; exit code %s; %s" % (len(mine), code, err.strip()[-200:]))
        return outcome

    def inspect(self, given, scratch, user=None):
        return self.call(["inspect", given, "--json"], scratch, user)
