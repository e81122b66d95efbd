//! Every failure that the command foresees: its exit code and its words, in at most four lines
//! (message, cause, state, hint), word for word. Names of folders, instants and process numbers
//! are redacted.

use crate::common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Desk, Ended, ended, tiny};
use rusqlite::Connection;
use testkit::gpkg::{Journal, Options};
use testkit::live_writer::{self, Hold, JournalMode, LiveWriter};

testkit::live_writer_process!();

/// The run ended with this code and said just this on standard error.
fn says(desk: &Desk, run: &Ended, code: i32, text: &str) {
    let err = desk.redacted(&run.err);
    assert_eq!(
        err.trim_end(),
        text.trim(),
        "code {}, out {}",
        run.code,
        run.out
    );
    assert_eq!(run.code, code, "{err}");
    assert!(err.lines().count() <= 4, "{err}");
}

fn backup_says(desk: &Desk, source: &str, code: i32, text: &str) {
    let run = desk.run(&["backup", source, "--to", "backups", "--lock-wait", "200ms"]);
    says(desk, &run, code, text);
    assert!(run.out.is_empty(), "{run:?}");
    assert!(desk.archives().is_empty());
}

#[test]
fn files_that_are_something_else() {
    let desk = Desk::new();
    let cases: [(&str, &[u8], &str); 6] = [
        (
            "zip.gpkg",
            b"PK\x03\x04 and so on",
            "error: 'zip.gpkg' is not a GeoPackage
cause: it is a ZIP archive (it begins with 'PK')
state: no backup was made, and there is no earlier one
hint:  unpack it and back up the .gpkg inside",
        ),
        (
            "empty.gpkg",
            b"",
            "error: 'empty.gpkg' is not a GeoPackage
cause: it is empty (0 bytes)
state: no backup was made, and there is no earlier one
hint:  check that this is the file you mean; it is as it was",
        ),
        (
            "secret.gpkg",
            b"\x8f\x01\xfe\x99\x12 random or encrypted",
            "error: 'secret.gpkg' is not a GeoPackage
cause: it is not an SQLite database by its first 16 bytes; encrypted databases look like this
state: no backup was made, and there is no earlier one
hint:  check that this is the file you mean; it is as it was",
        ),
        (
            "zeros.gpkg",
            &[0; 4096],
            "error: 'zeros.gpkg' is not a GeoPackage
cause: it is a file that begins with zeros, as after a failed copy or a power cut
state: no backup was made, and there is no earlier one
hint:  check that this is the file you mean; it is as it was",
        ),
        (
            "notes.gpkg",
            b"just a text",
            "error: 'notes.gpkg' is not a GeoPackage
cause: it is a text file
state: no backup was made, and there is no earlier one
hint:  check that this is the file you mean; it is as it was",
        ),
        (
            "short.gpkg",
            b"SQLite format 3\0\x10\0",
            "error: 'short.gpkg' is not a GeoPackage
cause: it ends within the header of an SQLite database (18 bytes)
state: no backup was made, and there is no earlier one
hint:  check that this is the file you mean; it is as it was",
        ),
    ];
    for (name, bytes, text) in cases {
        fs::write(desk.path(name), bytes).unwrap();
        backup_says(&desk, name, 21, text);
    }
}

#[test]
fn another_sqlite_database() {
    let desk = Desk::new();
    let db = Connection::open(desk.path("other.sqlite")).unwrap();
    db.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)")
        .unwrap();
    drop(db);
    backup_says(
        &desk,
        "other.sqlite",
        21,
        "error: 'other.sqlite' is not a GeoPackage
cause: it is an SQLite database without the table gpkg_contents
state: no backup was made, and there is no earlier one
hint:  to back it up all the same: --any-sqlite",
    );
    let out = desk.ok(&["backup", "other.sqlite", "--to", "backups", "--any-sqlite"]);
    assert!(out.contains("t 2"), "{out}");
    desk.ok(&["verify", "--from", "backups"]);
}

