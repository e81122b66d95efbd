//! The path: from a source to a stored, proven backup.

mod describe;
mod job;
mod refuse;
mod succession;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Watch;
use crate::destination::{
    ArchiveFolder, Content, DestinationError, Draft, Kept, Machine, Stored, StoredArchive, Verdict,
};
use crate::durable::{Disk, Readers, Rights, folder_of, narrow, sweep_restores};
use crate::error::{Error, Kind};
use crate::snapshot::{self, Clock, Method, SnapshotError, Taken};
use crate::source::{
    FileSystem, Gate, Header, Look, Project, Resident, Source, SourceError, look, same_content,
};
use crate::stored::Twin;
use crate::verify::{self, Checked, Digests};
use describe::describe;
use refuse::{enough_room, refuse_other_files};
use succession::{Line, is_same};

pub use job::Job;
pub use succession::{CLOCK, OTHER_FILE};

/// What a run of backups is to know and to have.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long to wait for another program's lock on one source.
    pub lock_wait: Duration,
    /// Threads that compress one source.
    pub threads: usize,
    /// Kept in the manifest, as the label of each job.
    pub label: Option<String>,
    /// Percent of its rows that a layer may lose since the last sound backup without a finding;
    /// `None`: whatever it loses.
    pub max_loss: Option<u8>,
    /// Make a backup even of an unchanged source.
    pub force: bool,
    /// Take SQLite databases that are no GeoPackages, too.
    pub any_sqlite: bool,
    /// How to take snapshots; `None` is `auto`.
    pub method: Option<Method>,
    /// How long one step of the backup API may hold writers up.
    pub lock_ceiling: Duration,
    /// The translator for [`Method::Ogr`], if not the one on the search path.
    pub ogr2ogr: Option<PathBuf>,
    /// What kind of file system the sources lie on, if the caller knows better than the system.
    pub file_system: Option<FileSystem>,
    /// A folder for short-lived working copies.
    pub staging: PathBuf,
    /// The machine on which the sources lie: part of what tells them apart.
    pub machine: Machine,
    /// The name of the line, if the caller gives it to a single source.
    pub line: Option<String>,
    /// The time.
    pub clock: Clock,
    /// Where files are written.
    pub disk: Arc<dyn Disk>,
}

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

/// Gives each source the name of its line, in the order of the list, so that two of the same name
/// never mix and a name does not depend on which is read first.
///
/// # Errors
/// [`crate::destination::DestinationError::Read`].
pub fn plan(
    sources: Vec<Source>,
    destination: &ArchiveFolder,
    settings: &Settings,
) -> Result<Vec<Job>, Error> {
    let _names = destination.lock_names();
    let mut lines = destination.known_lines(&settings.machine)?;
    let given = settings.line.as_deref();
    let assigned = sources.iter().map(|source| lines.assign(source, given));
    let assigned = assigned.collect::<Result<Vec<_>, _>>()?;
    let begun: Vec<_> = assigned.iter().filter(|a| a.before.is_none()).collect();
    // Where they cannot be written down, a name that was given away meanwhile is seen in the end.
    let reservation = match &begun[..] {
        [] => None,
        begun => destination.reserve(begun).ok().map(Arc::new),
    };
    let job = |(source, assigned)| Job::new(source, assigned, reservation.clone(), settings);
    Ok(sources.into_iter().zip(assigned).map(job).collect())
}

/// Keeps a project as it was read. When this returns a saved copy, it survives a power cut.
///
/// # Errors
/// [`crate::destination::DestinationError`]; earlier copies are as they were.
pub fn keep_project(
    project: &Project,
    destination: &ArchiveFolder,
    settings: &Settings,
    watch: &Watch,
) -> Result<Kept, Error> {
    watch.check()?;
    let now = whole_millisecond(settings.clock.now());
    Ok(destination.keep_project(project, &settings.machine, now, settings.force)?)
}

/// Hears of each source as it ends: what became of it, and how long that took.
pub type Report<'a> = dyn Fn(&Job, Result<Outcome, Error>, Duration) + Sync + 'a;

