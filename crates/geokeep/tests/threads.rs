//! Within one process, threads that work on one file never drop each other's locks: by POSIX rules
//! closing any descriptor of a file gives up all locks on it that the process has. Two jobs, two
//! names of one file and an inspection at the same time, with a writer of another process that
//! would slip in.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use common::{Place, archives_below, check, commit_in};
use geokeep::inspect::inspect;
use geokeep::source::Source;
use geokeep::verify::Level;
use testkit::gpkg::Options;
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

fn look_in(path: &Path) -> Option<usize> {
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    let inspection = inspect(&Source::new(path).unwrap(), now).unwrap();
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
                    commit_in(&stored.path);
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
