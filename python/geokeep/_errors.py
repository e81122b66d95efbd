"""What can go wrong: one exception class for each kind that the program knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Optional, Sequence, Type

if TYPE_CHECKING:
    from ._backup import Run
    from ._jobs import JobRun
    from ._stored import Verified


class GeokeepError(Exception):
    """Something did not work. Decide by the class, or by :attr:`kind`; the texts are for people.

    A program that is newer than this module may know kinds that have no class here: those are
    plain ``GeokeepError``, with their ``kind``.

    >>> try:
    ...     geokeep.backup("nowhere.gpkg", to="backups")
    ... except geokeep.SourceUnreadable as error:
    ...     print(error.kind, "-", error.cause)
    source_unreadable - there is no such file
    """

    #: The word for it in the program's own output.
    kind: str = "unexpected"
    #: What did not work, in one sentence.
    message: str
    #: Why; empty if that is not known.
    cause: str
    #: What is true now: whether there is a backup, whether a file was changed.
    state: str
    #: What to do about it.
    hint: str
    #: The file that it is about, if it is about one.
    source: Optional[Path]
    #: The code with which the program ends for this kind.
    exit_code: int = 1

    def __init__(
        self,
        message: str,
        *,
        kind: str = "",
        cause: str = "",
        state: str = "",
        hint: str = "",
        source: Optional[Path] = None,
        exit_code: Optional[int] = None,
    ) -> None:
        self.message, self.cause, self.state, self.hint = message, cause, state, hint
        self.source = source
        if kind:
            self.kind = kind
        if exit_code is not None:
            self.exit_code = exit_code
        super().__init__(message)

    def __str__(self) -> str:
        parts = (("cause: ", self.cause), ("state: ", self.state), ("hint:  ", self.hint))
        return "\n".join([self.message, *(name + text for name, text in parts if text)])


class SourceLocked(GeokeepError):
    """Another program kept the source locked for longer than ``lock_wait``."""

    kind, exit_code = "source_locked", 20


class NotAGeopackage(GeokeepError):
    """A ZIP archive, an empty file, another SQLite database without ``any_sqlite``, and the like."""

    kind, exit_code = "not_a_geopackage", 21


class SourceUnreadable(GeokeepError):
    """The source is missing, may not be read, lies on a failing disk, or never keeps still."""

    kind, exit_code = "source_unreadable", 22


class SourceGone(GeokeepError):
    """A file that was backed up from a folder or by a pattern no longer exists."""

    kind, exit_code = "source_gone", 3


class DestinationFull(GeokeepError):
    """There is no room where the backup goes. What was begun is removed."""

    kind, exit_code = "destination_full", 23


class DestinationUnwritable(GeokeepError):
    """The folder of backups cannot be written, for another reason than room."""

    kind, exit_code = "destination_unwritable", 1


class NoSuchDestination(GeokeepError):
    """There is no folder of backups at that place, or its disk or share is not mounted."""

    kind, exit_code = "no_such_destination", 10


class DestinationInUse(GeokeepError):
    """Another geokeep forgets or pins there. Try again later."""

    kind, exit_code = "destination_in_use", 11


class NoSuchBackup(GeokeepError):
    """No backup, or several, of that name."""

    kind, exit_code = "no_such_backup", 2


class NotOurs(GeokeepError):
    """The backup is another user's, who does not let this one read it."""

    kind, exit_code = "not_ours", 1


class DataLoss(GeokeepError):
    """The newest backup lacks something that earlier ones have, so that it is not clear which state
    is meant: ask for ``NAME@before-loss`` or ``NAME@newest``."""

    kind, exit_code = "data_loss", 3


class VerificationFailed(GeokeepError):
    """A stored backup is damaged, or does not check out. If :func:`geokeep.verify` raised it,
    :attr:`results` has all that were checked."""

    kind, exit_code = "verification_failed", 24
    #: One for each backup that was checked, the good ones too.
    results: Sequence[Verified] = ()


class TargetExists(GeokeepError):
    """A file, a folder or a foreign journal is where the restored file should go."""

    kind, exit_code = "target_exists", 25


class TargetInUse(GeokeepError):
    """Another program has the file open that would be replaced, or keeps saving to it."""

    kind, exit_code = "target_in_use", 20


class TargetUnwritable(GeokeepError):
    """The restored file cannot be written."""

    kind, exit_code = "target_unwritable", 1


class StagingUnusable(GeokeepError):
    """The folder for temporary files cannot be written."""

    kind, exit_code = "staging_unusable", 1


class ToolMissing(GeokeepError):
    """A program that a method needs (``ogr2ogr``) is not there, or too old."""

    kind, exit_code = "tool_missing", 2


class ScheduleFailed(GeokeepError):
    """The scheduler of this system refused."""

    kind, exit_code = "schedule_failed", 1


class WrongUsage(GeokeepError):
    """The arguments do not fit each other, or the files."""

    kind, exit_code = "usage", 2


class Interrupted(GeokeepError):
    """Stopped on request, by ``cancel`` or by a signal to the program. Nothing half done is left."""

    kind, exit_code = "interrupted", 130


class Unexpected(GeokeepError):
    """A fault of geokeep's own."""

    kind, exit_code = "unexpected", 1


class ProgramMissing(GeokeepError):
    """The program ``geokeep`` is not where this package, or ``GEOKEEP``, says."""

    kind, exit_code = "program_missing", 2


class BackupFailed(GeokeepError):
    """Something is not well with some sources; the others are backed up. :attr:`run` tells all."""

    kind, exit_code = "backup_failed", 3
    #: All results.
    run: Run

    def __init__(self, run: Run) -> None:
        self.run = run
        failed = run.failed
        message = f"{len(failed)} of {len(run)} sources are not well: {_names(failed)}"
        if not failed:
            message = "something needs attention beside the sources"
        super().__init__(message, exit_code=run.exit_code)
        # What it is made from again where it goes to another process.
        self.args = (run,)


class JobsFailed(GeokeepError):
    """Something is not well with some jobs. :attr:`jobs` tells of all of them."""

    kind, exit_code = "jobs_failed", 3
    #: All jobs that were run.
    jobs: Sequence[JobRun]

    def __init__(self, jobs: Sequence[JobRun], exit_code: int) -> None:
        self.jobs = jobs
        bad = [job.job for job in jobs if not job.ok]
        message = f"{len(bad)} of {len(jobs)} jobs are not well: {', '.join(bad)}"
        super().__init__(message, exit_code=exit_code)
        self.args = (jobs, exit_code)


def _names(failed: Sequence[Any]) -> str:
    names = ", ".join(str(one.source) for one in failed[:3])
    return names + (", …" if len(failed) > 3 else "")


#: Those that an object of the program can tell of.
_BY_KIND: Mapping[str, Type[GeokeepError]] = {
    one.kind: one
    for one in GeokeepError.__subclasses__()
    if one not in (BackupFailed, JobsFailed)
}


def from_json(error: Mapping[str, Any], source: Optional[Path] = None) -> GeokeepError:
    """The exception for an error object of the program."""
    kind = error.get("kind") or "unexpected"
    return _BY_KIND.get(kind, GeokeepError)(
        error.get("message") or kind,
        kind=kind,
        cause=error.get("cause") or "",
        state=error.get("state") or "",
        hint=error.get("hint") or "",
        source=source,
    )
