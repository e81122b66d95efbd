//! What can be typed.

mod accept;
mod adopt;
mod diff;
mod events;
mod examples;
mod forget;
mod layer;
mod loudness;
pub(crate) mod manuals;
mod pin;
mod place;
mod report;
pub(crate) mod schedule;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use accept::{Accept, Retire};
pub(crate) use adopt::Adopt;
pub(crate) use diff::Diff;
pub(crate) use events::Events;
pub(crate) use forget::Forget;
pub(crate) use layer::Layer;
pub(crate) use loudness::{Colour, Loudness};
pub(crate) use pin::{Pin, Unpin};
pub(crate) use place::{From, OfJob, To};
pub(crate) use report::Report;

/// Scripts may want to know what the objects of `--json` promise.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    let (program, json) = (env!("CARGO_PKG_VERSION"), geokeep::wire::VERSION);
    format!("{program}\nJSON version {json}")
});

/// Backs up GeoPackages while they are in use, proves that the copy is whole, and restores it.
#[derive(Debug, Parser)]
#[command(
    name = "geokeep",
    version,
    long_version = LONG_VERSION.as_str(),
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = examples::ALL
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Print JSON Lines on standard output, one object per source or backup
    #[arg(long, global = true, display_order = 900)]
    pub(crate) json: bool,

    /// Colours: auto (on a terminal, unless NO_COLOR is set), always, never
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Colour::Auto,
          hide_possible_values = true, display_order = 901)]
    pub(crate) color: Colour,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Back up GeoPackages, even while other programs have them open
    #[command(after_help = examples::BACKUP)]
    Backup(Backup),
    /// Run the jobs of geokeep.toml
    #[command(after_help = examples::RUN)]
    Run(Run),
    /// Say who has a file open, and which ways of copying it are safe now
    #[command(after_help = examples::INSPECT)]
    Inspect(Inspect),
    /// Run a job after each saved edit, until it is stopped
    #[command(after_help = examples::WATCH)]
    Watch(Watch),
    /// List backups
    #[command(after_help = examples::LIST)]
    List(List),
    /// Check that backups are still whole, to the last byte
    #[command(after_help = examples::VERIFY)]
    Verify(Verify),
    /// Show what has changed between two backups, or since a backup
    #[command(after_help = examples::DIFF)]
    Diff(Diff),
    /// Restore a file from a backup
    #[command(after_help = examples::RESTORE)]
    Restore(Restore),
    /// Remove backups that no rule keeps
    #[command(after_help = examples::FORGET)]
    Forget(Forget),
    /// Keep backups whatever the rules of 'forget' say
    #[command(after_help = examples::PIN)]
    Pin(Pin),
    /// Allow pinned backups to be removed again
    #[command(after_help = examples::UNPIN)]
    Unpin(Unpin),
    /// Let backups go on with a file that was moved, or whose machine was replaced
    #[command(after_help = examples::ADOPT)]
    Adopt(Adopt),
    /// Say that a file is right as it is now, although it has lost something
    #[command(after_help = examples::ACCEPT)]
    Accept(Accept),
    /// Say that a file no longer exists on purpose; its backups stay
    #[command(after_help = examples::RETIRE)]
    Retire(Retire),
    /// Say whether the sources of geokeep.toml have the backups that its jobs promise
    #[command(after_help = examples::STATUS)]
    Status(Jobs),
    /// Try the ways by which jobs notify people
    #[command(after_help = examples::NOTIFY)]
    Notify(Notify),
    /// Write a geokeep.toml with an example to fill in
    Init(Init),
    /// Run jobs automatically, at times of day or at intervals
    #[command(after_help = examples::SCHEDULE)]
    Schedule(schedule::Schedule),
    /// Print a script that lets a shell complete geokeep's commands
    #[command(display_order = 900)]
    Completions(manuals::Completions),
    /// Write the manual pages
    #[command(display_order = 901)]
    Man(manuals::Man),
    /// Say which version this is, and what it can do
    #[command(display_order = 902)]
    Version,
    /// Show how well each file is protected, in text or as a web page
    #[command(after_help = examples::REPORT)]
    Report(Report),
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// A file, a folder (every .gpkg below it, also behind links), a QGIS project (.qgz, .qgs:
    /// itself, every file and every GeoPackage or other SQLite database that it names), a pattern,
    /// @list.txt with one of these in each line, relative to the list's folder, or - for a list on
    /// standard input
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<PathBuf>,

    /// Leave out what folders and patterns would find: a name (*_tmp.gpkg, lost+found), or a way
    /// from that folder (old/*); may be given several times. What is named itself is taken
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,

    #[command(flatten)]
    pub(crate) to: To,

    /// Fail if the folder of backups does not exist, or its disk or share is not mounted; nothing is
    /// made then
    #[arg(long)]
    pub(crate) must_exist: bool,

    /// How to take the snapshot
    #[arg(long, value_enum, default_value_t = Method::Auto)]
    pub(crate) method: Method,

    /// How long to wait for another program's lock on a file
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) lock_wait: Duration,

    /// How long one step of 'online' may block other programs
    #[arg(long, value_name = "TIME", default_value = "250ms", value_parser = duration)]
    pub(crate) lock_ceiling: Duration,

    /// The ogr2ogr to use [default: the one on the PATH]
    #[arg(long, value_name = "FILE")]
    pub(crate) ogr2ogr: Option<PathBuf>,

    /// How many files to work on at a time, and up to four times as many small ones [default: the number of
    /// processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,

    /// Alarm when a layer has lost more than this percentage of its rows since the last backup
    #[arg(long, value_name = "PERCENT", default_value_t = 20,
          value_parser = clap::value_parser!(u8).range(..=100))]
    pub(crate) max_loss: u8,

    /// A note that is kept with the backups [default: of a project's GeoPackages, its file name]
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,

    /// The name by which backups know this machine, in place of its own and its id: for containers,
    /// and machines that share a name
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) host: Option<String>,

    /// The name of the backups, for a single file [default: that of the file]
    #[arg(long, value_name = "LINE", value_parser = name)]
    pub(crate) name: Option<String>,

    /// Make a backup even of files that have not changed
    #[arg(long)]
    pub(crate) force: bool,

    /// Also back up SQLite databases that are not GeoPackages
    #[arg(long)]
    pub(crate) any_sqlite: bool,

    /// Take each file that a QGIS project names and that is no database (shapefiles, images, CSV,
    /// SVG) with the project, up to this length; longer ones are named and not taken
    #[arg(long, value_name = "SIZE", default_value = "100 MB", value_parser = bytes)]
    pub(crate) max_file: u64,

    /// Take the attachment folders of a project's layers with it, too
    #[arg(long)]
    pub(crate) attachments: bool,

    #[command(flatten)]
    pub(crate) loudness: Loudness,

    #[command(flatten)]
    pub(crate) events: Events,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// The right one for the state of the file
    Auto,
    /// Every page in one read transaction; nothing beside the file changes
    Pages,
    /// SQLite's backup API, in steps; starts again whenever another program writes
    Online,
    /// VACUUM INTO: compact, but every page moves
    Vacuum,
    /// By way of a working copy, in which a dead program's journal or log is recovered
    Copy,
    /// A translation by GDAL's ogr2ogr; says what it leaves behind
    Ogr,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) jobs: Jobs,

    #[command(flatten)]
    pub(crate) loudness: Loudness,

    #[command(flatten)]
    pub(crate) events: Events,
}

