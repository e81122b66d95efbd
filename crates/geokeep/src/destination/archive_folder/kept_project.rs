//! Projects that are kept: `DEST/<name>.qgz/<name>_<UTC instant>.qgz`, plain copies.
//!
//! A plain copy cannot say whose it is, as an archive does. So the folder says it, in
//! `project.json`, which is written before the first copy: a folder without it is no line of
//! projects, and one that names another project is left alone.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sozip::ReadAt;

use super::layout::dated_name;
use super::notes::read_note;
use super::{ArchiveFolder, create_folder};
use crate::destination::line::candidates;
use crate::destination::marks::Mark;
use crate::destination::resolve::{Before, line_named};
use crate::destination::{
    BackupId, Destination, DestinationError, Machine, Made, Origin, digest_text,
};
use crate::durable::{Readers, Temporary, open_file};
use crate::source::{PROJECT_BYTES_MAX, Project, ProjectFormat, Source};
use crate::words::same_name;

/// Says whose a line of projects is.
pub(super) const OWNER_NAME: &str = "project.json";
const OWNER_FORMAT: &str = "geokeep project";
const OWNER_VERSION: u32 = 1;
/// So much is read back at a time.
const PIECE: usize = 1 << 20;

/// The content of `project.json`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    format: String,
    version: u32,
    source: Origin,
}

/// A copy of a project as it lies in its destination.
#[derive(Debug, Clone)]
pub struct KeptProject {
    /// What it is known by.
    pub id: BackupId,
    /// Where it lies.
    pub path: PathBuf,
    /// The line's name.
    pub name: String,
    /// Where it came from.
    pub source: Origin,
    /// When it was read.
    pub instant: Timestamp,
    /// How often the clock has been found behind the line's newest copy, up to this one.
    pub era: u32,
    /// What it hashes to; `None` if nobody noted it.
    digest: Option<String>,
    /// Its length.
    pub bytes: u64,
    /// Why it is pinned, if it is; empty if no reason was given.
    pub pinned: Option<String>,
    /// Why it did not pass when it was last verified, if it did not.
    pub failed: Option<String>,
}

/// What became of a project.
#[derive(Debug, Clone)]
pub enum Kept {
    /// A copy was made.
    Saved(KeptProject),
    /// The newest copy is the same.
    Unchanged(KeptProject),
}

impl Destination {
    /// The copies of a project that a line holds, in the order in which they were made; none if it is
    /// a line of archives.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] if nobody can say whose they are.
    pub fn projects(&self, line: &str) -> Result<Vec<KeptProject>, DestinationError> {
        if ProjectFormat::of(Path::new(line)).is_none() {
            return Ok(Vec::new());
        }
        let folder = self.folder.line_path(line);
        let owner = match read_owner(&folder) {
            Err(DestinationError::NotOurs(_)) | Ok(None) => return Ok(Vec::new()),
            owner => owner?.unwrap_or_default(),
        };
        self.look_again(line);
        let mut kept = Vec::new();
        for (id, marks) in &self.shelf(line)?.copies {
            let path = self.folder.location(id);
            let metadata = path.symlink_metadata();
            let metadata = metadata.map_err(|error| DestinationError::Unlistable {
                path: folder.clone(),
                error,
            })?;
            if !metadata.is_file() {
                // Nothing of ours.
                continue;
            }
            let noted = self.noted(id, *marks, None);
            let digest = marks.has(Mark::Digest);
            kept.push(KeptProject {
                pinned: noted.pinned,
                failed: noted.failed,
                digest: digest
                    .then(|| self.folder.read_mark(id, Mark::Digest))
                    .flatten(),
                path,
                name: line.to_owned(),
                source: owner.clone(),
                instant: id.made.instant,
                era: id.made.era,
                bytes: metadata.len(),
                id: id.clone(),
            });
        }
        Ok(kept)
    }

    /// Finds a copy by the name of its line (the newest), or by `NAME@DATE` (the newest up to then;
    /// `before` turns the date into an instant). `None` if no line of projects bears the name, or
    /// there is no copy up to then.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] and [`DestinationError::Unlistable`].
    pub(in crate::destination) fn find_project(
        &self,
        asked: &str,
        before: &Before<'_>,
    ) -> Result<Option<KeptProject>, DestinationError> {
        let (name, until) = match asked.split_once('@') {
            Some((name, date)) => match before(date) {
                Some(until) => (name, Some(until)),
                None => return Ok(None),
            },
            None => (asked, None),
        };
        if ProjectFormat::of(Path::new(name)).is_none() {
            return Ok(None);
        }
        let root = self.root()?;
        let Some(name) = line_named(name, &root.lines) else {
            return Ok(None);
        };
        let mut copies = self.projects(name)?;
        copies.retain(|copy| until.is_none_or(|until| copy.instant < until));
        let passed = copies.iter().rposition(|copy| copy.failed.is_none());
        // Of the name alone the newest one that is not known to be broken is meant.
        let chosen = passed.filter(|_| until.is_none());
        Ok(match chosen {
            Some(place) => Some(copies.swap_remove(place)),
            None => copies.pop(),
        })
    }

