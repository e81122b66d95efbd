//! The one transaction in which a live file is changed.

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, ffi};

use super::LayerError;
use super::boxes::{self, Bounds, joined};
use super::catalogue::Catalogue;
use super::fits::definition;
use super::given::Written;
use super::plan::Plan;
use super::refusal::Refusal;
use super::rows::is_key;
use super::staged::{Planned, Step};
use crate::Watch;
use crate::backup::Settings;
use crate::durable::folder_of;
use crate::restore::RestoreError;
use crate::restore::target::refuse_shared_journal;
use crate::source::{Gate, Look, Source, State, locks};
use crate::sqlite::{Bound, attach, code, open_confined, quote, why};

/// How long to wait at most for others who write. GDAL and QGIS give up after five seconds.
const WAIT: Duration = Duration::from_secs(5);
/// Whoever is there for longer than this is at work: an indexer or a scanner for viruses comes and goes.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// The name of a backup that is read beside the file.
pub(super) const ATTACHED: &str = "backup";

/// Why a transaction ended without a change.
#[derive(Debug)]
pub(super) enum Ended {
    /// Something was no longer as planned.
    Stale,
    For(LayerError),
}

impl<E: Into<LayerError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::For(error.into())
    }
}

impl From<rusqlite::Error> for LayerError {
    fn from(error: rusqlite::Error) -> Self {
        match (broken_rule(&error), code(&error)) {
            (Some(rule), _) => Refusal::Rule(rule.to_owned()).into(),
            (_, Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)) => {
                Refusal::Unreadable(why(&error)).into()
            }
            _ => Self::Sqlite(error),
        }
    }
}

/// A constraint in words for people.
fn broken_rule(error: &rusqlite::Error) -> Option<&'static str> {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return None;
    };
    if failure.code != ErrorCode::ConstraintViolation {
        return None;
    }
    Some(match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => "a value that must be unique is there already",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "a column that must have a value would have none",
        ffi::SQLITE_CONSTRAINT_CHECK => "a value is not among those that are allowed",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "a row would refer to one that does not exist",
        _ => "a value is not allowed",
    })
}

/// Where the transaction takes place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) source: &'a Source,
    pub(super) settings: &'a Settings,
    pub(super) watch: &'a Watch,
}

/// What nobody should write to, seen before anything is done.
pub(super) fn refuse(place: Place<'_>) -> Result<(), LayerError> {
    let gate = Gate::enter(place.source).map_err(RestoreError::from)?;
    refuse_state(&look(place, &gate)?, place.source)
}

fn look(place: Place<'_>, gate: &Gate) -> Result<Look, LayerError> {
    let look = place.settings.look(place.source, gate);
    Ok(look.map_err(RestoreError::from)?)
}

fn refuse_state(look: &Look, source: &Source) -> Result<(), LayerError> {
    refuse_shared_journal(source)?;
    match look.state() {
        State::HotJournal => Err(Refusal::HotJournal.into()),
        State::UncertainLocks => {
            Err(Refusal::UncertainLocks(look.file_system.name().to_owned()).into())
        }
        _ => Ok(()),
    }
}

impl Place<'_> {
    /// Does `work` in one transaction, and returns for how long others could not write. `alone`: rows
    /// are added or deleted, which whoever edits the file would count wrongly. `attached` is a backup that can be
    /// read beside it.
    pub(super) fn transaction<T>(
        self,
        alone: bool,
        attached: Option<&OsStr>,
        work: impl FnOnce(&Connection) -> Result<T, Ended>,
    ) -> Result<(T, Duration), Ended> {
        let gate = Gate::enter(self.source)
            .map_err(RestoreError::from)
            .map_err(LayerError::from)?;
        self.look_who_is_there(&gate, alone)?;
        let file = open_confined(&self.source.real, self.watch).map_err(LayerError::Sqlite)?;
        if file.is_readonly("main").unwrap_or(true) {
            let denied = std::io::ErrorKind::PermissionDenied.into();
            return Err(LayerError::from(RestoreError::write(&self.source.real, denied, 0)).into());
        }
        let failed = |error| Ended::For(self.failure(error, &gate));
        prepare(&file, self.wait()).map_err(failed)?;
        if let Some(uri) = attached {
            attach(&file, uri, ATTACHED).map_err(failed)?;
        }
        file.execute_batch("BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON")
            .map_err(failed)?;
        let since = Instant::now();
        // Dropping the connection rolls back.
        let done = work(&file).map_err(|ended| match ended {
            Ended::For(LayerError::Sqlite(error)) => failed(error),
            other => other,
        })?;
        self.watch
            .check()
            .map_err(crate::diff::DiffError::from)
            .map_err(LayerError::from)?;
        self.commit(&file, &gate)?;
        let locked = since.elapsed();
        drop(file);
        // The journal must stay removed.
        let synced = self.settings.disk.sync_dir(folder_of(&self.source.real));
        synced.map_err(|error| {
            let path = self.source.real.clone();
            LayerError::from(RestoreError::NotDurable { path, error })
        })?;
        Ok((done, locked))
    }

    fn wait(self) -> Duration {
        self.settings.lock_wait.min(WAIT)
    }

    fn look_who_is_there(self, gate: &Gate, alone: bool) -> Result<(), LayerError> {
        let mut holder = None;
        for _ in 0..LOOKS {
            let look = look(self, gate)?;
            refuse_state(&look, self.source)?;
            match look.locks.culprit().filter(|_| alone) {
                None => return Ok(()),
                Some(lock) => holder = Some(lock.holder("lock")),
            }
            std::thread::sleep(PAUSE);
        }
        Err(Refusal::BeingEdited { holder }.into())
    }

    /// A reader in rollback mode keeps a transaction from ending, and may be asked again.
    fn commit(self, file: &Connection, gate: &Gate) -> Result<(), LayerError> {
        let until = Instant::now() + self.wait();
        loop {
            match file.execute_batch("COMMIT") {
                Ok(()) => return Ok(()),
                Err(e) if crate::sqlite::is_busy(&e) && Instant::now() < until => {
                    std::thread::sleep(PAUSE)
                }
                Err(e) => return Err(self.failure(e, gate)),
            }
        }
    }

    fn failure(self, error: rusqlite::Error, gate: &Gate) -> LayerError {
        match code(&error) {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                let locks = locks(gate.file()).unwrap_or_default();
                let holder = locks.culprit().map(|lock| lock.holder("lock"));
                Refusal::Locked { holder }.into()
            }
            Some(ErrorCode::DiskFull) => RestoreError::Full { written: 0 }.into(),
            _ => error.into(),
        }
    }
}

