//! The files that are taken with a project: each is read between two equal looks, and all of them
//! are looked at again in the end. What was written to meanwhile is read once more, and what is
//! written to all the time is left out and named.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Task;
use crate::Monitor;
use crate::destination::{
    DestinationError, Draft, Opened, StoredBytes, StoredPart, is_reserved_entry,
};
use crate::error::Error;
use crate::snapshot::SnapshotError;
use crate::source::times::would_show;
use crate::source::{
    FileStamp, Gate, NotProtected, OUTSIDE, Project, Source, Unprotected, see, stamp_of,
    stamp_of_open,
};
use crate::words::folded;

/// How often all are read before one that changes each time is left out.
const PASSES: u32 = 3;
/// After so many passes more nothing of it can be relied upon.
const MORE_PASSES: u32 = 10;
/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(20);

/// What is to be taken, and what of it cannot be.
pub(super) struct Parts {
    pub(super) files: Vec<PathBuf>,
    pub(super) left_out: Vec<NotProtected>,
    passes: u32,
}

/// A file that is in the draft.
pub(super) struct Part {
    pub(super) path: PathBuf,
    /// The name of its entry.
    pub(super) entry: String,
    pub(super) stored: StoredPart,
}

/// A file that changed, or could not be read after all.
struct Moved {
    path: PathBuf,
    why: Unprotected,
}

impl Parts {
    pub(super) fn new(project: &Project) -> Self {
        Self {
            files: project.files.clone(),
            left_out: Vec::new(),
            passes: 0,
        }
    }

    /// What the files look like, in short. If one was left out, it is tried again next time.
    pub(super) fn seen(&self, project: &Project, now_ns: i64) -> String {
        if self.left_out.is_empty() {
            project.seen_files(now_ns)
        } else {
            String::new()
        }
    }

    /// Leaves out what cannot be taken, with the files that belong to it.
    fn without(&mut self, moved: &[Moved]) {
        self.passes += 1;
        let is_last = self.passes >= PASSES;
        let gone: Vec<_> = (moved.iter())
            .filter(|one| is_last || one.why != Unprotected::NeverQuiet)
            .collect();
        let left_out = &mut self.left_out;
        self.files.retain(|path| {
            let one = gone.iter().find(|one| belongs_together(&one.path, path));
            left_out.extend(one.map(|one| NotProtected::at(path.clone(), one.why)));
            one.is_none()
        });
    }
}

/// Half a shapefile is none.
fn belongs_together(a: &Path, b: &Path) -> bool {
    a.parent() == b.parent() && a.file_stem() == b.file_stem()
}

