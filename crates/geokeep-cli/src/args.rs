//! What can be typed.

mod accept;
mod adopt;
mod diff;
mod forget;
pub(crate) mod manuals;
mod pin;
mod report;
pub(crate) mod schedule;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use accept::{Accept, Retire};
pub(crate) use adopt::Adopt;
pub(crate) use diff::Diff;
pub(crate) use forget::Forget;
pub(crate) use pin::{Pin, Unpin};
pub(crate) use report::Report;

/// Scripts may want to know what the objects of `--json` promise.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    let (program, json) = (env!("CARGO_PKG_VERSION"), geokeep::wire::VERSION);
    format!("{program}\nJSON version {json}")
});

/// Backs up GeoPackages while they are in use, proves that the copy is whole, and gives it back.
#[derive(Debug, Parser)]
#[command(
    name = "geokeep",
    version,
    long_version = LONG_VERSION.as_str(),
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Print JSON Lines on standard output, one object per source or backup
    #[arg(long, global = true, display_order = 900)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Back up GeoPackages, whoever has them open
    Backup(Backup),
    /// Run the jobs of geokeep.toml
    Run(Jobs),
    /// Say who has a file open, and which ways of copying it are safe now
    Inspect(Inspect),
    /// Run a job after each saved edit, until it is stopped
    Watch(Watch),
    /// List backups
    List(List),
    /// Prove that backups are what they were
    Verify(Verify),
    /// Say what has changed between two backups, or since a backup
    Diff(Diff),
    /// Give back a file
    Restore(Restore),
    /// Remove backups that no rule keeps
    Forget(Forget),
    /// Keep backups whatever the rules of 'forget' say
    Pin(Pin),
    /// Let pinned backups be forgotten again
    Unpin(Unpin),
    /// Let backups go on with a file that was moved, or whose machine was replaced
    Adopt(Adopt),
    /// Say that a file is right as it is now, although it has lost something
    Accept(Accept),
    /// Say that a file no longer exists on purpose; its backups stay
    Retire(Retire),
    /// Say whether the sources of geokeep.toml have the backups that its jobs promise
    Status(Jobs),
    /// Write a geokeep.toml with an example to fill in
    Init(Init),
    /// Let this machine make backups by itself
    Schedule(schedule::Schedule),
    /// Print a script by which a shell completes commands of geokeep
    #[command(display_order = 900)]
    Completions(manuals::Completions),
    /// Write the manual pages
    #[command(display_order = 901)]
    Man(manuals::Man),
    /// Say how well each file is protected, in text or as a web page
    Report(Report),
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// A file, a folder (every .gpkg below it, also behind links), a QGIS project (.qgz, .qgs:
    /// itself and every GeoPackage or other SQLite database that it names), a pattern, @list.txt
    /// with one of these a line, meant from the list's folder, or - for a list on standard input
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<PathBuf>,

    /// The folder of backups; made if it is not there
    #[arg(long, value_name = "DEST")]
    pub(crate) to: PathBuf,

    /// How to take the snapshot
    #[arg(long, value_enum, default_value_t = Method::Auto)]
    pub(crate) method: Method,

    /// How long to wait for another program's lock on a file
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) lock_wait: Duration,

    /// How long one step of 'online' may hold other programs up
    #[arg(long, value_name = "TIME", default_value = "250ms", value_parser = duration)]
    pub(crate) lock_ceiling: Duration,

    /// The ogr2ogr to use [default: the one on the PATH]
    #[arg(long, value_name = "FILE")]
    pub(crate) ogr2ogr: Option<PathBuf>,

    /// How many files to work on at a time [default: the number of processors]
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

    /// Take SQLite databases that are no GeoPackages, too
    #[arg(long)]
    pub(crate) any_sqlite: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// The right one for the state in which the file is
    Auto,
    /// Every page in one read transaction; nothing beside the file changes
    Pages,
    /// SQLite's backup API, in steps; starts again whenever another program writes
    Online,
    /// VACUUM INTO: compact, but every page moves
    Vacuum,
    /// By way of a working copy, in which what a dead program left is recovered
    Copy,
    /// A translation by GDAL's ogr2ogr; says what it leaves behind
    Ogr,
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
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "geokeep.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Files to look at; nothing of them is changed
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The folder of backups
    #[arg(long, value_name = "DEST")]
    pub(crate) from: PathBuf,

    /// Every backup of this name [default: the newest of each]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Every backup of all names, as --json always lists them
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The folder of backups
    #[arg(long, value_name = "DEST")]
    pub(crate) from: PathBuf,

    /// An id or its beginning, NAME (the newest), or NAME@DATE [default: all backups]
    #[arg(value_name = "BACKUP")]
    pub(crate) backups: Vec<String>,

    /// How thoroughly
    #[arg(long, value_enum, default_value_t = Level::Full)]
    pub(crate) level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Every byte against the recorded digests
    Digest,
    /// The digests, and SQLite's and GeoPackage's rules
    Full,
    /// Really restore to a temporary place, and compare digest, rules, layers and rows there
    Drill,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// An id or its beginning, NAME (the newest sound one), or NAME@DATE (the newest up to the end
    /// of that day)
    #[arg(value_name = "BACKUP")]
    pub(crate) backup: String,

    /// The folder of backups
    #[arg(long, value_name = "DEST")]
    pub(crate) from: PathBuf,

    /// The file to write [default: where the backup came from, if that was a database on this
    /// machine whose folder is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,

    /// Replace a file that is there, after a backup of it. One that a program has open is not
    /// replaced
    #[arg(long)]
    pub(crate) force: bool,

    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// A name that is not empty.
fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let odd = name.is_empty() || name.chars().any(char::is_control);
    (!odd)
        .then(|| name.to_owned())
        .ok_or_else(|| "it is no name".to_owned())
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
