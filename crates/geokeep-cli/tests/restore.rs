//! `geokeep restore` as a user meets it: where a backup goes if he does not say where, who is named,
//! and what is there when it is killed.
#![allow(clippy::print_stderr, reason = "figures for whoever looks at them")]

use crate::common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Desk, tiny};
use geokeep::destination::{MANIFEST_BYTES_MAX, MANIFEST_NAME, Manifest};
use rusqlite::Connection;
use testkit::Random;
use testkit::gpkg::Options;
use testkit::live_writer::{self, JournalMode, LiveWriter};

testkit::live_writer_process!();

fn manifest_of(archive: &Path) -> Manifest {
    let archive = sozip::Archive::open(fs::read(archive).unwrap()).unwrap();
    let entry = archive.entry(MANIFEST_NAME).unwrap();
    let json = archive.read_small(entry, MANIFEST_BYTES_MAX).unwrap();
    Manifest::from_json(&json).unwrap()
}

/// Changes what an archive says of itself, as somebody could who plants one.
fn rewrite(archive: &Path, change: impl FnOnce(&mut Manifest)) {
    let mut manifest = manifest_of(archive);
    let stored = sozip::Archive::open(fs::read(archive).unwrap()).unwrap();
    let chunks = stored.chunks(&stored.entries()[0]).unwrap();
    let mut decoder = sozip::Decoder::new();
    let (mut database, mut piece) = (Vec::new(), Vec::new());
    for n in 0..chunks.count() {
        chunks.read_chunk(&mut decoder, n, &mut piece).unwrap();
        database.extend_from_slice(&piece);
    }
    change(&mut manifest);
    let mut writer = sozip::ArchiveWriter::new(fs::File::create(archive).unwrap());
    let (input, options) = (&mut &database[..], sozip::Options::default());
    let modified = Some(manifest.instant.as_second());
    let name = match manifest.files.first() {
        Some(file) => file.path.clone(),
        None => format!("{}.gpkg", manifest.name),
    };
    let ignore = &mut |_: &[u8]| {};
    writer
        .add(&name, modified, input, None, &options, None, ignore)
        .unwrap();
    writer
        .add_stored("manifest.json", modified, &manifest.to_json())
        .unwrap();
    writer.finish().unwrap();
}

#[test]
fn without_a_place_it_goes_where_it_came_from_and_says_so_first() {
    let desk = Desk::new();
    let path = desk.build("gis/town.gpkg", &tiny());
    desk.ok(&["backup", "gis/town.gpkg", "--to", "backups"]);
    let was = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let run = desk.run(&["restore", "town", "--from", "backups"]);
    assert_eq!(run.code, 0, "{run:?}");
    let told = "restoring to DESK/gis/town.gpkg, where the backup came from\n";
    assert_eq!(desk.redacted(&run.err), told);
    assert!(fs::read(&path).unwrap() == was);
}

/// An archive that somebody has planted names whatever place it likes.
#[test]
fn a_place_that_only_the_archive_names_is_not_taken_unasked() {
    let desk = Desk::new();
    desk.build("town.gpkg", &tiny());
    desk.ok(&["backup", "town.gpkg", "--to", "backups"]);
    let archive = desk.archives().remove(0);
    fs::create_dir(desk.path("home")).unwrap();
    let home = fs::canonicalize(desk.path("home")).unwrap();
    std::os::unix::fs::symlink(&home, desk.path("link")).unwrap();
    let link = fs::canonicalize(desk.root()).unwrap().join("link");
    let host = manifest_of(&archive).source.host;
    let places = [
        (home.join(".bash_login"), &*host, "it is not named as"),
        (home.join("authorized_keys"), &host, "it is not named as"),
        (
            home.join("town.gpkg"),
            "elsewhere",
            "was made on 'elsewhere'",
        ),
        (
            home.join("no/town.gpkg"),
            &host,
            "its folder does not exist",
        ),
        (link.join("town.gpkg"), &host, "a symbolic link"),
        ("home/town.gpkg".into(), &host, "not the whole path"),
    ];
    for (place, host, why) in places {
        rewrite(&archive, |manifest| {
            manifest.source.path = place.to_str().unwrap().to_owned();
            manifest.source.host = host.to_owned();
            manifest.source.machine = None;
        });
        for force in [&[][..], &["--force"], &["--dry-run"]] {
            let run = desk.run(&[&["restore", "town", "--from", "backups"], force].concat());
            assert_eq!(
                (run.code, run.err.lines().count()),
                (2, 4),
                "{place:?}: {run:?}"
            );
            assert!(run.err.contains(why), "{place:?}: {run:?}");
            assert!(run.err.contains("--to FILE"), "{run:?}");
            assert_eq!(home.read_dir().unwrap().count(), 0, "{place:?}");
        }
    }
    // Named by the user, every place is as good as another.
    desk.ok(&[
        "restore",
        "town",
        "--from",
        "backups",
        "--to",
        "home/.bash_login",
    ]);
}

