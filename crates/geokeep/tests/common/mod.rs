//! What the tests of the library share: a folder with sources and a destination, and looks into
//! what was stored.

pub mod page;
pub mod program;
pub mod restored;
pub mod scene;
pub mod sources;
pub mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use geokeep::backup::{Outcome, Settings, backup, plan};
use geokeep::destination::{
    Asking, BackupId, Destination, DestinationError, Machine, Manifest, Opened, Stored,
};
use geokeep::durable::{Disk, OsDisk};
use geokeep::restore::{RestoreError, Restored, Target, restore};
use geokeep::snapshot::Clock;
use geokeep::source::{Project, ProjectFormat, Source};
use geokeep::stored::{Bytes, Database};
use geokeep::verify::{Level, verify};
use geokeep::{Error, Monitor};
use jiff::tz::TimeZone;
use rusqlite::Connection;
use tempfile::TempDir;
use testkit::gpkg;

/// A folder with `sources/`, `backups/` and `staging/`.
pub struct Place {
    root: TempDir,
    pub settings: Settings,
}

impl Place {
    /// Restores what an archive holds to `to`.
    pub fn give_back(
        &self,
        archive: &Path,
        to: &Path,
        force: bool,
    ) -> Result<Restored, RestoreError> {
        self.give_back_monitored(archive, to, force, &Monitor::default())
    }

    pub fn give_back_monitored(
        &self,
        archive: &Path,
        to: &Path,
        force: bool,
        monitor: &Monitor,
    ) -> Result<Restored, RestoreError> {
        let target = Target {
            path: to.to_owned(),
            force,
        };
        let archive = open(archive).unwrap();
        let destination = self.destination();
        restore(
            &archive,
            &target,
            false,
            &destination,
            &self.settings,
            monitor,
        )
    }

    pub fn new() -> Self {
        Self::with_disk(|_| Arc::new(OsDisk))
    }

    /// In memory where the system offers that: for tests that make very many files.
    pub fn in_memory() -> Self {
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self::at(root.unwrap(), |_| Arc::new(OsDisk))
    }

    pub fn with_disk(disk: impl FnOnce(&Path) -> Arc<dyn Disk>) -> Self {
        Self::at(tempfile::tempdir().unwrap(), disk)
    }

