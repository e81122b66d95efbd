"""Consistent, proven backups of GeoPackages that are in use.

>>> import geokeep
>>> run = geokeep.backup("town.gpkg", to="backups")
>>> geokeep.backups("backups")[-1].restore(to="yesterday.gpkg", dry_run=True).status
'planned'

Each call is a process of its own, so that it disturbs nothing that this process has open: neither the
locks of GDAL, pyogrio, sqlite3 or QGIS, nor their memory. It may be called from several threads at a
time. Ctrl-C and ``cancel`` stop it cleanly.

Paths may be strings or ``pathlib`` paths. Instants are aware datetimes in UTC, lengths are bytes.
"""

from ._backup import NotProtected, Result, Run, backup
from ._diff import Diff, FeatureDiff, LayerDiff, Side, diff
from ._errors import (
    BackupFailed,
    DataLoss,
    DestinationFull,
    DestinationInUse,
    DestinationUnwritable,
    GeokeepError,
    Interrupted,
    JobsFailed,
    NoSuchBackup,
    NoSuchDestination,
    NotAGeopackage,
    NotOurs,
    ProgramMissing,
    ScheduleFailed,
    SourceGone,
    SourceLocked,
    SourceUnreadable,
    StagingUnusable,
    TargetExists,
    TargetInUse,
    TargetUnwritable,
    ToolMissing,
    Unexpected,
    VerificationFailed,
    WrongUsage,
)
from ._events import Progress, Snapshot
from ._facts import Backup, Finding, Layer
from ._inspect import Holder, Inspection, Method, Version, inspect, version
from ._jobs import JobRun, LastRun, SourceStatus, Status, run_jobs, status, watch
from ._restore import Restored, RestoredLayer, restore, undo
from ._stored import Forgotten, Verified, backups, forget, verify

__all__ = [
    "Backup",
    "BackupFailed",
    "DataLoss",
    "DestinationFull",
    "DestinationInUse",
    "DestinationUnwritable",
    "Diff",
    "FeatureDiff",
    "Finding",
    "Forgotten",
    "GeokeepError",
    "Holder",
    "Inspection",
    "Interrupted",
    "JobRun",
    "JobsFailed",
    "LastRun",
    "Layer",
    "LayerDiff",
    "Method",
    "NoSuchBackup",
    "NoSuchDestination",
    "NotAGeopackage",
    "NotOurs",
    "NotProtected",
    "ProgramMissing",
    "Progress",
    "Restored",
    "RestoredLayer",
    "Result",
    "Run",
    "ScheduleFailed",
    "Side",
    "Snapshot",
    "SourceGone",
    "SourceLocked",
    "SourceStatus",
    "SourceUnreadable",
    "StagingUnusable",
    "Status",
    "TargetExists",
    "TargetInUse",
    "TargetUnwritable",
    "ToolMissing",
    "Unexpected",
    "VerificationFailed",
    "Verified",
    "Version",
    "WrongUsage",
    "backup",
    "backups",
    "diff",
    "forget",
    "inspect",
    "restore",
    "run_jobs",
    "status",
    "undo",
    "verify",
    "version",
    "watch",
]
