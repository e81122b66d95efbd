//! How much is said, and in which colours.

use clap::{Args, ValueEnum};

/// How much is said of a run.
#[derive(Debug, Default, Clone, Copy, Args)]
pub(crate) struct Loudness {
    /// Also say what has not changed, and which backups stay
    #[arg(long, short, conflicts_with = "quiet")]
    pub(crate) verbose: bool,

    /// Only say what needs attention
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also in files and pipes
    Always,
    /// Nowhere
    Never,
}

impl Colour {
    pub(crate) fn choose(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}