#[test]
fn names_that_lead_nowhere() {
    let desk = Desk::new();
    fs::create_dir(desk.path("folder")).unwrap();
    backup_says(
        &desk,
        "missing.gpkg",
        22,
        "error: could not read 'missing.gpkg'
cause: there is no such file
state: no backup was made, and there is no earlier one
hint:  check the name and the folder",
    );
    backup_says(
        &desk,
        "folder",
        22,
        "error: nothing to back up in 'folder'
cause: no .gpkg file lies in this folder or below it
state: no backup was made of anything there
hint:  quote patterns so that the shell does not expand them, and check the folder",
    );
    backup_says(
        &desk,
        "folder/*.gpkg",
        22,
        "error: nothing to back up in 'folder/*.gpkg'
cause: no file matches this pattern
state: no backup was made of anything there
hint:  quote patterns so that the shell does not expand them, and check the folder",
    );
    backup_says(
        &desk,
        "@list.txt",
        22,
        "error: could not read 'list.txt'
cause: there is no such file
state: no backup was made, and there is no earlier one
hint:  check the name and the folder",
    );
    let run = desk.run(&["inspect", "folder"]);
    says(
        &desk,
        &run,
        22,
        "error: could not read 'folder'
cause: it is a folder
state: the file was not changed
hint:  name the files in it, or give the folder to 'geokeep backup'",
    );
    backup_says(
        &desk,
        "/dev/null",
        22,
        "error: could not read '/dev/null'
cause: it is not an ordinary file
state: no backup was made, and there is no earlier one
hint:  name a GeoPackage file",
    );
}

#[test]
fn a_name_with_a_line_break_stays_on_its_line() {
    let desk = Desk::new();
    backup_says(
        &desk,
        "new\nline.gpkg",
        22,
        "error: could not read 'new<U+000A>line.gpkg'
cause: there is no such file
state: no backup was made, and there is no earlier one
hint:  check the name and the folder",
    );
}

/// It is said while it waits; once the lock is gone, the backup goes on.
#[test]
fn who_is_waited_for_is_said_meanwhile() {
    let desk = Desk::new();
    let path = desk.build("parcels.gpkg", &tiny());
    let options = live_writer::Options {
        hold: Some(Hold::Exclusive),
        ..Default::default()
    };
    let writer = LiveWriter::start(&path, &options);
    let words = [
        "backup",
        "parcels.gpkg",
        "--to",
        "backups",
        "--lock-wait",
        "120s",
    ];
    let mut run = desk
        .command(&words)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It stays open until the end, so that the run can write to it.
    let mut said = BufReader::new(run.stderr.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    let first = first.trim_end();
    let process = format!("(process {})", writer.process_id());
    assert!(
        first.starts_with("waiting for ") && first.contains(&process),
        "{first}"
    );
    assert!(
        first.ends_with("to let go of 'parcels.gpkg' (for up to 120 s)"),
        "{first}"
    );
    writer.stop();
    assert!(run.wait().unwrap().success());
    assert_eq!(desk.archives().len(), 1);
}

#[test]
fn a_file_that_is_locked_for_too_long() {
    let desk = Desk::new();
    let path = desk.build("parcels.gpkg", &tiny());
    let options = live_writer::Options {
        hold: Some(Hold::Exclusive),
        ..Default::default()
    };
    let writer = LiveWriter::start(&path, &options);
    let run = desk.run(&[
        "backup",
        "parcels.gpkg",
        "--to",
        "backups",
        "--lock-wait",
        "200ms",
    ]);
    // The program's name is this test's.
    let program = fs::read_to_string(format!("/proc/{}/comm", writer.process_id())).unwrap();
    let err = run.err.replace(program.trim(), "PROGRAM");
    let run = Ended { err, ..run };
    says(
        &desk,
        &run,
        20,
        "error: could not read 'parcels.gpkg': another program has it locked
cause: a lock held for N s by 'PROGRAM' (process PID)
state: no backup was made, and there is no earlier one
hint:  let that program finish, or wait longer: --lock-wait 5m",
    );
    writer.stop();
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
}

/// The newest sound backup is named where there is one.
#[test]
fn a_file_that_was_backed_up_before() {
    let desk = Desk::new();
    let path = desk.build("parcels.gpkg", &tiny());
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    fs::write(&path, "").unwrap();
    let run = desk.run(&["backup", "parcels.gpkg", "--to", "backups"]);
    says(
        &desk,
        &run,
        21,
        "error: 'parcels.gpkg' is not a GeoPackage
cause: it is empty (0 bytes)
state: no backup was made now; the newest sound one is parcels@INSTANT
hint:  check that this is the file you mean; it is as it was",
    );
    assert_eq!(desk.archives().len(), 1);
}

#[test]
fn what_a_dead_program_left() {
    let desk = Desk::new();
    let path = desk.build("parcels.gpkg", &tiny());
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        journal: JournalMode::Wal,
        ..Default::default()
    };
    LiveWriter::start(&path, &options).kill();
    fs::remove_file(desk.path("parcels.gpkg-shm")).unwrap();
    let before = testkit::fingerprint(desk.root());
    let run = desk.run(&["inspect", "parcels.gpkg"]);
    assert!(run.out.contains("a dead program left"), "{run:?}");
    before.assert_same(desk.root());
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    desk.ok(&[
        "restore",
        "parcels",
        "--from",
        "backups",
        "--to",
        "back.gpkg",
    ]);
    let db = Connection::open(desk.path("back.gpkg")).unwrap();
    assert_eq!(testkit::gpkg::is_one_committed_state(&db), Ok(1));
}

