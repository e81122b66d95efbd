//! `completions` and `man`: what can be typed.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell that the script is for
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder to write to; created if it is missing
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: PathBuf,
}
