//! `online`: SQLite's backup API (sqlite.org/backup.html), in steps.
//!
//! Between two steps writers may write; if one does, the API starts again from the first page. So
//! steps alone may never end. Here they are bounded: the time of one step by the lock ceiling, the
//! number of restarts by [`RESTARTS_MAX`]. Past that, everything is taken in one step if that
//! promises to stay below the ceiling, and else the attempt fails with what it saw.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::private::Copied;
use super::private::PrivateCopy;
use super::waiting::{culprit, past_locks};
use super::{Failure, Request, SnapshotError};
use crate::sqlite;

/// Restarts under foreign writes until stepping is given up.
const RESTARTS_MAX: u32 = 5;
/// Pages of the first step; later ones are sized by the time that it took.
const FIRST_STEP: i32 = 64;
const STEP_MAX: i32 = 10_000;
/// A pause in which waiting writers come in.
const PAUSE: Duration = Duration::from_millis(2);

/// What stepping saw.
#[derive(Debug, Default)]
struct Seen {
    restarts: u32,
    pages: u64,
    page_count: u64,
    busy_time: Duration,
    longest: Duration,
}

impl Seen {
    /// The time for the whole database in one step, by the speed so far.
    fn whole(&self) -> Duration {
        let each = self.busy_time.as_secs_f64() / (self.pages.max(1)) as f64;
        Duration::from_secs_f64(each * self.page_count as f64)
    }
}

pub(super) fn take(request: &Request<'_>, wal: bool) -> Result<Copied, Failure> {
    let copy = PrivateCopy::create(request)?;
    let uri = sqlite::uri(&request.source.real, "mode=ro&readonly_shm=1");
    let source = sqlite::foreign(&uri, request.monitor).map_err(Failure::sqlite)?;
    let mut target = copy.open()?;
    let mut seen = Seen::default();
    let mut instant = request.clock.now();
    if wal {
        // In one read transaction, which is in nobody's way: no foreign write can restart it.
        source.execute_batch("BEGIN").map_err(Failure::sqlite)?;
        past_locks(request, || {
            source.execute_batch("SELECT 1 FROM sqlite_master")
        })?;
        steps(request, &source, &mut target, u32::MAX, &mut seen)?;
        seen.longest = Duration::ZERO;
    } else if !steps(request, &source, &mut target, RESTARTS_MAX, &mut seen)? {
        instant = in_one_step(request, &source, &mut target, &mut seen)?;
    }
    drop(source);
    drop(target);
    Ok(Copied {
        copy,
        instant,
        lock: seen.longest,
    })
}

/// False if other programs wrote too often for it to end.
fn steps(
    request: &Request<'_>,
    source: &Connection,
    target: &mut Connection,
    restarts_max: u32,
    seen: &mut Seen,
) -> Result<bool, Failure> {
    let backup = Backup::new(source, target).map_err(Failure::sqlite)?;
    let mut waiting_since: Option<Instant> = None;
    let mut pages = FIRST_STEP;
    let mut remaining = i32::MAX;
    loop {
        request.monitor.check()?;
        let began = Instant::now();
        let result = backup.step(pages).map_err(Failure::sqlite)?;
        let took = began.elapsed();
        match result {
            StepResult::Done => {
                seen.longest = seen.longest.max(took);
                return Ok(true);
            }
            StepResult::More => waiting_since = None,
            _ => {
                let since = *waiting_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= request.lock_wait {
                    let holder = culprit(request);
                    return Err(SnapshotError::Locked {
                        holder,
                        waited: since.elapsed(),
                    }
                    .into());
                }
                std::thread::sleep(PAUSE * 5);
                continue;
            }
        }
        seen.longest = seen.longest.max(took);
        seen.busy_time += took;
        seen.pages += u64::from(pages.unsigned_abs());
        let progress = backup.progress();
        seen.page_count = u64::from(progress.pagecount.unsigned_abs());
        if progress.remaining >= remaining {
            seen.restarts += 1;
            if seen.restarts > restarts_max {
                return Ok(false);
            }
        }
        remaining = progress.remaining;
        pages = next_step(pages, took, request.lock_ceiling);
        std::thread::sleep(PAUSE);
    }
}

/// Longer steps while they are short, shorter ones when they come near the ceiling.
fn next_step(pages: i32, took: Duration, ceiling: Duration) -> i32 {
    if took > ceiling / 8 {
        (pages / 2).max(1)
    } else if took < ceiling / 32 {
        (pages * 2).min(STEP_MAX)
    } else {
        pages
    }
}

fn in_one_step(
    request: &Request<'_>,
    source: &Connection,
    target: &mut Connection,
    seen: &mut Seen,
) -> Result<jiff::Timestamp, Failure> {
    let needed = seen.whole();
    if needed > request.lock_ceiling {
        let reason = format!(
            "other programs wrote during each of {} attempts of the backup API, and in one step it \
             would hold them up for about {} ms, above the {} ms of --lock-ceiling",
            seen.restarts,
            needed.as_millis(),
            request.lock_ceiling.as_millis()
        );
        return Err(SnapshotError::NeverQuiet { reason }.into());
    }
    let deadline = Instant::now() + request.lock_wait;
    let backup = Backup::new(source, target).map_err(Failure::sqlite)?;
    loop {
        request.monitor.check()?;
        let instant = request.clock.now();
        let began = Instant::now();
        if backup.step(-1).map_err(Failure::sqlite)? == StepResult::Done {
            seen.longest = seen.longest.max(began.elapsed());
            return Ok(instant);
        }
        if Instant::now() >= deadline {
            let holder = culprit(request);
            return Err(SnapshotError::Locked {
                holder,
                waited: request.lock_wait,
            }
            .into());
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;
    use crate::Monitor;
    use crate::durable::{Disk, OsDisk};
    use crate::snapshot::Clock;
    use crate::source::{Gate, Source};
    use std::sync::Arc;

    /// Which of the two happens to a real file depends on how fast the machine is.
    #[test]
    fn everything_is_taken_in_one_step_if_that_promises_to_stay_below_the_ceiling() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gpkg");
        std::fs::write(&path, "only asked who has it open").unwrap();
        let source = Source::new(&path).unwrap();
        let gate = Gate::enter(&source).unwrap();
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        for (ceiling_ms, is_taken) in [(99, false), (101, true)] {
            let request = Request {
                source: &source,
                gate: &gate,
                clock: &Clock::new(jiff::Timestamp::now),
                lock_wait: Duration::ZERO,
                disk: &disk,
                staging: folder.path(),
                monitor: &Monitor::default(),
                method: None,
                lock_ceiling: Duration::from_millis(ceiling_ms),
                ogr2ogr: None,
                file_system: None,
                keep_free_pages: false,
            };
            // A tenth of the database took ten milliseconds.
            let mut seen = Seen {
                pages: 100,
                page_count: 1000,
                busy_time: Duration::from_millis(10),
                ..Seen::default()
            };
            let from = Connection::open_in_memory().unwrap();
            from.execute_batch("CREATE TABLE t(x)").unwrap();
            let mut to = Connection::open_in_memory().unwrap();
            let ended = in_one_step(&request, &from, &mut to, &mut seen);
            let sql = "SELECT count(*) FROM sqlite_schema";
            let taken: i64 = to.query_row(sql, [], |row| row.get(0)).unwrap();
            assert_eq!(taken == 1, is_taken);
            match ended {
                Ok(_) => assert!(is_taken),
                Err(Failure::Final(SnapshotError::NeverQuiet { .. })) => assert!(!is_taken),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}
