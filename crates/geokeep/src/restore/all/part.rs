//! Files that were taken with projects, restored into the folders in which they were: a project of
//! which only the project file is back shows nothing of its rasters and tables.

use std::collections::HashMap;
use std::path::Path;

use super::heard::{Doubt, Fared, HearAll, Tally};
use super::way::Way;
use crate::destination::{Manifest, Stored, StoredFile};
use crate::kind::Kind;
use crate::restore::layout::FileOf;
use crate::restore::places::{There, there};
use crate::restore::rights::Known;
use crate::restore::unwritten::{Swept, write_stored};
use crate::restore::{RestoreError, reserved};
use crate::verify::digests_of;

/// One of them.
pub(super) struct Part<'a> {
    project: &'a Stored,
    number: usize,
    file: &'a StoredFile,
    source: &'a str,
}

/// Those of all chosen backups. Of a file that several projects name it is the one that was taken last.
pub(super) fn parts_of(chosen: &[(Stored, Option<Doubt>)]) -> Vec<Part<'_>> {
    let mut newest: HashMap<(&str, &str), Part<'_>> = HashMap::new();
    for (project, _) in chosen {
        let origin = &project.manifest.source;
        let machine = origin.lasting_machine().unwrap_or(&origin.host);
        for (number, file) in project.manifest.files.iter().enumerate().skip(1) {
            let Some(source) = file.source.as_deref() else {
                continue;
            };
            let part = Part {
                project,
                number,
                file,
                source,
            };
            let known = newest.get(&(machine, source));
            if known.is_none_or(|known| known.manifest().instant < part.manifest().instant) {
                newest.insert((machine, source), part);
            }
        }
    }
    let mut parts: Vec<_> = newest.into_values().collect();
    parts.sort_by_key(|part| (&part.manifest().name, part.number));
    parts
}

impl<'a> Part<'a> {
    fn manifest(&self) -> &'a Manifest {
        &self.project.manifest
    }

    pub(super) fn file(&self) -> FileOf<'a> {
        FileOf::part(self.manifest(), self.source)
    }

    /// Restores it, and says what became of it.
    pub(super) fn restore(
        &self,
        way: &Way<'_>,
        swept: &mut Swept,
        hear: &mut HearAll<'_>,
        tally: &mut Tally,
    ) {
        let (path, manifest) = (way.path(), self.manifest());
        match self.write(way, &path, swept) {
            Ok(There::Nothing) => {
                tally.restored += 1;
                tally.bytes += self.file.bytes;
                hear(&Fared::Part(&path, manifest, self.file));
            }
            Ok(There::Same) => {
                tally.kept += 1;
                hear(&Fared::PartKept(&path, manifest, self.file));
            }
            Err(error) if error.kind() == Kind::Interrupted => tally.interrupted = true,
            Err(error) => {
                tally.failed.push(error.kind());
                hear(&Fared::Failed(&path, &error));
            }
        }
    }

    /// What was there before. Another file is left as it is, since no backup of it can be made.
    fn write(&self, way: &Way<'_>, path: &Path, swept: &mut Swept) -> Result<There, RestoreError> {
        let all = way.all;
        reserved::refuse(path, all.destination)?;
        way.make()?;
        if !all.dry_run {
            swept.beside(path, &*all.settings.disk);
        }
        let found =
            there(path, self.file.bytes, &self.file.digest).map_err(|error| match error {
                RestoreError::TargetExists(path) => RestoreError::InTheWay(path),
                error => error,
            })?;
        if found == There::Same || all.dry_run {
            return Ok(found);
        }
        let backup = all.destination.open_backup(&self.project.id)?;
        let bytes = backup.file(self.number)?;
        let digests = digests_of(self.file)?;
        let written = write_stored(&bytes, digests, path, all.settings, all.monitor)?;
        Known::of(&backup).give(&written, path);
        let kept = written.keep_as_new(path);
        kept.map_err(|e| RestoreError::keep(path, e, self.file.bytes))?;
        Ok(There::Nothing)
    }
}
