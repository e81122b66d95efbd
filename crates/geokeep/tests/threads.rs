//! Within one process, threads that work on one file never drop each other's locks: by POSIX rules
//! closing any descriptor of a file gives up all locks on it that the process has. Two jobs, two
//! names of one file and an inspection at the same time, with a writer of another process that
//! would slip in.
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use common::{Place, archives_below, check, commit_in};
use geokeep::backup::{backup, plan};
use geokeep::durable::{Disk, DiskFile, OsDisk};
use geokeep::inspect::inspect;
use geokeep::source::Source;
use geokeep::verify::Level;
use geokeep::{Monitor, Phase};
use testkit::gpkg::Options;
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

fn look_in(path: &Path) -> Option<usize> {
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    let inspection = inspect(&Source::new(path).unwrap(), now, &Monitor::default()).unwrap();
    inspection.layers.map(|layers| layers.len())
}

/// Two names of one file, backed up and inspected by four threads under a steady writer.
fn under_a_writer(journal: JournalMode, options: &Options, rounds: usize) {
    let mut place = Place::new();
    place.settings.force = true;
    let path = place.build("a.gpkg", options);
    let link = place.source("hard.gpkg");
    if journal == JournalMode::Delete {
        fs::hard_link(&path, &link).unwrap();
    } else {
        // In WAL mode a second hard link has no log of its own; a symbolic one is resolved.
        std::os::unix::fs::symlink(&path, &link).unwrap();
    }
    let writer = LiveWriter::start(
        &path,
        &live_writer::Options {
            every: Duration::from_millis(60),
            journal,
            ..Default::default()
        },
    );
    let done = AtomicBool::new(false);
    let mut looks = 0;
    std::thread::scope(|scope| {
        let backups = [&path, &link, &path].map(|name| {
            let place = &place;
            scope.spawn(move || {
                for _ in 0..rounds {
                    let stored = place.save(name);
                    commit_in(&stored.location);
                }
            })
        });
        let looking = scope.spawn(|| {
            let mut looks = 0;
            // Once more when the others are done: with a long queue at the gate there may have been
            // no turn before.
            for _ in 0..1000 {
                let last = done.load(Relaxed);
                looks += usize::from(look_in(&path).is_some_and(|layers| layers >= 2));
                if last && looks > 0 {
                    break;
                }
            }
            looks
        });
        let ended: Vec<_> = backups.into_iter().map(|thread| thread.join()).collect();
        done.store(true, Relaxed);
        looks = looking.join().unwrap();
        for end in ended {
            end.unwrap();
        }
    });
    let report = writer.stop();
    eprintln!("{journal:?}: {looks} looks, {report:?}");
    assert_eq!((report.errors, report.busy_errors), (0, 0), "{report:?}");
    assert!(looks > 0);
    let archives = archives_below(&place.backups());
    assert_eq!(archives.len(), 3 * rounds);
    for archive in archives {
        check(&archive, Level::Digest).unwrap();
    }
}

#[test]
fn one_file_under_two_names_in_rollback_mode() {
    under_a_writer(JournalMode::Delete, &Options::default(), 8);
}

#[test]
fn one_file_under_two_names_in_wal_mode() {
    under_a_writer(JournalMode::Wal, &Options::default(), 8);
}

#[test]
fn a_streamed_file_under_two_names() {
    let options = Options {
        rows: 3000,
        tiles: 2600,
        ..Options::default()
    };
    under_a_writer(JournalMode::Delete, &options, 2);
}

/// A disk so slow that the reader of a source must hold its lock and wait.
#[derive(Debug)]
struct SlowDisk;

#[derive(Debug)]
struct SlowFile(Box<dyn DiskFile>);

impl Disk for SlowDisk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SlowFile(OsDisk.create_new(path)?)))
    }

    fn lock(&self, path: &Path) -> io::Result<fs::File> {
        OsDisk.lock(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        OsDisk.create_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename_new(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        OsDisk.sync_dir(path)
    }
}

impl DiskFile for SlowFile {
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}

impl Write for SlowFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        // 12 MB a second.
        std::thread::sleep(Duration::from_nanos(buf.len() as u64 * 80));
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Read for SlowFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Seek for SlowFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl sozip::ReadAt for SlowFile {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buf, offset)
    }
}

/// Whether this process has a lock on the file (or somebody one that belongs to no process).
fn is_locked_by_us(inode: u64) -> bool {
    let (pid, inode) = (std::process::id().to_string(), format!(":{inode}"));
    let table = fs::read_to_string("/proc/locks").unwrap();
    table.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() == 8
            && (fields[1] == "OFDLCK" || (fields[1] == "POSIX" && fields[4] == pid))
            && fields[5].ends_with(&inode)
    })
}

/// While one thread holds the lock and waits for a slow destination, others who want to look at the
/// same file, under whatever name, do not take the lock away.
#[test]
#[cfg(target_os = "linux")]
fn the_lock_of_a_slow_snapshot_is_not_dropped() {
    let mut place = Place::new();
    let options = Options {
        rows: 1000,
        tiles: 7000,
        ..Options::default()
    };
    let path = place.build("a.gpkg", &options);
    let link = place.source("hard.gpkg");
    fs::hard_link(&path, &link).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    place.settings.disk = Arc::new(SlowDisk);
    let (destination, settings) = (place.destination(), &place.settings);
    let sources = [&path, &link].map(|name| Source::new(name).unwrap());
    let jobs = plan(sources.to_vec(), Vec::new(), &destination, settings).unwrap();
    let monitor = Monitor::default();
    let mut samples = Vec::new();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| backup(&jobs[0], &destination, settings, &monitor));
        while !is_locked_by_us(inode) {
            assert!(!first.is_finished(), "it ended without a lock");
        }
        let second = scope.spawn(|| backup(&jobs[1], &destination, settings, &Monitor::default()));
        let looks = [&path, &link].map(|name| scope.spawn(|| look_in(name)));
        for _ in 0..30 {
            samples.push((
                is_locked_by_us(inode),
                monitor
                    .in_work()
                    .iter()
                    .any(|one| one.phase() == Phase::Reading),
            ));
            std::thread::sleep(Duration::from_millis(10));
        }
        first.join().unwrap().unwrap();
        second.join().unwrap().unwrap();
        for look in looks {
            assert!(look.join().unwrap().is_some_and(|layers| layers == 3));
        }
    });
    // From the lock on, and as long as there was something left to read, it was read under the lock.
    // (The first lock that was seen may be that of a look before the snapshot.)
    let under_lock = samples.iter().skip_while(|sample| !sample.0);
    let reading: Vec<bool> = under_lock.filter(|s| s.1).map(|s| s.0).collect();
    assert!(
        reading.len() >= 10,
        "it was read too fast to see anything: {samples:?}"
    );
    assert!(reading.iter().all(|&locked| locked), "{samples:?}");
    assert!(!is_locked_by_us(inode), "no lock stays behind");
    let archives = archives_below(&place.backups());
    assert_eq!(archives.len(), 2);
    for archive in archives {
        commit_in(&archive);
    }
}
