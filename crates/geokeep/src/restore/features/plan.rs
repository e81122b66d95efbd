//! What is to be done with the rows of a layer that is still there: by a comparison of the backup with
//! what the file holds, both of which stand still.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension};

use super::refusal::Refusal;
use super::staged::{Planned, Staged, Step, WIDTH_MAX, Widths};
use super::{LayerError, OnConflict, Preview, Wanted, What};
use crate::Watch;
use crate::diff::{Cell, Change, Diff, LayerDiff, locator};
use crate::geopackage::{Rowid, Table};
use crate::sqlite::quote;

/// Rows that a preview shows.
const FIRST: usize = 10;
/// Data types whose rows stand for themselves.
const ROWS: [&str; 4] = ["features", "attributes", "aspatial", ""];
/// Extensions that do not say how rows are to be written, or whose rules are kept.
const KNOWN: [&str; 14] = [
    "gpkg_rtree_index",
    "gpkg_schema",
    "gpkg_metadata",
    "gpkg_crs_wkt",
    "gpkg_crs_wkt_1_1",
    "gpkg_zoom_other",
    "related_tables",
    "gpkg_related_tables",
    "gpkg_geom_circularstring",
    "gpkg_geom_compoundcurve",
    "gpkg_geom_curvepolygon",
    "gpkg_geom_multicurve",
    "gpkg_geom_multisurface",
    "gpkg_geom_curve",
];

/// What is done with which rows, and how they lie in the file.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) preview: Preview,
    /// The table as the file has it.
    pub(super) table: Table,
    /// How SQLite was told to make the table: another definition is another plan.
    pub(super) definition: String,
    /// The number of a row, where that is a column.
    pub(super) fid: Option<String>,
    /// Other columns that are written.
    pub(super) columns: Vec<String>,
    /// Those that an update does not set: what rows are found by.
    pub(super) fixed: Vec<String>,
    /// By what a row is found, as SQL.
    pub(super) found_by: Vec<String>,
    pub(super) staged: Staged,
    /// Lost rows that are passed over.
    pub(super) skipped: u64,
    first_conflict: Option<String>,
}

impl Plan {
    /// Makes it.
    pub(super) fn make(
        found: &Diff<'_>,
        layer: &LayerDiff,
        states: [&Connection; 2],
        wanted: &Wanted,
        watch: &Watch,
    ) -> Result<Self, LayerError> {
        let [Some(before), Some(after)] = layer.tables() else {
            return Err(Refusal::NoSuchLayer(wanted.layer.clone()).into());
        };
        let name = &after.name;
        check_kind(before, after)?;
        check_extensions(states[1], name)
            .map_err(LayerError::Sqlite)?
            .map_or(Ok(()), |extension| {
                Err(Refusal::UnknownExtension {
                    layer: name.clone(),
                    extension,
                })
            })?;
        let no_identity = || Refusal::NoIdentity(name.clone());
        let locators = [locator(before), locator(after)];
        let [Some(find_before), Some(find_after)] = locators else {
            return Err(no_identity().into());
        };
        let fids = match (&before.rowid, &after.rowid) {
            (Rowid::Column(before), Rowid::Column(after)) => Some([before.clone(), after.clone()]),
            _ if !wanted.fids.is_empty() => return Err(no_identity().into()),
            _ => None,
        };
        let columns = columns(layer, before, after, fids.as_ref(), wanted)?;
        let widths = Widths {
            key: find_after.len(),
            new: columns.len(),
            now: after.columns.len(),
        };
        if widths.key + widths.new + widths.now > WIDTH_MAX {
            let why = "it has too many columns".to_owned();
            return Err(Refusal::NotComparable {
                layer: name.clone(),
                why,
            }
            .into());
        }
        let fixed = match &after.rowid {
            Rowid::Key(columns) => columns.clone(),
            _ => Vec::new(),
        };
        let mut plan = Self {
            preview: Preview {
                layer: name.clone(),
                ..Preview::default()
            },
            table: after.clone(),
            definition: definition(states[1], name).map_err(LayerError::Sqlite)?,
            fid: fids.as_ref().map(|[_, after]| after.clone()),
            columns: columns.iter().map(|[_, after]| after.clone()).collect(),
            fixed,
            found_by: find_after,
            staged: Staged::open(widths, watch).map_err(LayerError::Sqlite)?,
            skipped: 0,
            first_conflict: None,
        };
        let reader = Reader {
            states,
            before,
            after,
            columns: &columns,
            find_before: &find_before,
            find_after: &plan.found_by.clone(),
        };
        found.found_by(layer, |change, before, after| {
            watch.check().map_err(crate::diff::DiffError::from)?;
            plan.add(&reader, wanted, change, before, after)?;
            Ok::<_, LayerError>(true)
        })?;
        if let Some(first) = plan
            .first_conflict
            .take()
            .filter(|_| wanted.on_conflict == OnConflict::Refuse)
        {
            return Err(Refusal::Taken {
                count: plan.preview.conflicts,
                first,
            }
            .into());
        }
        plan.preview.silent_triggers =
            silent_triggers(states[1], name).map_err(LayerError::Sqlite)?;
        Ok(plan)
    }

