//! `geokeep report`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The folder of backups
    #[arg(long, value_name = "DEST")]
    pub(crate) from: PathBuf,

    /// Write a web page that needs no other files; an earlier report is replaced
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}
