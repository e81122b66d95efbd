//! Two users who back up their own files to one folder: what one keeps from the other is no damage,
//! nobody needs the other's leave for the lock, and nobody's run fails for what the other put there.
#![cfg(unix)]

use crate::common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use common::{Desk, Ended, ended, files_below, tiny};

/// Two of them; nobody need know them.
const USERS: [u32; 2] = [20_001, 20_002];

/// A folder for each of the users with a file and a job, and `shared`, where all may write. `None`
/// if the command cannot be run as somebody else.
fn desk() -> Option<Desk> {
    let desk = Desk::new();
    let program = desk.command(&[]).get_program().to_owned();
    let mut command = as_user(USERS[0]);
    let can = command.arg(program).arg("--version").output();
    if !can.is_ok_and(|output| output.status.success()) {
        testkit::skipped("the command cannot be run as another user here");
        return None;
    }
    let open = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    open(desk.root(), 0o755);
    open(&desk.path("tmp"), 0o1777);
    fs::create_dir(desk.path("shared")).unwrap();
    open(&desk.path("shared"), 0o1777);
    for user in USERS {
        let plan = desk.build(&format!("u{user}/maps/plan{user}.gpkg"), &tiny());
        open(&plan, 0o600);
        let folder = desk.path(&format!("u{user}"));
        let shared = desk.path("shared");
        let job = format!(
            "[[job]]\nname = \"mine\"\nsources = [\"maps\"]\nto = '{}'\ndrill = 100\n\
             report = \"report.html\"\n[job.keep]\nlast = 2\n",
            shared.display()
        );
        fs::write(folder.join("geokeep.toml"), job).unwrap();
        for path in files_below(&folder)
            .iter()
            .map(|p| &**p)
            .chain([&*folder, &folder.join("maps")])
        {
            chown(path, Some(user), Some(user)).unwrap();
        }
        open(&folder, 0o700);
    }
    Some(desk)
}

fn as_user(user: u32) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args([format!("--reuid={user}"), format!("--regid={user}")])
        .arg("--clear-groups");
    command
}

/// Runs the command as one of them, in his folder, with a umask.
fn run_as(desk: &Desk, user: u32, umask: &str, arguments: &[&str]) -> Ended {
    let own = desk.command(arguments);
    let mut command = as_user(user);
    command
        .args(["sh", "-c", &format!("umask {umask}; exec \"$@\""), "-"])
        .arg(own.get_program())
        .args(arguments)
        .current_dir(desk.path(&format!("u{user}")))
        .env("HOME", desk.path(&format!("u{user}")))
        .env("TMPDIR", desk.path("tmp"))
        .env("TZ", "UTC")
        .env("GEOKEEP_MACHINE_ID", desk.path("machine-id"));
    ended(&mut command)
}

fn edit(desk: &Desk, user: u32) {
    let path = desk.path(&format!("u{user}/maps/plan{user}.gpkg"));
    let sql =
        "INSERT INTO gpkg_ogr_contents (table_name, feature_count) VALUES (hex(randomblob(8)), 1)";
    let database = rusqlite::Connection::open(path).unwrap();
    database.execute(sql, []).unwrap();
}

#[test]
fn the_jobs_of_both_run_and_their_files_stay_their_own() {
    for umask in ["022", "077"] {
        let Some(desk) = desk() else { return };
        let shared = desk.path("shared");
        let from = ["--from", shared.to_str().unwrap()];
        for _ in 0..3 {
            for user in USERS {
                edit(&desk, user);
                let run = run_as(&desk, user, umask, &["run"]);
                assert_eq!(run.code, 0, "{umask}: {run:?}");
                let said = run.err.lines().filter(|line| !line.contains("same disk"));
                assert_eq!(said.collect::<String>(), "", "{umask}");
            }
        }
        for user in USERS {
            let list = run_as(&desk, user, umask, &[&["list"], &from[..]].concat());
            assert_eq!(list.code, 0, "{list:?}");
            assert!(list.out.contains("another user's"), "{list:?}");
            for verb in [
                &["verify"][..],
                &["report"],
                &["forget", "--keep-last", "1", "--all-hosts"],
            ] {
                let run = run_as(&desk, user, umask, &[verb, &from].concat());
                assert_eq!((run.code, &*run.err), (0, ""), "{umask}: {verb:?} {run:?}");
            }
        }
        let archives = files_below(&shared);
        let archives = archives
            .iter()
            .filter(|p| p.to_string_lossy().ends_with(".zip"));
        assert_eq!(archives.count(), 2, "one of each");
        // What was asked for by name is not there to read, and that is said.
        let other = format!("plan{}", USERS[1]);
        let back = ["restore", &other, "--to", "x.gpkg"];
        let run = run_as(&desk, USERS[0], umask, &[&back, &from[..]].concat());
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.err.contains("another user's"), "{run:?}");
    }
}

#[test]
fn what_another_user_put_in_place_of_the_lock_costs_nobody_his_backups() {
    let Some(desk) = desk() else { return };
    let (lock, victim) = (desk.path("shared/.geokeep.lock"), desk.path("tmp/victim"));
    fs::write(&lock, "").unwrap();
    fs::set_permissions(&lock, Permissions::from_mode(0o600)).unwrap();
    for plant in ["closed", "link"] {
        if plant == "link" {
            fs::remove_file(&lock).unwrap();
            symlink(&victim, &lock).unwrap();
        }
        edit(&desk, USERS[0]);
        let run = run_as(&desk, USERS[0], "022", &["run"]);
        assert_eq!(run.code, 0, "{plant}: {run:?}");
        assert!(
            run.err.contains("the run goes on without it"),
            "{plant}: {run:?}"
        );
        let shared = desk.path("shared");
        let forget = [
            "forget",
            "--keep-last",
            "1",
            "--from",
            shared.to_str().unwrap(),
        ];
        let forget = run_as(&desk, USERS[0], "022", &forget);
        assert_eq!(forget.code, 1, "{plant}: {forget:?}");
        assert!(!victim.exists());
    }
}
