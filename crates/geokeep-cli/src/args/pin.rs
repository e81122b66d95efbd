//! `geokeep pin` and `geokeep unpin`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Pin {
    /// An id or its beginning, NAME (the newest), or NAME@DATE
    #[arg(required = true, value_name = "BACKUP")]
    pub(crate) backups: Vec<String>,

    /// The folder of backups
    #[arg(long, value_name = "DEST")]
    pub(crate) from: PathBuf,

    /// Why, for those who list the backups
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Unpin {
    /// An id or its beginning, NAME (the newest), or NAME@DATE
    #[arg(required = true, value_name = "BACKUP")]
    pub(crate) backups: Vec<String>,

    /// The folder of backups
    #[arg(long, value_name = "DEST")]
    pub(crate) from: PathBuf,
}
