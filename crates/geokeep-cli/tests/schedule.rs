//! `geokeep schedule`: what it prints, what it does with a real `crontab`, and what it says when a
//! scheduler refuses. Nobody's own schedule is touched: the crontab is that of `nobody`, and the
//! user's systemd is out of reach.
#![cfg(unix)]

use crate::common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use common::{Desk, Ended, ended, files_below};
use serde_json::Value;

/// A run that cannot reach the systemd of whoever runs the tests, and that finds the programs of
/// the folder `bin` first.
fn command(desk: &Desk, arguments: &[&str]) -> Command {
    let path = std::env::var("PATH").unwrap();
    let mut command = desk.command(&[&["schedule"], arguments].concat());
    command
        .env("PATH", format!("{}:{path}", desk.path("bin").display()))
        .env("HOME", desk.path("home"))
        .env("XDG_RUNTIME_DIR", desk.path("tmp"))
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
    command
}

fn run(desk: &Desk, arguments: &[&str]) -> Ended {
    ended(&mut command(desk, arguments))
}

fn ok(desk: &Desk, arguments: &[&str]) -> String {
    let run = run(desk, arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
    run.out
}

fn json(desk: &Desk, arguments: &[&str]) -> Value {
    let out = ok(desk, &[arguments, &["--json"]].concat());
    assert_eq!(out.lines().count(), 1, "{out}");
    serde_json::from_str(&out).unwrap()
}

/// What the tests schedule.
const JOBS: [&str; 2] = ["roads", "a-rather-long-name"];

fn desk_with_jobs() -> Desk {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("my jobs")).unwrap();
    let jobs = JOBS
        .map(|job| format!("[[job]]\nname = {job:?}\nsources = [\"maps\"]\nto = \"backups\"\n"));
    fs::write(desk.path("my jobs/geokeep.toml"), jobs.concat()).unwrap();
    desk
}

/// Puts a program into the folder that is searched first.
fn program(desk: &Desk, name: &str, body: &str) {
    let path = desk.path("bin").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

const CONFIG: [&str; 2] = ["--config", "my jobs/geokeep.toml"];

#[test]
fn every_kind_can_be_printed() {
    let desk = desk_with_jobs();
    let config = fs::canonicalize(desk.path("my jobs/geokeep.toml")).unwrap();
    for (kind, mark, files) in [
        ("systemd", "OnCalendar=*-*-* 02:30:00", 2),
        ("cron", "\n30 2 * * * ", 1),
        ("launchd", "<integer>30</integer>", 1),
        ("task", "T02:30:00</StartBoundary>", 1),
    ] {
        let install = [
            "install", "roads", "--at", "02:30", "--print", "--kind", kind,
        ];
        let arguments = [&install[..], &CONFIG].concat();
        let out = ok(&desk, &arguments);
        assert!(out.contains(mark), "{out}");
        assert!(out.contains(config.to_str().unwrap()), "{out}");
        assert!(out.contains(env!("CARGO_BIN_EXE_geokeep")), "{out}");
        let object = json(&desk, &arguments);
        assert_eq!(
            (&object["status"], &object["scheduler"]),
            (&"planned".into(), &kind.into())
        );
        assert_eq!(object["files"].as_array().unwrap().len(), files);
        let text = object["files"][files - 1]["text"].as_str().unwrap();
        assert!(
            text.contains(mark) && out.contains(text.trim_end()),
            "{text}"
        );
    }
    assert!(!desk.path("home").exists(), "nothing is written");
}

#[test]
fn wrong_usage() {
    let desk = desk_with_jobs();
    for wrong in [
        &["install"][..],
        &["install", "--at", "02:30", "--every", "1h"],
        &["install", "--at", "2:3"],
        &["install", "--every", "90s"],
        &["install", "--every", "40d"],
        &["frobnicate"],
    ] {
        assert_eq!(run(&desk, wrong).code, 2, "{wrong:?}");
    }
    let ended = run(
        &desk,
        &[
            "install", "--every", "7m", "--kind", "cron", "--print", CONFIG[0], CONFIG[1],
        ],
    );
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.err,
        "error: could not make this schedule
cause: cron counts in parts of an hour or of a day: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30 minutes, or 1, 2, 3, 4, 6, 8, 12 or 24 hours
state: nothing was changed
hint:  take one of these, times of day with --at, or another --kind\n"
    );
    let ended = run(
        &desk,
        &["install", "--at", "02:30", "--config", "missing.toml"],
    );
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.err,
        format!(
            "error: '{}' cannot be read
cause: there is no such file or folder
state: nothing was done
hint:  name another with --config, or make one: geokeep init\n",
            std::path::absolute(desk.path("missing.toml"))
                .unwrap()
                .display()
        )
    );
}