    /// The newest copy of a project on `machine`.
    #[must_use]
    pub fn newest_project_of(&self, source: &Source, machine: &Machine) -> Option<KeptProject> {
        // Nearly all sources are none: then nothing is listed.
        ProjectFormat::of(&source.real)?;
        let origin = Origin::new(source, machine);
        let root = self.root().ok()?;
        let kept = root
            .lines
            .iter()
            .filter_map(|line| self.projects(line).ok());
        kept.flatten()
            .rfind(|kept| origin.is_of(&kept.source, machine))
    }

    /// Keeps a project as it was at `instant`, unless the newest copy is the same and a new one is
    /// not asked for. When this returns a saved one, it survives a power cut.
    pub(crate) fn keep_project(
        &self,
        project: &Project,
        machine: &Machine,
        now: Timestamp,
        always: bool,
    ) -> Result<Kept, DestinationError> {
        let _names = self.lock_names();
        let source = Origin::new(&project.source, machine);
        let line = self.line_of_project(project, &source, machine)?;
        let newest = self.projects(&line)?.pop();
        let made = Made::after(newest.as_ref().map(KeptProject::made), now, now);
        if let Some(newest) = newest.filter(|newest| !always && newest.holds(&project.bytes)) {
            return Ok(Kept::Unchanged(newest));
        }
        let suffix = format!(".{}", project.format.extension());
        let base = line.strip_suffix(&suffix).unwrap_or(&line);
        let id = BackupId {
            key: dated_name(base, made, &suffix),
            line,
            made,
        };
        let path = self.folder.location(&id);
        // A digest without its copy means nothing; a copy without its digest proves less.
        let readers = Readers::of(&project.source.real);
        let digest = digest_of(&project.bytes);
        let folder = &self.folder;
        folder.write_mark(&id, Mark::Digest, &digest, Some(&readers))?;
        let written = folder.write_whole(&id.line, &path, &project.bytes, Some(&readers));
        if written.is_err() {
            // Nothing else depends on it.
            let _ = folder.remove_mark(&id, Mark::Digest);
        }
        self.look_again(&id.line);
        written?;
        Ok(Kept::Saved(KeptProject {
            path,
            name: id.line.clone(),
            source,
            instant: made.instant,
            era: made.era,
            bytes: project.bytes.len() as u64,
            pinned: None,
            failed: None,
            digest: Some(digest),
            id,
        }))
    }

    /// The line of a project: the one that says so, else a new one by the first name that is free.
    fn line_of_project(
        &self,
        project: &Project,
        source: &Origin,
        machine: &Machine,
    ) -> Result<String, DestinationError> {
        let root = self.root()?;
        let lines = &root.lines;
        let format = Some(project.format);
        let ours = lines.iter().filter_map(|line| {
            let of = (ProjectFormat::of(Path::new(line)) == format)
                .then(|| read_owner(&self.folder.line_path(line)).ok().flatten())??;
            source.is_of(&of, machine).then_some((line, of))
        });
        // A copy of a whole machine has its id, too: the one of this name comes first.
        let best = ours.max_by_key(|(_, of)| (of.host == source.host, of.same_name(source)));
        if let Some((line, of)) = best {
            if of != *source {
                // At worst the project is known by less when its machine gets another name.
                let note = self.folder.line_path(line).join(OWNER_NAME);
                let _ = self.folder.write_over(&note, &owner(source));
            }
            return Ok(line.clone());
        }
        let parent = Path::new(&source.path).parent().and_then(Path::file_name);
        let parent = parent.map(|name| name.to_string_lossy().into_owned());
        let reserved = self.folder.reserved();
        let free = |name: &String| {
            let mut same = lines.iter().filter(|line| same_name(line, name));
            let unused = same.all(|line| self.is_empty(line)) && reserved.owner(name).is_none();
            // A file, or a link, which may lead anywhere.
            let other = self.folder.line_path(name).symlink_metadata();
            unused && other.map_or(true, |other| other.is_dir())
        };
        let line = candidates(&project.source.stem(), parent.as_deref())
            .map(|name| format!("{name}.{}", project.format.extension()))
            .find(free)
            .ok_or_else(|| {
                DestinationError::read(self.path(), io::Error::other("no free name was found"))
            })?;
        self.folder.begin_project_line(&line, source)?;
        self.forget_lines();
        Ok(line)
    }
}

