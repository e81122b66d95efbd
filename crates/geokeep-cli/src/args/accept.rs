//! `geokeep accept` and `geokeep retire`.

use clap::Args;

use super::From;
use super::pin::Why;

#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// The name of the backups, or a path of their file
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) from: From,

    #[command(flatten)]
    pub(crate) why: Why,

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

    #[command(flatten)]
    pub(crate) why: Why,
}
