//! What is remembered of the last run of a job, whoever started it: also that it never ended.

use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::memory::Memory;
use crate::durable::{folder_of, lock};

const KIND: &str = "runs";

/// The last run of a job that is known on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// When it began.
    pub started: Timestamp,
    /// When it ended; not there if it is going on, or never ended.
    pub ended: Option<Timestamp>,
    /// Its exit code.
    pub exit: Option<u8>,
    /// What it did, for people.
    pub summary: Option<String>,
    /// The process, whose lock says that it lives.
    process: u32,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It has come to its end, whatever that was.
    Ended,
    /// It is at work.
    GoesOn,
    /// It was killed, or the machine stopped.
    NeverEnded,
}

/// Which job that is: of one name in one configuration.
#[derive(Debug, Clone, Copy)]
pub struct JobKey<'a> {
    /// The configuration.
    pub config: &'a Path,
    /// Its name there.
    pub job: &'a str,
}

impl JobKey<'_> {
    fn file(self, memory: &Memory) -> PathBuf {
        let mut key = self.config.as_os_str().as_encoded_bytes().to_vec();
        key.push(0);
        key.extend(self.job.as_bytes());
        memory.path(KIND, &key)
    }
}

/// A run that is recorded. If it is dropped before its end, it never ended.
#[derive(Debug)]
pub struct Recording {
    memory: Memory,
    path: PathBuf,
    lock_path: PathBuf,
    // Locked as long as this process lives. Absent where there are no locks.
    _lock: Option<File>,
    run: LastRun,
}

impl LastRun {
    /// Remembers that a run begins; nothing if that cannot be remembered.
    #[must_use]
    pub fn begin(memory: &Memory, key: JobKey<'_>, now: Timestamp) -> Option<Recording> {
        let path = key.file(memory);
        let run = Self {
            started: now,
            ended: None,
            exit: None,
            summary: None,
            process: std::process::id(),
        };
        if let Some(before) = Memory::read::<Self>(&path)
            && before.state(&path, memory) == RunState::NeverEnded
        {
            // Its lock is of no use any more.
            let _ = memory.disk.remove_file(&before.lock_path(&path));
        }
        let written = memory.write(&path, &run);
        let lock_path = run.lock_path(&path);
        written.then(|| Recording {
            _lock: lock(&*memory.disk, &lock_path).ok().flatten(),
            memory: memory.clone(),
            path,
            lock_path,
            run,
        })
    }

    /// The last run, and how it stands.
    #[must_use]
    pub fn of(memory: &Memory, key: JobKey<'_>) -> Option<(Self, RunState)> {
        let path = key.file(memory);
        let run: Self = Memory::read(&path)?;
        let state = run.state(&path, memory);
        Some((run, state))
    }

    fn lock_path(&self, path: &Path) -> PathBuf {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        folder_of(path).join(format!("{name}.{}.lock", self.process))
    }

    fn state(&self, path: &Path, memory: &Memory) -> RunState {
        if self.ended.is_some() {
            return RunState::Ended;
        }
        let lock_path = self.lock_path(path);
        if !lock_path.exists() {
            return RunState::NeverEnded;
        }
        match lock(&*memory.disk, &lock_path) {
            Ok(Some(_)) => RunState::NeverEnded,
            // Somebody has it, or nobody can say.
            Ok(None) | Err(_) => RunState::GoesOn,
        }
    }
}

impl Recording {
    /// Remembers how it ended.
    pub fn end(self, now: Timestamp, exit: u8, summary: String) {
        let run = LastRun {
            ended: Some(now),
            exit: Some(exit),
            summary: Some(summary),
            ..self.run
        };
        self.memory.write(&self.path, &run);
        let _ = self.memory.disk.remove_file(&self.lock_path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use std::sync::Arc;

    use super::*;
    use crate::durable::OsDisk;

    #[test]
    fn a_run_that_ends_one_that_goes_on_and_one_that_never_ended() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory {
            folder: folder.path().join("deep/er"),
            disk: Arc::new(OsDisk),
        };
        let key = JobKey {
            config: Path::new("/etc/geokeep.toml"),
            job: "maps",
        };
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let state = || LastRun::of(&memory, key).map(|(run, state)| (run.exit, state));
        assert_eq!(state(), None);
        let recording = LastRun::begin(&memory, key, now).unwrap();
        assert_eq!(state(), Some((None, RunState::GoesOn)));
        recording.end(now, 3, "1 failed".to_owned());
        assert_eq!(state(), Some((Some(3), RunState::Ended)));
        let other = JobKey { job: "map", ..key };
        assert_eq!(LastRun::of(&memory, other), None);

        drop(LastRun::begin(&memory, key, now).unwrap());
        assert_eq!(state(), Some((None, RunState::NeverEnded)));
        let again = LastRun::begin(&memory, key, now).unwrap();
        assert_eq!(state(), Some((None, RunState::GoesOn)));
        again.end(now, 0, String::new());
        let left = std::fs::read_dir(memory.folder.join(KIND)).unwrap();
        assert_eq!(left.count(), 1, "no lock is left");
    }
}
