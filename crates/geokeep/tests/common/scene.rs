//! A live file, a backup of it, and what is put back into it.

use std::path::{Path, PathBuf};

use geokeep::Monitor;
use geokeep::destination::Stored;
use geokeep::diff::{Options as Compared, State, diff_of};
use geokeep::restore::features::{
    LayerError, LayerRestore, Outcome, Preview, Refusal, Undo, Wanted, What,
};
use geokeep::snapshot::Clock;
use geokeep::source::Source;
use rusqlite::Connection;
use testkit::gpkg::Options;

use super::{Place, writable};

/// A live file, and a backup of how it was at first.
pub struct Scene {
    pub place: Place,
    pub path: PathBuf,
    pub backup: Stored,
}

impl Scene {
    pub fn new(options: &Options) -> Self {
        Self::with(options, "")
    }

    pub fn with(options: &Options, sql: &str) -> Self {
        Self::made(Place::in_memory(), options, sql)
    }

    /// The same, whose backup was made at that time.
    pub fn at(time: &str, options: &Options) -> Self {
        let mut place = Place::in_memory();
        place.settings.clock = clock(time);
        Self::made(place, options, "")
    }

    fn made(place: Place, options: &Options, sql: &str) -> Self {
        let path = place.build("a.gpkg", options);
        writable(&path).execute_batch(sql).unwrap();
        let backup = place.save(&path);
        Self {
            place,
            path,
            backup,
        }
    }

    pub fn edit(&self, sql: &str) -> &Self {
        writable(&self.path).execute_batch(sql).unwrap();
        self
    }

    pub fn number(&self, sql: &str) -> i64 {
        writable(&self.path)
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    }

    pub fn put_back(&self, wanted: &Wanted) -> Result<Outcome, LayerError> {
        self.put_back_if(wanted, &mut |_| true)
    }

    pub fn put_back_if(
        &self,
        wanted: &Wanted,
        agree: &mut dyn FnMut(&Preview) -> bool,
    ) -> Result<Outcome, LayerError> {
        self.with_restore(&self.backup, |restore| restore.put_back(wanted, agree))
    }