/// The real `crontab`, as root may run it for somebody else.
fn nobodys(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new("/usr/bin/crontab")
        .args(["-u", "nobody"])
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Removes what the test left, also if it fails, and then lets the next one in: the crontab is one for
/// the whole machine, on which the tests of other checkouts may run.
struct Nobody {
    _turn: fs::File,
}

impl Drop for Nobody {
    fn drop(&mut self) {
        nobodys(&["-r"], b"");
    }
}

/// A user without a crontab, or `None` with a printed reason.
fn nobody() -> Option<Nobody> {
    let skipped = |why: &str| {
        testkit::skipped(&format!("the round trip with a real crontab: {why}"));
        None
    };
    if !PathBuf::from("/usr/bin/crontab").exists() {
        return skipped("crontab is not installed");
    }
    if fs::metadata("/proc/self").map_or(1, |me| me.uid()) != 0 {
        return skipped("only root may use the crontab of another user");
    }
    let turn = fs::File::open("/usr/bin/crontab").unwrap();
    turn.lock().unwrap();
    let there = nobodys(&["-l"], b"");
    if !String::from_utf8_lossy(&there.stderr).contains("no crontab for nobody") {
        return skipped("the user nobody has one, or may have none");
    }
    Some(Nobody { _turn: turn })
}

// One test, as there is one `nobody`.
#[test]
fn a_real_crontab() {
    let Some(_nobody) = nobody() else { return };
    let desk = desk_with_jobs();
    program(&desk, "crontab", "exec /usr/bin/crontab -u nobody \"$@\"");
    other_lines_stay(&desk);
    lines_that_were_cut_by_hand_are_left_alone(&desk);
}

fn other_lines_stay(desk: &Desk) {
    let install = |more: &[&str]| ok(desk, &[&["install"], more, &CONFIG].concat());
    // Without a systemd that answers, cron is what this system has.
    install(&["--at", "02:30"]);
    let crontab = String::from_utf8(nobodys(&["-l"], b"").stdout).unwrap();
    assert_eq!(
        crontab.lines().filter(|l| !l.starts_with('#')).count(),
        1,
        "{crontab}"
    );
    assert!(crontab.contains("/my jobs/geokeep.toml'"), "{crontab}");
    assert_eq!(
        ok(desk, &["remove"]),
        "the schedule that cron had is removed\n"
    );
    let gone = nobodys(&["-l"], b"");
    assert!(
        !gone.status.success(),
        "an empty crontab is removed: {gone:?}"
    );
    assert_eq!(ok(desk, &["remove"]), "", "quiet if nothing is there");

    let foreign = b"MAILTO=\"\"\n\n# h\xe4nd-made\n5 4 * * *\ttar 100\\%  \n";
    assert!(nobodys(&["-"], foreign).status.success());
    install(&["--at", "02:30"]);
    install(&["roads", "--every", "15m"]);
    let crontab = nobodys(&["-l"], b"").stdout;
    assert!(crontab.starts_with(foreign));
    let ours = String::from_utf8(crontab[foreign.len()..].to_vec()).unwrap();
    assert_eq!(ours.lines().count(), 4, "a second time replaces: {ours}");
    assert!(
        ours.contains("\n*/15 * * * * ") && ours.contains(" roads >"),
        "{ours}"
    );

    let status = json(desk, &["status"]);
    assert_eq!(
        (&status["status"], &status["scheduler"]),
        (&"scheduled".into(), &"cron".into())
    );
    let next: jiff::Timestamp = status["next_run"].as_str().unwrap().parse().unwrap();
    let wait = next.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((-5..=900).contains(&wait), "{status}");
    assert!(ok(desk, &["status"]).contains("\nnext run   "));

    assert_eq!(json(desk, &["remove"])["status"], "removed");
    assert_eq!(nobodys(&["-l"], b"").stdout, foreign);
    assert_eq!(json(desk, &["status"])["status"], "absent");
    assert_eq!(json(desk, &["remove"])["status"], "absent");

    // Its own words when it refuses.
    let jobs = vec!["a-rather-long-name"; 100];
    let ended = run(
        desk,
        &[&["install", "--at", "02:30"], &jobs[..], &CONFIG].concat(),
    );
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.err.contains("\ncause: ") && ended.err.contains("too long"),
        "{ended:?}"
    );
    assert_eq!(ended.err.lines().count(), 4, "{ended:?}");
    assert_eq!(nobodys(&["-l"], b"").stdout, foreign);
}

fn lines_that_were_cut_by_hand_are_left_alone(desk: &Desk) {
    let broken = b"# geokeep schedule: begin\n1 2 * * * x\n";
    assert!(nobodys(&["-"], broken).status.success());
    for arguments in [
        &["remove"][..],
        &["install", "--at", "02:30", CONFIG[0], CONFIG[1]],
    ] {
        let ended = run(desk, arguments);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(
            ended
                .err
                .ends_with("hint:  put them right, or remove them, with: crontab -e\n")
        );
    }
    assert_eq!(nobodys(&["-l"], b"").stdout, broken);
}

