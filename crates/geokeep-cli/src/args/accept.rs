//! `geokeep accept` and `geokeep retire`.

use clap::Args;

use super::From;

#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// The name of the backups, or a path of their file
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) from: From,

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
    /// The name of the backups, or a path of their file
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) from: From,

    /// Why, for those who list the backups
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) reason: String,
}
