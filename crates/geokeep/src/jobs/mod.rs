//! What is done without anyone: the jobs of a `geokeep.toml`, and what `geokeep backup` does as if it
//! were one.
//!
//! Nothing is printed here. The caller hears of each thing as it happens ([`Event`]), and gets the
//! sum of it in the end.

mod back_up;
pub mod config;
mod drill;
mod error;
mod event;
mod last_run;
mod memory;
mod open;
mod presence;
mod run;
mod status;

pub use back_up::back_up;
pub use drill::Drills;
pub use error::JobError;
pub use event::{Event, Failed, Hear, Summary};
pub use last_run::{JobKey, LastRun, Recording, RunState};
pub use memory::Memory;
pub use open::open;
pub use presence::MustExist;
pub use run::{Caller, Every, Missed, Ran, run};
pub use status::{SourceStatus, Status, Why, status};

use crate::backup::Settings;
use crate::destination::Machine;
use crate::source::Take;

impl config::Job {
    /// The caller's settings with what the job says.
    fn settings(&self, settings: Settings) -> Settings {
        let machine = match &self.host {
            Some(name) => Machine {
                host: name.clone(),
                given: true,
                ..settings.machine
            },
            None => settings.machine,
        };
        Settings {
            machine,
            line: self.line.clone(),
            lock_wait: self.lock_wait,
            label: self.label.clone(),
            max_loss: Some(self.max_loss),
            any_sqlite: self.any_sqlite,
            take: Take {
                file_limit: self.max_file.0,
                attachments: self.attachments,
            },
            method: self.method,
            ..settings
        }
    }
}
