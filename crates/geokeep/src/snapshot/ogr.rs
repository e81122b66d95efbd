//! `ogr`: a translation by GDAL's `ogr2ogr`, for those who ask for it.
//!
//! It is no full copy, though many believe so. It is made of a snapshot of our own, so that it
//! cannot hold two states and GDAL never touches the source; afterwards everything that it left
//! behind is listed as findings.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::private::Copied;
use super::private::{PrivateCopy, staging_error};
use super::{Failure, Request, SnapshotError};
use crate::Monitor;
use crate::finding::{Finding, Severity};
use crate::sqlite::{self, open_confined, quote};
use crate::words::why;

/// Older ones write GeoPackages of version 1.0 or lack `-nlt` for curves.
const VERSION_MIN: (u32, u32) = (2, 4);

pub(super) fn take(
    request: &Request<'_>,
    snapshot: &Copied,
) -> Result<(Copied, Vec<Finding>), Failure> {
    let tool = find(request.ogr2ogr)?;
    let copy = PrivateCopy::create(request)?;
    // GDAL decides by the extension, and wants to make the file itself.
    let input = link(request, snapshot.copy.path(), copy.path(), "-in.gpkg")?;
    hide_foreign_modules(&input.0, request.monitor).map_err(Failure::sqlite)?;
    let output = Scratch::new(request, copy.path(), "-out.gpkg");
    translate(request, &tool, &input.0, &output.0)?;
    let before = contents(request, &snapshot.copy)?;
    request
        .disk
        .rename(&output.0, copy.path())
        .map_err(|e| staging_error(request, e))?;
    let after = contents(request, &copy)?;
    let findings = before.left_behind_by(&after);
    Ok((
        Copied {
            copy,
            instant: snapshot.instant,
            lock: snapshot.lock,
        },
        findings,
    ))
}

fn contents(request: &Request<'_>, of: &PrivateCopy) -> Result<Contents, Failure> {
    let connection = of.open()?;
    let over = || request.monitor.check().is_err();
    let contents = sqlite::ending(&connection, over, || Contents::of(&connection));
    request.monitor.check()?;
    contents.map_err(Failure::sqlite)
}

/// A file of the tool's, removed in any case.
struct Scratch<'a>(PathBuf, &'a Request<'a>);

impl<'a> Scratch<'a> {
    fn new(request: &'a Request<'a>, beside: &Path, suffix: &str) -> Self {
        Self(crate::source::sidecar(beside, suffix), request)
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let _ = self
                .1
                .disk
                .remove_file(&crate::source::sidecar(&self.0, suffix));
        }
    }
}

fn link<'a>(
    request: &'a Request<'a>,
    from: &Path,
    beside: &Path,
    suffix: &str,
) -> Result<Scratch<'a>, Failure> {
    let link = Scratch::new(request, beside, suffix);
    let mut to = request
        .disk
        .create_new(&link.0)
        .map_err(|e| staging_error(request, e))?;
    let mut from = std::fs::File::open(from).map_err(SnapshotError::Io)?;
    super::private::pour(request, &mut from, &mut to)?;
    Ok(link)
}

