"""The other programs, as children that are driven: QGIS, and a writer that uses SQLite."""

import json
import os
import select
import signal
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # the one that Debian's PyQGIS belongs to


class Died(RuntimeError):
    pass


class Driven:
    """A child process that takes a command a line and gives an answer a line."""

    def __init__(self, arguments, log, environment=None, user=None):
        self._log = open(log, "ab")
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment,
            user=user, group=user, extra_groups=[] if user else None)
        self.answer(60)

    @property
    def pid(self):
        return self.process.pid

    def send(self, command, **arguments):
        self.process.stdin.write((json.dumps([command, arguments]) + "\n").encode())
        self.process.stdin.flush()

    def answered(self):
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def answer(self, timeout=90):
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            raise Died("no answer within %d s" % timeout)
        line = self.process.stdout.readline()
        if not line:
            raise Died("the program ended (exit code %s)" % self.process.poll())
        reply = json.loads(line)
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["result"]

    def __call__(self, command, **arguments):
        self.send(command, **arguments)
        return self.answer()

    def kill(self):
        """The power cut of a single program: SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._close()

    def hold(self):
        self.process.send_signal(signal.SIGSTOP)

    def release(self):
        self.process.send_signal(signal.SIGCONT)

    def quit(self):
        if self.process.poll() is None:
            self.send("quit")
            self.process.wait(30)
        self._close()

    def end(self):
        """For the end of a test, whatever happened."""
        if self.process.poll() is None:
            self.release()
            self.process.kill()
            self.process.wait()
        self._close()

    def _close(self):
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except OSError:
                pass
        self._log.close()


class Qgis(Driven):
    def __init__(self, scratch, name="qgis"):
        home = os.path.join(scratch, name)
        os.makedirs(home, mode=0o700, exist_ok=True)
        environment = dict(
            os.environ, QT_QPA_PLATFORM="offscreen", HOME=home, XDG_RUNTIME_DIR=home,
            QGIS_CUSTOM_CONFIG_PATH=os.path.join(home, "profile"))
        super().__init__([PYTHON, "-B", os.path.join(HERE, "hosts", "qgis_host.py")], os.path.join(scratch, name + ".log"), environment)


class Writer(Driven):
    def __init__(self, scratch, programs, path, name="writer", user=None):
        """`programs` is a copy of hosts/ and gpkg.py that every user may read."""
        host = os.path.join(programs, "hosts", "sqlite_host.py")
        super().__init__([PYTHON, "-B", host, path], os.path.join(scratch, name + ".log"), user=user)
