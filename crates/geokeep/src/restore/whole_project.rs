//! A whole project, into a folder: the project, the files that were taken with it, and the databases
//! that it names, each as of one moment. Nothing that lies there is replaced. The project comes
//! last: where it lies, all the rest does. A restore that was stopped is begun again and keeps what
//! is there already.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::places::{Places, There, there};
use super::repoint::Repoint;
use super::target::enough_room;
use super::unwritten::{Swept, Unwritten, sweep_after_killed, write_stored};
use super::{RestoreError, Target, restore};
use crate::Monitor;
use crate::backup::Settings;
use crate::destination::{
    Destination, Manifest, NamedDatabase, OpenLoss, Opened, Stored, StoredFile, digest_text,
};
use crate::durable::{KeepError, NotRestored, RESTORE, Temporary, folder_of, open_file};
use crate::source::{PROJECT_BYTES_MAX, Project, ProjectFormat};
use crate::verify::{VerifyError, digests_of};

/// Longer virtual files keep the paths that they have.
const VIRTUAL_BYTES_MAX: u64 = 16 << 20;

/// What a restore of a whole project did, or would do.
#[derive(Debug, Clone)]
pub struct RestoredProject {
    /// The project.
    pub path: PathBuf,
    /// Bytes of all that was restored.
    pub bytes: u64,
    /// The backup of the project.
    pub manifest: Manifest,
    /// The files that were taken with it.
    pub files: Vec<PathBuf>,
    /// The databases that it names, each with the backup that it was restored from.
    pub databases: Vec<(PathBuf, Stored)>,
    /// Databases that it names and that have no backup from then.
    pub without_backup: Vec<NamedDatabase>,
    /// Of the databases whose restored backup lacks something of earlier ones.
    pub open_losses: Vec<OpenLoss>,
    /// Absolute paths in it that lead to the restored files now.
    pub repointed: bool,
    /// What it names and that lies outside of the folder.
    pub leads_elsewhere: Vec<PathBuf>,
    /// What of owner, group and permissions of the project could not be given back.
    pub not_restored: Vec<NotRestored>,
}

/// What is restored, from where, and with what.
pub struct WholeProject<'a> {
    /// The backup of the project.
    pub backup: &'a Opened,
    /// Databases as of before this moment; `None`: the newest sound ones.
    pub until: Option<Timestamp>,
    /// Where their backups are.
    pub destination: &'a Destination,
    /// As for any restore.
    pub settings: &'a Settings,
    /// Progress, and the request to stop.
    pub monitor: &'a Monitor,
}

/// Everything with its place.
struct Plan {
    project: PathBuf,
    files: Vec<(usize, PathBuf)>,
    databases: Vec<(PathBuf, Stored)>,
    without_backup: Vec<NamedDatabase>,
    repoint: Repoint,
}

/// Whether a backup holds a project that can be restored to a folder.
#[must_use]
pub fn is_project(manifest: &Manifest) -> bool {
    manifest.project_format().is_some()
}

