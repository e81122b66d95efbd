"""The jobs of a ``geokeep.toml``: running them, watching, asking how well they do."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Iterator, List, Mapping, Optional, Tuple

from ._backup import Result, result_of
from ._command import Child, Object, StrPath, call, options
from ._errors import GeokeepError, Interrupted, JobsFailed, WrongUsage, from_json
from ._events import Events, OnProgress, OnSnapshot
from ._facts import finding_of, instant_of, instant_or_none


@dataclass(frozen=True)
class JobRun:
    """One run of one job."""

    job: str
    #: ``ok``; ``incomplete``: something is saved, and something is wrong; ``failed``.
    status: str
    exit_code: int
    #: In UTC.
    started: datetime
    ended: datetime
    #: One for each source.
    results: Tuple[Result, ...]
    #: Backups that no rule keeps any more, and that were removed.
    forgotten: int
    #: Backups that were restored for a test, and those that did not pass it.
    drilled: int
    drills_failed: int
    #: Length of the new archives, in bytes.
    stored_bytes: int
    #: Why the job as a whole failed.
    error: Optional[GeokeepError]
    #: The program's own object.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return self.exit_code == 0


def run_jobs(
    *jobs: str,
    config: Optional[StrPath] = None,
    check: bool = True,
    on_result: Optional[Callable[[Result], None]] = None,
    on_progress: OnProgress = None,
    on_snapshot: OnSnapshot = None,
    cancel: Optional[threading.Event] = None,
) -> List[JobRun]:
    """Runs jobs of a ``geokeep.toml``: backs up, restores for a test, forgets, writes the report, tells
    whoever is to be told.

    :param jobs: their names; all if none is given.
    :param config: the file; if not given ``geokeep.toml`` here, else the user's own.
    :param check: raise if anything is not well, after all jobs were run.
    :param on_result: called with each :class:`Result` as it comes.
    :param on_progress: called with a :class:`Progress` about ten times a second.
    :param on_snapshot: called with a :class:`Snapshot` once the state of a file is held.
    :param cancel: stops the run when it is set.

    Raises :class:`JobsFailed` with all :attr:`~JobsFailed.jobs`, :class:`WrongUsage` if the
    configuration is wrong, :class:`Interrupted`.

    >>> for job in geokeep.run_jobs("maps"):
    ...     print(job.job, job.status, len(job.results))
    maps ok 1
    """
    events = Events(on_progress, on_snapshot)
    done: List[JobRun] = []

    def take(found: Object) -> None:
        if events.take(found):
            return
        if found.get("kind") == "run":
            done.append(job_run_of(found))
        elif found.get("kind") in ("backup", "project") and on_result:
            on_result(result_of(found))

    given = {events.option(): True, "--config": config}
    code = call(["run", *options(given), "--", *jobs], take, cancel=cancel)
    if check and any(not job.ok for job in done):
        raise JobsFailed(done, code)
    return done


def watch(
    job: str,
    *,
    config: Optional[StrPath] = None,
    cancel: Optional[threading.Event] = None,
) -> Iterator[JobRun]:
    """Runs a job after each saved edit, and yields each of its runs, those that fail, too.

    It goes on until ``cancel`` is set, the generator is closed, or Ctrl-C comes.

    :param job: its name.
    :param config: the file; if not given ``geokeep.toml`` here, else the user's own.
    :param cancel: ends it when it is set.

    Raises :class:`WrongUsage` if the configuration is wrong.

    >>> for run in geokeep.watch("maps"):
    ...     print([(result.source.name, result.status) for result in run.results])
    ...     break
    [('town.gpkg', 'unchanged')]
    """
    anything = False
    given = {"--json": True, "--config": config}
    with Child(["watch", *options(given), "--", job], cancel=cancel) as child:
        for found in child:
            anything = True
            if found.get("kind") == "error":
                raise from_json(found["error"])
            if found.get("kind") == "run":
                yield job_run_of(found)
        try:
            code = child.end()
        except Interrupted:
            return
        if code == WrongUsage.exit_code and not anything:
            raise WrongUsage(child.said())


@dataclass(frozen=True)
class SourceStatus:
    """How well one source of a job is protected."""

    job: str
    source: Path
    #: Name, id and instant of its newest sound backup; None if there is none.
    name: Optional[str]
    id: Optional[str]
    instant: Optional[datetime]
    #: How old that is, and what the job promises, in seconds.
    age_seconds: Optional[float]
    max_age_seconds: float
    #: Whether the source certainly still holds what that backup holds.
    unchanged: bool
    #: Whether the promise is broken.
    overdue: bool
    #: When a run found that it no longer exists.
    gone: Optional[datetime]
    #: What its newest backup lacks of earlier ones, in sentences.
    losses: Tuple[str, ...]
    #: Why nothing is known of it.
    error: Optional[str]
    #: The program's own object.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class LastRun:
    """The last run of a job that is known on this machine."""

    job: str
    #: ``ended``; ``goes_on``; ``never_ended``: it was killed, or the machine stopped.
    state: str
    started: datetime
    ended: Optional[datetime]
    exit_code: Optional[int]


@dataclass(frozen=True)
class Status:
    """How well the sources of jobs are protected."""

    sources: Tuple[SourceStatus, ...]
    last_runs: Tuple[LastRun, ...]
    #: 0 if every promise is kept and nothing needs attention, else 3.
    exit_code: int

    @property
    def ok(self) -> bool:
        """Whether every promise is kept."""
        return self.exit_code == 0


def status(*jobs: str, config: Optional[StrPath] = None) -> Status:
    """Whether the sources of jobs have the backups that their jobs promise.

    :param jobs: their names; all if none is given.
    :param config: the file; if not given ``geokeep.toml`` here, else the user's own.

    Raises :class:`WrongUsage` if the configuration is wrong.

    >>> [(one.source.name, one.overdue) for one in geokeep.status("maps").sources]
    [('town.gpkg', False)]
    """
    sources: List[SourceStatus] = []
    last_runs: List[LastRun] = []

    def take(found: Object) -> None:
        if found.get("kind") == "status":
            sources.append(_source_status(found))
        elif found.get("kind") == "last_run":
            last_runs.append(_last_run(found))

    given = {"--json": True, "--config": config}
    code = call(["status", *options(given), "--", *jobs], take)
    return Status(tuple(sources), tuple(last_runs), code)


def job_run_of(found: Object) -> JobRun:
    """A run of a job, as an object of the program tells."""
    return JobRun(
        job=found["job"],
        status=found["status"],
        exit_code=found["exit"],
        started=instant_of(found["started"]),
        ended=instant_of(found["ended"]),
        results=tuple(result_of(one) for one in found["sources"]),
        forgotten=found["forgotten"],
        drilled=found["drilled"],
        drills_failed=found["drills_failed"],
        stored_bytes=found["stored_bytes"],
        error=from_json(found["error"]) if found.get("error") else None,
        raw=found,
    )


def _source_status(found: Object) -> SourceStatus:
    loss = found.get("data_loss") or {}
    return SourceStatus(
        job=found["job"],
        source=Path(found["source"]),
        name=found.get("name"),
        id=found.get("id"),
        instant=instant_or_none(found.get("instant")),
        age_seconds=found.get("age_seconds"),
        max_age_seconds=found["max_age_seconds"],
        unchanged=found["unchanged"],
        overdue=found["overdue"],
        gone=instant_or_none(found.get("gone")),
        losses=tuple(str(finding_of(one)) for one in loss.get("lost") or ()),
        error=found.get("error"),
        raw=found,
    )


def _last_run(found: Object) -> LastRun:
    return LastRun(
        job=found["job"],
        state=found["state"],
        started=instant_of(found["started"]),
        ended=instant_or_none(found.get("ended")),
        exit_code=found.get("exit"),
    )