/// Backs up all `jobs`, `at_once` of them at a time. `report` is called as each ends; one that
/// fails, even by a panic, does not stop the others. One that found no room beside others is tried
/// again alone.
pub fn run(
    jobs: &[Job],
    at_once: usize,
    destination: &ArchiveFolder,
    settings: &Settings,
    watch: &Watch,
    report: &Report<'_>,
) {
    sweep_after_killed_restores(jobs, settings);
    let next = AtomicUsize::new(0);
    let again = Mutex::new(BTreeSet::new());
    let at_once = at_once.clamp(1, jobs.len().max(1));
    let one = |place: usize, alone: bool| {
        let began = Instant::now();
        let path = || backup(&jobs[place], destination, settings, watch);
        let outcome = catch_unwind(AssertUnwindSafe(path)).unwrap_or(Err(Error::Panicked));
        let full = matches!(&outcome, Err(e) if e.kind() == Kind::DestinationFull);
        if full && !alone {
            let mut again = again.lock().unwrap_or_else(PoisonError::into_inner);
            again.insert(place);
        } else {
            report(&jobs[place], outcome, began.elapsed());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Relaxed);
                    if place >= jobs.len() || watch.check().is_err() {
                        break;
                    }
                    one(place, at_once == 1);
                }
            });
        }
    });
    let again = std::mem::take(&mut *again.lock().unwrap_or_else(PoisonError::into_inner));
    for place in again {
        one(place, true);
    }
}

/// A restore that was killed leaves a copy of the size of the database beside its target, which is
/// a source most of the time. Each folder is listed once; what cannot go harms nobody.
fn sweep_after_killed_restores(jobs: &[Job], settings: &Settings) {
    let folders: BTreeSet<_> = jobs.iter().map(|job| folder_of(&job.source.real)).collect();
    for folder in folders {
        let _ = sweep_restores(&*settings.disk, folder);
    }
}