/// The same for a project: `.qgz` is no ending of a database, and the other way round.
#[test]
fn a_project_goes_back_only_as_a_project() {
    let desk = Desk::new();
    desk.build("gis/town.gpkg", &tiny());
    let project = "<qgis version=\"3.22\"><projectlayers></projectlayers></qgis>";
    fs::write(desk.path("gis/town.qgs"), project).unwrap();
    desk.ok(&["backup", "gis/town.qgs", "gis/town.gpkg", "--to", "backups"]);
    let archive = common::projects(&desk).remove(0);
    for planted in [".profile", "town.gpkg"] {
        let place = fs::canonicalize(desk.path("gis")).unwrap().join(planted);
        rewrite(&archive, |manifest| {
            manifest.source.path = place.to_str().unwrap().to_owned();
        });
        let run = desk.run(&["restore", "town.qgs", "--from", "backups"]);
        assert_eq!(run.code, 2, "{run:?}");
    }
    assert!(!desk.path("gis/.profile").exists());
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_has_it_open_is_named() {
    let desk = Desk::new();
    let path = desk.build("town.gpkg", &tiny());
    desk.ok(&["backup", "town.gpkg", "--to", "backups"]);
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Delete,
        ..Default::default()
    };
    let writer = LiveWriter::start(&path, &options);
    let run = desk.run(&["restore", "town", "--from", "backups", "--force"]);
    let named = format!("(process {}) has it open", writer.process_id());
    writer.stop();
    assert_eq!(run.code, 20, "{run:?}");
    assert!(run.err.contains(&named), "{run:?}");
    assert!(run.err.contains("the target is as it was"), "{run:?}");
}

#[test]
fn a_log_without_its_file_is_named_in_text_and_json() {
    let desk = Desk::new();
    desk.build("town.gpkg", &tiny());
    desk.ok(&["backup", "town.gpkg", "--to", "backups"]);
    let restore = [
        "restore", "town", "--from", "backups", "--to", "new.gpkg", "--force",
    ];
    for as_json in [false, true] {
        fs::write(desk.path("new.gpkg-wal"), "a day's work").unwrap();
        let kept = if as_json {
            let (code, lines) = desk.json(&restore);
            assert_eq!(code, 0);
            lines[0]["set_aside"][0].as_str().unwrap().to_owned()
        } else {
            let out = desk.ok(&restore);
            out.trim_end().rsplit(' ').next().unwrap().to_owned()
        };
        assert_eq!(fs::read_to_string(kept).unwrap(), "a day's work");
        assert!(!desk.path("new.gpkg-wal").exists());
        fs::remove_file(desk.path("new.gpkg")).unwrap();
    }
}

fn rows(path: &Path) -> i64 {
    // The next program rolls back what a journal holds.
    let db = Connection::open(path).unwrap();
    assert_eq!(testkit::gpkg::is_one_committed_state(&db), Ok(0));
    let check: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    db.query_row("SELECT count(*) FROM parcels", [], |row| row.get(0))
        .unwrap()
}

