"""Backing up."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, List, Optional, Sequence, Tuple, Union, overload

from ._command import LINE_MAX, Object, StrPath, call, options
from ._errors import BackupFailed, GeokeepError, from_json
from ._events import Events, OnProgress, OnSnapshot
from ._facts import Backup, backup_of


@dataclass(frozen=True)
class Result:
    """What became of one source."""

    source: Path
    #: ``saved``; ``unchanged``: the newest backup holds what the file holds; ``failed``; ``gone``: a
    #: file of a folder or pattern that no longer exists.
    status: str
    #: The backup that holds its present state; if it is gone, its newest sound one.
    backup: Optional[Backup]
    #: Why there is none.
    error: Optional[GeokeepError]
    #: What somebody should look at although there is a backup: data that is lost, damage.
    alarms: Tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is a backup and nothing to look at."""
        return self.error is None and not self.alarms


@dataclass(frozen=True)
class NotProtected:
    """A link in a folder that is not followed, so that nothing behind it is backed up."""

    name: str
    path: Optional[Path]
    #: ``link_upwards``, ``link_to_backups``, ``link_broken``, and others.
    reason: str


@dataclass(frozen=True)
class Run(Sequence[Result]):
    """The results of one call, one for each source; also a sequence of them."""

    results: Tuple[Result, ...]
    #: That of the program: 0 if all is well.
    exit_code: int
    not_protected: Tuple[NotProtected, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Result]: ...
    def __getitem__(self, index: Union[int, slice]) -> Union[Result, Sequence[Result]]:
        return self.results[index]

    def __len__(self) -> int:
        return len(self.results)

    def __repr__(self) -> str:
        unchanged = sum(one.status == "unchanged" for one in self)
        return f"<Run: {len(self.saved)} saved, {unchanged} unchanged, {len(self.failed)} failed>"

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return self.exit_code == 0

    @property
    def saved(self) -> List[Result]:
        """Those of which a backup was made."""
        return [one for one in self if one.status == "saved"]

    @property
    def failed(self) -> List[Result]:
        """Those that somebody should look at: without a backup, or with alarms."""
        return [one for one in self if not one.ok]