/// Never the journal mode: that is the file's own. A log is not folded in on the way, since a program with an
/// older SQLite may do that at the same time.
fn prepare(file: &Connection, wait: Duration) -> rusqlite::Result<()> {
    file.busy_timeout(wait)?;
    file.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 0",
    )
}

/// What the rows that were written sum up to.
#[derive(Debug, Default)]
struct Sum {
    bounds: Option<Bounds>,
    more: i64,
}

/// Carries a plan out, if every row that it touches is still as it was.
pub(super) fn rows(file: &Connection, plan: &Plan, watch: &Watch) -> Result<(), Ended> {
    let now = definition(file, &plan.table.name).map_err(LayerError::Sqlite);
    if !now.is_ok_and(|now| now == plan.definition) {
        return Err(Ended::Stale);
    }
    let geometry = plan.table.layer.geometry.as_deref();
    let catalogue = Catalogue::of(file, &plan.table.name, geometry).map_err(LayerError::Sqlite)?;
    let at = |columns: &[Written]| {
        geometry.and_then(|g| columns.iter().position(|c| c.name.eq_ignore_ascii_case(g)))
    };
    let at = at(&plan.columns);
    let statements = Statements::of(plan);
    let mut sum = Sum::default();
    plan.staged.each(|row| {
        watch
            .check()
            .map_err(crate::diff::DiffError::from)
            .map_err(LayerError::from)?;
        let bounds = at.and_then(|at| boxes::of(*row.new.get(at)?));
        statements.carry_out(file, row)?;
        let id = match (row.step, row.key.first()) {
            (Step::Insert, _) => Some(file.last_insert_rowid()),
            (_, Some(ValueRef::Integer(id))) => Some(*id),
            _ => None,
        };
        if let Some(id) = id.filter(|_| at.is_some()) {
            catalogue
                .index(file, id, bounds)
                .map_err(LayerError::Sqlite)?;
        }
        sum.bounds = joined(sum.bounds, bounds);
        sum.more += match row.step {
            Step::Insert => 1,
            Step::Update => 0,
            Step::Delete => -1,
        };
        Ok::<_, Ended>(())
    })?;
    Ok(catalogue
        .sum_up(file, sum.more, sum.bounds)
        .map_err(LayerError::from)?)
}

struct Statements {
    select: String,
    insert: String,
    insert_numbered: String,
    update: String,
    delete: String,
}