/// Killed at any moment, the file is the old one or the new one; the next restore leaves nothing of it.
#[test]
fn killed_at_any_moment_the_file_is_the_old_one_or_the_new_one() {
    const SEED: u64 = 815;
    let mut random = Random::new(SEED);
    for journal in [testkit::gpkg::Journal::Delete, testkit::gpkg::Journal::Wal] {
        let desk = Desk::new();
        let new = Options {
            rows: 3000,
            tiles: 600,
            ..Options::default()
        };
        desk.build("a.gpkg", &new);
        let old = Options {
            rows: 2000,
            tiles: 600,
            seed: 2,
            journal,
            ..Options::default()
        };
        let target = desk.build("target/t.gpkg", &old);
        let was = fs::read(&target).unwrap();
        desk.ok(&["backup", "a.gpkg", "target/t.gpkg", "--to", "backups"]);
        let restore = [
            "restore",
            "a",
            "--from",
            "backups",
            "--to",
            "target/t.gpkg",
            "--force",
        ];
        let began = Instant::now();
        desk.ok(&restore);
        let whole = u64::try_from(began.elapsed().as_micros()).unwrap();
        let (mut killed, mut ended, mut hot, mut renewed) = (0, 0, 0, 0);
        let written_to = || {
            let journal = fs::metadata(desk.path("target/t.gpkg-journal"));
            journal.is_ok_and(|found| found.len() > 0)
        };
        let until = Instant::now() + Duration::from_secs(120);
        while (killed < 8 || hot == 0) && Instant::now() < until {
            fs::write(&target, &was).unwrap();
            let began = Instant::now();
            let moment = Duration::from_micros(random.below(whole));
            // Every fourth one surely in the transaction, the others whenever it is.
            let in_it = (killed + ended) % 4 == 3;
            let was_killed = desk.kill_when(&restore, || {
                if in_it {
                    written_to()
                } else {
                    began.elapsed() >= moment
                }
            });
            killed += u32::from(was_killed);
            ended += u32::from(!was_killed);
            hot += u32::from(written_to());
            let now = rows(&target);
            renewed += u32::from(now == 3000);
            assert!(now == 3000 || (was_killed && now == 2000), "{now} rows");
        }
        eprintln!(
            "{journal:?}, seed {SEED}: {killed} killed, {hot} in the transaction, {ended} ended, {renewed} times the new file"
        );
        assert!(killed >= 8 && hot > 0, "{killed} killed, {hot} in it");
        desk.ok(&restore);
        assert_eq!(common::files_below(&desk.path("target")), [target]);
        assert!(desk.temporaries().is_empty());
    }
}

/// A new file is made beside its place: what a killed restore left of it is swept up.
#[test]
fn what_a_killed_restore_left_goes_with_the_next() {
    let desk = Desk::new();
    desk.build(
        "a.gpkg",
        &Options {
            tiles: 2000,
            ..tiny()
        },
    );
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    fs::create_dir(desk.path("target")).unwrap();
    let restore = ["restore", "a", "--from", "backups", "--to", "target/t.gpkg"];
    let mut left = false;
    for _ in 0..50 {
        let _ = fs::remove_file(desk.path("target/t.gpkg"));
        let mut command = desk.command(&restore);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = command.spawn().unwrap();
        while desk.temporaries().is_empty() && run.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = run.kill();
        run.wait().unwrap();
        left = !desk.temporaries().is_empty();
        if left {
            break;
        }
    }
    assert!(left, "no kill hit a file in the making");
    let _ = fs::remove_file(desk.path("target/t.gpkg"));
    desk.ok(&restore);
    assert!(desk.temporaries().is_empty());
}