def backup(
    sources: Union[StrPath, Iterable[StrPath]],
    to: StrPath,
    *,
    method: str = "auto",
    label: Optional[str] = None,
    name: Optional[str] = None,
    lock_wait: float = 30.0,
    host: Optional[str] = None,
    jobs: Optional[int] = None,
    max_loss: int = 20,
    exclude: Sequence[str] = (),
    force: bool = False,
    must_exist: bool = False,
    any_sqlite: bool = False,
    max_file: Optional[int] = None,
    attachments: bool = False,
    check: bool = True,
    on_result: Optional[Callable[[Result], None]] = None,
    on_progress: OnProgress = None,
    on_snapshot: OnSnapshot = None,
    cancel: Optional[threading.Event] = None,
) -> Run:
    """Backs up GeoPackages into the folder ``to``, even while other programs have them open.

    :param sources: files, folders (every ``.gpkg`` below them), patterns, QGIS projects (with all that
        they name), ``@list.txt``; one of them or many.
    :param to: the folder of backups.
    :param method: ``auto``, ``pages``, ``online``, ``vacuum``, ``copy`` or ``ogr``.
    :param label: a note that is kept with the backups.
    :param name: the name of the backups, for a single file.
    :param lock_wait: seconds to wait for another program's lock on a file.
    :param host: the name by which backups know this machine, in place of its own: for containers.
    :param jobs: how many files to work on at a time; the number of processors if not given.
    :param max_loss: alarm if a layer has lost more than this percentage of its rows.
    :param exclude: patterns of what is left out of folders.
    :param force: make a backup even of files that have not changed.
    :param must_exist: fail if ``to`` does not exist or its disk is not mounted; else it is made.
    :param any_sqlite: also back up SQLite databases that are not GeoPackages.
    :param max_file: of what else projects name, files up to this length, in bytes (100 MB).
    :param attachments: also the attachment folders of a project's layers.
    :param check: raise if anything is not well, after all sources were tried.
    :param on_result: called with each :class:`Result` as it comes.
    :param on_progress: called with a :class:`Progress` about ten times a second.
    :param on_snapshot: called with a :class:`Snapshot` once the state of a file is held.
    :param cancel: stops the run when it is set; so does Ctrl-C. Backups that are done stay.

    Raises the error of the only source (:class:`SourceLocked`, :class:`NotAGeopackage`, …), or
    :class:`BackupFailed` with the whole :attr:`~BackupFailed.run`; with ``check=False`` only what
    concerns the run as a whole, such as :class:`NoSuchDestination`. :class:`Interrupted` if it was
    cancelled. An exception in one of the functions that are called stops the run.

    >>> geokeep.backup("town.gpkg", to="backups")
    <Run: 0 saved, 1 unchanged, 0 failed>
    >>> run = geokeep.backup(["town.gpkg", "nowhere.gpkg"], to="backups", check=False)
    >>> sorted((result.source.name, result.status) for result in run)
    [('nowhere.gpkg', 'failed'), ('town.gpkg', 'unchanged')]
    >>> run.failed[0].error.kind, run.exit_code
    ('source_unreadable', 3)
    """
    events = Events(on_progress, on_snapshot)
    given = {
        events.option(): True,
        "--to": to,
        "--method": method,
        "--label": label,
        "--name": name,
        "--lock-wait": f"{round(lock_wait * 1000)}ms",
        "--host": host,
        "--jobs": jobs,
        "--max-loss": max_loss,
        "--exclude": list(exclude),
        "--force": force,
        "--must-exist": must_exist,
        "--any-sqlite": any_sqlite,
        "--max-file": max_file,
        "--attachments": attachments,
    }
    named, lines = _sources(sources)
    results: List[Result] = []
    not_protected: List[NotProtected] = []

    def take(found: Object) -> None:
        if events.take(found):
            return
        if found.get("kind") == "not_protected":
            not_protected.append(not_protected_of(found))
        elif found.get("kind") in ("backup", "project"):
            results.append(result_of(found))
            if on_result:
                on_result(results[-1])

    code = call(["backup", *options(given), "--", *named], take, lines=lines, cancel=cancel)
    run = Run(tuple(results), code, tuple(not_protected))
    if check and not run.ok:
        raise _of_failed(run)
    return run


def _of_failed(run: Run) -> GeokeepError:
    if len(run) == 1 and run[0].error is not None:
        run[0].error.exit_code = run.exit_code
        return run[0].error
    return BackupFailed(run)


def _sources(sources: Union[StrPath, Iterable[StrPath]]) -> Tuple[List[str], List[str]]:
    """What stands on the command line, and the lines of a list in its place if that gets too long."""
    given: List[StrPath]
    given = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    if not given:
        raise ValueError("no source is given")
    names = [os.fspath(one) for one in given]
    is_long = sum(len(name) + 1 for name in names) > LINE_MAX
    if is_long and all(_may_be_a_line(name) for name in names):
        return ["-"], names
    return names, []


def _may_be_a_line(name: str) -> bool:
    """In a list blanks around a name are none of it, and a line may be a comment."""
    return name == name.strip() and name.splitlines() == [name] and not name.startswith("#")


def result_of(found: Object) -> Result:
    """What became of a source, as an object of the program tells."""
    source = Path(found["source"])
    error = from_json(found["error"], source) if found.get("error") else None
    backup = backup_of(found) if found.get("id") else None
    return Result(source, found["status"], backup, error, _alarms(backup))


def _alarms(backup: Optional[Backup]) -> Tuple[str, ...]:
    if backup is None:
        return ()
    if backup.verdict == "sound":
        return backup.losses
    faults = [str(one) for one in backup.findings if one.severity == "error"]
    return (*backup.losses, "the file is damaged" + (f": {faults[0]}" if faults else ""))


def not_protected_of(found: Object) -> NotProtected:
    """What is not backed up, as an object of the program tells."""
    path = found.get("path")
    return NotProtected(found["name"], Path(path) if path else None, found["reason"])