/// Backs up one source. When this returns a saved backup, it is verified and survives a power cut.
///
/// # Errors
/// [`Error`] by stage; then nothing of this backup is left, and earlier ones are as they were.
pub fn backup(
    job: &Job,
    destination: &ArchiveFolder,
    settings: &Settings,
    watch: &Watch,
) -> Result<Outcome, Error> {
    let any_sqlite = settings.any_sqlite || job.any_sqlite;
    let settings = &Settings {
        any_sqlite,
        ..settings.clone()
    };
    let mut replaced = 0;
    let mut taken = false;
    loop {
        match attempt(job, destination, settings, watch) {
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

/// How often a source that another program replaces meanwhile is begun anew.
const REPLACED_MAX: u32 = 10;

fn attempt(
    job: &Job,
    destination: &ArchiveFolder,
    settings: &Settings,
    watch: &Watch,
) -> Result<Outcome, Error> {
    watch.check()?;
    let gate = Arc::new(Gate::enter(&job.source)?);
    let look = look_at(job, &gate, settings)?;
    // At worst it is not said when it goes again.
    let _ = destination.note_there(&job.line);
    refuse_other_files(&look)?;
    watch.add_total(look.stamp.size);
    let line = Line {
        newest: destination.newest_made(&job.line),
        now: whole_millisecond(settings.clock.now()),
    };
    let previous = destination
        .newest(&job.line)
        .filter(|newest| job.is_of(&newest.manifest.source) && !newest.did_not_pass());
    if let Some(previous) = &previous
        && !settings.force
    {
        let stored = previous.stored()?;
        if same_content(&stored.evidence, &look.evidence()) {
            watch.add_done(look.stamp.size);
            return Ok(Outcome::Unchanged(stored));
        }
    }
    enough_room(destination, &look, previous.as_ref())?;
    let mut draft = destination.draft(&job.line, readers(&look, job))?;
    let made = make(
        job,
        gate,
        look,
        previous.as_ref(),
        &mut draft,
        settings,
        watch,
    )
    .and_then(|made| finish(made, job, line, previous, draft, destination, settings));
    if made.is_err() {
        destination.discard_empty(&job.line);
    }
    made
}

/// Whoever may not read the source is to read no archive of it either.
fn readers(look: &Look, job: &Job) -> Readers {
    let rights = look.rights.as_ref();
    rights.map_or_else(Readers::default, |rights| {
        Readers::by(rights, &job.source.real)
    })
}

/// A snapshot in a draft, checked.
struct Made {
    taken: Taken,
    content: Content,
    /// Absent if the previous backup holds the same, which was checked when it was made.
    checked: Option<Checked>,
}

/// source → snapshot → draft → verify, and once more if a fault makes every byte precious.
fn make(
    job: &Job,
    gate: Arc<Gate>,
    look: Look,
    previous: Option<&StoredArchive>,
    draft: &mut Draft,
    settings: &Settings,
    watch: &Watch,
) -> Result<Made, Error> {
    let mut request = snapshot::Request {
        source: &job.source,
        gate: &gate,
        clock: &settings.clock,
        lock_wait: settings.lock_wait,
        disk: &settings.disk,
        staging: &settings.staging,
        watch,
        method: settings.method,
        lock_ceiling: settings.lock_ceiling,
        ogr2ogr: settings.ogr2ogr.as_deref(),
        file_system: settings.file_system.as_ref(),
        keep_free_pages: false,
    };
    let (taken, content) = capture(&request, look, previous, draft, settings)?;
    if !settings.force
        && let Some(previous) = previous
        && succession::lacks_the_same(previous, &taken)
        && is_same(previous, &content, draft)?
    {
        return Ok(Made {
            taken,
            content,
            checked: None,
        });
    }
    let checked = check(draft, &content, &taken, &gate, settings, watch)?;
    if checked.verdict == Verdict::Sound || taken.free_pages_zeroed == 0 {
        return Ok(Made {
            taken,
            content,
            checked: Some(checked),
        });
    }
    // In a damaged file a page that is listed as free may be the last copy of something.
    request.keep_free_pages = true;
    let look = look_at(job, &gate, settings)?;
    let (taken, content) = capture(&request, look, previous, draft, settings)?;
    let checked = check(draft, &content, &taken, &gate, settings, watch)?;
    Ok(Made {
        taken,
        content,
        checked: Some(checked),
    })
}

fn look_at(job: &Job, gate: &Gate, settings: &Settings) -> Result<Look, Error> {
    let mut look = look(&job.source, gate, settings.clock.now_ns())?;
    if let Some(known) = &settings.file_system {
        look.file_system = known.clone();
    }
    Ok(look)
}

fn capture(
    request: &snapshot::Request<'_>,
    look: Look,
    previous: Option<&StoredArchive>,
    draft: &mut Draft,
    settings: &Settings,
) -> Result<(Taken, Content), Error> {
    // A previous archive that cannot be read is of no use here; verify will say so.
    let readable = previous.and_then(|previous| {
        let chunks = previous.chunks().ok()?;
        Some((chunks, previous.hashes().unwrap_or_default()))
    });
    let previous = readable
        .as_ref()
        .map(|(chunks, hashes)| sozip::Previous { chunks, hashes });
    snapshot::take(request, look, &mut |stream, bytes| {
        let modified = settings.clock.now();
        Ok(draft.store(stream, bytes, modified, settings.threads, previous.as_ref())?)
    })
}

fn check(
    draft: &Draft,
    content: &Content,
    taken: &Taken,
    gate: &Arc<Gate>,
    settings: &Settings,
    watch: &Watch,
) -> Result<Checked, Error> {
    let chunks = Arc::new(draft.chunks(content)?);
    let says_so = taken.look.header().is_some_and(Header::says_geopackage);
    let geopackage = says_so || verify::is_stored_geopackage(&chunks, watch)?;
    if !geopackage && !settings.any_sqlite {
        let what = "it is an SQLite database without the table gpkg_contents".to_owned();
        return Err(SourceError::NotAGeoPackage(what).into());
    }
    let digests = Digests {
        content: &content.digest,
        stored: &content.stored_digest,
        chunks: &content.added.hashes,
    };
    // Most likely nobody has changed the source since.
    let just_written = Twin {
        file: Arc::new(Resident(Arc::clone(gate))),
        hashes: Arc::clone(&content.hashes),
    };
    verify::check(&chunks, digests, geopackage, Some(just_written), watch)
}

/// manifest → publish, or nothing if there is nothing new.
fn finish(
    made: Made,
    job: &Job,
    line: Line,
    previous: Option<StoredArchive>,
    draft: Draft,
    destination: &ArchiveFolder,
    settings: &Settings,
) -> Result<Outcome, Error> {
    let Made {
        taken,
        content,
        checked,
    } = made;
    match (checked, previous) {
        (Some(checked), previous) => {
            job.still_its(destination)?;
            let mut manifest = describe(job, &taken, &content, checked);
            let before = previous.as_ref();
            succession::compare(&mut manifest, job, line, before, destination, settings)?;
            manifest.fit();
            Ok(Outcome::Saved(draft.publish(&content, &manifest)?))
        }
        (None, Some(previous)) => {
            let stored = previous.stored()?;
            if previous.rights() != taken.look.rights.clone().map(Rights::named) {
                narrow(&stored.path, &readers(&taken.look, job));
            }
            // Only spares the next run the reading, and knows the rights of today.
            let _ = destination.note_seen(&stored, &taken.look);
            Ok(Outcome::Unchanged(stored))
        }
        (None, None) => unreachable!("unchanged is said only with a previous backup at hand"),
    }
}

/// A file name holds milliseconds; nothing else may know the instant better.
fn whole_millisecond(instant: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(instant.as_millisecond()).unwrap_or(instant)
}