/// A backup that was restored among backups became one of them; one that is called like a log was
/// applied to the database beside it.
#[test]
fn names_of_sqlite_and_of_geokeep_are_refused() {
    let desk = Desk::new();
    let path = desk.build("town.gpkg", &tiny());
    desk.ok(&["backup", "town.gpkg", "--to", "backups"]);
    let other = desk.build("other/town.gpkg", &tiny());
    desk.ok(&["backup", "other/town.gpkg", "--to", "elsewhere"]);
    let archive = desk.archives()[0].file_name().unwrap().to_owned();
    let archive = archive.to_str().unwrap();
    let before = common::files_below(desk.root());
    let targets = [
        "town.gpkg-wal".to_owned(),
        "town.gpkg-SHM".to_owned(),
        "other/new.gpkg-journal".to_owned(),
        "backups/.geokeep.lock".to_owned(),
        ".geokeep-restore-1-1-0000000000000000.tmp".to_owned(),
        "backups/town/line.json".to_owned(),
        "backups/town/new.gpkg".to_owned(),
        "elsewhere/town/new.gpkg".to_owned(),
        format!("backups/town/{archive}.gone"),
        "town.gpkg.zip".to_owned(),
        "town.GPKG.zip.verified".to_owned(),
    ];
    for target in &targets {
        for more in [&[][..], &["--force"], &["--dry-run"]] {
            let base = ["restore", "town", "--from", "backups", "--to", target];
            let run = desk.run(&[&base[..], more].concat());
            assert_eq!(
                (run.code, run.err.lines().count()),
                (2, 4),
                "{target}: {run:?}"
            );
            assert!(run.err.contains("choose another name"), "{target}: {run:?}");
        }
    }
    assert_eq!(common::files_below(desk.root()), before);
    // Near to these is not there.
    for target in ["town-wal.gpkg", "backups/new.gpkg", "journal.gpkg"] {
        desk.ok(&["restore", "town", "--from", "backups", "--to", target]);
    }
    assert!(path.exists() && other.exists());
}

/// "The folder is not there", it said of the folder that was.
#[cfg(unix)]
#[test]
fn a_link_to_nothing_is_named() {
    let desk = Desk::new();
    desk.build("town.gpkg", &tiny());
    desk.ok(&["backup", "town.gpkg", "--to", "backups"]);
    std::os::unix::fs::symlink("gone/far.gpkg", desk.path("link.gpkg")).unwrap();
    for more in [&[][..], &["--force"]] {
        let base = ["restore", "town", "--from", "backups", "--to", "link.gpkg"];
        let run = desk.run(&[&base[..], more].concat());
        assert_eq!((run.code, run.err.lines().count()), (1, 4), "{run:?}");
        let cause = "a symbolic link to 'gone/far.gpkg', which is not there";
        assert!(run.err.contains(cause), "{run:?}");
    }
    assert!(desk.path("link.gpkg").is_symlink());
}

/// A name meant the copy of the wrong state that the restore itself had made: the same command again
/// brought that back.
#[test]
fn what_a_restore_replaced_is_not_what_a_name_means_next_time() {
    let desk = Desk::new();
    let path = desk.build("a.gpkg", &tiny());
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    let edit = |sql: &str| {
        let db = Connection::open(&path).unwrap();
        testkit::gpkg::register_spatial_functions(&db).unwrap();
        db.execute_batch(sql).unwrap();
    };
    let spoiled = || {
        let db = Connection::open(&path).unwrap();
        let sql = "SELECT count(*) FROM parcels WHERE remarks = 'wrong'";
        db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let back = ["restore", "a", "--from", "backups", "--force"];
    edit("UPDATE parcels SET remarks = 'wrong'");
    desk.ok(&back);
    assert_eq!(spoiled(), 0);
    let again = desk.run(&back);
    assert!(
        again.code == 0 && again.err.contains("was made before a restore of it"),
        "{again:?}"
    );
    assert_eq!(spoiled(), 0);
    // What is backed up afterwards counts again, also if it is what had been replaced.
    edit("UPDATE parcels SET remarks = 'wrong'");
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    desk.ok(&["restore", "a", "--from", "backups", "--to", "b.gpkg"]);
    let db = Connection::open(desk.path("b.gpkg")).unwrap();
    let sql = "SELECT count(*) FROM parcels WHERE remarks = 'wrong'";
    assert_eq!(
        db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(),
        20
    );
}