/// What `run` and `status` are about.
#[derive(Debug, Args)]
pub(crate) struct Jobs {
    /// Names of jobs [default: all of them]
    #[arg(value_name = "JOB")]
    pub(crate) jobs: Vec<String>,

    /// The configuration [default: geokeep.toml here, else in the user's configuration folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The job's name
    #[arg(value_name = "JOB")]
    pub(crate) job: String,

    /// The configuration [default: geokeep.toml here, else in the user's configuration folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) loudness: Loudness,

    #[command(flatten)]
    pub(crate) events: Events,
}

#[derive(Debug, Args)]
pub(crate) struct Notify {
    #[command(flatten)]
    pub(crate) jobs: Jobs,

    /// Send a notice that says that it is a test, by each way that the jobs name in 'notify'
    #[arg(long, required = true)]
    pub(crate) test: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "geokeep.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Files to inspect; they are not changed
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Put right the number of features that GDAL notes of a layer, where it is wrong; nothing else is written
    #[arg(long)]
    pub(crate) recount: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) from: From,

    /// Every backup of this name, or of this file, which may no longer exist [default: the newest
    /// of each]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// The N newest of each name
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) last: Option<u32>,

    /// Those made since DATE: 2026-11-20, yesterday, 'last tuesday', '3 days ago'
    #[arg(long, value_name = "DATE")]
    pub(crate) since: Option<String>,

    /// Those of files whose path holds this text
    #[arg(long, value_name = "PATH")]
    pub(crate) source: Option<String>,

    /// Every backup of all names, as --json always lists them
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) from: From,

    /// NAME or the path of a file (the newest sound backup), NAME@DATE, or an id or its beginning
    /// [default: all backups]
    #[arg(value_name = "BACKUP")]
    pub(crate) backups: Vec<String>,

    /// How thorough the check is
    #[arg(long, value_enum, default_value_t = Level::Full)]
    pub(crate) level: Level,

    #[command(flatten)]
    pub(crate) events: Events,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Every byte against the recorded digests
    Digest,
    /// The digests, and SQLite's and GeoPackage's rules
    Full,
    /// Restore to a temporary place, and compare digest, rules, layers and rows there
    Drill,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// NAME, or the path of the file as it was (the newest sound backup); NAME@DATE (the newest sound
    /// one up to then: 2026-11-20, yesterday, 'last tuesday'); or an id or its beginning
    #[arg(value_name = "BACKUP", required_unless_present_any = ["all", "undo"], conflicts_with = "undo")]
    pub(crate) backup: Option<String>,

    /// Restore the newest sound backup of every file, in the folders in which they were. What is there
    /// already is kept, so that an interrupted restore goes on where it was
    #[arg(long, requires = "to", conflicts_with = "backup")]
    pub(crate) all: bool,

    /// With --all, the newest sound backups up to then
    #[arg(long, value_name = "DATE", requires = "all")]
    pub(crate) at: Option<String>,

    #[command(flatten)]
    pub(crate) from: From,

    /// The file to write, or with --all the folder [default: where the backup came from, if that was
    /// a database on this machine whose folder exists]. Of a QGIS project also a folder, which exists
    /// or ends in '/': then the project with all its files, and its databases as of the same time
    #[arg(long, value_name = "PATH")]
    pub(crate) to: Option<PathBuf>,

    /// Replace an existing file, after backing it up. A file that a program has open is not
    /// replaced
    #[arg(long)]
    pub(crate) force: bool,

    /// Only show what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) layer: Layer,

    #[command(flatten)]
    pub(crate) events: Events,
}

/// A name that is not empty.
fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let odd = name.is_empty() || name.chars().any(char::is_control);
    (!odd)
        .then(|| name.to_owned())
        .ok_or_else(|| "it is not a valid name".to_owned())
}

/// A length that is typed.
fn bytes(text: &str) -> Result<u64, String> {
    geokeep::words::bytes(text)
        .ok_or_else(|| format!("'{text}' is not a length such as 500MB or 2GB"))
}

/// A time that is typed.
fn duration(text: &str) -> Result<Duration, String> {
    geokeep::words::duration(text)
        .ok_or_else(|| format!("'{text}' is not a time such as 250ms, 30s or 5m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
