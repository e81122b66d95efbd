//! Lines that go on with another source: the file was moved, or its machine replaced. `line.json` in
//! the folder of a line says so, until somebody says otherwise. It is needed because the manifests
//! that are there tell where backups came from, and not where the next ones will.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::archive_folder::read_note;
use super::{Destination, DestinationError, Made, Manifest, Origin};
use crate::words::composed;

const FORMAT: &str = "geokeep line";
const VERSION: u32 = 1;

/// The content of `line.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted {
    format: String,
    version: u32,
    /// Whose the next backups are.
    pub source: Origin,
    /// The newest backup when this was said. All up to it belong to the source as well.
    id: String,
    instant: Timestamp,
    era: u32,
}

impl Adopted {
    /// Whether a backup was in the line when it was given to its source.
    #[must_use]
    pub fn holds(&self, manifest: &Manifest) -> bool {
        (manifest.era, manifest.instant) <= (self.era, self.instant)
    }

    /// Whether a backup was made when the line already went on with its source.
    pub(super) fn is_before(&self, made: Made) -> bool {
        (made.era, made.instant) > (self.era, self.instant)
    }

    /// Whose the line is while its newest backup is the one described.
    pub(super) fn instead_of(self, newest: &Manifest) -> Option<Origin> {
        self.holds(newest).then_some(self.source)
    }
}

impl Destination {
    /// With which source a line goes on, if that was ever said.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] if it cannot be understood.
    pub fn adopted(&self, line: &str) -> Result<Option<Adopted>, DestinationError> {
        if !self.shelf(line)?.has_owner {
            return Ok(None);
        }
        let path = self.folder.owner_note_path(line);
        let bad = |reason: &str| DestinationError::BadArchive {
            path: path.clone(),
            reason: reason.to_owned(),
        };
        let Some(json) = read_note(&path)? else {
            return Ok(None);
        };
        let adopted: Adopted = serde_json::from_slice(&json)
            .map_err(|_| bad("it does not say with which source the line goes on"))?;
        if adopted.format != FORMAT {
            return Err(bad("it is not geokeep's"));
        }
        if adopted.version > VERSION {
            return Err(bad("it was made by a later geokeep"));
        }
        Ok(Some(adopted))
    }

    /// Whose a backup is by now: the same file may be known on another machine, or by another name of
    /// it, since somebody has said so. That of another file stays what it was.
    #[must_use]
    pub fn owner_of(&self, line: &str, manifest: &Manifest) -> Origin {
        let adopted = self.adopted(line).ok().flatten();
        let adopted = adopted.filter(|adopted| adopted.holds(manifest));
        let owner = adopted.map(|adopted| adopted.source);
        let owner = owner.filter(|owner| owner.same_name(&manifest.source));
        owner.unwrap_or_else(|| manifest.source.clone())
    }

    /// Whose the newest backup of a line is, whatever was said since.
    #[must_use]
    pub fn source_of_newest(&self, line: &str) -> Option<Origin> {
        Some(self.newest(line)?.manifest.source.clone())
    }

    /// Lets a line go on with `source`, and no other line that was given to it. The destination is
    /// locked by the caller. A crash leaves it as it was, or as if none of the lines had ever been
    /// given to the source.
    ///
    /// # Errors
    /// [`DestinationError::NoSuchBackup`] if the line has no backup that can be read,
    /// [`DestinationError::Write`] and [`DestinationError::Remove`].
    pub fn adopt(&self, line: &str, source: &Origin) -> Result<(), DestinationError> {
        self.adopt_each(&[(line, source)])
    }

    /// The same for several, each with a source of its own.
    pub(super) fn adopt_each(&self, all: &[(&str, &Origin)]) -> Result<(), DestinationError> {
        let _names = self.lock_names();
        let given = self.given()?;
        for (line, source) in all {
            let others = given.get(&*composed(source.name())).into_iter().flatten();
            for (other, theirs) in others.filter(|(other, _)| other != line) {
                let same_machine =
                    (&theirs.host, &theirs.machine) == (&source.host, &source.machine);
                if same_machine && theirs.same_name(source) {
                    self.folder.remove_owner_note(other)?;
                    self.look_again(other);
                }
            }
            self.note_owner(line, source)?;
        }
        Ok(())
    }

    /// The lines that were given to sources, by the names of these.
    fn given(&self) -> Result<HashMap<String, Vec<(String, Origin)>>, DestinationError> {
        let mut given: HashMap<String, Vec<_>> = HashMap::new();
        for line in &self.root()?.lines {
            if let Ok(Some(theirs)) = self.adopted(line) {
                let name = composed(theirs.source.name()).into_owned();
                given
                    .entry(name)
                    .or_default()
                    .push((line.clone(), theirs.source));
            }
        }
        Ok(given)
    }

    fn note_owner(&self, line: &str, source: &Origin) -> Result<(), DestinationError> {
        let newest = self.newest(line);
        let newest = newest.ok_or_else(|| DestinationError::NoSuchBackup {
            asked: line.to_owned(),
            near: Vec::new(),
        })?;
        let newest = &newest.manifest;
        let adopted = Adopted {
            format: FORMAT.to_owned(),
            version: VERSION,
            source: source.clone(),
            era: newest.era,
            instant: newest.instant,
            id: newest.id.clone(),
        };
        let mut json = serde_json::to_vec_pretty(&adopted)
            .expect("an owner has only text keys and numbers, which JSON can hold");
        json.push(b'\n');
        let written = self.folder.write_owner_note(line, &json);
        self.look_again(line);
        written
    }
}
