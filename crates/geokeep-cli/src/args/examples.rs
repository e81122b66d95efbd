//! What stands below the options in `--help`, and in the manual pages: examples and exit codes.

pub(crate) const ALL: &str = "\
Examples:
  geokeep backup parcels.gpkg --to /mnt/backup       back up a file, whether it is open or not
  geokeep list --from /mnt/backup                    what is there
  geokeep diff parcels --from /mnt/backup            what has changed since
  geokeep restore parcels --from /mnt/backup --to found.gpkg
  geokeep init                                       begin a geokeep.toml for every night

Exit codes:
  0    done
  1    unexpected: see the message; diff --exit-code: something differs
  2    wrong usage, or no backup of that name
  3    done in part: something needs attention
  10   there is no folder of backups, or it cannot be read
  11   another geokeep is at work there
  20   a source is locked, or a restore's target is in use
  21   not a GeoPackage
  22   a source cannot be read
  23   the destination is full
  24   a backup is damaged
  25   the target of a restore exists
  130  interrupted";

pub(crate) const BACKUP: &str = "\
Examples:
  geokeep backup parcels.gpkg --to /mnt/backup
  geokeep backup maps/ town.qgz 'more/*.gpkg' --to /mnt/backup
  geokeep backup @list.txt --to /mnt/backup --json

Exit codes: 0 if all is well; 3 if some sources failed, or something else needs attention. With a
single source that failed, its own code: 20 locked, 21 not a GeoPackage, 22 not readable, 23 full.";

pub(crate) const RUN: &str = "\
Examples:
  geokeep run                    all jobs
  geokeep run maps               one job
  geokeep run --config /etc/geokeep.toml

Exit codes: 0 if all is well, 3 if something needs attention, 11 if another run is at work there.";

pub(crate) const INSPECT: &str = "\
Example:
  geokeep inspect parcels.gpkg

Exit codes: 0, or 20 to 22 if the file cannot be read; 3 if one of several cannot.";

pub(crate) const WATCH: &str = "\
Example:
  geokeep watch maps             until Ctrl-C";

pub(crate) const LIST: &str = "\
Examples:
  geokeep list --from /mnt/backup              the newest backup of each file
  geokeep list parcels --from /mnt/backup      all backups of one

Exit codes: 0, 10 if there is no folder of backups, 24 if an archive cannot be read.";

pub(crate) const VERIFY: &str = "\
Examples:
  geokeep verify --from /mnt/backup                        all backups
  geokeep verify parcels --from /mnt/backup --level drill  restore one for a test

Exit codes: 0 if all are whole, 24 if one is not.";

pub(crate) const DIFF: &str = "\
Examples:
  geokeep diff parcels --from /mnt/backup                the newest backup against the file
  geokeep diff parcels@2026-11-20 parcels --from /mnt/backup
  geokeep diff old.gpkg new.gpkg --to changes.gpkg       layers to look at in QGIS

Exit codes: 0; 3 if something could not be compared; with --exit-code, 1 if something differs.";

pub(crate) const RESTORE: &str = "\
Examples:
  geokeep restore parcels --from /mnt/backup --to found.gpkg
  geokeep restore parcels@2026-11-20 --from /mnt/backup --to found.gpkg
  geokeep restore parcels --from /mnt/backup --force     over the file, which is backed up first
  geokeep restore parcels --from /mnt/backup --layer trees --dry-run
  geokeep restore parcels --from /mnt/backup --layer trees --deleted-since 'last monday'
  geokeep restore --all --from /mnt/backup --to rescued  every file, after a machine was lost

Exit codes: 0; 3 if a loss is open and two states may be meant, or if some files of --all were not
restored; 20 if a program has the target open, 24 if the backup is damaged, 25 if the target
exists.";

pub(crate) const FORGET: &str = "\
Examples:
  geokeep forget --from /mnt/backup --keep-daily 7 --keep-weekly 4 --keep-monthly 12 --dry-run
  geokeep forget parcels --from /mnt/backup --keep-last 3

The newest sound backup of each file and pinned ones always stay.
Exit codes: 0; 11 if another geokeep is at work there, 24 if an archive cannot be read (it stays).";

pub(crate) const PIN: &str = "\
Example:
  geokeep pin parcels@2026-11-20 --from /mnt/backup --reason 'before the merger'";

pub(crate) const UNPIN: &str = "\
Example:
  geokeep unpin parcels@2026-11-20 --from /mnt/backup";

pub(crate) const ADOPT: &str = "\
Examples:
  geokeep adopt parcels parcels-2027 --from /mnt/backup       both have backups: one history now
  geokeep adopt parcels maps/parcels.gpkg --from /mnt/backup  before its first backup there
  geokeep adopt --machine office laptop --from /mnt/backup    all files of a machine with a new name";

pub(crate) const STATUS: &str = "\
Examples:
  geokeep status
  geokeep status --json

Exit codes: 0 if all is well, 3 if a source has no sound backup that is recent enough, or something
else needs attention.";

pub(crate) const REPORT: &str = "\
Examples:
  geokeep report --from /mnt/backup
  geokeep report --from /mnt/backup --html backups.html

Exit codes: 0, or 3 if a file has no sound backup.";

pub(crate) const SCHEDULE: &str = "\
Examples:
  geokeep schedule install --at 02:30
  geokeep schedule install parcels --every 15m
  geokeep schedule status";

pub(crate) const ACCEPT: &str = "\
Example:
  geokeep accept parcels --from /mnt/backup --reason 'the east was sold'

Exit codes: 0; 2 if no loss is open; 11 if another run is at work there.";

pub(crate) const RETIRE: &str = "\
Example:
  geokeep retire parcels --from /mnt/backup --reason 'merged into town.gpkg'

Exit codes: 0; 2 if the file still exists; 11 if another run is at work there.";

pub(crate) const NOTIFY: &str = "\
Example:
  geokeep notify --test          try every way of every job

Exit codes: 0; 3 if a notice did not get through.";
