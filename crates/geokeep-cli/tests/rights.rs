//! Who may read what the command leaves behind, asked of the system itself: as another user, under
//! other masks, with few descriptors, with a limit for files, and without a temporary folder.
#![cfg(target_os = "linux")]

use crate::common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use common::{Desk, Ended, ended, files_below, tiny};
use testkit::gpkg::Options;

const ALICE: u32 = 41_001;
const BOB: u32 = 41_002;
const SECRET: u32 = 42_001;
const USERS: u32 = 42_002;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

/// A desk that others can reach.
fn open_desk() -> Option<Desk> {
    let desk = Desk::new();
    set_mode(desk.root(), 0o755);
    set_mode(&desk.path("tmp"), 0o1777);
    if desk
        .root()
        .ancestors()
        .any(|folder| mode(folder) & 0o001 == 0)
    {
        testkit::skipped("the folder for temporary files is not open to all");
        return None;
    }
    Some(desk)
}

/// Runs a script as another user; `None` if that is not possible.
fn as_user(desk: &Desk, user: u32, script: &str) -> Option<Ended> {
    let own = desk.command(&[]);
    let shell = |script: &str| {
        let mut command = Command::new("setpriv");
        command
            .args([format!("--reuid={user}"), format!("--regid={USERS}")])
            .args(["--clear-groups", "sh", "-c", script])
            .current_dir(desk.root())
            .env("GEOKEEP", own.get_program())
            .env("TMPDIR", desk.path("tmp"))
            .env("GEOKEEP_MACHINE_ID", desk.path("machine-id"));
        command
    };
    let can = shell("\"$GEOKEEP\" --version").output();
    if !can.is_ok_and(|output| output.status.success()) {
        testkit::skipped("the command cannot be run as somebody else");
        return None;
    }
    Some(ended(&mut shell(script)))
}

/// Runs a script of the shell, in which `$GEOKEEP` is the command.
fn script(desk: &Desk, text: &str) -> Ended {
    let own = desk.command(&[]);
    let mut command = Command::new("sh");
    command
        .args(["-c", text])
        .current_dir(desk.root())
        .env("GEOKEEP", own.get_program())
        .env("TMPDIR", desk.path("tmp"))
        .env("GEOKEEP_MACHINE_ID", desk.path("machine-id"));
    ended(&mut command)
}

#[test]
fn whoever_may_not_read_a_source_reads_nothing_of_it() {
    let cases = [
        ("folder 0700 above a file 0644", 0o644, USERS, 0o700),
        ("another group's file 0640", 0o640, SECRET, 0o755),
        ("closed to its group alone, 0604", 0o604, USERS, 0o755),
    ];
    for (name, file, group, folder) in cases {
        let Some(desk) = open_desk() else { return };
        let path = desk.build("home/a.gpkg", &tiny());
        let home = desk.path("home");
        fs::create_dir(desk.path("backups")).unwrap();
        if chown(&home, Some(ALICE), Some(USERS)).is_err() {
            testkit::skipped("only the administrator may give files away");
            return;
        }
        chown(desk.path("backups"), Some(ALICE), Some(USERS)).unwrap();
        chown(&path, Some(ALICE), Some(group)).unwrap();
        set_mode(&path, file);
        set_mode(&home, folder);
        let run = "umask 000; \"$GEOKEEP\" backup home/a.gpkg --to backups && \
             \"$GEOKEEP\" pin a --from backups --reason why && \
             \"$GEOKEEP\" verify --from backups && \
             \"$GEOKEEP\" report --from backups --html report.html";
        set_mode(desk.root(), 0o1777);
        let Some(run) = as_user(&desk, ALICE, run) else {
            return;
        };
        assert_eq!(run.code, 0, "{name}: {run:?}");
        let archive = &desk.archives()[0];
        let mut secrets = vec![path, archive.clone(), desk.path("report.html")];
        secrets.extend([".pin", ".verified"].map(|suffix| {
            let mut name = archive.clone().into_os_string();
            name.push(suffix);
            name.into()
        }));
        for secret in secrets {
            let read = format!("cat '{}' >/dev/null", secret.display());
            let run = as_user(&desk, BOB, &read).unwrap();
            assert_ne!(run.code, 0, "{name}: {}", secret.display());
        }
    }
}

#[test]
fn an_ordinary_user_gets_a_file_back_and_lets_no_strangers_in() {
    let Some(desk) = open_desk() else { return };
    let path = desk.build("maps/a.gpkg", &tiny());
    let maps = desk.path("maps");
    if chown(&path, Some(BOB), Some(SECRET)).is_err() {
        testkit::skipped("only the administrator may give files away");
        return;
    }
    set_mode(&path, 0o664);
    set_mode(&maps, 0o777);
    desk.ok(&["backup", "maps", "--to", "backups"]);
    fs::remove_file(&path).unwrap();
    let restore = "\"$GEOKEEP\" restore a --from backups --json";
    let Some(run) = as_user(&desk, ALICE, restore) else {
        return;
    };
    assert_eq!(run.code, 0, "{run:?}");
    let found = fs::metadata(&path).unwrap();
    // As one of all others, whoever is in the new group.
    let rights = (found.uid(), found.gid(), found.mode() & 0o777);
    assert_eq!(rights, (ALICE, USERS, 0o644));
    let line: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let said = line["not_restored"].as_array().unwrap();
    let what: Vec<_> = said
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(what, ["owner", "group"]);
    // In words as well.
    fs::remove_file(&path).unwrap();
    let run = as_user(&desk, ALICE, "\"$GEOKEEP\" restore a --from backups").unwrap();
    assert!(
        run.out.contains("note: its owner was 41002: only"),
        "{run:?}"
    );
}