impl Task<'_> {
    /// One pass over all files; `None` if it must be begun anew.
    pub(super) fn store_parts(
        &self,
        parts: &mut Parts,
        names: &[String],
        draft: &mut Draft,
        previous: Option<&Opened>,
    ) -> Result<Option<Vec<Part>>, Error> {
        if parts.passes > PASSES + MORE_PASSES {
            let reason = "files that it names were written to whenever they were read".to_owned();
            return Err(SnapshotError::NeverQuiet { reason }.into());
        }
        let mut moved = Vec::new();
        let seen = self.see_all(&parts.files, &mut moved)?;
        let mut stored = Vec::new();
        for ((path, entry), stamp) in parts.files.iter().zip(names).zip(&seen) {
            if !moved.is_empty() {
                break;
            }
            let Some(stamp) = stamp else { continue };
            let before = previous.and_then(|opened| of_entry(opened, entry));
            match self.store_part(path, entry, stamp, draft, before.as_ref())? {
                Ok(part) => stored.push(part),
                Err(why) => moved.push(Moved {
                    path: path.clone(),
                    why,
                }),
            }
        }
        for (path, stamp) in parts.files.iter().zip(&seen) {
            if moved.is_empty() && stamp.as_ref() != stamp_of(path).ok().as_ref() {
                moved.push(changed(path));
            }
        }
        if moved.is_empty() {
            return Ok(Some(stored));
        }
        parts.without(&moved);
        std::thread::sleep(PAUSE);
        Ok(None)
    }

    /// Looks at all, and waits until their times would show the next write.
    fn see_all(
        &self,
        files: &[PathBuf],
        moved: &mut Vec<Moved>,
    ) -> Result<Vec<Option<FileStamp>>, Error> {
        let began = Instant::now();
        let mut all = Vec::with_capacity(files.len());
        for path in files {
            let seen = self.see_one(path, began)?;
            if let Err(why) = &seen {
                moved.push(Moved {
                    path: path.clone(),
                    why: *why,
                });
            }
            all.push(seen.ok());
        }
        Ok(all)
    }

    fn see_one(
        &self,
        path: &Path,
        began: Instant,
    ) -> Result<Result<FileStamp, Unprotected>, Error> {
        loop {
            self.monitor.check()?;
            let Ok((stamp, step)) = see(path) else {
                return Ok(Err(Unprotected::Unreadable));
            };
            let now_ns = self.settings.clock.now_ns();
            if would_show(&stamp, step, now_ns, now_ns) {
                return Ok(Ok(stamp));
            }
            if began.elapsed() > step * 2 {
                return Ok(Err(Unprotected::NeverQuiet));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn store_part(
        &self,
        path: &Path,
        entry: &str,
        stamp: &FileStamp,
        draft: &mut Draft,
        previous: Option<&StoredBytes>,
    ) -> Result<Result<Part, Unprotected>, Error> {
        self.monitor.check()?;
        let opened = Source::new(path).and_then(|source| Gate::enter(&source));
        let Ok(gate) = opened else {
            return Ok(Err(Unprotected::Unreadable));
        };
        if stamp_of_open(gate.file()).ok().as_ref() != Some(stamp) {
            return Ok(Err(Unprotected::NeverQuiet));
        }
        self.monitor.add_total(stamp.size);
        let modified = jiff::Timestamp::from_nanosecond(stamp.modified_ns.into());
        let modified = modified.unwrap_or_else(|_| self.settings.clock.now());
        let mut input = Whole {
            file: gate.file().take(stamp.size),
            monitor: self.monitor,
        };
        let threads = self.settings.threads;
        let stored = draft.store_part(entry, &mut input, stamp.size, modified, threads, previous);
        match stored {
            Ok(stored) => Ok(Ok(Part {
                path: path.to_owned(),
                entry: entry.to_owned(),
                stored,
            })),
            Err(DestinationError::Input(error)) => {
                self.monitor.check()?;
                Ok(Err(match error.kind() {
                    io::ErrorKind::UnexpectedEof => Unprotected::NeverQuiet,
                    _ => Unprotected::Unreadable,
                }))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn changed(path: &Path) -> Moved {
    Moved {
        path: path.to_owned(),
        why: Unprotected::NeverQuiet,
    }
}

/// The bytes of a file up to the length that it had; fewer are an error.
struct Whole<'a> {
    file: io::Take<&'a std::fs::File>,
    monitor: &'a Monitor,
}

impl Read for Whole<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.monitor.check().is_err() {
            return Err(io::Error::other("stopped"));
        }
        let n = self.file.read(buf)?;
        if n == 0 && !buf.is_empty() && self.file.limit() > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.monitor.add_done(n as u64);
        Ok(n)
    }
}

/// What the previous backup holds under the same name, of which chunks may be copied.
fn of_entry(previous: &Opened, entry: &str) -> Option<StoredBytes> {
    let mut files = previous.manifest.files.iter();
    let place = files.position(|file| file.path == entry)?;
    previous.file(place).ok()
}

/// How the entries of files are called: by their way from the project's folder, so that they lie
/// right beside it when an archive is unpacked by hand; what cannot be called so lies in a folder of
/// its own. All differ, also where case does not count.
pub(super) fn entry_names(files: &[PathBuf], line: &str, project: &Project) -> Vec<String> {
    let own = project.own_place().unwrap_or_default();
    let own_folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut taken = HashSet::from([folded(line)]);
    let mut names = Vec::with_capacity(files.len());
    for (number, path) in files.iter().enumerate() {
        let place = project.place(path).unwrap_or_default();
        let below = match own_folder {
            "" => Some(&*place),
            folder => place
                .strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/')),
        };
        let outside = match place.starts_with(OUTSIDE) {
            true => place.clone(),
            false => format!("{OUTSIDE}/{place}"),
        };
        let is_free = |name: &&str| {
            name.len() <= sozip::NAME_BYTES_MAX
                && sozip::is_safe_name(name)
                && !is_reserved_entry(name)
                && !taken.contains(&folded(name))
        };
        let name = below
            .filter(is_free)
            .or(Some(&*outside).filter(is_free))
            .map_or_else(|| format!("{OUTSIDE}/{number}"), str::to_owned);
        taken.insert(folded(&name));
        names.push(name);
    }
    names
}
