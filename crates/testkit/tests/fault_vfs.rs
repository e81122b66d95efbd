//! A sweep over all calls finds each of them, and each fault shows itself or does no harm.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use testkit::fault_vfs::{self, Call, Fault, Kind};
use testkit::gpkg::{self, Step, advance, is_one_committed_state};

fn commit(path: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let mut db = Connection::open_with_flags_and_vfs(path, flags, fault_vfs::NAME)?;
    gpkg::register_spatial_functions(&db)?;
    db.busy_timeout(Duration::ZERO)?;
    let tx = db.transaction()?;
    advance(
        &tx,
        Step {
            rows: 10,
            inserts: 1,
        },
        &mut testkit::Random::new(1),
    )?;
    tx.commit()
}

/// A folder with nothing but a small file, copied from one that is built once.
fn fresh(dir: &Path, journal: gpkg::Journal) -> PathBuf {
    let template = dir.with_extension(format!("{journal:?}"));
    if !template.exists() {
        gpkg::build(
            &template,
            &gpkg::Options {
                journal,
                rows: 60,
                ..Default::default()
            },
        )
        .unwrap();
    }
    fs::remove_dir_all(dir).ok();
    fs::create_dir(dir).unwrap();
    let path = dir.join("a.gpkg");
    fs::copy(&template, &path).unwrap();
    path
}

#[test]
fn a_sweep_finds_every_call_and_errors_surface() {
    fault_vfs::install();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("watched");
    for journal in [gpkg::Journal::Delete, gpkg::Journal::Wal] {
        let path = fresh(&dir, journal);
        let faults = fault_vfs::watch(&dir);
        commit(&path).unwrap();
        let seen = faults.clear();
        assert_eq!(seen.by_call.values().sum::<u64>(), seen.calls);
        for call in [
            Call::Open,
            Call::Read,
            Call::Write,
            Call::Sync,
            Call::Lock,
            Call::Access,
        ] {
            assert!(
                seen.by_call.contains_key(&call),
                "{call:?} is not in {seen:?}"
            );
        }
        let shared = seen.by_call.contains_key(&Call::ShmLock);
        assert_eq!(shared, journal == gpkg::Journal::Wal);

        let kinds = [Kind::IoError, Kind::Full, Kind::Busy, Kind::CantOpen];
        for (kind, sticky) in kinds
            .into_iter()
            .flat_map(|kind| [(kind, false), (kind, true)])
        {
            let (mut failed, mut errors) = (0, 0);
            for at in 0..seen.calls {
                let path = fresh(&dir, journal);
                faults.plan(Fault { at, sticky, kind });
                let result = commit(&path);
                let now = faults.clear();
                failed += u64::from(now.failed > 0);
                errors += u64::from(result.is_err());
                assert!(
                    now.failed > 0 || result.is_ok(),
                    "{kind:?} {at}: {result:?}"
                );
                // Whatever failed: the file is in the state before, or in the one after.
                let state = is_one_committed_state(&Connection::open(&path).unwrap()).unwrap();
                let told = if result.is_ok() {
                    state == 1
                } else {
                    state <= 1
                };
                assert!(told, "{kind:?} at {at}: {result:?} and yet commit {state}");
            }
            if kind == Kind::IoError {
                assert_eq!(failed, seen.calls, "every call can fail");
                assert!(errors * 2 > failed, "{errors} of {failed} faults surfaced");
            }
            assert!(errors > 0, "{kind:?} never surfaced in {journal:?}");
        }
    }
}

#[test]
fn a_short_read_is_no_error_for_sqlite() {
    fault_vfs::install();
    let dir = tempfile::tempdir().unwrap();
    let path = fresh(&dir.path().join("d"), gpkg::Journal::Delete);
    let faults = fault_vfs::watch(dir.path());
    faults.plan(Fault {
        at: 0,
        sticky: true,
        kind: Kind::ShortRead,
    });
    assert!(commit(&path).is_err());
    assert!(faults.clear().failed > 0);
}

#[test]
fn only_watched_files_count_and_only_while_they_are_watched() {
    fault_vfs::install();
    let dir = tempfile::tempdir().unwrap();
    let watched = fresh(&dir.path().join("watched"), gpkg::Journal::Delete);
    let other = fresh(&dir.path().join("other"), gpkg::Journal::Delete);
    let faults = fault_vfs::watch(watched.parent().unwrap());
    faults.plan(Fault {
        at: 0,
        sticky: true,
        kind: Kind::IoError,
    });
    commit(&other).unwrap();
    assert!(commit(&watched).is_err());
    assert!(faults.clear().calls > 0);
    faults.plan(Fault {
        at: 0,
        sticky: true,
        kind: Kind::IoError,
    });
    drop(faults);
    commit(&watched).unwrap();
}
