//! One source, and whose the backups of its line are.

use std::sync::Arc;

use super::Settings;
use crate::destination::{
    Assigned, ContentKind, Destination, DestinationError, Likely, Machine, Origin, Reservation,
    Stored,
};
use crate::source::{Project, Source};

/// One source and the line in which its backups go.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What is protected.
    pub source: Source,
    /// The project that was read from it, if it is one.
    pub project: Option<Arc<Project>>,
    /// The line's name.
    pub line: String,
    /// Kept in the manifest.
    pub label: Option<String>,
    /// Take it whatever kind of SQLite database it is, as [`Settings::any_sqlite`].
    pub any_sqlite: bool,
    assigned: Assigned,
    machine: Machine,
    /// Keeps the names of new lines from others.
    _reservation: Option<Arc<Reservation>>,
}

impl Planned {
    pub(super) fn new(
        source: Source,
        project: Option<Arc<Project>>,
        assigned: Assigned,
        reservation: Option<Arc<Reservation>>,
        settings: &Settings,
    ) -> Self {
        Self {
            source,
            project,
            line: assigned.line.clone(),
            label: settings.label.clone(),
            any_sqlite: false,
            assigned,
            machine: settings.machine.clone(),
            _reservation: reservation,
        }
    }

    /// Whether what came from there came from the machine of this source.
    pub(super) fn same_machine(&self, origin: &Origin) -> bool {
        self.machine.owns(origin)
    }

    /// What its backups hold.
    pub(super) fn content(&self) -> ContentKind {
        match self.project {
            Some(_) => ContentKind::Project,
            None => ContentKind::Database,
        }
    }

    /// How much there is to read.
    pub(super) fn bytes(&self) -> Option<u64> {
        Some(std::fs::metadata(&self.source.real).ok()?.len())
    }

    /// Whose its backups are.
    pub(super) fn origin(&self) -> &Origin {
        &self.assigned.origin
    }

    /// The name that the machine had at the line's last backup, if it was another one.
    #[must_use]
    pub fn former_host(&self) -> Option<&str> {
        let before = self.assigned.before.as_ref()?;
        let renamed = before.host != self.machine.host && before.machine == self.machine.id;
        (renamed && !self.machine.given && self.machine.id.is_some()).then_some(&before.host)
    }

    /// Whether the line had no backup when it was given to the source.
    pub(crate) fn begins(&self) -> bool {
        self.assigned.before.is_none()
    }

    /// A line that very likely holds the same file, if the one of this source has just begun with
    /// a backup whose content has this digest.
    #[must_use]
    pub fn likely(&self, digest: &str) -> Option<Likely> {
        let same_content = || {
            let line = self.assigned.contents.get(digest)?;
            Some(Likely {
                line: line.clone(),
                why: "whose newest backup holds the same".to_owned(),
                is_of_other_machine: false,
            })
        };
        self.assigned.likely.clone().or_else(same_content)
    }

    /// The newest backup of its source that was found sound.
    #[must_use]
    pub fn newest_sound(&self, destination: &Destination) -> Option<Stored> {
        let newest = destination.newest_sound(&self.line);
        newest.filter(|stored| self.is_of(&stored.manifest.source))
    }

    /// The newest backup of its source, unless that is known not to be what it was.
    pub(super) fn previous(&self, destination: &Destination) -> Option<Arc<Stored>> {
        let newest = destination.newest(&self.line);
        newest.filter(|newest| self.is_of(&newest.manifest.source) && newest.failed.is_none())
    }

    /// Whether what a line holds is of this source: the line was found so, or it is known so now.
    pub(super) fn is_of(&self, origin: &Origin) -> bool {
        let assigned = &self.assigned;
        assigned.before.as_ref() == Some(origin) || assigned.origin.is_of(origin, &self.machine)
    }

    /// An error if the line has come to hold another source's backups since its name was chosen.
    pub(super) fn still_its(&self, destination: &Destination) -> Result<(), DestinationError> {
        destination.look_again(&self.line);
        match destination.newest(&self.line) {
            Some(newest) if !self.is_of(&newest.manifest.source) => {
                Err(DestinationError::NameTaken {
                    line: self.line.clone(),
                })
            }
            _ => Ok(()),
        }
    }
}
