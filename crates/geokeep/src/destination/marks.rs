//! Marks: small text files beside an archive say that it stays and why, when it was last verified or
//! that it did not pass, what its source looked like when it was last found unchanged, and that it
//! has gone since. They tell nothing that the archive itself could: it is written once.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::line::{ARCHIVE_SUFFIX, made_of};
use super::{ArchiveFolder, DestinationError, KeptProject, Manifest, Stored};
use crate::durable::{Readers, Rights, Temporary, folder_of, open_file, sync_folder};
use crate::source::{Evidence, Look};

/// What is appended to an archive's name.
const PIN_SUFFIX: &str = ".pin";
const VERIFIED_SUFFIX: &str = ".verified";
const SEEN_SUFFIX: &str = ".seen";
const FAILED_SUFFIX: &str = ".failed";
const GONE_SUFFIX: &str = ".gone";
const ALL: [&str; 5] = [
    PIN_SUFFIX,
    VERIFIED_SUFFIX,
    SEEN_SUFFIX,
    FAILED_SUFFIX,
    GONE_SUFFIX,
];
/// A copy of a project cannot hold its own.
const DIGEST_SUFFIX: &str = ".blake3";
/// No more of a reason is shown.
const REASON_CHARS_MAX: usize = 1000;
/// No more of a mark is read.
const MARK_BYTES_MAX: u64 = 100_000;

fn mark_path(archive: &Path, suffix: &str) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether a file is named as a mark, whether or not its archive is there.
pub(super) fn is_mark(name: &str) -> bool {
    let mut archives = ALL.iter().filter_map(|suffix| name.strip_suffix(suffix));
    archives.any(|archive| archive.ends_with(ARCHIVE_SUFFIX))
}

/// What a mark says, if it is there; nothing if it cannot be read.
fn read_mark(archive: &Path, suffix: &str) -> Option<String> {
    let mut text = Vec::new();
    match open_file(&mark_path(archive, suffix)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
        Err(_) => {}
        Ok(file) => {
            let _ = file.take(MARK_BYTES_MAX).read_to_end(&mut text);
        }
    }
    Some(String::from_utf8_lossy(&text).trim().to_owned())
}

/// Why an archive is pinned, if it is. A pin that cannot be read pins all the same.
pub(super) fn read_pin(archive: &Path) -> Option<String> {
    let reason = read_mark(archive, PIN_SUFFIX)?;
    Some(reason.chars().take(REASON_CHARS_MAX).collect())
}

/// Why an archive did not pass when it was last verified, if it did not.
pub(super) fn read_failed(archive: &Path) -> Option<String> {
    read_mark(archive, FAILED_SUFFIX)
}

/// When an archive was last verified, if ever since it was made.
pub(super) fn read_verified(archive: &Path) -> Option<Timestamp> {
    read_mark(archive, VERIFIED_SUFFIX)?.parse().ok()
}

/// What a copy of a project hashes to; `None` if nobody noted it.
pub(super) fn read_digest(copy: &Path) -> Option<String> {
    read_mark(copy, DIGEST_SUFFIX)
}

/// When the source was first found to have gone, if it has.
pub(super) fn read_gone(archive: &Path) -> Option<Timestamp> {
    read_mark(archive, GONE_SUFFIX)?.parse().ok()
}

/// What a source looked like when a backup was last found to hold all of it.
#[derive(Serialize, Deserialize)]
struct Seen {
    /// The backup's. An archive that somebody put in another's place has another.
    id: String,
    evidence: Evidence,
    /// Who might do what with it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rights: Option<Rights>,
}

fn read_seen(archive: &Path, manifest: &Manifest) -> Option<Seen> {
    let seen = read_mark(archive, SEEN_SUFFIX)?;
    let seen = serde_json::from_str::<Seen>(&seen).ok()?;
    (seen.id == manifest.id).then_some(seen)
}

/// By what to tell that a source has not changed since: as it looked when it was last read and found
/// the same, else as it looked when the backup was made.
pub(super) fn read_evidence(archive: &Path, manifest: &Manifest) -> Evidence {
    read_seen(archive, manifest).map_or_else(|| manifest.evidence.clone(), |seen| seen.evidence)
}

/// Who might do what with the source when it was last read; `None` if nobody noted it.
pub(super) fn read_rights(archive: &Path, manifest: &Manifest) -> Option<Rights> {
    let seen = read_seen(archive, manifest).and_then(|seen| seen.rights);
    seen.or_else(|| manifest.rights.clone())
}

