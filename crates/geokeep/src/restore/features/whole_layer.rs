//! A layer that the file lacks, put back with everything that belongs to it; or put beside the layer of
//! that name, under another one.

use rusqlite::Connection;

use super::belongings::{Belongings, restyle};
use super::boxes::{self, joined};
use super::catalogue::{Catalogue, Named, named};
use super::copied::{are_records, copy_rows};
use super::definitions::{Definitions, Makes, define};
use super::fits::check_rows;
use super::packed::{ENTRIES_MAX, Packed};
use super::refusal::Refusal;
use super::relations::Relation;
use super::transaction::Ended;
use super::{LayerError, Preview, Wanted};
use crate::Monitor;
use crate::diff::{DiffError, rowid};
use crate::geopackage::{Rowid, Table, Tables, is_trigger_of_format};
use crate::sqlite::quote;

/// A layer of the backup, and the name that it gets.
#[derive(Debug)]
pub(super) struct WholeLayer {
    pub(super) preview: Preview,
    pub(super) table: Table,
    pub(super) name: String,
    definitions: Definitions,
    /// Whether nothing was wrong with the backup when it was last checked.
    is_sound: bool,
    pub(super) relations: Vec<Returning>,
}

/// A relation to another layer that comes back with the layer.
#[derive(Debug)]
pub(super) struct Returning {
    pub(super) mapping: String,
    /// The table of its pairs, if the file lacks that, too.
    pub(super) pairs: Option<WholeLayer>,
}

impl WholeLayer {
    pub(super) fn plan(
        states: [&Connection; 2],
        wanted: &Wanted,
        rows: Option<u64>,
        monitor: &Monitor,
    ) -> Result<Self, LayerError> {
        let [backup, file] = states;
        if wanted.is_of_a_part() {
            return Err(Refusal::OnlyWhole(wanted.layer.clone()).into());
        }
        let tables = Tables::read(backup).map_err(unreadable)?;
        let table = tables.all.get(&wanted.layer.to_ascii_lowercase());
        let table = table
            .ok_or_else(|| Refusal::NoSuchLayer(wanted.layer.clone()))?
            .clone();
        check_rows(&table)?;
        let name = wanted.as_name.clone().unwrap_or_else(|| table.name.clone());
        let is_odd = name.is_empty()
            || name.chars().any(char::is_control)
            || name.to_ascii_lowercase().starts_with("sqlite_")
            || name.to_ascii_lowercase().starts_with("gpkg_");
        if is_odd || named(file, &name)? != Named::Nothing {
            return Err(Refusal::NameTaken(name).into());
        }
        let own = Definitions::read(backup, &table.name)?;
        let is_renamed = !name.eq_ignore_ascii_case(&table.name);
        let definitions = match is_renamed {
            true => own.renamed(
                &table.name,
                &name,
                |index| !matches!(named(file, index), Ok(Named::Nothing)),
                monitor,
            )?,
            false => own.clone(),
        };
        let rows = match rows {
            Some(rows) => rows,
            None => {
                let count = format!("SELECT count(*) FROM main.{}", quote(&table.name));
                let count: i64 = backup.query_row(&count, [], |row| row.get(0))?;
                count.unsigned_abs()
            }
        };
        let mut left_out = Vec::new();
        let mut relations = Vec::new();
        for relation in super::relations::relations(backup, &table.name)? {
            match Returning::plan(&relation, states, &table.name, is_renamed, monitor)? {
                Some(returning) => relations.push(returning),
                None => left_out.push(format!("the relation to {}", relation.other)),
            }
        }
        if is_renamed {
            let own = own.triggers.iter().map(|trigger| trigger.name.clone());
            left_out.extend(
                own.filter(|name| !is_trigger_of_format(name))
                    .map(|name| format!("trigger {name}")),
            );
        }
        let preview = Preview {
            layer: name.clone(),
            whole_layer: true,
            inserted: rows,
            relations: relations.iter().map(|r| r.mapping.clone()).collect(),
            left_out,
            ..Preview::default()
        };
        Ok(Self {
            preview,
            table,
            name,
            definitions,
            is_sound: false,
            relations,
        })
    }

    /// The same of a backup that is known to be sound.
    pub(super) fn if_sound(self, is_sound: bool) -> Self {
        Self { is_sound, ..self }
    }

    /// Makes it. What a table needs that the file has no table for is made first.
    pub(super) fn make(
        &self,
        file: &Connection,
        backup: &Connection,
        monitor: &Monitor,
    ) -> Result<(), Ended> {
        if named(file, &self.name).map_err(LayerError::from)? != Named::Nothing {
            return Err(Ended::Stale);
        }
        let belongings = Belongings {
            backup,
            file,
            from: &self.table.name,
            to: &self.name,
        };
        belongings.reference_systems()?;
        define(file, &self.definitions.table, Makes::Table(&self.name))?;
        belongings.contents()?;
        belongings.others()?;
        let has_index = self.make_index(file, backup)?;
        // An index that SQLite copies with the rows need not be sorted. What is known to be sound may be copied so.
        let with_rows = self.is_sound && are_records(file, &self.table, &self.name)?;
        if with_rows {
            self.make_other_indexes(file)?;
        }
        let copied = copy_rows(file, backup, &self.table, &self.name, monitor)?;
        self.fill_index(file, has_index, monitor)?;
        if !with_rows {
            self.make_other_indexes(file)?;
        }
        belongings.sequence()?;
        belongings.count(copied)?;
        self.make_triggers(file, has_index)?;
        restyle(&belongings)?;
        for relation in &self.relations {
            if let Some(pairs) = &relation.pairs {
                pairs.make(file, backup, monitor)?;
            }
            belongings.relation(&relation.mapping)?;
        }
        Ok(())
    }