/// Takes virtual tables out of the schema whose modules SQLite itself does not have. Others may have
/// them: `SpatiaLite`, which GDAL can bring along, reads any file that such a table names. They cannot
/// be translated anyway.
fn hide_foreign_modules(path: &Path, monitor: &Monitor) -> rusqlite::Result<()> {
    let connection = open_confined(path, monitor)?;
    // The statement, not the table-valued function: the file may have a table of that name.
    let tables: Vec<(String, String)> = connection
        .prepare("PRAGMA main.table_list")?
        .query_map([], |row| Ok((row.get("name")?, row.get("type")?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (table, _) in tables.iter().filter(|(_, kind)| kind == "virtual") {
        let known = connection.prepare(&format!("SELECT 1 FROM {}", quote(table)));
        if known.is_err() {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
            connection.execute_batch("PRAGMA writable_schema = ON")?;
            connection.execute("DELETE FROM sqlite_master WHERE name = ?1", [table])?;
        }
    }
    Ok(())
}

fn missing(reason: String) -> Failure {
    SnapshotError::ToolMissing { reason }.into()
}

/// The translator, if it can be run and is not too old.
fn find(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let tool = given.unwrap_or(Path::new("ogr2ogr"));
    let out = Command::new(tool)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| missing(format!("'{}' cannot be run: {}", tool.display(), why(&e))))?;
    if !out.status.success() {
        let why = format!(
            "'{}' answers with an error ({})",
            tool.display(),
            out.status
        );
        return Err(missing(why));
    }
    // "GDAL 3.6.2, released 2023/01/02"
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let version = text.strip_prefix("GDAL ").and_then(|rest| {
        let mut numbers = rest.split(|c: char| !c.is_ascii_digit());
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    });
    match version {
        Some(version) if version >= VERSION_MIN => Ok(tool.to_owned()),
        _ => Err(missing(format!(
            "it says '{}', and 2.4 or later is needed",
            text.trim()
        ))),
    }
}

/// A program whose files nobody else may read.
fn private_command(tool: &Path) -> Command {
    if !cfg!(unix) {
        return Command::new(tool);
    }
    // The one way to give a child another `umask` that needs no `unsafe`.
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "umask 077 && exec \"$0\" \"$@\""])
        .arg(tool);
    command
}

