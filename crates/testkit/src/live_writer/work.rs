//! What the writing process does.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde::{Deserialize, Serialize};

use super::options::{Hold, JournalMode, Options, Profile};
use crate::Random;
use crate::gpkg::{advance, register_spatial_functions};

/// What a writer says at its end, as one line of JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Commits that succeeded.
    pub commits: u64,
    /// Transactions that failed, for any reason, and were rolled back.
    pub errors: u64,
    /// Those of them that failed because of a lock.
    pub busy_errors: u64,
    /// The longest time from the begin of a transaction to its commit or failure.
    pub longest_stall_ms: u64,
    /// The text of the first failure.
    pub first_error: Option<String>,
}

/// Edits the file until the options say so, standard input ends, or nobody reads `out` any more.
///
/// Writes `ready` to `out` after the first commit, or once the lock is held, and the report as
/// one line of JSON at the end. An error means that it could not even begin.
pub fn run(path: &Path, options: &Options, out: &mut dyn Write) -> io::Result<Report> {
    let stop = stop_signal(options.run_for);
    let db = open(path, options).map_err(io::Error::other)?;
    let report = match options.hold {
        Some(hold) => {
            take(&db, hold).map_err(io::Error::other)?;
            writeln!(out, "ready")?;
            out.flush()?;
            stop.wait(Duration::MAX);
            Report::default()
        }
        None => commit_until(&stop, &db, options, out)?,
    };
    // Closing rolls back what is open, and in WAL mode makes the last checkpoint.
    drop(db);
    writeln!(out, "{}", serde_json::to_string(&report)?)?;
    out.flush()?;
    Ok(report)
}

fn open(path: &Path, options: &Options) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(options.busy_timeout)?;
    register_spatial_functions(&db)?;
    match options.journal {
        JournalMode::Keep => {}
        JournalMode::Delete => db.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?,
        JournalMode::Wal => db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?,
    }
    if options.profile == Profile::Spill || options.hold == Some(Hold::Spilled) {
        db.execute_batch("PRAGMA cache_size = 5; PRAGMA cache_spill = 1;")?;
    }
    Ok(db)
}

fn take(db: &Connection, hold: Hold) -> rusqlite::Result<()> {
    match hold {
        Hold::Immediate => db.execute_batch("BEGIN IMMEDIATE"),
        Hold::Exclusive => db.execute_batch("BEGIN EXCLUSIVE"),
        // The new remark is longer than any that the builder made: rows move between pages.
        Hold::Spilled => db.execute_batch(
            "BEGIN IMMEDIATE; UPDATE commit_first SET n = n + 1;
             UPDATE parcels SET amount = amount + 1, remarks = hex(randomblob(40));",
        ),
    }
}

fn commit_until(
    stop: &Stop,
    db: &Connection,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<Report> {
    let mut report = Report::default();
    let mut random = Random::new(options.seed);
    let mut stall = Duration::ZERO;
    while !stop.wait(if report.commits == 0 {
        Duration::ZERO
    } else {
        options.every
    }) {
        let begun = Instant::now();
        let result = commit(db, options, &mut random);
        stall = stall.max(begun.elapsed());
        match result {
            Ok(()) => {
                report.commits += 1;
                if report.commits == 1 {
                    writeln!(out, "ready")?;
                    out.flush()?;
                }
            }
            Err(error) => count_error(&mut report, &error),
        }
    }
    report.longest_stall_ms = u64::try_from(stall.as_millis()).unwrap_or(u64::MAX);
    Ok(report)
}

fn commit(db: &Connection, options: &Options, random: &mut Random) -> rusqlite::Result<()> {
    // Immediate, as GDAL does for edits; the drop of an unfinished transaction rolls it back.
    let tx = rusqlite::Transaction::new_unchecked(db, rusqlite::TransactionBehavior::Immediate)?;
    advance(&tx, options.profile.step(), random)?;
    tx.commit()
}

fn count_error(report: &mut Report, error: &rusqlite::Error) {
    report.errors += 1;
    let code = error.sqlite_error_code();
    if matches!(
        code,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    ) {
        report.busy_errors += 1;
    }
    report.first_error.get_or_insert_with(|| error.to_string());
}

/// Tells when to end: standard input ended, which it also does when the parent died, or the
/// time is over.
struct Stop {
    input_ended: Receiver<()>,
    until: Option<Instant>,
}

fn stop_signal(run_for: Option<Duration>) -> Stop {
    let (sender, input_ended) = mpsc::channel();
    thread::spawn(move || {
        let mut rest = [0; 64];
        while matches!(io::stdin().read(&mut rest), Ok(n) if n > 0) {}
        drop(sender);
    });
    Stop {
        input_ended,
        until: run_for.map(|time| Instant::now() + time),
    }
}

impl Stop {
    /// Waits for this long, or less if the end comes earlier. Returns whether it came.
    fn wait(&self, time: Duration) -> bool {
        let left = self
            .until
            .map(|until| until.saturating_duration_since(Instant::now()));
        // A year stands for "for ever": the wait below cannot take the largest duration.
        let time = time
            .min(left.unwrap_or(Duration::MAX))
            .min(Duration::from_secs(31_536_000));
        let ended = self.input_ended.recv_timeout(time) == Err(RecvTimeoutError::Disconnected);
        ended || self.until.is_some_and(|until| Instant::now() >= until)
    }
}
