"""Getting files, layers and features back."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union, overload

from ._command import Object, StrPath, Value, call, options
from ._errors import GeokeepError, from_json
from ._events import Events, OnProgress
from ._facts import Backup, instant_of


@dataclass(frozen=True)
class Restored:
    """A file that was restored, or with ``dry_run`` would be."""

    #: ``restored`` or ``planned``.
    status: str
    path: Path
    #: Its length.
    bytes: int
    #: The id of the backup, its name, its instant in UTC, its verdict.
    id: str
    name: str
    instant: datetime
    verdict: str
    #: The id of the backup of what was replaced, if a file was.
    replaced: Optional[str]
    #: With ``dry_run``: a file is there, which only ``force`` replaces.
    needs_force: bool
    #: What came with a QGIS project that was restored to a folder: other files, and its databases.
    files: Tuple[Path, ...]
    #: The program's own object.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class RestoredLayer:
    """A layer, or features of it, that were put into a live file, or with ``dry_run`` would be."""

    #: ``restored``, ``unchanged`` (nothing was missing), ``planned``.
    status: str
    layer: str
    into: Path
    #: The file lacked the layer, which came back with all that belongs to it.
    whole_layer: bool
    #: Rows that were put back, that got the values of the backup, that the backup does not have.
    inserted: int
    updated: int
    deleted: int
    #: Rows that were left out, and lost rows whose number another row bears.
    skipped: int
    conflicts: int
    #: The id of the backup that was made first.
    backup_before: Optional[str]
    #: What to give to :func:`geokeep.undo`, if it can be taken back row by row.
    undo: Optional[str]
    #: For how long other writers were locked out, in milliseconds.
    lock_ms: int
    #: The program's own object.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@overload
def restore(
    backup: Union[str, Backup],
    destination: Optional[StrPath] = ...,
    *,
    to: Optional[StrPath] = ...,
    force: bool = ...,
    dry_run: bool = ...,
    on_progress: OnProgress = ...,
    cancel: Optional[threading.Event] = ...,
) -> Restored: ...
@overload
def restore(
    backup: Union[str, Backup],
    destination: Optional[StrPath] = ...,
    *,
    layer: str,
    into: Optional[StrPath] = ...,
    mode: str = ...,
    fids: Sequence[int] = ...,
    columns: Sequence[str] = ...,
    as_name: Optional[str] = ...,
    on_conflict: str = ...,
    while_editing: bool = ...,
    dry_run: bool = ...,
    cancel: Optional[threading.Event] = ...,
) -> RestoredLayer: ...
def restore(
    backup: Union[str, Backup],
    destination: Optional[StrPath] = None,
    *,
    to: Optional[StrPath] = None,
    force: bool = False,
    layer: Optional[str] = None,
    into: Optional[StrPath] = None,
    mode: str = "lost",
    fids: Sequence[int] = (),
    columns: Sequence[str] = (),
    as_name: Optional[str] = None,
    on_conflict: str = "refuse",
    while_editing: bool = False,
    dry_run: bool = False,
    on_progress: OnProgress = None,
    cancel: Optional[threading.Event] = None,
) -> Union[Restored, RestoredLayer]:
    """Restores a file; or with ``layer`` one layer, or features of it, into a file that goes on.

    :param backup: a :class:`Backup`; or a name (its newest sound backup), ``NAME@DATE``
        (``"town@yesterday"``), or an id.
    :param destination: the folder of backups; not needed with a :class:`Backup`.
    :param dry_run: only tell what would be done.
    :param cancel: stops it when it is set; then the target is as it was.

    Of a whole file:

    :param to: the file to write; where it came from, if not given.
    :param force: replace a file that is there. It is backed up first, and is not replaced while a
        program has it open.
    :param on_progress: called with a :class:`Progress` about ten times a second.

    Of a layer (the live file is backed up first; what else is in it stays as it is):

    :param layer: its name.
    :param into: the live file; where the backup came from, if not given.
    :param mode: ``lost``: features that the file lacks; ``changed``: also give changed ones the values
        of the backup; ``exact``: also delete those that were added since.
    :param fids: only the features with these numbers.
    :param columns: only these columns.
    :param as_name: the whole layer, beside what is there, under this name.
    :param on_conflict: where another feature bears the number of a lost one: ``refuse``, ``skip``,
        ``new-fid``.
    :param while_editing: add and delete features though somebody is editing the file.

    Raises :class:`NoSuchBackup`, :class:`TargetExists`, :class:`TargetInUse`, :class:`DataLoss`,
    :class:`VerificationFailed`, :class:`WrongUsage`, :class:`Interrupted`, and others.

    >>> geokeep.restore("town", "backups", to="found.gpkg").path.name
    'found.gpkg'
    >>> geokeep.restore("town", "backups", layer="trees", into="found.gpkg").status
    'unchanged'
    """
    events = Events(on_progress)
    given: Dict[str, Value] = {
        events.option(): True,
        "--from": _destination(backup, destination),
        "--to": to,
        "--into": into,
        "--force": force,
        "--dry-run": dry_run,
    }
    if layer is not None:
        if mode not in ("lost", "changed", "exact"):
            raise ValueError(f"mode is 'lost', 'changed' or 'exact', not {mode!r}")
        given.update(
            {
                "--yes": True,
                "--layer": layer,
                f"--{mode}": as_name is None,
                "--as": as_name,
                "--fid": [str(int(fid)) for fid in fids],
                "--columns": list(columns),
                "--on-conflict": on_conflict,
                "--while-editing": while_editing,
            }
        )
    elif into is not None:
        raise ValueError("into is for a layer; a file goes to 'to'")
    name = backup.id if isinstance(backup, Backup) else backup
    found = _one(["restore", *options(given), "--", name], events, cancel)
    return _layer_of(found) if layer is not None else _restored_of(found)


def undo(
    backup: str,
    destination: StrPath,
    *,
    into: Optional[StrPath] = None,
    dry_run: bool = False,
    cancel: Optional[threading.Event] = None,
) -> RestoredLayer:
    """Takes back what was put into a layer. Features that were edited since stay, and then all do.

    :param backup: :attr:`RestoredLayer.undo` of what is taken back.
    :param destination: the folder of backups.
    :param into: the live file; where the backup came from, if not given.
    :param dry_run: only tell what would be done.
    :param cancel: stops it when it is set.

    Raises as :func:`geokeep.restore`.
    """
    events = Events()
    given: Dict[str, Value] = {
        events.option(): True,
        "--from": destination,
        "--into": into,
        "--undo": backup,
        "--yes": True,
        "--dry-run": dry_run,
    }
    return _layer_of(_one(["restore", *options(given)], events, cancel))


def _destination(backup: Union[str, Backup], destination: Optional[StrPath]) -> StrPath:
    if destination is not None:
        return destination
    if isinstance(backup, Backup):
        return backup.destination
    raise ValueError("destination is needed: the folder in which the backups are")


def _one(arguments: List[str], events: Events, cancel: Optional[threading.Event]) -> Object:
    """The only object that comes; an error in it is raised."""
    found: List[Object] = []

    def take(one: Object) -> None:
        if not events.take(one):
            found.append(one)

    code = call(arguments, take, cancel=cancel)
    if not found:
        raise GeokeepError("the program did not say what it did", exit_code=code)
    if found[-1].get("error"):
        error = from_json(found[-1]["error"])
        error.exit_code = code
        raise error
    return found[-1]


def _path(text: str) -> Path:
    return Path(os.path.abspath(text))


def _restored_of(found: Object) -> Restored:
    databases = [one["path"] for one in found.get("databases") or ()]
    return Restored(
        status=found["status"],
        path=_path(found["path"]),
        bytes=found["bytes"],
        id=found["id"],
        name=found["name"],
        instant=instant_of(found["instant"]),
        verdict=found["verdict"],
        replaced=found.get("replaced"),
        needs_force=bool(found.get("needs_force")),
        files=tuple(_path(one) for one in [*(found.get("files") or ()), *databases]),
        raw=found,
    )


def _layer_of(found: Object) -> RestoredLayer:
    return RestoredLayer(
        status=found["status"],
        layer=found["layer"],
        into=_path(found["into"]),
        whole_layer=bool(found.get("whole_layer")),
        inserted=found["inserted"],
        updated=found["updated"],
        deleted=found["deleted"],
        skipped=found["skipped"],
        conflicts=found["conflicts"],
        backup_before=found.get("backup_before"),
        undo=found.get("undo"),
        lock_ms=found["lock_ms"],
        raw=found,
    )