/// Runs the command as a user who owns nothing here; `None` if that is not possible.
fn as_nobody(desk: &Desk, arguments: &[&str]) -> Option<Ended> {
    let own = desk.command(arguments);
    let me = fs::metadata("/proc/self").ok()?;
    if std::os::unix::fs::MetadataExt::uid(&me) != 0 {
        return Some(desk.run(arguments));
    }
    let ids = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let can = Command::new("setpriv")
        .args(ids)
        .arg(own.get_program())
        .arg("--version")
        .output();
    if !can.is_ok_and(|output| output.status.success()) {
        testkit::skipped("this test runs as root and cannot run the command as somebody else");
        return None;
    }
    let mut command = Command::new("setpriv");
    command
        .args(ids)
        .arg(own.get_program())
        .args(arguments)
        .current_dir(desk.root())
        .env("TMPDIR", desk.path("tmp"));
    Some(ended(&mut command))
}

#[test]
fn a_file_that_we_may_not_read() {
    let desk = Desk::new();
    let path = desk.build("parcels.gpkg", &tiny());
    fs::set_permissions(desk.root(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let Some(run) = as_nobody(&desk, &["backup", "parcels.gpkg", "--to", "backups"]) else {
        return;
    };
    says(
        &desk,
        &run,
        22,
        "error: could not read 'parcels.gpkg'
cause: this user may not read it
state: no backup was made, and there is no earlier one
hint:  run geokeep as the user who owns the file, or let this user read it",
    );
}

#[test]
fn a_folder_that_we_may_not_write_is_read_all_the_same() {
    let desk = Desk::new();
    desk.build("data/plain.gpkg", &tiny());
    let wal = Options {
        journal: Journal::Wal,
        ..tiny()
    };
    desk.build("data/wal.gpkg", &wal);
    let live = desk.build("data/live.gpkg", &wal);
    let options = live_writer::Options {
        every: Duration::from_secs(3600),
        ..Default::default()
    };
    let writer = LiveWriter::start(&live, &options);
    for folder in ["out", "tmp"] {
        fs::create_dir_all(desk.path(folder)).unwrap();
        fs::set_permissions(desk.path(folder), fs::Permissions::from_mode(0o777)).unwrap();
    }
    fs::set_permissions(desk.root(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(desk.path("data"), fs::Permissions::from_mode(0o555)).unwrap();
    let before = testkit::fingerprint(&desk.path("data"));
    let run = as_nobody(&desk, &["backup", "data", "--to", "out/backups"]);
    before.assert_same(&desk.path("data"));
    fs::set_permissions(desk.path("data"), fs::Permissions::from_mode(0o755)).unwrap();
    writer.stop();
    if let Some(run) = run {
        assert_eq!(run.code, 0, "{run:?}");
        desk.ok(&["verify", "--from", "out/backups"]);
    }
}

#[test]
fn destinations() {
    let desk = Desk::new();
    desk.build("data/parcels.gpkg", &tiny());
    let run = desk.run(&["backup", "data", "--to", "data/backups"]);
    says(
        &desk,
        &run,
        2,
        "error: the destination 'data/backups' lies in the source folder 'data'
cause: each run would find what the last one wrote
state: nothing was done
hint:  choose a destination outside of it, best on another disk",
    );
    assert!(!desk.path("data/backups").exists());
    for verb in [&["list"][..], &["verify"], &["restore", "parcels"]] {
        let run = desk.run(&[verb, &["--from", "nowhere"]].concat());
        says(
            &desk,
            &run,
            10,
            "error: could not use the backups in 'nowhere'
cause: there is no folder of backups at 'nowhere'
state: nothing was done
hint:  check the name; 'geokeep backup' makes the folder",
        );
    }
    desk.ok(&["backup", "data", "--to", "backups"]);
    let run = desk.run(&["list", "--from", "backups", "parcel"]);
    says(
        &desk,
        &run,
        2,
        "error: could not use the backups in 'backups'
cause: no backup is called 'parcel'
state: nothing was done
hint:  perhaps parcels",
    );
    let run = desk.run(&["restore", "roads", "--from", "backups"]);
    says(
        &desk,
        &run,
        2,
        "error: could not use the backups in 'backups'
cause: no backup is called 'roads'
state: nothing was done
hint:  geokeep list --from DEST shows the names and ids",
    );
    let run = desk.run(&["restore", "parcels@1999-01-01", "--from", "backups"]);
    assert_eq!(run.code, 2, "{run:?}");
}

#[test]
fn restore() {
    let desk = Desk::new();
    let path = desk.build("parcels.gpkg", &tiny());
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    let run = desk.run(&["restore", "parcels", "--from", "backups"]);
    says(
        &desk,
        &run,
        25,
        "error: could not restore 'DESK/parcels.gpkg'
cause: the file exists
state: the target is as it was; the backup is untouched
hint:  choose another name with --to, or replace it after a backup of it: --force",
    );
    let options = live_writer::Options {
        hold: Some(Hold::Immediate),
        ..Default::default()
    };
    let writer = LiveWriter::start(&path, &options);
    let run = desk.run(&["restore", "parcels", "--from", "backups", "--force"]);
    writer.stop();
    assert_eq!(run.code, 20, "{run:?}");
    assert!(run.err.contains("has it open"), "{run:?}");
    let run = desk.run(&[
        "restore",
        "parcels",
        "--from",
        "backups",
        "--to",
        "no/folder.gpkg",
    ]);
    assert_eq!((run.code, run.err.lines().count()), (1, 4), "{run:?}");
    let out = desk.ok(&["restore", "parcels", "--from", "backups", "--force"]);
    assert!(out.starts_with("restored parcels of "), "{out}");
}

#[test]
fn a_damaged_source_is_stored_with_a_warning() {
    let desk = Desk::new();
    let path = desk.build("parcels.gpkg", &tiny());
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 4096..].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let run = desk.run(&["backup", "parcels.gpkg", "--to", "backups"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(
        run.err
            .starts_with("warning: 'parcels.gpkg' is damaged: SQLite's check reports "),
        "{run:?}"
    );
    assert_eq!(run.err.lines().count(), 4, "{run:?}");
    assert!(run.err.contains("geokeep restore parcels@"), "{run:?}");
    assert!(run.err.ends_with("Z --from backups --force\n"), "{run:?}");
    assert!(desk.ok(&["list", "--from", "backups"]).contains("DAMAGED"));
    let out = desk.ok(&["verify", "--from", "backups"]);
    let last = "2 verified (1 of sources that were damaged), 0 failed\n";
    assert!(out.ends_with(last), "{out}");

    // Of the name alone the newest sound one is meant; what a message names can be asked for.
    let back = desk.run(&["restore", "parcels", "--from", "backups", "--to", "x.gpkg"]);
    assert_eq!(back.code, 0, "{back:?}");
    assert!(back.out.contains(", sound) to "), "{back:?}");
    assert!(
        back.err.contains("taken is the newest sound one"),
        "{back:?}"
    );
    fs::remove_file(&path).unwrap();
    let run = desk.run(&["backup", "parcels.gpkg", "--to", "backups"]);
    let (_, named) = run.err.split_once("the newest sound one is ").unwrap();
    let named = named.lines().next().unwrap();
    let back = desk.ok(&["restore", named, "--from", "backups", "--to", "y.gpkg"]);
    assert!(back.contains(", sound) to "), "{back}");
}

#[test]
fn a_date_that_is_none_or_too_early() {
    let desk = Desk::new();
    desk.build("parcels.gpkg", &tiny());
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    for (date, hint) in [
        ("yesterday", "the oldest one is parcels@20"),
        ("1999-01-01", "the oldest one is parcels@20"),
    ] {
        let name = format!("parcels@{date}");
        let run = desk.run(&["restore", &name, "--from", "backups", "--to", "x.gpkg"]);
        assert_eq!(run.code, 2, "{run:?}");
        let cause = format!("cause: no backup of parcels was made up to '{date}'\n");
        assert!(
            run.err.contains(&cause) && run.err.contains(hint),
            "{run:?}"
        );
    }
}

#[test]
fn a_damaged_archive() {
    let desk = Desk::new();
    desk.build("parcels.gpkg", &tiny());
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    let archive = &desk.archives()[0];
    let mut bytes = fs::read(archive).unwrap();
    bytes[500] ^= 1;
    fs::write(archive, &bytes).unwrap();
    let run = desk.run(&["verify", "--from", "backups"]);
    assert_eq!(run.code, 24, "{run:?}");
    let lines: Vec<&str> = run.err.lines().collect();
    assert_eq!(lines.len(), 4, "{run:?}");
    assert!(lines[0].ends_with("did not pass its check"), "{run:?}");
    assert!(run.out.contains("0 verified, 1 failed"), "{run:?}");
    let run = desk.run(&[
        "restore",
        "parcels",
        "--from",
        "backups",
        "--to",
        "back.gpkg",
    ]);
    assert_eq!(run.code, 24, "{run:?}");
    assert!(!desk.path("back.gpkg").exists());
}

#[test]
fn lists_patterns_and_folders_and_one_bad_file_among_many() {
    let desk = Desk::new();
    for name in [
        "a/one.gpkg",
        "a/deep/two.gpkg",
        "b/three.gpkg",
        "b/it's [4].gpkg",
        "c/five.gpkg",
    ] {
        desk.build(name, &tiny());
    }
    fs::write(desk.path("a/bad.gpkg"), "text").unwrap();
    fs::write(desk.path("list.txt"), "# a comment\n\nb/*.gpkg\n  a  \n").unwrap();
    let run = desk.run(&["backup", "@list.txt", "c/five.gpkg", "--to", "backups"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert_eq!(desk.archives().len(), 5, "{run:?}");
    assert!(run.out.contains("6 sources: 5 saved"), "{run:?}");
    assert!(run.out.contains("1 failed"), "{run:?}");
    assert_eq!(run.err.lines().count(), 4, "{run:?}");
    // The same list on standard input, and a file that is named twice.
    let run = desk.run_with_input(&["backup", "-", "--to", "backups"], "a\nb\na/one.gpkg\n");
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.out.contains("5 sources: "), "{run:?}");
    // A name is taken as it is before it is taken for a pattern.
    let run = desk.run(&["backup", "b/it's [4].gpkg", "--to", "backups", "--force"]);
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn to_verify_nothing_is_no_success() {
    let desk = Desk::new();
    fs::create_dir(desk.path("empty")).unwrap();
    let run = desk.run(&["verify", "--from", "empty"]);
    assert_eq!(run.code, 2, "{run:?}");
    let expected = "error: could not use the backups in 'empty'\n\
        cause: there are no backups in 'empty'\n\
        state: nothing was done\n\
        hint:  check the name, and that the disk or share is there\n";
    assert_eq!(run.err, expected);
}

/// Who may not read a file may not read its backups either.
#[test]
fn a_private_file_has_private_backups() {
    let desk = Desk::new();
    let source = desk.build("parcels.gpkg", &tiny());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let set = |mode| fs::set_permissions(&source, fs::Permissions::from_mode(mode)).unwrap();
    set(0o600);
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    assert_eq!(mode(&desk.archives()[0]), 0o600);
    desk.ok(&["restore", "parcels", "--from", "backups", "--to", "x.gpkg"]);
    assert_eq!(mode(&desk.path("x.gpkg")), 0o600);
    // A folder that is closed to others closes what lies in it.
    set(0o666);
    fs::set_permissions(desk.root(), fs::Permissions::from_mode(0o700)).unwrap();
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups", "--force"]);
    assert_eq!(mode(&desk.archives()[1]), 0o600);
}

/// To open a named pipe would wait for ever. None is where it could be met.
#[test]
fn named_pipes() {
    let desk = Desk::new();
    desk.build("parcels.gpkg", &tiny());
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    let archive = desk.archives().remove(0);
    let pipe = |path: &Path| {
        let made = Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    let behind = |suffix: &str| {
        let mut name = archive.clone().into_os_string();
        name.push(suffix);
        std::path::PathBuf::from(name)
    };
    for suffix in [".pin", ".seen", ".gone", ".failed", ".verified"] {
        pipe(&behind(suffix));
    }
    pipe(&desk.path("backups/parcels/.geokeep-backup-1-0.tmp"));
    pipe(&desk.path("backups/parcels/parcels_2020-01-01T000000.000Z.gpkg.zip"));
    fs::create_dir(desk.path("backups/a.qgz")).unwrap();
    pipe(&desk.path("backups/a.qgz/project.json"));
    let within = |arguments: &[&str]| {
        let own = desk.command(arguments);
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", "20"]).arg(own.get_program());
        command.args(arguments).current_dir(desk.root());
        ended(&mut command)
    };
    let run = within(&["list", "--from", "backups", "--all"]);
    assert_eq!(run.code, 24, "{run:?}");
    assert!(run.err.contains("is no ordinary file"), "{run:?}");
    assert!(
        run.out.contains("  pinned"),
        "who knows what it says: {run:?}"
    );
    for arguments in [
        &["backup", "parcels.gpkg", "--to", "backups"][..],
        &["verify", "--from", "backups"],
        &["report", "--from", "backups"],
        &["forget", "--from", "backups", "--keep-last", "1"],
    ] {
        let run = within(arguments);
        assert!((0..100).contains(&run.code), "{arguments:?}: {run:?}");
    }
    for suffix in ["-wal", "-journal"] {
        let mut beside = desk.path("parcels.gpkg").into_os_string();
        beside.push(suffix);
        pipe(Path::new(&beside));
        let run = within(&["backup", "parcels.gpkg", "--to", "other"]);
        assert_eq!(run.code, 22, "{run:?}");
        assert!(run.err.contains("is no ordinary file"), "{run:?}");
        fs::remove_file(&beside).unwrap();
    }
}

/// A folder of a stranger in the destination does not stop the others.
#[test]
fn a_strangers_folder() {
    let desk = Desk::new();
    desk.build("parcels.gpkg", &tiny());
    desk.ok(&["backup", "parcels.gpkg", "--to", "backups"]);
    fs::create_dir(desk.path("backups/foreign.qgz")).unwrap();
    fs::write(desk.path("backups/foreign.qgz/project.json"), "{}").unwrap();
    desk.ok(&["verify", "--from", "backups"]);
    // Named as the copies were that earlier versions made.
    let copy = "backups/foreign.qgz/foreign_2026-01-01T000000.000Z.qgz";
    fs::write(desk.path(copy), "notes").unwrap();
    let run = desk.run(&["verify", "--from", "backups"]);
    assert_eq!(run.code, 24, "{run:?}");
    assert!(run.out.ends_with("1 verified, 1 failed\n"), "{run:?}");
    let run = desk.run(&["backup", "parcels.gpkg", "--to", "backups"]);
    assert_eq!(run.code, 24, "that it cannot be read is said: {run:?}");
    assert!(run.out.contains("'parcels.gpkg': unchanged"), "{run:?}");
}

/// A journal of which SQLite rolls nothing back: the file holds what a program had begun to write.
#[test]
fn a_damaged_journal_is_said_to_be_that() {
    let desk = Desk::new();
    desk.build("parcels.gpkg", &tiny());
    fs::write(desk.path("parcels.gpkg-journal"), [0x5a; 9000]).unwrap();
    let run = desk.run(&["backup", "parcels.gpkg", "--to", "backups"]);
    assert_eq!((run.code, run.err.lines().count()), (3, 4), "{run:?}");
    assert!(run.err.contains("changes that wait beside it"), "{run:?}");
    assert!(
        run.err
            .contains("cause: the -journal beside it does not begin"),
        "{run:?}"
    );
}
