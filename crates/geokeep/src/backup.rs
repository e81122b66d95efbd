//! The path: from a source to a stored, proven backup.

mod capture;
mod crowd;
mod describe;
mod loss;
mod planned;
mod project;
mod project_files;
mod refuse;
mod settings;
mod succession;
mod turns;
mod whole;

use std::sync::Arc;

use crate::destination::{Destination, DestinationError, Stored};
use crate::durable::{Readers, Rights};
use crate::error::Error;
use crate::monitor::{Monitor, Phase};
use crate::snapshot::{SnapshotError, Taken};
use crate::source::{Gate, Look, Project, Source, same_content};
use capture::{Captured, New};
use describe::describe;
use refuse::{enough_room, refuse_other_files};
use succession::Before;

pub use crowd::{Ended, plan, run};
pub use planned::Planned;
pub use settings::Settings;
pub use succession::{CLOCK, EARLIER_STATE, OTHER_FILE};

/// What became of one source.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A backup was made.
    Saved(Stored),
    /// The newest backup holds what the source holds.
    Unchanged(Stored),
}

impl Outcome {
    /// The backup that holds the source's present state.
    #[must_use]
    pub fn stored(&self) -> &Stored {
        match self {
            Self::Saved(stored) | Self::Unchanged(stored) => stored,
        }
    }
}

/// The name of this machine.
#[must_use]
pub fn host_name() -> String {
    crate::source::host_name()
}

/// Backs up one source. When this returns a saved backup, it is verified and survives a power cut.
///
/// # Errors
/// [`Error`] by stage; then nothing of this backup is left, and earlier ones are as they were.
pub fn backup(
    planned: &Planned,
    destination: &Destination,
    settings: &Settings,
    monitor: &Monitor,
) -> Result<Outcome, Error> {
    let bytes = planned.bytes().unwrap_or(0);
    let source = &planned.source;
    let work = monitor.begin(&source.given, source.text(), bytes, PASSES, Phase::Reading);
    let monitor = work.monitor();
    let task = Task {
        planned,
        destination,
        settings,
        monitor,
    };
    anew_if_need_be(|| {
        monitor.check()?;
        // source
        let (entered, look) = task.enter()?;
        refuse_other_files(planned, &look)?;
        if let Some(stored) = task.known_to_hold(&look) {
            destination.note_current(&stored.id);
            return Ok(Outcome::Unchanged(stored));
        }
        let before = Before::of(&task);
        enough_room(destination, &look, before.previous())?;
        let draft = destination.draft(&planned.line, planned.content(), &task.readers(&look))?;
        // snapshot → draft → verify
        let captured = match entered {
            Entered::Project(project) => task.capture_project(project, look, &before, draft),
            Entered::Database(gate) => task.capture(&gate, look, &before, draft),
        };
        // publish, or nothing if there is nothing new
        let done = captured.and_then(|captured| match captured {
            Captured::New(new) => task.publish(*new, &before),
            Captured::Same(taken, previous) => Ok(task.keep(&taken, &previous)),
        });
        if done.is_err() {
            destination.discard_empty(&planned.line);
        }
        done
    })
}

/// A source is read, and what was written of it is read again.
const PASSES: u64 = 2;
/// How often a source that another program replaces meanwhile is begun anew.
const REPLACED_MAX: u32 = 10;

fn anew_if_need_be(attempt: impl Fn() -> Result<Outcome, Error>) -> Result<Outcome, Error> {
    let mut replaced = 0;
    let mut taken = false;
    loop {
        match attempt() {
            Err(Error::Snapshot(SnapshotError::Replaced)) if replaced < REPLACED_MAX => {
                replaced += 1;
            }
            // Most likely another run of the same source in the same millisecond: then this one
            // finds that nothing has changed.
            Err(Error::Destination(DestinationError::NameTaken { .. })) if !taken => taken = true,
            other => return other,
        }
    }
}

/// One source on its way, and what every stage may need.
#[derive(Clone, Copy)]
struct Task<'a> {
    planned: &'a Planned,
    destination: &'a Destination,
    settings: &'a Settings,
    monitor: &'a Monitor,
}

/// A source that was looked at, and is to be read.
enum Entered<'a> {
    /// Under its gate, from the look on.
    Database(Arc<Gate>),
    /// It was read already. What it names has gates, and nobody waits for one behind another.
    Project(&'a Project),
}

impl<'a> Task<'a> {
    fn enter(&self) -> Result<(Entered<'a>, Look), Error> {
        let gate = Arc::new(Gate::enter(&self.planned.source)?);
        let mut look = self.look(&gate)?;
        let Some(project) = &self.planned.project else {
            return Ok((Entered::Database(gate), look));
        };
        drop(gate);
        look.files = Some(project.seen_files(self.settings.clock.now_ns()));
        Ok((Entered::Project(project), look))
    }
}

impl Task<'_> {
    fn look(&self, gate: &Gate) -> Result<Look, Error> {
        let look = self.settings.look(&self.planned.source, gate)?;
        // At worst it is not said when it goes again.
        let _ = self.destination.note_there(&self.planned.line);
        Ok(look)
    }

    /// The newest backup, if it certainly holds what the source holds.
    fn known_to_hold(&self, look: &Look) -> Option<Stored> {
        let holds = || {
            let stored = self.planned.previous(self.destination)?;
            let holds = same_content(&stored.evidence, &look.evidence());
            (holds && self.destination.is_there(&stored)).then(|| Stored::clone(&stored))
        };
        let unforced = || (!self.settings.force).then(holds).flatten();
        unforced().or_else(|| {
            // Another run may have been quicker.
            self.destination.look_again(&self.planned.line);
            unforced()
        })
    }

    /// Whoever may not read the source is to read no backup of it either.
    fn readers(&self, look: &Look) -> Readers {
        let rights = look.rights.as_ref();
        let own = rights.map_or_else(Readers::default, |rights| {
            Readers::by(rights, &self.planned.source.real)
        });
        let with = self
            .planned
            .project
            .iter()
            .flat_map(|project| &project.files);
        with.filter_map(|path| Source::new(path).ok())
            .fold(own, |readers, file| readers.and(&Readers::of(&file.real)))
    }

    fn publish(&self, new: New, before: &Before) -> Result<Outcome, Error> {
        self.monitor.enter(Phase::Writing);
        self.planned.still_its(self.destination)?;
        let New {
            draft,
            taken,
            content,
            checked,
            whole,
        } = new;
        let mut manifest = describe(self.planned, &taken, &content, checked);
        whole.describe(&mut manifest);
        before.compare(&mut manifest, &taken, self)?;
        manifest.fit();
        let stored = self.destination.publish(draft, &content, &manifest)?;
        Ok(Outcome::Saved(stored))
    }

    /// The previous backup holds what was read.
    fn keep(&self, taken: &Taken, previous: &Stored) -> Outcome {
        let look = &taken.look;
        let is_project = self.planned.project.is_some();
        if is_project || previous.rights != look.rights.clone().map(Rights::named) {
            self.destination.narrow(&previous.id, &self.readers(look));
        }
        // Only spares the next run the reading, and knows the rights of today.
        let _ = self.destination.note_seen(previous, look);
        self.destination.note_current(&previous.id);
        Outcome::Unchanged(previous.clone())
    }
}

/// A file name holds milliseconds; nothing else may know the instant better.
fn whole_millisecond(instant: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(instant.as_millisecond()).unwrap_or(instant)
}
