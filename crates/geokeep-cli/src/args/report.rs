//! `geokeep report`.

use std::path::PathBuf;

use clap::Args;

use super::From;

#[derive(Debug, Args)]
pub(crate) struct Report {
    #[command(flatten)]
    pub(crate) from: From,

    /// Write a web page that needs no other files; an earlier report is replaced
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}