    pub fn at(root: TempDir, disk: impl FnOnce(&Path) -> Arc<dyn Disk>) -> Self {
        // The tests make their files with SQLite before geokeep opens any.
        geokeep::limit_memory();
        for name in ["sources", "staging"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let settings = settings(disk(root.path()), root.path());
        Self { root, settings }
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn sources(&self) -> PathBuf {
        self.root.path().join("sources")
    }

    pub fn source(&self, name: &str) -> PathBuf {
        self.sources().join(name)
    }

    /// Builds a GeoPackage among the sources.
    pub fn build(&self, name: &str, options: &gpkg::Options) -> PathBuf {
        let path = self.source(name);
        gpkg::build(&path, options).unwrap();
        path
    }

    pub fn backups(&self) -> PathBuf {
        self.root.path().join("backups")
    }

    pub fn destination(&self) -> Destination {
        let disk = Arc::clone(&self.settings.disk);
        Destination::open_or_create(&self.backups(), disk).unwrap()
    }

    /// What names are seen from.
    pub fn asking(&self) -> Asking {
        Asking {
            folder: self.sources(),
            machine: self.settings.machine.clone(),
            now: self.settings.clock.now().to_zoned(TimeZone::UTC),
        }
    }

    pub fn try_backup(&self, source: &Path) -> Result<Outcome, Error> {
        try_backup(source, &self.destination(), &self.settings)
    }

    /// A backup that must be made and be saved.
    pub fn save(&self, source: &Path) -> Stored {
        saved(self.try_backup(source))
    }

    /// The newest sound backup that the destination knows of a source.
    pub fn newest_sound(&self, source: &Path) -> Option<Stored> {
        let destination = self.destination();
        let lines = destination.known_lines(&self.settings.machine).unwrap();
        lines.newest_sound_of(&Source::new(source).unwrap())
    }
}

pub fn machine(host: &str, id: Option<&str>) -> Machine {
    Machine {
        host: host.to_owned(),
        id: id.map(str::to_owned),
        given: false,
    }
}

pub fn settings(disk: Arc<dyn Disk>, root: &Path) -> Settings {
    Settings {
        lock_wait: Duration::from_secs(20),
        at_once: 1,
        threads: 2,
        label: None,
        max_loss: None,
        force: false,
        any_sqlite: false,
        take: geokeep::source::Take::default(),
        method: None,
        lock_ceiling: Duration::from_millis(250),
        ogr2ogr: None,
        file_system: None,
        staging: root.join("staging"),
        machine: machine("test-host", Some("test-machine")),
        line: None,
        clock: Clock::new(jiff::Timestamp::now),
        disk,
    }
}

pub fn try_backup(
    source: &Path,
    destination: &Destination,
    settings: &Settings,
) -> Result<Outcome, Error> {
    let jobs = plan(
        vec![Source::new(source)?],
        Vec::new(),
        destination,
        settings,
    )?;
    backup(&jobs[0], destination, settings, &Monitor::default())
}

pub fn saved(outcome: Result<Outcome, Error>) -> Stored {
    match outcome.expect("a backup is made") {
        Outcome::Saved(stored) => stored,
        Outcome::Unchanged(stored) => panic!("unchanged since {}", stored.location.display()),
    }
}

/// A project in the words of QGIS, whose layers lie in `geopackages`.
pub fn project_xml(geopackages: &[&str]) -> String {
    let layer = |(n, path): (usize, &&str)| {
        format!(
            "<maplayer><id>l{n}</id><datasource>{path}|layername=parcels</datasource>\
             <provider encoding=\"UTF-8\">ogr</provider></maplayer>"
        )
    };
    let layers: String = geopackages.iter().enumerate().map(layer).collect();
    let doctype = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>";
    format!("{doctype}\n<qgis version=\"3.22\"><projectlayers>{layers}</projectlayers></qgis>\n")
}

pub fn read_project(path: &Path) -> Project {
    Project::read(path, ProjectFormat::of(path).unwrap()).unwrap()
}

/// Backs up a project that was read.
pub fn try_keep(project: &Project, place: &Place) -> Result<Outcome, Error> {
    let disk = Arc::clone(&place.settings.disk);
    let destination = Destination::open_or_create(&place.backups(), disk)?;
    keep_in(project, &destination, &place.settings)
}

pub fn keep_in(
    project: &Project,
    destination: &Destination,
    settings: &Settings,
) -> Result<Outcome, Error> {
    let jobs = plan(Vec::new(), vec![project.clone()], destination, settings)?;
    backup(&jobs[0], destination, settings, &Monitor::default())
}

/// Rows enough for a few dozen pages: sweeps over every call stay fast.
pub fn tiny() -> gpkg::Options {
    gpkg::Options {
        rows: 20,
        ..gpkg::Options::default()
    }
}

/// The backup in an archive, wherever that lies.
pub fn open(archive: &Path) -> Result<Opened, DestinationError> {
    let line = archive.parent().unwrap();
    match id_of(archive, line) {
        Some((destination, id)) => destination.open_backup(&id),
        None => {
            let place = tempfile::tempdir().unwrap();
            let line = place.path().join("backups/a");
            fs::create_dir_all(&line).unwrap();
            let copy = line.join("a_2026-11-26T000000.000Z.gpkg.zip");
            fs::copy(archive, &copy).unwrap();
            let (destination, id) = id_of(&copy, &line).unwrap();
            destination.open_backup(&id)
        }
    }
}

fn id_of(archive: &Path, line: &Path) -> Option<(Destination, BackupId)> {
    let destination = Destination::open(line.parent()?, Arc::new(OsDisk)).ok()?;
    let backups = destination.backups(line.file_name()?.to_str()?).ok()?;
    let mut ids = backups.into_iter();
    let id = ids.find(|id| destination.location(id) == archive)?;
    Some((destination, id))
}

/// The database in an archive, opened where it lies.
pub fn open_stored(archive: &Path) -> Database {
    let bytes = open(archive).unwrap().bytes().unwrap();
    Database::open(&Bytes::new(&bytes, 4 << 20), &Monitor::default()).unwrap()
}

/// The database in an archive, every byte of it.
pub fn plain(archive: &Path) -> Vec<u8> {
    let file = fs::File::open(archive).unwrap();
    let archive = sozip::Archive::open(file).unwrap();
    let chunks = archive.chunks(&archive.entries()[0]).unwrap();
    let mut decoder = sozip::Decoder::new();
    let (mut all, mut piece) = (Vec::new(), Vec::new());
    for n in 0..chunks.count() {
        chunks.read_chunk(&mut decoder, n, &mut piece).unwrap();
        all.extend_from_slice(&piece);
    }
    all
}

pub fn check(archive: &Path, level: Level) -> Result<Manifest, Error> {
    Ok(verify(&open(archive)?, level, None, &Monitor::default())?)
}

/// The number of the commit whose state an archive holds.
pub fn commit_in(archive: &Path) -> u64 {
    let database = open_stored(archive);
    match gpkg::is_one_committed_state(database.connection()) {
        Ok(number) => number,
        Err(problem) => panic!("{}: {problem}", archive.display()),
    }
}

/// All files below a folder, sorted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Files with the final name of an archive, sorted.
pub fn archives_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = files_below(folder);
    let is_archive = |name: &str| {
        let all = [".gpkg.zip", ".qgs.zip", ".qgz.zip"];
        all.into_iter().any(|suffix| name.ends_with(suffix))
    };
    files.retain(|path| is_archive(&path.to_string_lossy()));
    files
}

/// Files that bear no final name: nothing of this may stay.
pub fn temporaries_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = files_below(folder);
    files.retain(|path| path.to_string_lossy().ends_with(".tmp"));
    files
}

