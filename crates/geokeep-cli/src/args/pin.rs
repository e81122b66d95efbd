//! `geokeep pin` and `geokeep unpin`.

use clap::Args;

use super::From;

#[derive(Debug, Args)]
pub(crate) struct Pin {
    /// NAME or the path of a file (the newest sound backup), NAME@DATE, or an id or its beginning
    #[arg(required = true, value_name = "BACKUP")]
    pub(crate) backups: Vec<String>,

    #[command(flatten)]
    pub(crate) from: From,

    #[command(flatten)]
    pub(crate) why: Why,
}

#[derive(Debug, Args)]
pub(crate) struct Unpin {
    /// NAME or the path of a file (the newest sound backup), NAME@DATE, or an id or its beginning
    #[arg(required = true, value_name = "BACKUP")]
    pub(crate) backups: Vec<String>,

    #[command(flatten)]
    pub(crate) from: From,
}

/// What is said of a backup, besides.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Why, for those who list the backups
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) reason: String,
}