fn translate(
    request: &Request<'_>,
    tool: &Path,
    input: &Path,
    output: &Path,
) -> Result<(), Failure> {
    let arguments = [
        OsStr::new("-f"),
        OsStr::new("GPKG"),
        output.as_os_str(),
        input.as_os_str(),
    ];
    let mut child = private_command(tool)
        .args(arguments)
        // What these allow is for data of one's own, not for a file from anywhere: programs to load,
        // and SQL functions that read and write other files.
        .env_remove("OGR_SQLITE_LOAD_EXTENSIONS")
        .env_remove("SPATIALITE_SECURITY")
        .env("OGR_SQLITE_ALLOW_EXTERNAL_ACCESS", "NO")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(SnapshotError::Io)?;
    // Its complaints are read in a thread of their own: a full pipe would stop it.
    let complaints = child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut pipe) = complaints {
            let _ = std::io::Read::read_to_string(&mut pipe, &mut text);
        }
        text
    });
    let status = loop {
        if let Some(status) = child.try_wait().map_err(SnapshotError::Io)? {
            break status;
        }
        if let Err(interrupted) = request.monitor.check() {
            let _ = child.kill();
            let _ = child.wait();
            return Err(interrupted.into());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let complaints = reader.join().unwrap_or_default();
    if status.success() {
        return Ok(());
    }
    let last = complaints
        .lines()
        .last()
        .unwrap_or("without a word")
        .to_owned();
    Err(SnapshotError::ToolFailed {
        reason: format!("ogr2ogr failed ({status}): {last}"),
    }
    .into())
}

/// What a database holds beside pages: enough to see what a translation lost.
struct Contents {
    /// Name → kind and definition.
    objects: BTreeMap<String, (String, String)>,
    /// Table → rows.
    rows: BTreeMap<String, u64>,
    /// Table and column → declared type.
    columns: BTreeMap<(String, String), String>,
    /// Tables with foreign keys.
    foreign_keys: BTreeMap<String, usize>,
}

impl Contents {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let mut contents = Self {
            objects: BTreeMap::new(),
            rows: BTreeMap::new(),
            columns: BTreeMap::new(),
            foreign_keys: BTreeMap::new(),
        };
        let mut statement = connection.prepare(
            "SELECT name, type, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        )?;
        let objects =
            statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
        contents.objects = objects.collect::<rusqlite::Result<_>>()?;
        for (name, (kind, _)) in &contents.objects {
            // An R-tree or a full-text index is made anew from its table.
            if kind != "table" || is_derived(name, &contents.objects) {
                continue;
            }
            let count = format!("SELECT count(*) FROM {}", quote(name));
            if let Ok(rows) = connection.query_row(&count, [], |row| row.get::<_, i64>(0)) {
                contents.rows.insert(name.clone(), rows.unsigned_abs());
            }
            // A virtual table whose module is missing has neither rows nor columns to show.
            for (column, declared) in columns_of(connection, name).unwrap_or_default() {
                contents.columns.insert((name.clone(), column), declared);
            }
            let keys = foreign_keys_of(connection, name).unwrap_or(0);
            if keys > 0 {
                contents.foreign_keys.insert(name.clone(), keys);
            }
        }
        Ok(contents)
    }

    fn left_behind_by(&self, after: &Self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut lost = |table: &str, message: String| {
            findings.push(Finding {
                severity: Severity::Warning,
                code: "ogr".to_owned(),
                table: Some(table.to_owned()),
                message,
            });
        };
        for (name, (kind, _)) in &self.objects {
            if is_derived(name, &self.objects) {
                continue;
            }
            match after.objects.get(name) {
                None => lost(name, format!("ogr2ogr left the {kind} '{name}' behind")),
                Some((now, _)) if now != kind => {
                    lost(name, format!("ogr2ogr made a {now} of the {kind} '{name}'"));
                }
                Some(_) => {}
            }
        }
        for (name, rows) in &self.rows {
            match after.rows.get(name) {
                Some(now) if now != rows && !name.starts_with("gpkg_") => {
                    lost(
                        name,
                        format!("ogr2ogr wrote {now} rows of {rows} of '{name}'"),
                    );
                }
                _ => {}
            }
        }
        for ((table, column), declared) in &self.columns {
            if !after.rows.contains_key(table) || table.starts_with("gpkg_") {
                continue;
            }
            match after.columns.get(&(table.clone(), column.clone())) {
                None => lost(
                    table,
                    format!("ogr2ogr left the column '{column}' of '{table}' behind"),
                ),
                Some(now) if !now.eq_ignore_ascii_case(declared) => lost(
                    table,
                    format!(
                        "ogr2ogr declared '{column}' of '{table}' as {now} instead of {declared}"
                    ),
                ),
                Some(_) => {}
            }
        }
        for (table, keys) in &self.foreign_keys {
            if after.rows.contains_key(table) && after.foreign_keys.get(table) != Some(keys) {
                lost(
                    table,
                    format!("ogr2ogr left foreign keys of '{table}' behind"),
                );
            }
        }
        findings
    }
}

fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let mut columns = connection.prepare(&format!("PRAGMA main.table_info({})", quote(table)))?;
    columns
        .query_map([], |row| Ok((row.get("name")?, row.get("type")?)))?
        .collect()
}

/// As many rows as there are columns in foreign keys.
fn foreign_keys_of(connection: &Connection, table: &str) -> rusqlite::Result<usize> {
    let sql = format!("PRAGMA main.foreign_key_list({})", quote(table));
    let mut keys = connection.prepare(&sql)?;
    let rows = keys.query_map([], |_| Ok(()))?;
    rows.collect::<rusqlite::Result<Vec<()>>>()
        .map(|rows| rows.len())
}

/// Shadow tables of virtual tables, and the triggers that keep an R-tree up to date: a reader of
/// the copy finds others in their place.
fn is_derived(name: &str, objects: &BTreeMap<String, (String, String)>) -> bool {
    if name.starts_with("rtree_") || name.starts_with("trigger_") {
        return true;
    }
    objects.iter().any(|(table, (_, sql))| {
        sql.get(..20)
            .is_some_and(|start| start.eq_ignore_ascii_case("CREATE VIRTUAL TABLE"))
            && name
                .strip_prefix(table.as_str())
                .is_some_and(|rest| rest.starts_with('_'))
    })
}