impl Statements {
    fn of(plan: &Plan) -> Self {
        let table = quote(&plan.table.name);
        let is_it = is_key(&plan.found_by);
        let all: Vec<_> = plan.table.columns.iter().map(|c| quote(&c.name)).collect();
        let written: Vec<_> = plan.columns.iter().map(|c| quote(&c.name)).collect();
        let is_fixed = |c: &&Written| {
            let mut fixed = plan.fixed.iter();
            fixed.any(|fixed| fixed.eq_ignore_ascii_case(&c.name))
        };
        let set: Vec<_> = plan
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| !is_fixed(c))
            .map(|(at, c)| format!("{} = ?{}", quote(&c.name), at + 1))
            .collect();
        let marks = |count: usize| vec!["?"; count].join(", ");
        let insert = |fid: Option<&String>| {
            let columns: Vec<_> = fid
                .map(|fid| quote(fid))
                .into_iter()
                .chain(written.iter().cloned())
                .collect();
            match columns.is_empty() {
                true => format!("INSERT INTO main.{table} DEFAULT VALUES"),
                false => format!(
                    "INSERT INTO main.{table}({}) VALUES({})",
                    columns.join(", "),
                    marks(columns.len())
                ),
            }
        };
        // The numbers of what is set come first.
        let found = |from: usize| {
            let is: Vec<_> = plan
                .found_by
                .iter()
                .enumerate()
                .map(|(at, c)| format!("{c} = ?{}", from + at + 1))
                .collect();
            is.join(" AND ")
        };
        Self {
            select: format!("SELECT {} FROM main.{table} WHERE {is_it}", all.join(", ")),
            insert: insert(None),
            insert_numbered: insert(plan.fid.as_ref()),
            update: format!(
                "UPDATE main.{table} SET {} WHERE {}",
                set.join(", "),
                found(plan.columns.len())
            ),
            delete: format!("DELETE FROM main.{table} WHERE {is_it}"),
        }
    }

    fn carry_out(&self, file: &Connection, row: &Planned<'_>) -> Result<(), Ended> {
        let changed = match row.step {
            Step::Insert => {
                let is_numbered = row.key.first().is_some_and(|key| *key != ValueRef::Null);
                let sql = if is_numbered {
                    &self.insert_numbered
                } else {
                    &self.insert
                };
                let fid = row.key.iter().copied().filter(|_| is_numbered).take(1);
                let values: Vec<_> = fid.chain(row.new.iter().copied()).collect();
                execute(file, sql, &values)?
            }
            Step::Update => {
                self.expect(file, row)?;
                let values: Vec<_> = row.new.iter().chain(&row.key).copied().collect();
                execute(file, &self.update, &values)?
            }
            Step::Delete => {
                self.expect(file, row)?;
                execute(file, &self.delete, &row.key)?
            }
        };
        match changed {
            1 => Ok(()),
            _ => Err(Ended::Stale),
        }
    }

    /// A row must be as it was when the plan was made.
    fn expect(&self, file: &Connection, row: &Planned<'_>) -> Result<(), Ended> {
        if self.is(file, &row.key, &row.now)? {
            return Ok(());
        }
        Err(Ended::Stale)
    }

    fn is(
        &self,
        file: &Connection,
        key: &[ValueRef<'_>],
        values: &[ValueRef<'_>],
    ) -> Result<bool, LayerError> {
        let mut statement = file.prepare_cached(&self.select)?;
        let mut rows =
            statement.query(rusqlite::params_from_iter(key.iter().map(|k| Bound(*k))))?;
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        for (at, value) in values.iter().enumerate() {
            if row.get_ref(at)? != *value {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn execute(file: &Connection, sql: &str, values: &[ValueRef<'_>]) -> Result<usize, LayerError> {
    let mut statement = file.prepare_cached(sql)?;
    let values = values.iter().map(|value| Bound(*value));
    Ok(statement.execute(rusqlite::params_from_iter(values))?)
}

/// Rows that are no longer as they were written, read on a connection of its own.
pub(super) fn changed_since(place: Place<'_>, plan: &Plan) -> Result<u64, LayerError> {
    let gate = Gate::enter(place.source).map_err(RestoreError::from)?;
    let file = open_confined(&place.source.real, place.watch).map_err(LayerError::Sqlite)?;
    file.busy_timeout(place.wait())?;
    let geometry = plan.table.layer.geometry.as_deref();
    let catalogue = Catalogue::of(&file, &plan.table.name, geometry)?;
    let columns: Vec<_> = plan.columns.iter().map(|c| quote(&c.name)).collect();
    let list = if columns.is_empty() {
        "NULL".to_owned()
    } else {
        columns.join(", ")
    };
    let statements = Statements {
        select: format!(
            "SELECT {list} FROM main.{} WHERE {}",
            quote(&plan.table.name),
            is_key(&plan.found_by)
        ),
        ..Statements::of(plan)
    };
    let is_it = |c: &Written, name: &str| c.name.eq_ignore_ascii_case(name);
    let at = geometry.and_then(|g| plan.columns.iter().position(|c| is_it(c, g)));
    let mut changed = 0;
    plan.staged.each(|row| -> Result<(), LayerError> {
        // One that got its number from SQLite is not known by it here.
        let key = match (row.step, plan.fid.is_some()) {
            (Step::Insert, false) => return Ok(()),
            (Step::Insert, true) if row.key.first() == Some(&ValueRef::Null) => return Ok(()),
            _ => &row.key,
        };
        let mut is_so = match row.step {
            Step::Delete => !statements.is(&file, key, &[])?,
            _ => statements.is(&file, key, &row.new)?,
        };
        if let (Some(at), Some(ValueRef::Integer(id))) = (at, key.first()) {
            let bounds = row
                .new
                .get(at)
                .and_then(|value| boxes::of(*value))
                .filter(|_| row.step != Step::Delete);
            is_so &= catalogue.agrees(&file, *id, bounds)?;
        }
        changed += u64::from(!is_so);
        Ok(())
    })?;
    drop(file);
    drop(gate);
    Ok(changed)
}