impl ArchiveFolder {
    /// Keeps an archive, or a copy of a project, from being forgotten. A pin that is there gets the
    /// new reason.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub fn pin(&self, path: &Path, reason: &str) -> Result<(), DestinationError> {
        self.mark(path, PIN_SUFFIX, reason.trim())
    }

    /// Notes that an archive was read through and found to be what it was.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub fn note_verified(&self, archive: &Path, at: Timestamp) -> Result<(), DestinationError> {
        self.mark(archive, VERIFIED_SUFFIX, &at.to_string())
    }

    /// Notes that an archive, or a copy of a project, is what it was, if it was ever found not to be.
    ///
    /// # Errors
    /// [`DestinationError::Remove`].
    pub fn note_passed(&self, path: &Path) -> Result<(), DestinationError> {
        self.unmark(path, FAILED_SUFFIX)?;
        Ok(())
    }

    /// Takes back what was noted for a copy that was not made after all.
    pub(super) fn forget_digest(&self, copy: &Path) {
        // Nothing else depends on it.
        let _ = self.unmark(copy, DIGEST_SUFFIX);
    }

    /// Notes what a copy of a project must hash to.
    pub(super) fn note_digest(
        &self,
        copy: &Path,
        digest: &str,
        readers: &Readers,
    ) -> Result<(), DestinationError> {
        // The copy is not there yet.
        self.mark_for(copy, DIGEST_SUFFIX, digest, readers)
    }

    /// Notes that the source of a backup is not there any more, and that this was said.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub fn note_gone(&self, stored: &Stored, at: Timestamp) -> Result<(), DestinationError> {
        self.mark(&stored.path, GONE_SUFFIX, &at.to_string())
    }

    /// Notes that the source of a line is there.
    ///
    /// # Errors
    /// [`DestinationError::Remove`].
    pub(crate) fn note_there(&self, line: &str) -> Result<(), DestinationError> {
        // Nearly always there is none: one listing, and not a question for each archive.
        for entry in fs::read_dir(self.path().join(line))
            .into_iter()
            .flatten()
            .flatten()
        {
            // A file of somebody else's may end so, too.
            let name = entry.file_name();
            let archive = name.to_str().and_then(|n| n.strip_suffix(GONE_SUFFIX));
            let is_ours = archive.is_some_and(|a| made_of(line, a, ARCHIVE_SUFFIX).is_some());
            let path = entry.path();
            if is_ours && self.remove_file(&path)? {
                self.sync_removal(&path)?;
            }
        }
        Ok(())
    }

    /// Notes that an archive, or a copy of a project, is not what it was: it counts as no backup
    /// until it passes again.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub fn note_failed(&self, archive: &Path, why: &str) -> Result<(), DestinationError> {
        self.mark(archive, FAILED_SUFFIX, why)
    }

    /// Notes what a source looks like now that it was read and found to be what a backup holds.
    /// Without that it would be read again each time, though it has not changed since.
    ///
    /// # Errors
    /// [`DestinationError::Write`].
    pub(crate) fn note_seen(&self, stored: &Stored, look: &Look) -> Result<(), DestinationError> {
        let seen = Seen {
            id: stored.manifest.id.clone(),
            evidence: look.evidence(),
            rights: look.rights.clone().map(Rights::named),
        };
        let text = serde_json::to_string(&seen)
            .map_err(|e| DestinationError::write(&stored.path, e.into(), 0))?;
        self.mark(&stored.path, SEEN_SUFFIX, &text)
    }

    /// Who may read an archive may read what is noted of it.
    fn mark(&self, archive: &Path, suffix: &str, text: &str) -> Result<(), DestinationError> {
        self.mark_for(archive, suffix, text, &Readers::by_file_alone(archive))
    }

    fn mark_for(
        &self,
        archive: &Path,
        suffix: &str,
        text: &str,
        readers: &Readers,
    ) -> Result<(), DestinationError> {
        let path = mark_path(archive, suffix);
        let write = |e| DestinationError::write(&path, e, 0);
        let mut mark = Temporary::create(&self.disk, folder_of(&path), "mark").map_err(write)?;
        writeln!(mark, "{text}").map_err(write)?;
        mark.open_to(readers);
        mark.keep_as(&path).map_err(|e| write(e.into()))
    }

    /// Lets it be forgotten again; returns whether it was pinned.
    ///
    /// # Errors
    /// [`DestinationError::Remove`].
    pub fn unpin(&self, path: &Path) -> Result<bool, DestinationError> {
        self.unmark(path, PIN_SUFFIX)
    }

    /// Returns whether there was such a mark.
    fn unmark(&self, archive: &Path, suffix: &str) -> Result<bool, DestinationError> {
        let path = mark_path(archive, suffix);
        let was_there = self.remove_file(&path)?;
        if was_there {
            self.sync_removal(&path)?;
        }
        Ok(was_there)
    }

    /// Removes a backup, and its marks. When this returns, it is gone for good.
    ///
    /// # Errors
    /// [`DestinationError::Remove`]. The backup is then there as it was, or gone, but never in between.
    pub fn remove(&self, stored: &Stored) -> Result<(), DestinationError> {
        // In this order: a mark without an archive harms nothing.
        self.remove_file(&stored.path)?;
        for suffix in ALL {
            self.remove_file(&mark_path(&stored.path, suffix))?;
        }
        self.sync_removal(&stored.path)
    }

    /// Removes a copy of a project. When this returns, it is gone for good.
    ///
    /// # Errors
    /// [`DestinationError::Remove`].
    pub fn remove_project(&self, copy: &KeptProject) -> Result<(), DestinationError> {
        self.remove_file(&copy.path)?;
        for suffix in [DIGEST_SUFFIX, PIN_SUFFIX, FAILED_SUFFIX] {
            self.remove_file(&mark_path(&copy.path, suffix))?;
        }
        self.sync_removal(&copy.path)
    }

    /// Removes a file. When this returns, it is gone for good.
    pub(super) fn remove_for_good(&self, path: &Path) -> Result<(), DestinationError> {
        self.remove_file(path)?;
        self.sync_removal(path)
    }

    /// Returns whether there was such a file.
    fn remove_file(&self, path: &Path) -> Result<bool, DestinationError> {
        match self.disk.remove_file(path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(DestinationError::Remove {
                path: path.to_owned(),
                error,
            }),
        }
    }

    fn sync_removal(&self, path: &Path) -> Result<(), DestinationError> {
        let synced = sync_folder(&*self.disk, folder_of(path));
        synced.map_err(|error| DestinationError::Remove {
            path: path.to_owned(),
            error,
        })
    }
}
