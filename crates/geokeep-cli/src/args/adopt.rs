//! `geokeep adopt`.

use std::path::PathBuf;

use clap::Args;

use super::From;

#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// The name of the backups that are to go on, or the path that their file had
    #[arg(value_name = "OLD", required_unless_present = "machine")]
    pub(crate) old: Option<String>,

    /// The name under which the same file is backed up now, or that file
    #[arg(value_name = "NEW", required_unless_present = "machine")]
    pub(crate) new: Option<PathBuf>,

    /// All files of a machine at once, which was called OLD and is called NEW now: those of the same
    /// paths become one history each
    #[arg(
        long,
        num_args = 2,
        value_names = ["OLD", "NEW"],
        value_parser = super::name,
        conflicts_with_all = ["old", "new", "host"]
    )]
    pub(crate) machine: Vec<String>,

    #[command(flatten)]
    pub(crate) from: From,

    /// The name by which backups know this machine, if NEW is a file [default: its own]
    #[arg(long, value_name = "NAME", value_parser = super::name)]
    pub(crate) host: Option<String>,

    /// Also if the file that OLD belongs to is still there, which then begins a new history; and if
    /// backups are still made on the old machine
    #[arg(long)]
    pub(crate) force: bool,
}