    pub fn with_restore<T>(&self, backup: &Stored, work: impl FnOnce(&LayerRestore<'_>) -> T) -> T {
        let destination = self.place.destination();
        work(&LayerRestore {
            backup: &destination.open_backup(&backup.id).unwrap(),
            into: &Source::new(&self.path).unwrap(),
            destination: &destination,
            settings: &self.place.settings,
            monitor: &Monitor::default(),
        })
    }

    /// Undoes what was put back after `before` was made.
    pub fn undo(&self, before: &Stored) -> Result<Outcome, LayerError> {
        let destination = self.place.destination();
        let undo = Undo::of(&destination, &before.id).unwrap();
        let listed = destination.list(before.id.line()).unwrap().backups;
        let from = listed.iter().find(|s| s.manifest.id == undo.from).unwrap();
        let before = destination.open_backup(&before.id).unwrap();
        self.with_restore(from, |restore| {
            restore.undo(&undo, &before, false, &mut |_| true)
        })
    }

    /// Another backup, made at that time.
    pub fn back_up_at(&mut self, time: &str) -> Stored {
        self.place.settings.clock = clock(time);
        self.place.save(&self.path)
    }

    #[track_caller]
    pub fn refused(&self, wanted: &Wanted) -> Refusal {
        let before = content(&self.path);
        let refused = match self.put_back(wanted) {
            Err(LayerError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        };
        assert_eq!(content(&self.path), before);
        refused
    }

    /// Layers that differ from the backup, as names and counts.
    pub fn differing(&self) -> Vec<String> {
        let destination = self.place.destination();
        let monitor = Monitor::default();
        let backup = destination.open_backup(&self.backup.id).unwrap();
        let old = State::of_backup(&backup, &monitor).unwrap();
        let live = State::of_file(
            &Source::new(&self.path).unwrap(),
            &self.place.settings,
            &monitor,
        )
        .unwrap();
        let found = diff_of(&old, &live, &Compared::default(), &monitor).unwrap();
        let told = found.layers.iter().map(|l| {
            format!(
                "{} +{} -{} *{} {:?}",
                l.layer, l.added, l.deleted, l.changed, l.schema
            )
        });
        told.collect()
    }

    /// Whether all that follows from the rows agrees with them.
    #[track_caller]
    pub fn agrees(&self, layer: &str) {
        self.agrees_with(layer, "geom");
    }

    #[track_caller]
    pub fn agrees_with(&self, layer: &str, geom: &str) {
        let db = writable(&self.path);
        let text = |sql: &str| {
            db.query_row(sql, [], |row| row.get::<_, String>(0))
                .unwrap()
        };
        assert_eq!(text("PRAGMA integrity_check"), "ok");
        assert_eq!(
            text(&format!("SELECT rtreecheck('rtree_{layer}_{geom}')")),
            "ok"
        );
        let sql = format!(
            "SELECT count(*) FROM \"{layer}\" t LEFT JOIN \"rtree_{layer}_{geom}\" r ON r.id = t.fid
             WHERE (t.{geom} IS NULL) != (r.id IS NULL)"
        );
        assert_eq!(self.number(&sql), 0);
        let rows = self.number(&format!("SELECT count(*) FROM \"{layer}\""));
        assert_eq!(
            self.number(&format!("SELECT count(*) FROM \"rtree_{layer}_{geom}\"")),
            rows
        );
    }
}

/// One that goes on from that time.
pub fn clock(time: &str) -> Clock {
    let (then, began) = (time.parse::<jiff::Timestamp>(), std::time::Instant::now());
    let then = then.unwrap();
    Clock::new(move || then.checked_add(began.elapsed()).unwrap())
}

/// All rows of all tables but the date of the last change.
pub fn content(path: &Path) -> Vec<String> {
    let db = Connection::open(path).unwrap();
    let names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' ORDER BY name");
    let names: Vec<String> = names
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut rows = Vec::new();
    for name in names {
        let mut statement = db
            .prepare(&format!("SELECT * FROM \"{}\"", name.replace('"', "\"\"")))
            .unwrap();
        let columns: Vec<String> = statement
            .column_names()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let mut found = statement.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let shown = |(at, column): (usize, &String)| match column.as_str() {
                "last_change" => String::new(),
                _ => format!("{:?}", row.get_ref(at).unwrap()),
            };
            rows.push(format!(
                "{name} {:?}",
                columns.iter().enumerate().map(shown).collect::<Vec<_>>()
            ));
        }
    }
    rows.sort();
    rows
}

/// The same without the nodes of spatial indexes, which may be the same index in another order.
pub fn rows_of(path: &Path) -> Vec<String> {
    let mut rows = content(path);
    rows.retain(|row| !row.starts_with("rtree_"));
    rows
}

/// Shows only what differs.
#[track_caller]
pub fn same_rows(now: &[String], before: &[String], case: &str) {
    let more = now.iter().filter(|row| !before.contains(row));
    let less = before.iter().filter(|row| !now.contains(row));
    let (more, less): (Vec<_>, Vec<_>) = (more.collect(), less.collect());
    assert!(now == before, "{case}: more {more:?}; less {less:?}");
}

pub fn lost(layer: &str) -> Wanted {
    Wanted {
        layer: layer.to_owned(),
        ..Wanted::default()
    }
}

pub fn all_of(layer: &str) -> Wanted {
    Wanted {
        what: What::Exact,
        ..lost(layer)
    }
}

/// Deletes a layer as GDAL and QGIS do, which leave its styles.
pub fn dropped(layer: &str) -> String {
    let mut sql = format!("DROP TABLE \"rtree_{layer}_geom\"; DROP TABLE \"{layer}\";");
    for table in ["gpkg_geometry_columns", "gpkg_extensions", "gpkg_contents"] {
        sql += &format!("DELETE FROM {table} WHERE table_name = '{layer}';");
    }
    sql
}
