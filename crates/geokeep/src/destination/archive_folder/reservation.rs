//! The right to the names of new lines, from the plan of a run until its end. Nothing lies in a
//! line that could say whose it is before its first backup is made.
//!
//! One file a run lists them all, however many there are: it is locked by the run, and swept up
//! after one that died, whose names are free again.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::ArchiveFolder;
use crate::destination::{DestinationError, Origin};
use crate::durable::{Temporary, living_temporaries, open_file};
use crate::words::folded;

/// What such a file is called by among the temporary ones.
const TAG: &str = "names";
/// No more of one is read: names of 100,000 lines.
const BYTES_MAX: u64 = 16 << 20;
/// Nobody else may keep us from choosing names for longer.
const NAMES_WAIT: Duration = Duration::from_secs(10);

/// The right to some names; they are free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    _list: Temporary,
}

/// Names that runs have reserved, folded, each with the tag of its source.
#[derive(Debug, Default)]
pub(in crate::destination) struct Reserved(HashMap<String, String>);

impl Reserved {
    /// Whose a name is, if it is reserved.
    pub(in crate::destination) fn owner(&self, name: &str) -> Option<&str> {
        self.0.get(&folded(name)).map(|owner| &**owner)
    }
}

impl ArchiveFolder {
    /// Reserves the names of lines that have no backups yet.
    pub(in crate::destination) fn reserve(
        &self,
        lines: &[(&str, &Origin)],
    ) -> Result<Reservation, DestinationError> {
        let write = |e| DestinationError::write(&self.path, e, 0);
        let mut list = Temporary::create(&self.disk, &self.path, TAG).map_err(write)?;
        let mut text = String::new();
        for (line, origin) in lines {
            text.push_str(&format!("{} {line}\n", owner_tag(origin)));
        }
        list.write_all(text.as_bytes()).map_err(write)?;
        // Another user's run must see them. What they are called shows in the folder anyway.
        list.open_as_usual();
        Ok(Reservation { _list: list })
    }

    /// What runs that are alive have reserved.
    pub(in crate::destination) fn reserved(&self) -> Reserved {
        let mut reserved = Reserved::default();
        for path in living_temporaries(&self.path, TAG) {
            let mut text = Vec::new();
            let read = open_file(&path).and_then(|f| f.take(BYTES_MAX).read_to_end(&mut text));
            if read.is_ok() {
                let text = String::from_utf8_lossy(&text);
                let pairs = text.lines().filter_map(|line| line.split_once(' '));
                let owned = |(owner, line): (&str, &str)| (folded(line), owner.to_owned());
                reserved.0.extend(pairs.map(owned));
            }
        }
        reserved
    }

    /// Keeps other runs from choosing names at the same time, until the file is dropped. Where a
    /// folder cannot be locked, or somebody keeps it locked, another look before a backup is
    /// published must do.
    pub(in crate::destination) fn lock_names(&self) -> Option<File> {
        let folder = File::open(&self.path).ok()?;
        let until = Instant::now() + NAMES_WAIT;
        loop {
            match folder.try_lock() {
                Ok(()) => return Some(folder),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(_) => return None,
            }
        }
    }
}

/// Tells the sources of new lines apart.
pub(in crate::destination) fn owner_tag(origin: &Origin) -> String {
    let mut hasher = blake3::Hasher::new();
    let machine = origin.machine.as_deref().unwrap_or_default();
    for part in [origin.host.as_str(), origin.name(), machine] {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
