//! A disk whose N-th call fails, or that lacks a call altogether.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use geokeep::durable::{Disk, DiskFile};
use sozip::ReadAt;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// With this kind and no number of the system's.
    Kind(io::ErrorKind),
    /// With the system's own number, such as 28 (`ENOSPC`) or 5 (`EIO`).
    Os(i32),
}

impl Failure {
    /// A full disk.
    pub const FULL: Failure = Failure::Kind(io::ErrorKind::StorageFull);

    fn error(self) -> io::Error {
        match self {
            Failure::Kind(kind) => io::Error::new(kind, "injected"),
            Failure::Os(number) => io::Error::from_raw_os_error(number),
        }
    }
}

/// A call that a disk can lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// [`Disk::sync_dir`].
    SyncDir,
    /// [`Disk::lock`].
    Lock,
    /// Writing to a file.
    Write,
}

/// Which call fails, and how.
#[derive(Debug, Clone, Copy)]
pub struct DiskFault {
    /// Number of the call since the last [`FailingDisk::plan`] or [`FailingDisk::clear`], from 0.
    pub at: u64,
    /// Whether all later calls fail as well.
    pub sticky: bool,
    /// How.
    pub failure: Failure,
}

#[derive(Default)]
struct State {
    calls: u64,
    failed: u64,
    fault: Option<DiskFault>,
    visit: Option<(u64, Box<dyn FnOnce() + Send>)>,
    lacks: Option<(Call, Failure)>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} calls, {} failed", self.calls, self.failed)
    }
}

/// Wraps a disk and fails its N-th call; calls on its files (read, write, seek, sync, …) count
/// as well. Clones share their count and plan.
#[derive(Debug, Clone)]
pub struct FailingDisk {
    inner: Arc<dyn Disk>,
    state: Arc<Mutex<State>>,
}

impl FailingDisk {
    /// A disk that fails nothing yet.
    pub fn new(inner: Arc<dyn Disk>) -> Self {
        FailingDisk {
            inner,
            state: Arc::default(),
        }
    }

    /// Counts from 0 again and fails as planned.
    pub fn plan(&self, fault: DiskFault) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State {
            fault: Some(fault),
            ..State::default()
        };
    }

    /// Fails nothing, but calls `action` before the call of this number, counted from 0 from now on:
    /// another program comes at that very moment.
    pub fn before(&self, number: u64, action: impl FnOnce() + Send + 'static) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State {
            visit: Some((number, Box::new(action))),
            ..State::default()
        };
    }

    /// From now on each such call fails, until the next [`plan`](Self::plan) or
    /// [`clear`](Self::clear).
    pub fn lack(&self, call: Call, failure: Failure) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State {
            lacks: Some((call, failure)),
            ..State::default()
        };
    }

    /// Ends the plan, counts from 0 again, and returns how many calls there were and how many
    /// of them failed.
    pub fn clear(&self) -> (u64, u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::take(&mut *state);
        (old.calls, old.failed)
    }
}

fn count(state: &Mutex<State>) -> io::Result<()> {
    count_as(state, None)
}

fn count_as(state: &Mutex<State>, call: Option<Call>) -> io::Result<()> {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let number = state.calls;
    state.calls += 1;
    if state.visit.as_ref().is_some_and(|(at, _)| *at == number)
        && let Some((_, action)) = state.visit.take()
    {
        drop(state);
        action();
        return Ok(());
    }
    if let Some((_, failure)) = state.lacks.filter(|(lacking, _)| Some(*lacking) == call) {
        state.failed += 1;
        return Err(failure.error());
    }
    match state.fault {
        Some(f) if number == f.at || (f.sticky && number > f.at) => {
            state.failed += 1;
            Err(f.failure.error())
        }
        _ => Ok(()),
    }
}

impl Disk for FailingDisk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        count(&self.state)?;
        let inner = self.inner.create_new(path)?;
        Ok(Box::new(FailingFile {
            inner,
            state: Arc::clone(&self.state),
        }))
    }

    fn lock(&self, path: &Path) -> io::Result<File> {
        count_as(&self.state, Some(Call::Lock))?;
        self.inner.lock(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        count(&self.state)?;
        self.inner.create_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        count(&self.state)?;
        self.inner.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        count(&self.state)?;
        self.inner.rename_new(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        count(&self.state)?;
        self.inner.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        count(&self.state)?;
        self.inner.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        count_as(&self.state, Some(Call::SyncDir))?;
        self.inner.sync_dir(path)
    }
}

#[derive(Debug)]
struct FailingFile {
    inner: Box<dyn DiskFile>,
    state: Arc<Mutex<State>>,
}

impl DiskFile for FailingFile {
    fn sync(&self) -> io::Result<()> {
        count(&self.state)?;
        self.inner.sync()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        count(&self.state)?;
        self.inner.set_len(len)
    }
}

impl Read for FailingFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        count(&self.state)?;
        self.inner.read(buf)
    }
}

impl Write for FailingFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        count_as(&self.state, Some(Call::Write))?;
        self.inner.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        count(&self.state)?;
        self.inner.flush()
    }
}

impl Seek for FailingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        count(&self.state)?;
        self.inner.seek(to)
    }
}

impl ReadAt for FailingFile {
    fn size(&self) -> io::Result<u64> {
        count(&self.state)?;
        self.inner.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        count(&self.state)?;
        self.inner.read_exact_at(buf, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geokeep::durable::OsDisk;

    fn work(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
        let dir = dir.join("d");
        disk.create_dir(&dir)?;
        let mut file = disk.create_new(&dir.join("a"))?;
        file.write_all(b"some bytes")?;
        file.seek(SeekFrom::Start(0))?;
        file.sync()?;
        drop(file);
        disk.rename(&dir.join("a"), &dir.join("b"))?;
        disk.sync_dir(&dir)
    }

    #[test]
    fn each_call_can_fail_and_the_error_is_the_planned_one() {
        let disk = FailingDisk::new(Arc::new(OsDisk));
        let dir = tempfile::tempdir().unwrap();
        work(&disk, dir.path()).unwrap();
        assert_eq!(disk.clear(), (7, 0));
        for sticky in [false, true] {
            for at in 0..7 {
                let dir = tempfile::tempdir().unwrap();
                disk.plan(DiskFault {
                    at,
                    sticky,
                    failure: Failure::Os(28),
                });
                let error = work(&disk, dir.path()).unwrap_err();
                assert_eq!(error.raw_os_error(), Some(28));
                assert_eq!(disk.clear(), (at + 1, 1));
            }
        }
    }
}
