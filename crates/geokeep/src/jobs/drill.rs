//! Backups that a run restores for a test.

use super::{Event, Hear};
use crate::Monitor;
use crate::backup::Settings;
use crate::destination::{Destination, Stored};
use crate::error::Error;
use crate::kind::Kind;
use crate::restore::{Proof, RestoreError, prove};

/// What came of it.
#[derive(Debug, Default)]
pub struct Drills {
    /// Backups that were restored, and passed.
    pub passed: usize,
    /// Backups that did not.
    pub failed: usize,
    /// Backups that could not be restored, for want of a place.
    pub not_made: usize,
}

/// Restores a share of all backups, at least one: those that were verified longest ago.
pub(super) fn drill(
    percent: u8,
    destination: &Destination,
    settings: &Settings,
    monitor: &Monitor,
    hear: &mut Hear<'_>,
) -> Result<Drills, Error> {
    let mut drills = Drills::default();
    let chosen = chosen(percent, destination, &mut drills, hear)?;
    let bytes = chosen.iter().map(|stored| stored.manifest.bytes);
    monitor.expect(bytes.fold(0, u64::saturating_add).saturating_mul(2));
    for stored in chosen {
        let proven = prove(destination, &stored.id, Proof::Drill, settings, monitor);
        let Err(error) = proven else {
            drills.passed += 1;
            continue;
        };
        if monitor.check().is_err() {
            break;
        }
        hear(Event::NotDrilled(&stored.location, &error));
        match error {
            RestoreError::NoDrill { error, .. } => {
                drills.not_made += 1;
                // A smaller one may find room; for any other reason none can be made.
                if error.kind() != Kind::DestinationFull {
                    break;
                }
            }
            _ => drills.failed += 1,
        }
    }
    Ok(drills)
}

fn chosen(
    percent: u8,
    destination: &Destination,
    drills: &mut Drills,
    hear: &mut Hear<'_>,
) -> Result<Vec<Stored>, Error> {
    let mut all = Vec::new();
    for line in destination.lines()? {
        let listing = destination.list(&line)?;
        all.extend(listing.backups);
        for (path, error) in listing.unreadable {
            drills.failed += 1;
            hear(Event::NotDrilled(&path, &Error::from(error).into()));
        }
    }
    all.sort_by_key(|stored| stored.verified.unwrap_or(stored.manifest.instant));
    all.truncate((all.len() * usize::from(percent)).div_ceil(100));
    Ok(all)
}
