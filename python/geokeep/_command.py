"""Finds the program and runs it: one child process a call, JSON Lines out.

Nothing here opens a GeoPackage. Whoever closes a file drops all POSIX locks that his process holds on
it, also those of the SQLite in GDAL, QGIS and Python; in a process of its own nothing of that can
happen.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Callable, Iterator, List, Mapping, Optional, Sequence, Type, Union

from ._errors import GeokeepError, Interrupted, ProgramMissing, WrongUsage, from_json

StrPath = Union[str, "os.PathLike[str]"]
Value = Union[None, bool, int, float, StrPath, List[str]]
Object = Mapping[str, Any]

PROGRAM = "geokeep.exe" if os.name == "nt" else "geokeep"
#: Names another program than the one that came with the package.
VARIABLE = "GEOKEEP"
#: How long the program may take to clean up after itself once it was asked to stop, in seconds.
STOP_WAIT = 30.0
#: Seconds between two looks whether somebody has cancelled.
CANCEL_PAUSE = 0.05
#: Longer command lines than this are refused by some systems.
LINE_MAX = 20_000


def find() -> Path:
    """Where the program is."""
    named = os.environ.get(VARIABLE)
    places = [Path(named)] if named else _places()
    for place in places:
        if place.is_file():
            return place
    raise ProgramMissing(
        "the program 'geokeep' was not found",
        cause="looked at " + ", ".join(str(place) for place in places),
        state="nothing was done",
        hint="install the package anew, or let the variable GEOKEEP name the program",
    )


def _places() -> List[Path]:
    if sys.version_info >= (3, 10):
        user = sysconfig.get_preferred_scheme("user")
    else:
        user = "nt_user" if os.name == "nt" else "posix_user"
    places = [
        Path(sysconfig.get_path("scripts")) / PROGRAM,
        Path(sysconfig.get_path("scripts", scheme=user)) / PROGRAM,
        # Where `pip install --target FOLDER` puts it.
        Path(__file__).resolve().parent.parent / "bin" / PROGRAM,
    ]
    on_path = shutil.which(PROGRAM)
    return places + ([Path(on_path)] if on_path else [])


def environment() -> dict[str, str]:
    """Without what a bundle (QGIS, PyInstaller, an AppImage) sets for libraries of its own."""
    own = ("LD_LIBRARY_PATH", "PYTHONHOME")
    return {
        name: value
        for name, value in os.environ.items()
        if name not in own and not name.startswith("DYLD_")
    }


class Child:
    """A run of the program. Its objects come by iteration; whole when left without an error."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        lines: Sequence[str] = (),
        cancel: Optional[threading.Event] = None,
    ) -> None:
        self._said: List[str] = []
        self._cancel = cancel
        self._asked = False
        self._ended = threading.Event()
        self._process = _start([str(find()), *arguments], bool(lines))
        work: List[Callable[[], None]] = [self._drain]
        if lines:
            work.append(lambda: self._feed(lines))
        if cancel is not None:
            work.append(self._watch)
        self._threads = [threading.Thread(target=one, daemon=True) for one in work]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        # Ctrl-C, an exception in a callback, a generator that was closed: no child is left behind.
        if kind is not None:
            self.stop()
        self._finish()

    def __iter__(self) -> Iterator[Object]:
        stdout = self._stream(self._process.stdout)
        for line in stdout:
            try:
                found = json.loads(line)
            except ValueError:
                found = None
            if not isinstance(found, dict):
                raise GeokeepError(
                    "the program said something that is no JSON object",
                    cause=line.strip()[:200],
                    hint=f"is {self._process.args!r} geokeep?",
                )
            yield found

    def end(self) -> int:
        """The exit code, once all objects were read; raises what no object has told."""
        code = self._process.wait()
        self._finish()
        # One that had no time to get ready for it is ended by the signal itself.
        if code == Interrupted.exit_code or (self._asked and code != 0):
            raise Interrupted("stopped on request", state="nothing half done is left")
        return code

    def said(self) -> str:
        """What it said to people, up to now."""
        return "".join(self._said).strip()

    def stop(self) -> None:
        """Asks it to stop, and waits for it to clean up; what is killed is swept up by the next run."""
        try:
            self._ask()
            self._process.wait(STOP_WAIT)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()

    def _ask(self) -> None:
        if self._process.poll() is not None:
            return
        self._asked = True
        if sys.platform == "win32":
            if _has_console():
                self._process.send_signal(signal.CTRL_BREAK_EVENT)
            else:
                self._process.terminate()
        else:
            self._process.send_signal(signal.SIGTERM)

    def _finish(self) -> None:
        self._ended.set()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    @staticmethod
    def _stream(stream: Optional[IO[str]]) -> IO[str]:
        assert stream is not None
        return stream

    def _drain(self) -> None:
        # A pipe that nobody reads would stop the program once it is full.
        self._said.extend(self._stream(self._process.stderr))

    def _feed(self, lines: Sequence[str]) -> None:
        stdin = self._stream(self._process.stdin)
        try:
            for line in lines:
                stdin.write(line + "\n")
            stdin.close()
        except OSError:
            pass  # It has ended, and says why itself.

    def _watch(self) -> None:
        assert self._cancel is not None
        while not self._ended.is_set() and self._process.poll() is None:
            if self._cancel.wait(CANCEL_PAUSE):
                self.stop()
                return


def options(given: Mapping[str, Value]) -> List[str]:
    """What is given of them, as the program reads it. A value never stands alone: a name may begin
    with a dash."""
    words: List[str] = []
    for name, value in given.items():
        if value is True:
            words.append(name)
        elif isinstance(value, list):
            words += [f"{name}={one}" for one in value]
        elif value is not None and value is not False:
            text = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
            words.append(f"{name}={text}")
    return words


def _start(command: List[str], with_input: bool) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=environment(),
            creationflags=_creation_flags(),
        )
    except OSError as error:
        raise ProgramMissing(
            f"the program {command[0]!r} does not run", cause=str(error), state="nothing was done"
        ) from error


def call(
    arguments: Sequence[str],
    take: Callable[[Object], None],
    *,
    lines: Sequence[str] = (),
    cancel: Optional[threading.Event] = None,
) -> int:
    """Runs the program to its end, hands each object over as it comes, and returns the exit code.

    A failure of the run as a whole is raised; those of single sources are in their objects.
    """
    whole: Optional[GeokeepError] = None
    anything = False
    with Child(arguments, lines=lines, cancel=cancel) as child:
        for found in child:
            anything = True
            if found.get("kind") == "error":
                whole = from_json(found["error"])
            else:
                take(found)
        code = child.end()
        if whole is not None:
            whole.exit_code = code
            raise whole
        if code == WrongUsage.exit_code and not anything:
            raise WrongUsage(child.said() or "the program did not take its arguments")
        if code < 0:
            raise GeokeepError(f"the program was ended by signal {-code}", cause=child.said())
    return code


def _creation_flags() -> int:
    if sys.platform == "win32":
        group = subprocess.CREATE_NEW_PROCESS_GROUP
        # In a program without a console each call would flash one.
        return group if _has_console() else group | subprocess.CREATE_NO_WINDOW
    return 0


def _has_console() -> bool:
    """Whether this process has a console: only then a signal reaches the child through it."""
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.kernel32.GetConsoleWindow())
    return False
