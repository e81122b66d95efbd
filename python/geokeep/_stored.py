"""What lies in a folder of backups: listing, verifying, forgetting."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, List, Mapping, Optional, Tuple

from ._command import Object, StrPath, call, options
from ._errors import GeokeepError, VerificationFailed, from_json
from ._events import Events, OnProgress
from ._facts import Backup, backup_of, instant_or_none


def backups(
    destination: StrPath, name: Optional[str] = None, *, source: Optional[StrPath] = None
) -> List[Backup]:
    """The backups that can be read in a folder, oldest first.

    :param destination: the folder of backups.
    :param name: only those of this name, or of this file.
    :param source: only those of files whose path holds this text.

    Raises :class:`NoSuchDestination`, :class:`NoSuchBackup`. An archive that cannot be read is not in
    the list; :func:`verify` tells of it.

    >>> [backup.name for backup in geokeep.backups("backups")]
    ['town']
    """
    found: List[Backup] = []

    def take(one: Object) -> None:
        if one.get("id") and not one.get("error"):
            found.append(backup_of(one))

    given = {"--json": True, "--from": destination, "--source": source}
    call(["list", *options(given), "--", *([] if name is None else [name])], take)
    return sorted(found, key=lambda backup: backup.instant)


@dataclass(frozen=True)
class Verified:
    """What came of the check of one backup."""

    archive: Path
    #: None if the archive cannot be read at all.
    backup: Optional[Backup]
    #: Why it did not pass.
    error: Optional[GeokeepError]

    @property
    def ok(self) -> bool:
        """Whether it is whole."""
        return self.error is None


def verify(
    destination: StrPath,
    *backups: str,
    level: str = "full",
    check: bool = True,
    on_result: Optional[Callable[[Verified], None]] = None,
    on_progress: OnProgress = None,
    cancel: Optional[threading.Event] = None,
) -> List[Verified]:
    """Checks that backups are still whole, to the last byte.

    :param destination: the folder of backups.
    :param backups: names (the newest sound backup of each), ``NAME@DATE``, ids; all if none is given.
    :param level: ``digest``: every byte against the recorded digests; ``full``: also SQLite's and
        GeoPackage's rules; ``drill``: restore each for a test.
    :param check: raise if one does not pass, after all were checked.
    :param on_result: called with each :class:`Verified` as it comes.
    :param on_progress: called with a :class:`Progress` about ten times a second.
    :param cancel: stops it when it is set.

    Raises :class:`VerificationFailed` with all :attr:`~VerificationFailed.results`,
    :class:`NoSuchDestination`, :class:`NoSuchBackup`, :class:`Interrupted`.

    >>> [one.ok for one in geokeep.verify("backups", "town")]
    [True]
    """
    events = Events(on_progress)
    results: List[Verified] = []

    def take(found: Object) -> None:
        # Backups of other users are left alone, and are no error.
        if events.take(found) or found.get("verdict") == "not_ours":
            return
        results.append(_verified(found))
        if on_result:
            on_result(results[-1])

    given = {events.option(): True, "--from": destination, "--level": level}
    code = call(["verify", *options(given), "--", *backups], take, cancel=cancel)
    failed = [one for one in results if one.error is not None]
    if check and failed:
        raise _of_failed(results, failed, code)
    return results


def _verified(found: Object) -> Verified:
    error = from_json(found["error"]) if found.get("error") else None
    known = backup_of(found) if found.get("id") else None
    return Verified(Path(os.path.abspath(found["path"])), known, error)


def _of_failed(results: List[Verified], failed: List[Verified], code: int) -> GeokeepError:
    first = failed[0].error
    assert first is not None
    if len(results) == 1 and not isinstance(first, VerificationFailed):
        return first
    message = first.message if len(failed) == 1 else f"{len(failed)} of {len(results)} backups are not whole"
    error = VerificationFailed(
        message, cause=first.cause, state=first.state, hint=first.hint, exit_code=code
    )
    error.results = tuple(results)
    return error


@dataclass(frozen=True)
class Forgotten:
    """What became of one backup, or would become of it."""

    id: Optional[str]
    name: str
    archive: Path
    #: None if the archive cannot be read; then it stays.
    instant: Optional[datetime]
    #: Length of the archive, in bytes.
    stored_bytes: Optional[int]
    #: ``kept``, ``removed``, ``planned`` (it would be removed), ``failed`` (it should have been).
    status: str
    #: Why it stays: ``last``, ``daily``, ``newest_sound``, ``pinned``, and others; empty if it goes.
    reasons: Tuple[str, ...]
    error: Optional[GeokeepError]
    #: The program's own object.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def forget(
    destination: StrPath,
    *names: str,
    keep_last: int = 0,
    keep_hourly: int = 0,
    keep_daily: int = 0,
    keep_weekly: int = 0,
    keep_monthly: int = 0,
    keep_yearly: int = 0,
    keep_within: Optional[str] = None,
    host: Optional[str] = None,
    all_hosts: bool = False,
    dry_run: bool = False,
    check: bool = True,
    cancel: Optional[threading.Event] = None,
) -> List[Forgotten]:
    """Removes backups that no rule keeps. A backup stays if any of the rules keeps it; the newest
    sound one of each file, pinned ones, and those before a loss always stay.

    :param destination: the folder of backups.
    :param names: only backups of these names; all if none is given.
    :param keep_last: keep so many, the newest ones.
    :param keep_hourly: keep the newest of each of so many hours that have any; in the same way
        ``keep_daily``, ``keep_weekly``, ``keep_monthly`` and ``keep_yearly``.
    :param keep_within: keep all that are younger than this, counted back from the newest:
        ``"30d"``, ``"2y5m7d3h"``.
    :param host: of this machine's backups; of those of the machine at hand if not given.
    :param all_hosts: of every machine's backups.
    :param dry_run: only tell what would be removed.
    :param check: raise if one could not be removed or read, after all others were dealt with.
    :param cancel: stops it when it is set.

    Raises :class:`WrongUsage` without any rule, :class:`NoSuchDestination`,
    :class:`DestinationInUse`, :class:`VerificationFailed` if an archive cannot be read.

    >>> [one.status for one in geokeep.forget("backups", keep_daily=7, dry_run=True)]
    ['kept']
    """
    given = {
        "--json": True,
        "--from": destination,
        "--keep-last": keep_last or None,
        "--keep-hourly": keep_hourly or None,
        "--keep-daily": keep_daily or None,
        "--keep-weekly": keep_weekly or None,
        "--keep-monthly": keep_monthly or None,
        "--keep-yearly": keep_yearly or None,
        "--keep-within": keep_within,
        "--host": host,
        "--all-hosts": all_hosts,
        "--dry-run": dry_run,
    }
    done: List[Forgotten] = []
    call(["forget", *options(given), "--", *names], lambda found: done.append(_forgotten(found)), cancel=cancel)
    errors = [one.error for one in done if one.error is not None]
    if check and errors:
        raise errors[0]
    return done


def _forgotten(found: Object) -> Forgotten:
    return Forgotten(
        id=found.get("id"),
        name=found["name"],
        archive=Path(os.path.abspath(found["path"])),
        instant=instant_or_none(found.get("instant")),
        stored_bytes=found.get("stored_bytes"),
        status=found["status"],
        reasons=tuple(found["reasons"]),
        error=from_json(found["error"]) if found.get("error") else None,
        raw=found,
    )