#[test]
fn a_systemd_that_cannot_be_reached_says_so_itself() {
    if !PathBuf::from("/usr/bin/systemctl").exists() {
        testkit::skipped("systemctl is not installed");
        return;
    }
    let desk = desk_with_jobs();
    let install = ["install", "--at", "02:30", "--kind", "systemd"];
    let ended = run(&desk, &[&install[..], &CONFIG].concat());
    assert_eq!(ended.code, 1, "{ended:?}");
    let lines: Vec<_> = ended.err.lines().collect();
    assert!(lines[0].contains("systemctl --user"), "{ended:?}");
    assert!(
        lines[1].starts_with("cause: Failed to connect to bus"),
        "{ended:?}"
    );
    assert_eq!(lines[2], "state: nothing was changed");
    assert!(!desk.path("home").exists(), "nothing is written");
}

#[test]
fn a_program_that_is_not_there() {
    if PathBuf::from("/bin/launchctl").exists() {
        testkit::untried("launchctl is there");
        return;
    }
    let desk = desk_with_jobs();
    let install = ["install", "--at", "02:30", "--kind", "launchd"];
    let ended = run(&desk, &[&install[..], &CONFIG].concat());
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended
            .err
            .starts_with("error: the program 'launchctl' is not there\n"),
        "{ended:?}"
    );
    assert!(!desk.path("home").exists(), "nothing is written");
}

/// No user's systemd runs where tests run, so that a program in its place notes what it is asked
/// for. The units themselves are checked by `systemd-analyze` in the library's tests.
#[test]
fn systemd_is_asked_in_order_and_everything_is_taken_back() {
    let desk = desk_with_jobs();
    program(&desk, "crontab", "echo no crontab for you >&2; exit 1");
    program(&desk, "loginctl", "echo Linger=no");
    let answers = r#"
shift
case $* in
'show geokeep.timer') echo 'ActiveState=active'
    echo 'LastTriggerUSec=Sun 2026-11-22 02:33:11 UTC' ;;
'show geokeep.service') printf 'Result=exit-code\nExecMainCode=1\nExecMainStatus=3\n' ;;
show*) ;;
restart*) [ -f refuse ] && { echo 'Unit is masked.' >&2; exit 1; } ;;
esac
echo "$@" >>asked
exit 0"#;
    program(&desk, "systemctl", answers);
    let asked = || {
        let text = fs::read_to_string(desk.path("asked")).unwrap_or_default();
        let _ = fs::remove_file(desk.path("asked"));
        text.lines()
            .filter(|l| !l.starts_with("show"))
            .collect::<Vec<_>>()
            .join("; ")
    };
    let out = ok(
        &desk,
        &[&["install", "--every", "90m"][..], &CONFIG].concat(),
    );
    assert!(
        out.starts_with("systemd runs it every 90m: ") && out.contains("enable-linger"),
        "{out}"
    );
    assert_eq!(
        asked(),
        "daemon-reload; enable geokeep.timer; restart geokeep.timer"
    );
    let units = desk.path("home/.config/systemd/user");
    assert_eq!(files_below(&desk.path("home")).len(), 2);
    ok(
        &desk,
        &[&["install", "--at", "02:30"][..], &CONFIG].concat(),
    );
    let timer = fs::read_to_string(units.join("geokeep.timer")).unwrap();
    assert!(
        timer.contains("OnCalendar=") && !timer.contains("OnUnitActiveSec"),
        "{timer}"
    );
    assert_eq!(
        files_below(&desk.path("home")).len(),
        2,
        "a second time replaces"
    );

    let status = json(&desk, &["status"]);
    assert_eq!(status["last_run"], "2026-11-22T02:33:11.000Z");
    assert_eq!(
        (&status["last_exit"], &status["next_run"]),
        (&3.into(), &Value::Null)
    );
    let text = ok(&desk, &["status"]);
    assert!(
        text.contains("last run   2026-11-22 02:33:11, exit code 3\n"),
        "{text}"
    );

    asked();
    ok(&desk, &["remove"]);
    let wanted = "disable --now geokeep.timer; clean --what=state geokeep.timer; \
                  daemon-reload; reset-failed geokeep.service";
    assert_eq!(asked(), wanted);
    assert!(files_below(&desk.path("home")).is_empty());
    assert_eq!(ok(&desk, &["remove"]), "");

    fs::write(desk.path("refuse"), "").unwrap();
    let ended = run(
        &desk,
        &[&["install", "--at", "02:30"][..], &CONFIG].concat(),
    );
    assert_eq!(
        ended.err,
        "error: 'systemctl --user restart geokeep.timer' failed
cause: Unit is masked.
state: the schedule is written, but not in force
hint:  try again, or take it back with: geokeep schedule remove\n"
    );
}
