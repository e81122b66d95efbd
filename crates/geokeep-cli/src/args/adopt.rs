//! `geokeep adopt`.

use std::path::PathBuf;

use clap::Args;

use super::From;

#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// The name of the backups that are to go on, or the path that their file had
    #[arg(value_name = "OLD")]
    pub(crate) old: String,

    /// The name under which the same file is backed up now, or that file
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,

    #[command(flatten)]
    pub(crate) from: From,

    /// The name by which backups know this machine, if NEW is a file [default: its own]
    #[arg(long, value_name = "NAME", value_parser = super::name)]
    pub(crate) host: Option<String>,

    /// Also if the file that OLD belongs to is still there; it then begins a new line
    #[arg(long)]
    pub(crate) force: bool,
}
