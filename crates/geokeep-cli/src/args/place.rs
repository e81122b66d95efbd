//! `--from`, for every command that reads backups, and `--to` of `backup`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct From {
    /// The folder of backups [default: $GEOKEEP_DESTINATION, else the one of geokeep.toml]
    #[arg(long, value_name = "DEST")]
    pub(crate) from: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) job: OfJob,
}

#[derive(Debug, Args)]
pub(crate) struct To {
    /// The folder of backups, made if it is missing [default: $GEOKEEP_DESTINATION, else the one of
    /// geokeep.toml]
    #[arg(long, value_name = "DEST")]
    pub(crate) to: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) job: OfJob,
}

/// The configuration that names the folder where the command does not.
#[derive(Debug, Args)]
pub(crate) struct OfJob {
    /// The job of geokeep.toml whose folder of backups is meant
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Option<String>,

    /// The configuration [default: geokeep.toml here, else in the user's configuration folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}