impl ArchiveFolder {
    fn begin_project_line(&self, line: &str, source: &Origin) -> Result<(), DestinationError> {
        let folder = self.line_path(line);
        if !folder.is_dir() {
            create_folder(&*self.disk, &folder)?;
        }
        let written = self.write_whole(line, &folder.join(OWNER_NAME), &owner(source), None);
        if written.is_err() {
            self.discard_empty(line);
        }
        written
    }

    /// Writes a file of a line under a temporary name, reads it back, and gives it its own name,
    /// which must be free. If `readers` are given, nobody else may read it.
    fn write_whole(
        &self,
        line: &str,
        path: &Path,
        bytes: &[u8],
        readers: Option<&Readers>,
    ) -> Result<(), DestinationError> {
        let written = bytes.len() as u64;
        let mut draft = Temporary::create(&self.disk, &self.line_path(line), "project")
            .map_err(|e| DestinationError::write(path, e, 0))?;
        draft
            .write_all(bytes)
            .and_then(|()| draft.flush())
            .map_err(|e| DestinationError::write(draft.path(), e, 0))?;
        let same = is_same(draft.file(), bytes);
        if !same.map_err(|e| DestinationError::read(draft.path(), e))? {
            return Err(DestinationError::BadArchive {
                path: path.to_owned(),
                reason: "what was written cannot be read back".to_owned(),
            });
        }
        match readers {
            Some(readers) => draft.open_to(readers),
            None => draft.open_as_usual(),
        }
        draft
            .keep_as_new(path)
            .map_err(|e| DestinationError::keep(line, path, e, written))
    }
}

/// The text of `project.json`.
fn owner(source: &Origin) -> Vec<u8> {
    let owner = Owner {
        format: OWNER_FORMAT.to_owned(),
        version: OWNER_VERSION,
        source: source.clone(),
    };
    let mut json = serde_json::to_vec_pretty(&owner)
        .expect("an owner has only text keys and numbers, which JSON can hold");
    json.push(b'\n');
    json
}

impl KeptProject {
    fn made(&self) -> Made {
        Made {
            era: self.era,
            instant: self.instant,
        }
    }

    /// Whether everybody may read it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        Readers::by_file_alone(&self.path).is_everyone()
    }

    /// How it is written.
    #[must_use]
    pub fn format(&self) -> ProjectFormat {
        ProjectFormat::of(&self.path).unwrap_or(ProjectFormat::Qgz)
    }

    /// All of it, compared with its digest. A copy without one is at least a whole project.
    ///
    /// # Errors
    /// [`DestinationError::BadArchive`] if it is not what was kept, [`DestinationError::Read`].
    pub fn read(&self) -> Result<Vec<u8>, DestinationError> {
        let bad = |reason: &str| DestinationError::BadArchive {
            path: self.path.clone(),
            reason: reason.to_owned(),
        };
        let mut bytes = Vec::new();
        open_file(&self.path)
            .and_then(|file| file.take(PROJECT_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(|e| DestinationError::read(&self.path, e))?;
        match &self.digest {
            Some(digest) if *digest == digest_of(&bytes) => {}
            Some(_) => return Err(bad("it does not match the recorded digest")),
            None => self.format().check(&bytes).map_err(|why| bad(&why))?,
        }
        Ok(bytes)
    }

    /// Whether it is the same. A copy that cannot be read holds nothing.
    #[must_use]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        self.failed.is_none() && self.read().is_ok_and(|held| held == bytes)
    }
}

fn digest_of(bytes: &[u8]) -> String {
    digest_text(&blake3::hash(bytes))
}

fn is_same(file: &(impl ReadAt + ?Sized), bytes: &[u8]) -> io::Result<bool> {
    if file.size()? != bytes.len() as u64 {
        return Ok(false);
    }
    let mut stored = vec![0; bytes.len().min(PIECE)];
    for (n, piece) in bytes.chunks(PIECE).enumerate() {
        let stored = &mut stored[..piece.len()];
        file.read_exact_at(stored, (n * PIECE) as u64)?;
        if stored != piece {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whose copies a folder holds; `None` if it is no line of projects.
fn read_owner(folder: &Path) -> Result<Option<Origin>, DestinationError> {
    let path = folder.join(OWNER_NAME);
    let bad = |reason: &str| DestinationError::BadArchive {
        path: path.clone(),
        reason: reason.to_owned(),
    };
    let Some(json) = read_note(&path)? else {
        return Ok(None);
    };
    let owner: Owner = serde_json::from_slice(&json)
        .map_err(|_| bad("it does not say whose copies lie beside it"))?;
    if owner.format != OWNER_FORMAT {
        return Err(bad("it is not geokeep's"));
    }
    if owner.version > OWNER_VERSION {
        return Err(bad("it was made by a later geokeep"));
    }
    Ok(Some(owner.source))
}