    /// Takes in one row that differs.
    fn add(
        &mut self,
        reader: &Reader<'_>,
        wanted: &Wanted,
        change: Change,
        before: &[Value],
        after: &[Value],
    ) -> Result<(), LayerError> {
        let there = if change == Change::Deleted {
            before
        } else {
            after
        };
        let is_wanted = wanted.fids.is_empty()
            || matches!(there.first(), Some(Value::Integer(fid)) if wanted.fids.contains(fid));
        if !is_wanted {
            return Ok(());
        }
        let step = match (change, wanted.what) {
            (Change::Deleted, _) => Step::Insert,
            (Change::Changed, What::Changed | What::Exact) => Step::Update,
            (Change::Added, What::Exact) => Step::Delete,
            (Change::Changed, What::Lost) => {
                self.preview.left[0] += 1;
                return Ok(());
            }
            (Change::Added, _) => {
                self.preview.left[1] += 1;
                return Ok(());
            }
        };
        let mut fid = match (step, &self.fid) {
            (Step::Insert, Some(_)) => before.first().cloned(),
            _ => None,
        };
        if let Some(number) = &fid
            && reader.is_taken(number).map_err(LayerError::Sqlite)?
        {
            self.preview.conflicts += 1;
            self.first_conflict.get_or_insert_with(|| shown(number));
            match wanted.on_conflict {
                OnConflict::NewFid => fid = None,
                OnConflict::Skip | OnConflict::Refuse => {
                    self.skipped += 1;
                    return Ok(());
                }
            }
        }
        match step {
            Step::Insert => self.preview.inserted += 1,
            Step::Update => self.preview.updated += 1,
            Step::Delete => self.preview.deleted += 1,
        }
        if self.preview.first.len() < FIRST && step != Step::Delete {
            self.preview.first.push(there.iter().map(cell).collect());
        }
        let key: Vec<Value> = match step {
            Step::Insert => fid.into_iter().collect(),
            _ => after.to_vec(),
        };
        let staged = &self.staged;
        let stage = |new: &[ValueRef<'_>], now: &[ValueRef<'_>]| {
            staged.add(&Planned {
                step,
                key: key.iter().map(ValueRef::from).collect(),
                new: new.to_vec(),
                now: now.to_vec(),
            })
        };
        let done = match step {
            Step::Insert => reader.before(before, |new| stage(new, &[])),
            Step::Update => reader.before(before, |new| reader.after(after, |now| stage(new, now))),
            Step::Delete => reader.after(after, |now| stage(&[], now)),
        };
        done.map_err(LayerError::Sqlite)
    }
}

/// Reads rows of both states as they are.
struct Reader<'a> {
    states: [&'a Connection; 2],
    before: &'a Table,
    after: &'a Table,
    columns: &'a [[String; 2]],
    find_before: &'a [String],
    find_after: &'a [String],
}

