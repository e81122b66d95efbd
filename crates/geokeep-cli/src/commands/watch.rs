//! `geokeep watch`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use geokeep::jobs::Every;
use geokeep::jobs::config::Job;
use geokeep::source::{ProjectFormat, is_geopackage, sidecar};
use geokeep::wire::RunObject;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::backup::expanded;
use super::run::Aloud;
use crate::args::Watch;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::nightly::{Told, in_short};
use crate::render::{self, Closing};
use crate::settings::Context;

/// How often all files are looked at, whether or not the system tells of changes: a commit in WAL
/// mode and a network share may not give events.
const POLL: Duration = Duration::from_secs(5);
/// A file that is never left alone is backed up after so many times the quiet.
const RESTLESS: u32 = 10;
/// After a failure.
const RETRY: Duration = Duration::from_secs(60);
/// Events come in swarms while a file is written; and a signal must not wait for long.
const PAUSE: Duration = Duration::from_millis(250);

pub(crate) fn run(arguments: &Watch, context: &Context) -> Result<Exit, Failure> {
    let config = Config::find(arguments.config.as_deref(), context)?;
    let job = config.job_named(&arguments.job)?;
    let run = Aloud {
        job,
        config: &config.path,
        every: Every::Edit,
        told: Told::default(),
        loudness: arguments.loudness,
        context,
    };
    let mut files = Files::default();
    let mut events = Events::new();
    files.look(job, &mut events, context);
    let all: Vec<_> = files.seen.keys().cloned().collect();
    back_up(&run, &job.sources, &all, &mut files);
    // To be stopped is how a watch ends.
    while context.monitor.check().is_ok() {
        if events.wait() || files.looked.elapsed() >= POLL {
            files.look(job, &mut events, context);
        }
        let due = files.due(job);
        if files
            .vanished
            .is_some_and(|at| at.elapsed() >= job.watch.quiet)
        {
            // Only a run of the whole job can tell which have gone.
            files.vanished = None;
            back_up(&run, &job.sources, &due, &mut files);
        } else if !due.is_empty() {
            // Only the project that names a database of another kind says that it is wanted.
            let of_projects = due.iter().any(|path| is_of_project(path));
            let sources = if of_projects { &job.sources } else { &due };
            back_up(&run, sources, &due, &mut files);
        }
    }
    Ok(Exit::Done)
}

fn back_up(run: &Aloud<'_>, sources: &[PathBuf], paths: &[PathBuf], files: &mut Files) {
    let mut closing = Closing::default();
    let (exit, line) = run.of(sources, &mut closing);
    files.backed_up(paths, &line);
    closing.print(run.loudness.quiet);
    // A `watch` runs for months.
    render::lacks();
    if !run.loudness.quiet || exit != Exit::Done {
        render::say(run.context, &in_short(&line));
    }
}

fn is_of_project(path: &Path) -> bool {
    !is_geopackage(path) && ProjectFormat::of(path).is_none()
}

/// Length and time of a file and of its sidecars. Nothing is opened for it.
type Stamps = [Option<(u64, Option<SystemTime>)>; 3];

fn stamps(path: &Path) -> Stamps {
    ["", "-wal", "-journal"].map(|suffix| {
        let metadata = std::fs::metadata(sidecar(path, suffix)).ok()?;
        Some((metadata.len(), metadata.modified().ok()))
    })
}

/// What is known of each source.
struct Seen {
    stamps: Stamps,
    /// When it was last seen to change, unless that is backed up.
    changed: Option<Instant>,
    /// When the first of the changes was seen that are not backed up.
    since: Option<Instant>,
    backed_up: Option<Instant>,
    failed: bool,
}

struct Files {
    seen: BTreeMap<PathBuf, Seen>,
    looked: Instant,
    /// When a file was last seen not to be there any more.
    vanished: Option<Instant>,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            seen: BTreeMap::new(),
            looked: Instant::now(),
            vanished: None,
        }
    }
}

impl Files {
    /// Looks at all sources, also those that have come since.
    fn look(&mut self, job: &Job, events: &mut Events, context: &Context) {
        self.looked = Instant::now();
        let mut there = BTreeSet::new();
        let expanded = expanded(&job.sources, &job.exclude, context);
        let geopackages = expanded.found.into_iter().flat_map(|found| found.source);
        let projects = expanded.projects.into_iter().map(|project| project.source);
        for source in geopackages.chain(projects) {
            let now = stamps(&source.real);
            events.follow(&source.real);
            there.insert(source.real.clone());
            let seen = self.seen.entry(source.real).or_insert(Seen {
                stamps: [None; 3],
                changed: None,
                since: None,
                backed_up: None,
                failed: false,
            });
            if seen.stamps != now {
                seen.stamps = now;
                seen.changed = Some(self.looked);
                seen.since = seen.since.or(seen.changed);
            }
        }
        let before = self.seen.len();
        self.seen.retain(|path, _| there.contains(path));
        if self.seen.len() < before {
            self.vanished = Some(self.looked);
        }
    }

    /// Changed files that have been left alone for long enough, or never are.
    fn due(&self, job: &Job) -> Vec<PathBuf> {
        let over = |when: Option<Instant>, time| when.is_none_or(|when| when.elapsed() >= time);
        let due = self.seen.iter().filter(|(_, seen)| {
            let restless = job.watch.every.max(job.watch.quiet * RESTLESS);
            seen.changed.is_some()
                && (over(seen.changed, job.watch.quiet) || over(seen.since, restless))
                && over(seen.backed_up, job.watch.every)
                && (!seen.failed || over(seen.backed_up, RETRY))
        });
        due.map(|(path, _)| path.clone()).collect()
    }

    /// A file of which no backup could be made stays changed, and is tried again later.
    fn backed_up(&mut self, paths: &[PathBuf], run: &RunObject) {
        for path in paths {
            let failed = run.error.is_some()
                || (run.sources.iter())
                    .any(|one| one.error.is_some() && Path::new(&one.source) == path);
            if let Some(seen) = self.seen.get_mut(path) {
                seen.backed_up = Some(Instant::now());
                seen.failed = failed;
                seen.since = None;
                if !failed {
                    seen.changed = None;
                }
            }
        }
    }
}

/// What the system tells of changes.
struct Events {
    // None: the system has no such thing, and the files are looked at all the same.
    watcher: Option<RecommendedWatcher>,
    heard: Receiver<()>,
    folders: BTreeSet<PathBuf>,
}

impl Events {
    fn new() -> Self {
        let (sender, heard) = channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // To read a file is no change of it, and we read them ourselves.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                let _ = sender.send(());
            }
        });
        Self {
            watcher: watcher.ok(),
            heard,
            folders: BTreeSet::new(),
        }
    }

    fn follow(&mut self, file: &Path) {
        let Some(folder) = file.parent() else { return };
        if let Some(watcher) = &mut self.watcher
            && self.folders.insert(folder.to_owned())
        {
            // One that cannot be followed is still looked at.
            let _ = watcher.watch(folder, RecursiveMode::NonRecursive);
        }
    }

    /// Waits a little; whether something was heard.
    fn wait(&self) -> bool {
        match self.heard.recv_timeout(PAUSE) {
            Ok(()) => {
                std::thread::sleep(PAUSE);
                while self.heard.try_recv().is_ok() {}
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(PAUSE);
                false
            }
        }
    }
}
