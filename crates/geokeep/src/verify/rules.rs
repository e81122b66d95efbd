//! GeoPackage's rules and foreign keys. What they find is worth knowing, but no damage: the source
//! reads as it always did.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use geopackage::GeoPackage;
use rusqlite::Connection;

use super::{Checked, Patience, VerifyError, finding, not_fatal};
use crate::destination::Verdict;
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::sqlite::quote;
use crate::stored::{Bytes, Database};

/// Violations that are counted at most.
const VIOLATIONS_MAX: usize = 100_000;

pub(super) fn check(
    bytes: &Bytes,
    geopackage: bool,
    patience: &Patience,
) -> Result<Checked, Error> {
    let mut findings = Vec::new();
    foreign_keys(bytes, patience, &mut findings)?;
    if geopackage {
        geopackage_rules(bytes, patience, &mut findings)?;
    }
    Ok(Checked {
        verdict: Verdict::Sound,
        findings,
        layers: Vec::new(),
    })
}

fn foreign_keys(
    bytes: &Bytes,
    patience: &Patience,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let database = Database::open(bytes, &patience.watch).map_err(VerifyError::from)?;
    patience
        .install_limited(database.connection())
        .map_err(VerifyError::from)?;
    match violations(database.connection()) {
        Ok(tables) => {
            for ((table, parent), count) in tables {
                let message = format!("{count} rows refer to rows of '{parent}' that do not exist");
                findings.push(finding(
                    Severity::Warning,
                    "foreign_key",
                    Some(&table),
                    message,
                ));
            }
        }
        Err(e) => {
            let e = not_fatal(e, patience)?;
            // The check itself fails where a parent table or key is missing.
            let message = format!("foreign keys could not be checked: {e}");
            findings.push(finding(Severity::Advisory, "foreign_key", None, message));
        }
    }
    Ok(())
}

fn violations(connection: &Connection) -> rusqlite::Result<BTreeMap<(String, String), u64>> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    let mut tables = BTreeMap::new();
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        *tables.entry((row.get(0)?, row.get(2)?)).or_default() += 1;
        seen += 1;
        if seen >= VIOLATIONS_MAX {
            break;
        }
    }
    Ok(tables)
}

/// The rules as the `geopackage` crate knows them. The crate is kept at arm's length: a panic in
/// it, or a file on which it would work for ever, costs this check and nothing else.
fn geopackage_rules(
    bytes: &Bytes,
    patience: &Patience,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let database = Database::open(bytes, &patience.watch).map_err(VerifyError::from)?;
    patience
        .install_limited(database.connection())
        .map_err(VerifyError::from)?;
    let connection = database.connection();
    if let Err(e) = spare_large_indexes(connection) {
        let e = not_fatal(e, patience)?;
        let message = format!("GeoPackage's rules could not be checked: {e}");
        findings.push(finding(Severity::Warning, "geopackage", None, message));
        return Ok(());
    }
    let (connection, registration) = database.into_parts();
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let found = GeoPackage::from_connection(connection).and_then(|gpkg| gpkg.validate());
        found.map_err(|e| e.to_string())
    }));
    drop(registration);
    if patience.interrupted() {
        return Err(crate::error::Interrupted.into());
    }
    match checked {
        Ok(Ok(found)) => findings.extend(found.iter().map(translate)),
        Ok(Err(why)) => {
            let message = format!("GeoPackage's rules could not be checked: {why}");
            findings.push(finding(Severity::Warning, "geopackage", None, message));
        }
        Err(_) => {
            let message = "GeoPackage's rules could not be checked".to_owned();
            findings.push(finding(Severity::Warning, "geopackage", None, message));
        }
    }
    Ok(())
}

/// Features up to this number have each entry of their R-tree compared with its geometry. Beyond it
/// that would take longer than everything else together: two lookups at random for each feature.
/// There `layers` compares which features the R-tree holds, and SQLite's own check the tree itself.
pub(super) const AUDITED_ROWS_MAX: u64 = 20_000;

/// Hides large layers and their R-trees from the crate's audit behind empty temporary tables of the
/// same names and columns. Its other rules read the catalogue, and are asked as ever.
fn spare_large_indexes(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA temp_store = MEMORY")?;
    for (table, column) in geometry_columns(connection)? {
        let tree = format!("rtree_{table}_{column}");
        let entries = format!(
            "SELECT count(*) FROM main.{}",
            quote(&format!("{tree}_rowid"))
        );
        let entries = connection.query_row(&entries, [], |row| row.get::<_, i64>(0));
        if entries.is_ok_and(|entries| entries.unsigned_abs() > AUDITED_ROWS_MAX) {
            let columns = columns_of(connection, &table)?;
            connection.execute_batch(&format!(
                "CREATE TEMP TABLE {} ({columns});
                 CREATE TEMP TABLE {} (id INTEGER PRIMARY KEY, minx, maxx, miny, maxy);",
                quote(&table),
                quote(&tree)
            ))?;
        }
    }
    Ok(())
}

/// Tables with an R-tree by GeoPackage's naming, and their geometry columns.
pub(super) fn geometry_columns(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    // A GeoPackage of attributes alone need not have it.
    let listed =
        "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE name = 'gpkg_geometry_columns')";
    if !connection.query_row(listed, [], |row| row.get(0))? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(
        "SELECT t.name, g.column_name FROM main.gpkg_geometry_columns g
         JOIN main.sqlite_schema t ON lower(t.name) = lower(g.table_name) AND t.type = 'table'
         JOIN main.sqlite_schema r
           ON lower(r.name) = lower('rtree_' || g.table_name || '_' || g.column_name)
         LIMIT 10000",
    )?;
    statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<String> {
    let mut statement =
        connection.prepare("SELECT name, type, pk FROM pragma_table_info(?1, 'main')")?;
    let column = |row: &rusqlite::Row<'_>| {
        let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let key = if row.get::<_, i64>(2)? == 1 {
            " PRIMARY KEY"
        } else {
            ""
        };
        Ok(format!("{} {}{key}", quote(&name), quote(&kind)))
    };
    let columns: rusqlite::Result<Vec<String>> = statement.query_map([table], column)?.collect();
    Ok(columns?.join(", "))
}

fn translate(found: &geopackage::Finding) -> Finding {
    let severity = match found.severity() {
        geopackage::Severity::Error => Severity::Warning,
        _ => Severity::Advisory,
    };
    finding(
        severity,
        "geopackage",
        found.table_name(),
        found.to_string(),
    )
}