impl Reader<'_> {
    /// The columns that are written, of a row of the backup.
    fn before(
        &self,
        key: &[Value],
        each: impl FnOnce(&[ValueRef<'_>]) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let columns = self.columns.iter().map(|[before, _]| quote(before));
        row(
            self.states[0],
            &self.before.name,
            columns,
            self.find_before,
            key,
            each,
        )
    }

    /// All columns of a row of the file.
    fn after(
        &self,
        key: &[Value],
        each: impl FnOnce(&[ValueRef<'_>]) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let columns = self.after.columns.iter().map(|column| quote(&column.name));
        row(
            self.states[1],
            &self.after.name,
            columns,
            self.find_after,
            key,
            each,
        )
    }

    /// Whether another row bears that number.
    fn is_taken(&self, fid: &Value) -> rusqlite::Result<bool> {
        let sql = format!(
            "SELECT 1 FROM main.{} WHERE {} = ?1",
            quote(&self.after.name),
            self.find_after[0]
        );
        let mut statement = self.states[1].prepare_cached(&sql)?;
        Ok(statement.query_row([fid], |_| Ok(())).optional()?.is_some())
    }
}

fn row(
    connection: &Connection,
    table: &str,
    columns: impl Iterator<Item = String>,
    find: &[String],
    key: &[Value],
    each: impl FnOnce(&[ValueRef<'_>]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let columns: Vec<_> = columns.collect();
    let list = if columns.is_empty() {
        "NULL".to_owned()
    } else {
        columns.join(", ")
    };
    let sql = format!(
        "SELECT {list} FROM main.{} WHERE {}",
        quote(table),
        is_key(find)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(key))?;
    // A damaged file may not give a second time what it gave once.
    let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let values: Vec<_> = (0..columns.len())
        .map(|at| row.get_ref(at))
        .collect::<rusqlite::Result<_>>()?;
    each(&values)
}

/// The condition that finds one row.
pub(super) fn is_key(found_by: &[String]) -> String {
    let is: Vec<_> = found_by
        .iter()
        .map(|column| format!("{column} = ?"))
        .collect();
    is.join(" AND ")
}

/// What a layer must be, and be still, for single rows of it to be put back.
fn check_kind(before: &Table, after: &Table) -> Result<(), Refusal> {
    let layer = after.name.clone();
    for table in [before, after] {
        if !ROWS.contains(&table.layer.kind.as_str()) {
            return Err(Refusal::NotRows {
                layer,
                kind: table.layer.kind.clone(),
            });
        }
    }
    for (entry, what) in [
        ("srs_id", "reference system"),
        ("geometry_type_name", "type of geometries"),
        ("z", "rule for Z"),
        ("m", "rule for M"),
    ] {
        let of = |table: &Table| table.layer.entries.get(entry).cloned().unwrap_or_default();
        let (before, after) = (of(before), of(after));
        if !before.eq_ignore_ascii_case(&after) {
            return Err(Refusal::DeclaredOtherwise {
                layer,
                what,
                before,
                after,
            });
        }
    }
    Ok(())
}

/// The columns that are written, before and after, without the fid.
fn columns(
    layer: &LayerDiff,
    before: &Table,
    after: &Table,
    fids: Option<&[String; 2]>,
    wanted: &Wanted,
) -> Result<Vec<[String; 2]>, Refusal> {
    let is_fid = |name: &str| fids.is_some_and(|[_, fid]| fid.eq_ignore_ascii_case(name));
    let is_key = |name: &str| matches!(&after.rowid, Rowid::Key(key) if key.iter().any(|k| k.eq_ignore_ascii_case(name)));
    let common: Vec<[String; 2]> = layer
        .common_columns()
        .map(|both| both.map(str::to_owned))
        .collect();
    if let Some(column) = wanted.columns.iter().find(|name| {
        !common
            .iter()
            .any(|[_, after]| after.eq_ignore_ascii_case(name))
    }) {
        return Err(Refusal::NoSuchColumn {
            layer: after.name.clone(),
            column: column.clone(),
        });
    }
    let gone: Vec<String> = before
        .columns
        .iter()
        .map(|column| column.name.clone())
        .filter(|name| {
            !common
                .iter()
                .any(|[before, _]| before.eq_ignore_ascii_case(name))
        })
        .collect();
    if wanted.columns.is_empty() && !gone.is_empty() {
        return Err(Refusal::ColumnGone {
            layer: after.name.clone(),
            columns: gone,
        });
    }
    let is_chosen = |name: &str| {
        wanted.columns.is_empty()
            || is_key(name)
            || wanted.columns.iter().any(|c| c.eq_ignore_ascii_case(name))
    };
    let columns: Vec<[String; 2]> = common
        .into_iter()
        .filter(|[_, after]| !is_fid(after) && is_chosen(after))
        .collect();
    let unfilled = after.columns.iter().find(|column| {
        let is_written = columns
            .iter()
            .any(|[_, after]| after.eq_ignore_ascii_case(&column.name));
        column.not_null && column.default.is_none() && !is_fid(&column.name) && !is_written
    });
    match unfilled {
        Some(column) => Err(Refusal::ColumnUnfilled {
            layer: after.name.clone(),
            column: column.name.clone(),
        }),
        None => Ok(columns),
    }
}

/// The first extension that says how the table is to be written, and that we do not know.
fn check_extensions(file: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT extension_name FROM main.gpkg_extensions
               WHERE lower(table_name) = lower(?1) AND scope = 'read-write' LIMIT 1000";
    let Ok(mut statement) = file.prepare(sql) else {
        return Ok(None);
    };
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let name = crate::sqlite::text(row.get_ref(0)?);
        if !KNOWN.contains(&name.as_str()) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// How SQLite was told to make a table.
pub(super) fn definition(file: &Connection, table: &str) -> rusqlite::Result<String> {
    let sql = "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND lower(name) = lower(?1)";
    file.query_row(sql, [table], |row| Ok(crate::sqlite::text(row.get_ref(0)?)))
}

/// Triggers that the users of the file have made, and that stay silent: a row comes back as it was.
fn silent_triggers(file: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM main.sqlite_schema
               WHERE type = 'trigger' AND lower(tbl_name) = lower(?1) ORDER BY name LIMIT 1000";
    let mut statement = file.prepare(sql)?;
    let names = statement.query_map([table], |row| Ok(crate::sqlite::text(row.get_ref(0)?)))?;
    let names: Vec<String> = names.collect::<rusqlite::Result<_>>()?;
    let is_ours = |name: &String| {
        let name = name.to_ascii_lowercase();
        [
            "rtree_",
            "trigger_insert_feature_count_",
            "trigger_delete_feature_count_",
        ]
        .iter()
        .any(|start| name.starts_with(start))
    };
    Ok(names.into_iter().filter(|name| !is_ours(name)).collect())
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Integer(number) => Cell::Integer(*number),
        Value::Real(number) => Cell::Real(*number),
        Value::Text(text) => Cell::Text(text.clone()),
        Value::Blob(bytes) => Cell::Blob(bytes.clone()),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        other => format!("{:?}", cell(other)),
    }
}