    fn make_other_indexes(&self, file: &Connection) -> Result<(), LayerError> {
        let mut indexes = self.definitions.indexes.iter();
        indexes.try_for_each(|index| define(file, &index.sql, Makes::Index(&self.name)))
    }

    fn geometry(&self) -> Option<&str> {
        self.table.layer.geometry.as_deref()
    }

    /// Makes an empty spatial index if the backup has one.
    fn make_index(&self, file: &Connection, backup: &Connection) -> Result<bool, LayerError> {
        let Some(geometry) = self.geometry() else {
            return Ok(false);
        };
        if named(backup, &format!("rtree_{}_{geometry}", self.table.name))? != Named::Virtual {
            return Ok(false);
        }
        let index = format!("rtree_{}_{geometry}", self.name);
        if named(file, &index)? != Named::Nothing {
            return Err(Refusal::NameTaken(index).into());
        }
        let sql = format!(
            "CREATE VIRTUAL TABLE main.{} USING rtree(id, minx, maxx, miny, maxy)",
            quote(&index)
        );
        file.execute_batch(&sql)?;
        Ok(true)
    }

    /// The spatial index and the extent, by what was written.
    fn fill_index(
        &self,
        file: &Connection,
        has_index: bool,
        monitor: &Monitor,
    ) -> Result<(), LayerError> {
        let (Some(number), Some(geometry)) = (rowid(&self.table), self.geometry()) else {
            return Ok(());
        };
        let catalogue = Catalogue::of(file, &self.name, Some(geometry))?;
        let sql = format!(
            "SELECT {number}, {} FROM main.{} ORDER BY {number}",
            quote(geometry),
            quote(&self.name)
        );
        let mut statement = file.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let (mut packed, mut is_packed) = (Packed::default(), true);
        let mut bounds = None;
        while let Some(row) = rows.next()? {
            monitor.check().map_err(DiffError::from)?;
            let here = boxes::of(row.get_ref(1)?);
            if let Some(here) = here.filter(|_| has_index) {
                packed.add(row.get(0)?, here);
                is_packed &= packed.len() < ENTRIES_MAX;
                if !is_packed {
                    // More than can be held: one by one from here on.
                    put_in(file, &catalogue, &mut packed)?;
                }
            }
            bounds = joined(bounds, here);
        }
        if has_index && is_packed && packed.len() > 0 {
            packed.write(file, &format!("rtree_{}_{geometry}", self.name))?;
        }
        catalogue.sum_up(file, 0, bounds)?;
        Ok(())
    }

    /// The triggers that it had; under another name those of the format alone.
    fn make_triggers(&self, file: &Connection, has_index: bool) -> Result<(), LayerError> {
        for trigger in &self.definitions.triggers {
            define(file, &trigger.sql, Makes::Trigger(&self.name))?;
        }
        if self.name.eq_ignore_ascii_case(&self.table.name) {
            return Ok(());
        }
        if let (Some(geometry), Rowid::Column(fid), true) =
            (self.geometry(), &self.table.rowid, has_index)
        {
            let triggers =
                geopackage::core::triggers::create_triggers_sql(&self.name, geometry, fid);
            for sql in triggers.map_err(|_| Refusal::OddDefinition(self.name.clone()))? {
                define(file, &sql, Makes::Trigger(&self.name))?;
            }
        }
        if named(file, "gpkg_ogr_contents")? == Named::Table {
            let literal = format!("'{}'", self.name.replace('\'', "''"));
            for (when, sign) in [("insert", '+'), ("delete", '-')] {
                let sql = format!(
                    "CREATE TRIGGER {} AFTER {when} ON {} BEGIN UPDATE gpkg_ogr_contents SET feature_count = feature_count {sign} 1 WHERE lower(table_name) = lower({literal}); END",
                    quote(&format!("trigger_{when}_feature_count_{}", self.name)),
                    quote(&self.name),
                );
                define(file, &sql, Makes::Trigger(&self.name))?;
            }
        }
        Ok(())
    }
}

impl Returning {
    /// It comes back if its other side is there, and its pairs are or can come back. An old version of a layer beside
    /// the present one has no relations: they are those of the present one.
    fn plan(
        relation: &Relation,
        states: [&Connection; 2],
        layer: &str,
        is_renamed: bool,
        monitor: &Monitor,
    ) -> Result<Option<Self>, LayerError> {
        let [backup, file] = states;
        let is_own = relation.other.eq_ignore_ascii_case(layer);
        let mapping = relation.mapping.clone();
        let is_odd =
            mapping.eq_ignore_ascii_case(layer) || named(backup, &mapping)? != Named::Table;
        if is_renamed || is_odd || !(is_own || named(file, &relation.other)? == Named::Table) {
            return Ok(None);
        }
        let wanted = Wanted {
            layer: mapping.clone(),
            ..Wanted::default()
        };
        let pairs = match named(file, &mapping)? {
            Named::Table => None,
            Named::Nothing => Some(WholeLayer::plan(states, &wanted, None, monitor)?),
            Named::Virtual | Named::Else => return Ok(None),
        };
        Ok(Some(Self { mapping, pairs }))
    }
}

/// What goes wrong in the backup is not said of the file.
fn unreadable(error: rusqlite::Error) -> LayerError {
    DiffError::Unreadable {
        which: "in the backup",
        error,
    }
    .into()
}

fn put_in(
    file: &Connection,
    catalogue: &Catalogue,
    entries: &mut Packed,
) -> Result<(), LayerError> {
    for (id, bounds) in entries.drain() {
        catalogue.index(file, id, Some(bounds))?;
    }
    Ok(())
}