impl WholeProject<'_> {
    /// Restores all of it into `folder`, which need not be there. With `dry_run` everything is looked
    /// at and nothing written.
    ///
    /// # Errors
    /// [`RestoreError`]; what had been written by then is whole, and stays.
    pub fn restore(&self, folder: &Path, dry_run: bool) -> Result<RestoredProject, RestoreError> {
        self.backup.check_frame().map_err(VerifyError::from)?;
        let mut places = Places::of(folder, self.destination)?;
        let plan = self.plan(&mut places)?;
        let project = self.project(&plan.repoint)?;
        let mut restored = self.described(&plan, &project);
        let missing = self.what_is_not_there(&plan, &project)?;
        if !dry_run {
            let near = places.folder().ancestors().find(|above| above.is_dir());
            enough_room(&near.unwrap_or(Path::new("/")).join("x"), missing)?;
            self.write(&plan, &places, &project, &mut restored)?;
            restored.leads_elsewhere = leads_elsewhere(&plan.project, places.folder());
        }
        Ok(restored)
    }

    fn described(&self, plan: &Plan, project: &NewProject) -> RestoredProject {
        let listed = &self.backup.manifest.files;
        let files = plan.files.iter().map(|(number, _)| listed[*number].bytes);
        let databases = plan
            .databases
            .iter()
            .map(|(_, stored)| stored.manifest.bytes);
        RestoredProject {
            path: plan.project.clone(),
            bytes: files.chain(databases).sum::<u64>() + project.bytes.len() as u64,
            manifest: self.backup.manifest.clone(),
            files: plan.files.iter().map(|(_, path)| path.clone()).collect(),
            databases: plan.databases.clone(),
            without_backup: plan.without_backup.clone(),
            open_losses: self.open_losses(&plan.databases),
            repointed: project.repointed,
            leads_elsewhere: Vec::new(),
            not_restored: Vec::new(),
        }
    }

    fn open_losses(&self, databases: &[(PathBuf, Stored)]) -> Vec<OpenLoss> {
        let ids = databases.iter().map(|(_, stored)| &stored.id);
        ids.filter_map(|id| self.destination.open_loss_in(id))
            .collect()
    }

    fn plan(&self, places: &mut Places<'_>) -> Result<Plan, RestoreError> {
        let manifest = &self.backup.manifest;
        let own = manifest.files.first();
        let own = own.and_then(|file| file.place.as_deref());
        let mut plan = Plan {
            project: places.take(own.unwrap_or(&manifest.name))?,
            files: Vec::new(),
            databases: Vec::new(),
            without_backup: Vec::new(),
            repoint: Repoint::default(),
        };
        for (number, file) in manifest.files.iter().enumerate().skip(1) {
            let path = places.take(file.place.as_deref().unwrap_or(&file.path))?;
            if let Some(source) = &file.source {
                plan.repoint.add(source, &path);
            }
            plan.files.push((number, path));
        }
        for database in &manifest.databases {
            let path = places.take(&database.place)?;
            match self.backup_of(database)? {
                Some(stored) => {
                    plan.repoint.add(&database.source, &path);
                    plan.databases.push((path, stored));
                }
                None => plan.without_backup.push(database.clone()),
            }
        }
        Ok(plan)
    }

    /// The newest sound backup of a database from then; the newest one if there is no sound one.
    fn backup_of(&self, database: &NamedDatabase) -> Result<Option<Stored>, RestoreError> {
        let ours = &self.backup.manifest.source;
        let mut found: Option<Stored> = None;
        for line in self.destination.lines()? {
            let newest = self.destination.newest(&line);
            let is_its = |stored: &Stored| {
                let source = &stored.manifest.source;
                source.path == database.real && ours.is_on_machine_of(source)
            };
            if !newest.is_some_and(|newest| is_its(&newest)) {
                continue;
            }
            let backups = self.destination.list(&line)?.backups;
            let then = backups.into_iter().filter(|stored| {
                let until = self.until;
                is_its(stored) && until.is_none_or(|until| stored.manifest.instant < until)
            });
            let rank = |stored: &Stored| {
                let made = stored.manifest.era;
                (stored.is_sound(), made, stored.manifest.instant)
            };
            found = then.chain(found).max_by_key(rank);
        }
        Ok(found)
    }

    /// The bytes of the project as it is to lie there.
    fn project(&self, repoint: &Repoint) -> Result<NewProject, RestoreError> {
        let format = self.backup.manifest.project_format();
        let format =
            format.ok_or_else(|| VerifyError::Differs("it holds no project".to_owned()))?;
        let new = Unwritten::open(self.backup)?;
        if new.bytes.size() > PROJECT_BYTES_MAX {
            let why = "it is longer than any project".to_owned();
            return Err(VerifyError::Differs(why).into());
        }
        let bytes = new.read(self.settings, self.monitor)?;
        let changed = repoint.project(&bytes, format);
        Ok(NewProject {
            repointed: changed.is_some(),
            bytes: changed.unwrap_or(bytes),
            new,
        })
    }

    /// Bytes that are still to be written; an error if anything else lies in the way.
    fn what_is_not_there(&self, plan: &Plan, project: &NewProject) -> Result<u64, RestoreError> {
        let mut missing = project.bytes.len() as u64;
        let digest = digest_text(&blake3::hash(&project.bytes));
        there(&plan.project, missing, &digest)?;
        for (number, path) in &plan.files {
            let file = &self.backup.manifest.files[*number];
            if self.file_there(file, path, &plan.repoint)? == There::Nothing {
                missing += file.bytes;
            }
        }
        for (path, stored) in &plan.databases {
            let manifest = &stored.manifest;
            if there(path, manifest.bytes, &manifest.digest)? == There::Nothing {
                missing += manifest.bytes;
            }
        }
        Ok(missing)
    }

    fn file_there(
        &self,
        file: &StoredFile,
        path: &Path,
        repoint: &Repoint,
    ) -> Result<There, RestoreError> {
        let as_it_was = there(path, file.bytes, &file.digest);
        // A virtual file that was written with new paths.
        match (as_it_was, is_virtual(file)) {
            (Err(_), true) => {
                let is_new = || {
                    let number = self
                        .backup
                        .manifest
                        .files
                        .iter()
                        .position(|one| one == file)?;
                    let text = self.virtual_file(number, repoint).ok().flatten()?;
                    let mut found = Vec::new();
                    let most = VIRTUAL_BYTES_MAX * 2;
                    open_file(path)
                        .ok()?
                        .take(most)
                        .read_to_end(&mut found)
                        .ok()?;
                    (found == text.as_bytes()).then_some(There::Same)
                };
                is_new().ok_or_else(|| RestoreError::TargetExists(path.to_owned()))
            }
            (found, _) => found,
        }
    }

    fn write(
        &self,
        plan: &Plan,
        places: &Places<'_>,
        project: &NewProject,
        restored: &mut RestoredProject,
    ) -> Result<(), RestoreError> {
        let disk = &*self.settings.disk;
        let mut swept = Swept::default();
        for (number, path) in &plan.files {
            places.make_room(path, disk)?;
            swept.beside(path, disk);
            self.write_file(*number, path, &plan.repoint, project)?;
        }
        for (path, stored) in &plan.databases {
            places.make_room(path, disk)?;
            self.write_database(path, stored)?;
        }
        places.make_room(&plan.project, disk)?;
        let digest = digest_text(&blake3::hash(&project.bytes));
        if there(&plan.project, project.bytes.len() as u64, &digest)? == There::Same {
            return Ok(());
        }
        sweep_after_killed(&plan.project, self.settings);
        restored.not_restored = self.write_bytes(&project.bytes, &plan.project, project)?;
        Ok(())
    }

    fn write_file(
        &self,
        number: usize,
        path: &Path,
        repoint: &Repoint,
        project: &NewProject,
    ) -> Result<(), RestoreError> {
        let file = &self.backup.manifest.files[number];
        if self.file_there(file, path, repoint)? == There::Same {
            return Ok(());
        }
        if let Some(text) = self.virtual_file(number, repoint)? {
            self.write_bytes(text.as_bytes(), path, project)?;
            return Ok(());
        }
        let bytes = self.backup.file(number)?;
        let written = write_stored(&bytes, digests_of(file)?, path, self.settings, self.monitor)?;
        project.new.rights.give(&written, path);
        keep(written, path, file.bytes)
    }

    /// The text of a virtual file with its paths replaced; `None` if it stays as it is.
    fn virtual_file(
        &self,
        number: usize,
        repoint: &Repoint,
    ) -> Result<Option<String>, RestoreError> {
        let file = &self.backup.manifest.files[number];
        if !is_virtual(file) {
            return Ok(None);
        }
        let bytes = self.backup.file(number)?;
        let plain = super::unwritten::read(&bytes, digests_of(file)?, self.settings, self.monitor)?;
        Ok(str::from_utf8(&plain)
            .ok()
            .and_then(|text| repoint.text(text)))
    }

    fn write_bytes(
        &self,
        bytes: &[u8],
        path: &Path,
        project: &NewProject,
    ) -> Result<Vec<NotRestored>, RestoreError> {
        let failed = |e| RestoreError::write(path, e, 0);
        let disk = &self.settings.disk;
        let mut file = Temporary::create(disk, folder_of(path), RESTORE).map_err(failed)?;
        file.file_mut().write_all(bytes).map_err(failed)?;
        let missing = project.new.rights.give(&file, path);
        keep(file, path, bytes.len() as u64)?;
        Ok(missing)
    }

    fn write_database(&self, path: &Path, stored: &Stored) -> Result<(), RestoreError> {
        let manifest = &stored.manifest;
        if there(path, manifest.bytes, &manifest.digest)? == There::Same {
            return Ok(());
        }
        let backup = self.destination.open_backup(&stored.id)?;
        let target = Target {
            path: path.to_owned(),
            force: false,
        };
        let (to, settings) = (self.destination, self.settings);
        restore(&backup, &target, false, to, settings, self.monitor).map(|_| ())
    }
}