/// A connection that can write to layers with an R-tree.
pub fn writable(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    gpkg::register_spatial_functions(&connection).unwrap();
    connection
}

/// Reads the number at `at`, as SQLite keeps them.
pub fn number_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Free pages by the file format's own words: trunks with the bytes of them that are in use, and
/// leaves (both counted from 1).
pub fn free_pages(database: &[u8]) -> (Vec<(u32, usize)>, Vec<u32>) {
    let size = page_size(database);
    let (mut trunks, mut leaves) = (Vec::new(), Vec::new());
    let mut trunk = number_at(database, 32);
    while trunk != 0 {
        let at = (trunk as usize - 1) * size;
        let count = number_at(database, at + 4) as usize;
        leaves.extend((0..count).map(|n| number_at(database, at + 8 + 4 * n)));
        trunks.push((trunk, 8 + 4 * count));
        trunk = number_at(database, at);
    }
    (trunks, leaves)
}

pub fn page_size(database: &[u8]) -> usize {
    match u16::from_be_bytes([database[16], database[17]]) {
        1 => 65_536,
        n => usize::from(n),
    }
}

/// What must be stored of a database whose pages are these: free pages as zeros, rollback mode.
pub fn expected(database: &[u8]) -> Vec<u8> {
    let size = page_size(database);
    let (trunks, leaves) = free_pages(database);
    let mut bytes = database.to_vec();
    for leaf in leaves {
        bytes[(leaf as usize - 1) * size..leaf as usize * size].fill(0);
    }
    for (trunk, used) in trunks {
        bytes[(trunk as usize - 1) * size + used..trunk as usize * size].fill(0);
    }
    bytes[18..20].fill(1);
    bytes
}

/// The place of the first difference, for messages that people can read.
pub fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    if a.len() != b.len() {
        return Some(a.len().min(b.len()));
    }
    a.iter().zip(b).position(|(a, b)| a != b)
}
