//! `--events`, for the commands whose work takes its time.

use clap::Args;

use super::Command;

#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Events {
    /// As --json, and also say how far the work on each file is (kind 'progress'), and when its state
    /// is held, so that what is saved from then on does not change its backup (kind 'snapshot')
    #[arg(long, display_order = 900)]
    pub(crate) events: bool,
}

impl Command {
    /// Whether events were asked for.
    pub(crate) fn has_events(&self) -> bool {
        let events = match self {
            Self::Backup(arguments) => arguments.events,
            Self::Run(arguments) => arguments.events,
            Self::Watch(arguments) => arguments.events,
            Self::Verify(arguments) => arguments.events,
            Self::Restore(arguments) => arguments.events,
            _ => Events::default(),
        };
        events.events
    }
}
