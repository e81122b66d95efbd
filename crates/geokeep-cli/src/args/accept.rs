//! `geokeep accept` and `geokeep retire`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// The name of the backups
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

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

    /// Let the backups from before the loss be forgotten as any others [default: they stay pinned]
    #[arg(long)]
    pub(crate) unpin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Retire {
    /// The name of the backups
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

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
