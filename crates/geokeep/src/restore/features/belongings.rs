//! What belongs to a layer and stands in tables of the catalogue: copied row by row, each column by its name.

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::LayerError;
use super::catalogue::{Named, named, value};
use super::definitions::{Definitions, Makes, define};
use super::refusal::Refusal;
use super::relations::RELATIONS;
use crate::sqlite::quote;

/// Rows of the catalogue about one layer, at most.
const ROWS_MAX: usize = 10_000;

/// From which database to which, and under which names.
pub(super) struct Belongings<'a> {
    pub(super) backup: &'a Connection,
    pub(super) file: &'a Connection,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
}

/// A row of a table of the catalogue: its columns and their values.
type Entry = Vec<(String, Value)>;

impl Belongings<'_> {
    /// Rows of one table of the backup about the layer.
    fn entries(&self, table: &str, column: &str, name: &str) -> Result<Vec<Entry>, LayerError> {
        if named(self.backup, table)? != Named::Table {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT * FROM main.{} WHERE lower({column}) = lower(?1) LIMIT {ROWS_MAX}",
            quote(table)
        );
        let mut statement = self.backup.prepare(&sql)?;
        let names: Vec<String> = statement
            .column_names()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let mut rows = statement.query([name])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..names.len()).map(|at| row.get::<_, Value>(at));
            let values: Vec<Value> = values.collect::<rusqlite::Result<_>>()?;
            entries.push(names.iter().cloned().zip(values).collect());
        }
        Ok(entries)
    }

    /// The same table in the file; made by the text that the backup has, if the file lacks it.
    fn there(&self, table: &str) -> Result<bool, LayerError> {
        match named(self.file, table)? {
            Named::Table => Ok(true),
            Named::Nothing => {
                let definitions = Definitions::read(self.backup, table)?;
                define(self.file, &definitions.table, Makes::Table(table))?;
                Ok(true)
            }
            Named::Virtual | Named::Else => Ok(false),
        }
    }

    /// Writes an entry: the columns that the file has, too. Returns whether it was new.
    fn put(&self, table: &str, entry: &Entry) -> Result<bool, LayerError> {
        let sql = format!("SELECT * FROM main.{} LIMIT 0", quote(table));
        let statement = self.file.prepare(&sql)?;
        let there: Vec<String> = statement
            .column_names()
            .into_iter()
            .map(str::to_ascii_lowercase)
            .collect();
        let entry: Vec<_> = entry
            .iter()
            .filter(|(name, _)| there.contains(&name.to_ascii_lowercase()))
            .collect();
        let names: Vec<_> = entry.iter().map(|(name, _)| quote(name)).collect();
        let numbered = (1..=names.len()).map(|at| format!("?{at}"));
        let is_it = names
            .iter()
            .zip(1..)
            .map(|(name, at)| format!("{name} IS ?{at}"));
        // A key with NULL in it keeps nothing out that is there already.
        let sql = format!(
            "INSERT OR IGNORE INTO main.{0}({1}) SELECT {2} WHERE NOT EXISTS (SELECT 1 FROM main.{0} WHERE {3})",
            quote(table),
            names.join(", "),
            numbered.collect::<Vec<_>>().join(", "),
            is_it.collect::<Vec<_>>().join(" AND ")
        );
        let values = entry.iter().map(|(_, value)| value);
        Ok(self.file.execute(&sql, params_from_iter(values))? == 1)
    }

    /// Copies all entries of a table about the layer, with the new name of that.
    fn copy(&self, table: &str, column: &str) -> Result<u64, LayerError> {
        let entries = self.entries(table, column, self.from)?;
        let mut copied = 0;
        if entries.is_empty() || !self.there(table)? {
            return Ok(copied);
        }
        for mut entry in entries {
            self.set(&mut entry, column, Value::Text(self.to.to_owned()));
            copied += u64::from(self.put(table, &entry)?);
        }
        Ok(copied)
    }

    fn set(&self, entry: &mut Entry, column: &str, to: Value) {
        if let Some((_, value)) = entry
            .iter_mut()
            .find(|(name, _)| name.eq_ignore_ascii_case(column))
        {
            *value = to;
        }
    }

    /// The reference systems that the layer names: the file must mean the same by their numbers.
    pub(super) fn reference_systems(&self) -> Result<(), LayerError> {
        let mut numbers = Vec::new();
        for table in ["gpkg_contents", "gpkg_geometry_columns"] {
            for entry in self.entries(table, "table_name", self.from)? {
                let srs = entry
                    .into_iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case("srs_id"));
                if let Some((_, Value::Integer(number))) = srs {
                    numbers.push(number);
                }
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let sql = "SELECT lower(organization) || ':' || organization_coordsys_id || CASE WHEN lower(organization) IN ('epsg') THEN ''
                       ELSE definition END FROM main.gpkg_spatial_ref_sys WHERE srs_id = ?1";
            let [here, there] =
                [self.backup, self.file].map(|database| value(database, sql, [number]));
            match (here?, there?) {
                (Some(here), Some(there)) if here == there => {}
                (Some(_), Some(_)) => return Err(Refusal::ReferenceSystem(number).into()),
                (_, None) => {
                    for entry in
                        self.entries("gpkg_spatial_ref_sys", "srs_id", &number.to_string())?
                    {
                        self.put("gpkg_spatial_ref_sys", &entry)?;
                    }
                }
                (None, Some(_)) => {}
            }
        }
        Ok(())
    }

    /// Whether the file has such a table of the catalogue, and no entry in it about `name`; one is made where it is missing.
    fn lacks(&self, table: &str, column: &str, name: &str) -> Result<bool, LayerError> {
        let sql = format!("SELECT 1 FROM main.{table} WHERE lower({column}) = lower(?1)");
        Ok(self.there(table)? && value(self.file, &sql, [name])?.is_none())
    }

    /// Its entry in the table of contents, whose `identifier` is unique.
    pub(super) fn contents(&self) -> Result<(), LayerError> {
        let entries = self.entries("gpkg_contents", "table_name", self.from)?;
        // The entry may have been left when the table was dropped.
        if entries.is_empty() || !self.lacks("gpkg_contents", "table_name", self.to)? {
            return Ok(());
        }
        for mut entry in entries {
            self.set(&mut entry, "table_name", Value::Text(self.to.to_owned()));
            if !self.put("gpkg_contents", &entry)? {
                self.set(&mut entry, "identifier", Value::Text(self.to.to_owned()));
                if !self.put("gpkg_contents", &entry)? {
                    return Err(Refusal::NameTaken(self.to.to_owned()).into());
                }
            }
        }
        Ok(())
    }

    /// What else the catalogue says of it.
    pub(super) fn others(&self) -> Result<(), LayerError> {
        self.copy("gpkg_geometry_columns", "table_name")?;
        self.copy("gpkg_extensions", "table_name")?;
        self.copy("gpkg_data_columns", "table_name")?;
        self.constraints()?;
        self.metadata()
    }

    /// The constraints that its columns name, if the file lacks them.
    fn constraints(&self) -> Result<(), LayerError> {
        for entry in self.entries("gpkg_data_columns", "table_name", self.from)? {
            let name = entry
                .into_iter()
                .find(|(name, _)| name == "constraint_name");
            let Some((_, Value::Text(name))) = name else {
                continue;
            };
            let entries = self.entries("gpkg_data_column_constraints", "constraint_name", &name)?;
            if entries.is_empty() || !self.there("gpkg_data_column_constraints")? {
                continue;
            }
            let sql = "SELECT 1 FROM main.gpkg_data_column_constraints WHERE constraint_name = ?1 LIMIT 1";
            if value(self.file, sql, [&name])?.is_none() {
                for entry in entries {
                    self.put("gpkg_data_column_constraints", &entry)?;
                }
            }
        }
        Ok(())
    }

    /// Its metadata, under numbers that are free.
    fn metadata(&self) -> Result<(), LayerError> {
        let references = self.entries("gpkg_metadata_reference", "table_name", self.from)?;
        if references.is_empty()
            || !self.there("gpkg_metadata")?
            || !self.there("gpkg_metadata_reference")?
        {
            return Ok(());
        }
        let mut numbers = std::collections::BTreeMap::new();
        for mut reference in references {
            let of = |entry: &Entry, column: &str| {
                entry
                    .iter()
                    .find(|(name, _)| name == column)
                    .map(|(_, value)| value.clone())
            };
            let Some(Value::Integer(old)) = of(&reference, "md_file_id") else {
                continue;
            };
            let new = match numbers.get(&old) {
                Some(new) => *new,
                None => {
                    let entries = self.entries("gpkg_metadata", "id", &old.to_string())?;
                    let Some(mut entry) = entries.into_iter().next() else {
                        continue;
                    };
                    self.set(&mut entry, "id", Value::Null);
                    self.put("gpkg_metadata", &entry)?;
                    self.file.last_insert_rowid()
                }
            };
            numbers.insert(old, new);
            self.set(
                &mut reference,
                "table_name",
                Value::Text(self.to.to_owned()),
            );
            self.set(&mut reference, "md_file_id", Value::Integer(new));
            let parent = match of(&reference, "md_parent_id") {
                Some(Value::Integer(parent)) => numbers
                    .get(&parent)
                    .map_or(Value::Null, |id| Value::Integer(*id)),
                _ => Value::Null,
            };
            self.set(&mut reference, "md_parent_id", parent);
            self.put("gpkg_metadata_reference", &reference)?;
        }
        Ok(())
    }

    /// A relation whose pairs stand in `mapping`, if the file does not have it.
    pub(super) fn relation(&self, mapping: &str) -> Result<(), LayerError> {
        let column = "mapping_table_name";
        if !self.lacks(RELATIONS, column, mapping)? {
            return Ok(());
        }
        for mut entry in self.entries(RELATIONS, column, mapping)? {
            if !self.put(RELATIONS, &entry)? {
                // Its number is taken.
                self.set(&mut entry, "id", Value::Null);
                self.put(RELATIONS, &entry)?;
            }
        }
        // That there are relations is an extension of the file, and each table of pairs another.
        for table in [RELATIONS, mapping] {
            let entries = self.entries("gpkg_extensions", "table_name", table)?;
            if entries.is_empty() || !self.lacks("gpkg_extensions", "table_name", table)? {
                continue;
            }
            for entry in entries {
                self.put("gpkg_extensions", &entry)?;
            }
        }
        Ok(())
    }

    /// Numbers that were given out once are not given out again.
    pub(super) fn sequence(&self) -> Result<(), LayerError> {
        let sql = "SELECT seq FROM main.sqlite_sequence WHERE name = ?1";
        if named(self.backup, "sqlite_sequence")? != Named::Table
            || named(self.file, "sqlite_sequence")? != Named::Table
        {
            return Ok(());
        }
        if let Some(Value::Integer(number)) = value(self.backup, sql, [self.from])? {
            let sql = "UPDATE main.sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
            if self.file.execute(sql, params![self.to, number])? == 0 {
                self.file.execute(
                    "INSERT INTO main.sqlite_sequence VALUES(?1, ?2)",
                    params![self.to, number],
                )?;
            }
        }
        Ok(())
    }

    /// GDAL's count of its features.
    pub(super) fn count(&self, rows: u64) -> Result<(), LayerError> {
        if self
            .entries("gpkg_ogr_contents", "table_name", self.from)?
            .is_empty()
            || !self.there("gpkg_ogr_contents")?
        {
            return Ok(());
        }
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let sql = "UPDATE main.gpkg_ogr_contents SET feature_count = ?2 WHERE lower(table_name) = lower(?1)";
        if self.file.execute(sql, params![self.to, rows])? == 0 {
            self.file.execute(
                "INSERT INTO main.gpkg_ogr_contents(table_name, feature_count) VALUES(?1, ?2)",
                params![self.to, rows],
            )?;
        }
        Ok(())
    }
}

/// Its styles, if the file has none for it: programs that delete a layer leave them.
pub(super) fn restyle(belongings: &Belongings<'_>) -> Result<(), LayerError> {
    let entries = belongings.entries("layer_styles", "f_table_name", belongings.from)?;
    if entries.is_empty() || !belongings.there("layer_styles")? {
        return Ok(());
    }
    let sql = "SELECT 1 FROM main.layer_styles WHERE lower(f_table_name) = lower(?1) LIMIT 1";
    if value(belongings.file, sql, [belongings.to])?.is_some() {
        return Ok(());
    }
    for mut entry in entries {
        belongings.set(
            &mut entry,
            "f_table_name",
            Value::Text(belongings.to.to_owned()),
        );
        belongings.set(&mut entry, "id", Value::Null);
        belongings.put("layer_styles", &entry)?;
    }
    Ok(())
}