#[test]
fn a_replaced_file_keeps_its_rights() {
    let desk = Desk::new();
    let path = desk.build("a.gpkg", &tiny());
    set_mode(&path, 0o640);
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    set_mode(&path, 0o604);
    desk.ok(&["restore", "a", "--from", "backups", "--force"]);
    assert_eq!(mode(&path), 0o604);
}

#[test]
fn the_mask_of_a_user_counts() {
    for (mask, expected) in [
        ("000", 0o644),
        ("022", 0o644),
        ("027", 0o640),
        ("077", 0o600),
    ] {
        let Some(desk) = open_desk() else { return };
        set_mode(&desk.build("a.gpkg", &tiny()), 0o666);
        let text =
            format!("umask {mask}; \"$GEOKEEP\" backup a.gpkg --to backups && \"$GEOKEEP\" init");
        let run = script(&desk, &text);
        assert_eq!(run.code, 0, "{run:?}");
        let found = mode(&desk.archives()[0]);
        assert_eq!(found, expected, "{mask}: {found:o}");
        // It may come to hold a secret, and one that others may write to is refused.
        assert_eq!(mode(&desk.path("geokeep.toml")), 0o600);
    }
}

#[test]
fn a_report_is_as_open_as_what_it_tells_of() {
    let Some(desk) = open_desk() else { return };
    let path = desk.build("a.gpkg", &tiny());
    set_mode(&path, 0o644);
    let report = desk.path("report.html");
    let make = || desk.ok(&["report", "--from", "backups", "--html", "report.html"]);
    desk.ok(&["backup", "a.gpkg", "--to", "backups"]);
    make();
    let public = mode(&report);
    fs::write(desk.path("plain"), "").unwrap();
    assert_eq!(public, mode(&desk.path("plain")));
    fs::remove_file(&report).unwrap();
    set_mode(&path, 0o600);
    desk.ok(&["backup", "a.gpkg", "--to", "backups", "--force"]);
    make();
    assert_eq!(mode(&report), 0o600);
    // Whoever opens it decides.
    set_mode(&report, 0o640);
    make();
    assert_eq!(mode(&report), 0o640);
}

#[test]
fn the_log_of_runs_is_not_for_all() {
    let desk = Desk::new();
    desk.build("a.gpkg", &tiny());
    let config = "[[job]]\nname = \"m\"\nsources = [\"a.gpkg\"]\nto = \"backups\"\n\
         [job.hooks]\nlog = \"runs.log\"\n";
    fs::write(desk.path("geokeep.toml"), config).unwrap();
    desk.ok(&["run", "--config", "geokeep.toml"]);
    assert_eq!(mode(&desk.path("runs.log")), 0o600);
}

#[test]
fn many_more_new_files_than_descriptors() {
    let desk = Desk::new();
    let one = desk.build("one.gpkg", &tiny());
    fs::create_dir(desk.path("maps")).unwrap();
    for n in 0..80 {
        fs::copy(&one, desk.path(&format!("maps/m{n}.gpkg"))).unwrap();
    }
    let run = script(&desk, "ulimit -n 48; \"$GEOKEEP\" backup maps --to backups");
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(desk.archives().len(), 80);
    assert_eq!(desk.temporaries(), [""; 0].map(std::path::PathBuf::from));
}

#[test]
fn a_file_that_is_too_large_is_no_full_disk() {
    let desk = Desk::new();
    let options = Options {
        tiles: 400,
        ..Options::default()
    };
    desk.build("large.gpkg", &options);
    let limited = "trap '' XFSZ; ulimit -f 100; \"$GEOKEEP\" backup large.gpkg --to backups --json";
    let run = script(&desk, limited);
    assert_eq!(run.code, 1, "{run:?}");
    let line: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(line["error"]["kind"], "destination_unwritable");
    assert!(run.err.contains("is not allowed there"), "{run:?}");
    assert_eq!(files_below(&desk.path("backups")).len(), 0);
}

#[test]
fn without_a_temporary_folder_a_drill_says_nothing_of_the_backup() {
    let desk = Desk::new();
    desk.build("a.gpkg", &tiny());
    let config = "[[job]]\nname = \"m\"\nsources = [\"a.gpkg\"]\nto = \"backups\"\ndrill = 100\n";
    fs::write(desk.path("geokeep.toml"), config).unwrap();
    desk.ok(&["run", "--config", "geokeep.toml"]);
    let nowhere = |arguments: &[&str]| {
        let mut command = desk.command(arguments);
        ended(command.env("TMPDIR", desk.path("nowhere")))
    };
    let run = nowhere(&["verify", "--from", "backups", "--level", "drill", "--json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let line: serde_json::Value = serde_json::from_str(run.out.lines().next().unwrap()).unwrap();
    assert_eq!(line["error"]["kind"], "staging_unusable");
    assert!(
        run.err.contains("could not be restored for a test"),
        "{run:?}"
    );
    let run = nowhere(&["run", "--config", "geokeep.toml", "--json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let last = run.out.lines().last().unwrap();
    let line: serde_json::Value = serde_json::from_str(last).unwrap();
    let counts = (
        &line["drilled"],
        &line["drills_failed"],
        &line["drills_not_made"],
    );
    assert_eq!(counts, (&0.into(), &0.into(), &1.into()));
    let failed = files_below(&desk.path("backups"));
    assert!(
        !failed
            .iter()
            .any(|path| path.to_string_lossy().ends_with(".failed"))
    );
    desk.ok(&["run", "--config", "geokeep.toml"]);
}