/// The project as it is to lie there.
struct NewProject {
    bytes: Vec<u8>,
    repointed: bool,
    /// As it was stored.
    new: Unwritten,
}

fn is_virtual(file: &StoredFile) -> bool {
    let is_named_so = Path::new(&file.path)
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("vrt"));
    is_named_so && file.bytes <= VIRTUAL_BYTES_MAX
}

fn keep(file: Temporary, path: &Path, bytes: u64) -> Result<(), RestoreError> {
    let kept = file.keep_as_new(path);
    kept.map_err(|e: KeepError| RestoreError::keep(path, e, bytes))
}

/// What the restored project names outside of the folder, by asking it.
fn leads_elsewhere(project: &Path, folder: &Path) -> Vec<PathBuf> {
    let read = ProjectFormat::of(project).and_then(|format| Project::read(project, format).ok());
    let Some(project) = read else {
        return Vec::new();
    };
    let layers = project.not_protected.into_iter().filter_map(|one| one.path);
    let named = project.geopackages.into_iter().chain(project.missing);
    let all = named.chain(project.files).chain(layers);
    let is_inside = |path: &PathBuf| {
        path.starts_with(folder)
            || fs::canonicalize(path).is_ok_and(|real| real.starts_with(folder))
    };
    all.filter(|path| !is_inside(path)).collect()
}
