//! Jobs that run without anyone: what a configuration says, what a night does, who hears of it.

use crate::common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::{Desk, Ended, ended, tiny};
use rusqlite::Connection;
use serde_json::Value;

/// A desk with `maps/a.gpkg`, `maps/b.gpkg` and a configuration with one job, `more` added to it.
fn desk(more: &str) -> Desk {
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &tiny());
    desk.build("maps/b.gpkg", &tiny());
    configure(&desk, more);
    desk
}

fn configure(desk: &Desk, more: &str) {
    let job = "[[job]]\nname = \"maps\"\nsources = [\"maps\"]\nto = \"backups\"\n";
    fs::write(desk.path("geokeep.toml"), format!("{job}{more}")).unwrap();
}

fn at(desk: &Desk, now: &str, arguments: &[&str]) -> Ended {
    ended(desk.command(arguments).env("GEOKEEP_NOW", now))
}

fn change(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_job_is_run_and_its_state_is_known() {
    let desk = desk("");
    let night = "2026-03-01T01:30:00Z";
    let run = at(&desk, night, &["run"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.out.contains("maps: 2 saved, 0 unchanged, 0 failed"),
        "{run:?}"
    );
    assert_eq!(desk.archives().len(), 2);

    let status = at(&desk, "2026-03-02T02:00:00Z", &["status"]);
    assert_eq!(status.code, 0, "{status:?}");
    assert!(
        status.out.contains("ok      maps: ") && status.out.contains("24 hours old"),
        "{status:?}"
    );
    let late = at(&desk, "2026-03-02T04:00:00Z", &["status", "--json"]);
    assert_eq!(late.code, 3, "{late:?}");
    let line: Value = serde_json::from_str(late.out.lines().next().unwrap()).unwrap();
    assert_eq!(line["overdue"], true);
    assert_eq!(line["max_age_seconds"], 26 * 3600);
    let age = line["age_seconds"].as_i64().unwrap();
    assert!(
        (95_340..=95_460).contains(&age),
        "26.5 hours, give or take the time of the two runs: {age}"
    );

    // When it was verified last is known, too.
    let verified = at(
        &desk,
        "2026-03-05T10:00:00Z",
        &["verify", "--from", "backups"],
    );
    assert_eq!(verified.code, 0, "{verified:?}");
    let status = at(&desk, "2026-03-05T11:00:00Z", &["status", "--json"]);
    let line: Value = serde_json::from_str(status.out.lines().next().unwrap()).unwrap();
    assert!(
        line["verified"]
            .as_str()
            .unwrap()
            .starts_with("2026-03-05T10:00")
    );

    // A file that has never been backed up is overdue at once.
    desk.build("maps/c.gpkg", &tiny());
    let status = at(&desk, night, &["status"]);
    assert_eq!(status.code, 3, "{status:?}");
    assert!(status.out.contains("no sound backup") && status.out.contains("3 sources, 1 overdue"));
}

#[test]
fn jobs_are_chosen_by_name_and_one_that_fails_does_not_stop_the_next() {
    let desk = desk("[[job]]\nname = \"gone\"\nsources = [\"nothing.gpkg\"]\nto = \"other\"\n");
    let run = at(&desk, "2026-03-01T01:30:00Z", &["run", "gone", "maps"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(
        run.out.contains("gone: 0 saved, 0 unchanged, 1 failed"),
        "{run:?}"
    );
    assert!(run.out.contains("maps: 2 saved"), "{run:?}");
    let run = desk.run(&["run", "mpas"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("did you mean 'maps'?"), "{run:?}");
}

#[test]
fn a_wrong_configuration_runs_nothing_and_says_where() {
    let desk = desk("[job.keep]\ndayly = 7\n");
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 2, "{run:?}");
    for part in [
        "geokeep.toml', line 6, column 1 is wrong",
        "[job.keep] has no key 'dayly'",
        "did you mean 'daily'?",
    ] {
        assert!(run.err.contains(part), "{part}: {run:?}");
    }
    assert!(desk.archives().is_empty());
    fs::remove_file(desk.path("geokeep.toml")).unwrap();
    let nowhere = desk.path("nowhere");
    let run = ended(
        desk.command(&["run"])
            .env("XDG_CONFIG_HOME", &nowhere)
            .env("HOME", &nowhere),
    );
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("there is no geokeep.toml") && run.err.contains("geokeep init"));
}

#[test]
fn the_users_own_configuration_is_found() {
    let desk = desk("");
    let own = desk.path("config/geokeep");
    fs::create_dir_all(&own).unwrap();
    let text = fs::read_to_string(desk.path("geokeep.toml")).unwrap();
    fs::remove_file(desk.path("geokeep.toml")).unwrap();
    // Paths are meant from the file's folder, and from the home folder.
    let text = text
        .replace("\"maps\"]", "\"../../maps\"]")
        .replace("\"backups\"", "\"~/kept\"");
    fs::write(own.join("geokeep.toml"), text).unwrap();
    let run = ended(
        desk.command(&["run"])
            .env("XDG_CONFIG_HOME", desk.path("config"))
            .env("HOME", desk.path("home")),
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert!(desk.path("home/kept/a").is_dir(), "{run:?}");
}

#[test]
fn init_writes_an_example_and_replaces_nothing() {
    let desk = Desk::new();
    let out = desk.ok(&["init"]);
    assert!(
        out.contains("geokeep.toml") && out.contains("geokeep run"),
        "{out}"
    );
    let written = fs::read_to_string(desk.path("geokeep.toml")).unwrap();
    assert!(written.contains("[[job]]"));
    let again = desk.run(&["init"]);
    assert_eq!(again.code, 2, "{again:?}");
    assert_eq!(
        fs::read_to_string(desk.path("geokeep.toml")).unwrap(),
        written
    );
    assert!(desk.temporaries().is_empty());
}

#[test]
fn a_mass_loss_is_said_loudly() {
    let desk = desk("");
    assert_eq!(at(&desk, "2026-03-01T01:30:00Z", &["run"]).code, 0);
    let path = desk.path("maps/a.gpkg");
    let rows: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM accounts", [], |row| row.get(0))
        .unwrap();
    change(
        &path,
        &format!("DELETE FROM accounts WHERE rowid <= {}", rows / 2),
    );
    let run = at(&desk, "2026-03-02T01:30:00Z", &["run", "--json"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.err.contains("holds much less than before"), "{run:?}");
    assert!(run.err.contains(&format!(
        "accounts: {} rows are left of {rows}",
        rows - rows / 2
    )));
    let line: Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&line["lossy"], &line["status"]),
        (&1.into(), &"incomplete".into())
    );

    let (_, listed) = desk.json(&["list", "--from", "backups", "a"]);
    let pins: Vec<_> = listed
        .iter()
        .map(|backup| backup["pinned"].is_string())
        .collect();
    assert_eq!(pins, [true, false], "the last one before the loss stays");

    // The smaller state is not what the next night is compared with; and the share is the job's.
    change(
        &path,
        "DELETE FROM accounts WHERE rowid = (SELECT max(rowid) FROM accounts)",
    );
    assert_eq!(at(&desk, "2026-03-03T01:30:00Z", &["run"]).code, 3);
    desk.ok(&["accept", "a", "--from", "backups"]);
    configure(&desk, "max_loss = 100\n");
    change(&path, "DELETE FROM accounts");
    assert_eq!(at(&desk, "2026-03-04T01:30:00Z", &["run"]).code, 0);
}

#[test]
fn backups_are_restored_for_a_test() {
    let desk = desk("drill = 100\n");
    let run = at(&desk, "2026-03-01T01:30:00Z", &["run"]);
    assert!(run.out.contains("2 restored for a test"), "{run:?}");
    desk.ok(&["verify", "--from", "backups", "--level", "drill"]);
    assert!(
        common::files_below(&desk.path("tmp")).is_empty(),
        "nothing is left of it"
    );

    // A restore that does not give back what was stored is noticed.
    for archive in desk.archives() {
        let mut bytes = fs::read(&archive).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle] ^= 1;
        fs::write(&archive, bytes).unwrap();
    }
    let run = at(&desk, "2026-03-02T01:30:00Z", &["run"]);
    assert_eq!(run.code, 24, "{run:?}");
    assert_eq!(
        desk.run(&["verify", "--from", "backups", "--level", "drill"])
            .code,
        24
    );
}

#[test]
fn hooks_get_the_run_as_json() {
    let hooks = "[job.hooks]\non_success = [\"sh\", \"-c\", \"cat > ok.json\"]\n\
                 on_failure = [\"sh\", \"-c\", \"cat > bad.json; exit 7\"]\nlog = \"runs.log\"\n";
    let desk = desk(hooks);
    assert_eq!(at(&desk, "2026-03-01T01:30:00Z", &["run"]).code, 0);
    let told: Value = serde_json::from_slice(&fs::read(desk.path("ok.json")).unwrap()).unwrap();
    assert_eq!((&told["kind"], &told["saved"]), (&"run".into(), &2.into()));
    assert_eq!(told["sources"].as_array().unwrap().len(), 2);
    assert!(!desk.path("bad.json").exists());

    fs::write(desk.path("maps/b.gpkg"), "no database").unwrap();
    let run = at(&desk, "2026-03-02T01:30:00Z", &["run"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(
        run.err.contains("exit status: 7"),
        "a failing hook is said: {run:?}"
    );
    let told: Value = serde_json::from_slice(&fs::read(desk.path("bad.json")).unwrap()).unwrap();
    assert_eq!(told["status"], "incomplete");
    let failed = told["sources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["status"] == "failed");
    assert_eq!(failed.unwrap()["error"]["kind"], "not_a_geopackage");

    let log = fs::read_to_string(desk.path("runs.log")).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["status"], &lines[1]["status"]),
        (&"ok".into(), &"incomplete".into())
    );
}

#[test]
fn the_report_shows_what_failed_in_the_run() {
    let desk = desk("report = \"report.html\"\n");
    assert_eq!(desk.run(&["run"]).code, 0);
    let page = fs::read_to_string(desk.path("report.html")).unwrap();
    assert!(page.contains("<html") && !page.contains("not a GeoPackage"));
    fs::write(desk.path("maps/b.gpkg"), "no database").unwrap();
    fs::write(desk.path("maps/new.gpkg"), "nor this").unwrap();
    assert_eq!(desk.run(&["run"]).code, 3);
    let page = fs::read_to_string(desk.path("report.html")).unwrap();
    assert!(page.matches("is not a GeoPackage").count() >= 2, "{page}");
    assert!(page.contains("new"));
    // A file that is no report is not overwritten.
    configure(&desk, "report = \"maps/a.gpkg\"\n");
    let before = fs::read(desk.path("maps/a.gpkg")).unwrap();
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 3, "what failed before weighs more: {run:?}");
    assert!(run.err.contains("could not write the report"), "{run:?}");
    assert!(fs::read(desk.path("maps/a.gpkg")).unwrap() == before);
}

#[test]
fn a_log_is_put_aside_when_it_is_long() {
    let desk = desk("[job.hooks]\nlog = \"runs.log\"\n");
    fs::write(desk.path("runs.log"), "x".repeat(10_000_001)).unwrap();
    assert_eq!(desk.run(&["run"]).code, 0);
    assert_eq!(desk.run(&["run"]).code, 0);
    let length = |name: &str| fs::metadata(desk.path(name)).map_or(0, |found| found.len());
    assert!((1..1_000_000).contains(&length("runs.log")));
    assert!(length("runs.log.1") > 10_000_000);
}

/// The requests that a dead man's switch gets: path and body.
fn switch(answers: usize) -> (String, mpsc::Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/secret", listener.local_addr().unwrap());
    let (sender, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(answers) {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut first = String::new();
            reader.read_line(&mut first).unwrap();
            let mut length = 0;
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                let header = header.to_lowercase();
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if header.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK")
                .unwrap();
            let path = first.split(' ').nth(1).unwrap().to_owned();
            sender
                .send((path, String::from_utf8(body).unwrap()))
                .unwrap();
        }
    });
    (address, heard)
}

#[test]
fn a_dead_mans_switch_hears_start_success_and_failure() {
    let (address, heard) = switch(4);
    let next = || heard.recv_timeout(Duration::from_secs(20)).unwrap();
    let desk = desk(&format!("[job.hooks]\nping_url = \"{address}\"\n"));
    assert_eq!(desk.run(&["run"]).code, 0);
    assert_eq!(next().0, "/secret/start");
    let (path, body) = next();
    assert_eq!(path, "/secret");
    assert!(body.contains("2 saved"), "{body}");
    fs::write(desk.path("maps/b.gpkg"), "").unwrap();
    assert_eq!(desk.run(&["run"]).code, 3);
    assert_eq!(next().0, "/secret/start");
    let (path, body) = next();
    assert_eq!(path, "/secret/fail");
    assert!(body.contains("1 failed"), "{body}");

    // Nobody hears: said, without the address, and the backup counts.
    configure(
        &desk,
        "[job.hooks]\nping_url = \"http://127.0.0.1:9/secret\"\n",
    );
    fs::remove_file(desk.path("maps/b.gpkg")).unwrap();
    desk.build("maps/b.gpkg", &tiny());
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.err.contains("the ping was not heard") && !run.err.contains("secret"),
        "{run:?}"
    );
}

/// What restic's rules would keep of one backup a night, written down in another way.
fn expected(nights: &[jiff::civil::Date]) -> Vec<jiff::civil::Date> {
    use std::collections::{BTreeMap, BTreeSet};
    fn newest<K: Ord>(
        nights: &[jiff::civil::Date],
        number: usize,
        key: impl Fn(&jiff::civil::Date) -> K,
    ) -> Vec<jiff::civil::Date> {
        let groups: BTreeMap<K, jiff::civil::Date> = nights.iter().map(|d| (key(d), *d)).collect();
        groups.into_values().rev().take(number).collect()
    }
    let mut kept: BTreeSet<_> = newest(nights, 7, |d| *d).into_iter().collect();
    kept.extend(newest(nights, 4, |d| {
        (d.iso_week_date().year(), d.iso_week_date().week())
    }));
    kept.extend(newest(nights, 12, |d| (d.year(), d.month())));
    kept.into_iter().collect()
}

/// A year of nights at half past two in Berlin, of which one does not exist and one comes twice.
#[test]
fn a_year_of_nights() {
    let desk = Desk::new();
    let path = desk.build("maps/a.gpkg", &tiny());
    configure(
        &desk,
        "drill = 1\n[job.keep]\ndaily = 7\nweekly = 4\nmonthly = 12\n",
    );
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let first = jiff::civil::date(2026, 1, 1);
    let mut saved = Vec::new();
    for n in 0..365 {
        let day = first.checked_add(jiff::Span::new().days(n)).unwrap();
        let night = day.at(2, 30, 0, 0).to_zoned(zone.clone()).unwrap();
        // On some nights nothing has changed, and on some the machine is off.
        if n % 11 != 5 {
            let note = "CREATE TABLE IF NOT EXISTS diary(night); INSERT INTO diary VALUES";
            change(&path, &format!("{note} ({n})"));
        }
        if n % 13 == 7 {
            continue;
        }
        let run = ended(
            desk.command(&["run", "--json"])
                .env("TZ", "Europe/Berlin")
                .env("GEOKEEP_NOW", night.timestamp().to_string()),
        );
        assert_eq!(run.code, 0, "{day}: {run:?}");
        let line: Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
        if line["saved"] == 1 {
            saved.push(day);
        }
        saved = expected(&saved);
        assert_eq!(desk.archives().len(), saved.len(), "{day}");
    }
    // Each is the state of its night, and proven.
    let (code, listed) = desk.json(&["list", "--from", "backups"]);
    assert_eq!(code, 0);
    let days: Vec<_> = listed
        .iter()
        .map(|backup| {
            let instant: jiff::Timestamp = backup["instant"].as_str().unwrap().parse().unwrap();
            instant.to_zoned(zone.clone()).date()
        })
        .collect();
    assert_eq!(days, saved);
    assert!(saved.len() > 16, "{saved:?}");
    for file in common::files_below(&desk.path("backups")) {
        let name = file.to_string_lossy().into_owned();
        let archive = name.trim_end_matches(".verified");
        assert!(Path::new(archive).exists(), "{name} was left behind");
    }
    desk.ok(&["verify", "--from", "backups", "--level", "drill"]);
}

#[test]
fn two_runs_at_a_time_are_one_too_many() {
    let desk = desk("lock_wait = \"300ms\"\n");
    fs::create_dir(desk.path("backups")).unwrap();
    let lock = fs::File::create(desk.path("backups/.geokeep.lock")).unwrap();
    lock.lock().unwrap();
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 11, "{run:?}");
    assert!(desk.archives().is_empty());
    drop(lock);
    assert_eq!(desk.run(&["run"]).code, 0);
}

/// A machine that dies in the middle of a night: the next one works, and nothing is lost.
#[test]
fn a_killed_run_leaves_neither_lock_nor_litter() {
    let desk = desk("[job.keep]\nlast = 2\n");
    for n in 0..40 {
        desk.build(&format!("maps/{n}.gpkg"), &tiny());
    }
    assert_eq!(desk.run(&["run"]).code, 0);
    let edit = |n: u64| {
        for file in ["maps/a.gpkg", "maps/b.gpkg", "maps/7.gpkg"] {
            change(
                &desk.path(file),
                &format!("PRAGMA user_version = {}", 10_400 + n),
            );
            let sql = "CREATE TABLE IF NOT EXISTS diary(night); INSERT INTO diary VALUES (1)";
            change(&desk.path(file), sql);
        }
    };
    // Every source still has a sound backup.
    let all_are_safe = || {
        let status = desk.run(&["status"]);
        assert!(status.out.contains("42 sources, 0 overdue"), "{status:?}");
    };
    for n in 0..12_u64 {
        edit(n);
        let (began, moment) = (Instant::now(), Duration::from_millis(3 + n * 4));
        desk.kill_when(&["run"], || began.elapsed() >= moment);
        all_are_safe();
    }
    desk.kill_in_the_making(&["run"], || edit(12));
    all_are_safe();
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(desk.temporaries().is_empty(), "{:?}", desk.temporaries());
    desk.ok(&["verify", "--from", "backups"]);
}

#[test]
fn backups_of_a_project_are_forgotten_by_the_same_rules() {
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &tiny());
    let job = "[[job]]\nname = \"p\"\nsources = [\"maps/p.qgs\"]\nto = \"backups\"\n[job.keep]\nlast = 2\n";
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    for n in 1..=4 {
        let project = format!(
            "<qgis projectname=\"{n}\"><projectlayers><maplayer><datasource>./a.gpkg|layername=x\
             </datasource><provider>ogr</provider></maplayer></projectlayers></qgis>"
        );
        fs::write(desk.path("maps/p.qgs"), project).unwrap();
        let run = at(&desk, &format!("2026-03-0{n}T01:30:00Z"), &["run"]);
        assert_eq!(run.code, 0, "{run:?}");
    }
    let kept = common::projects(&desk);
    assert_eq!(kept.len(), 2, "{kept:?}");
    let newest = String::from_utf8(common::first_entry(kept.last().unwrap())).unwrap();
    assert!(newest.contains("\"4\""), "{newest}");
    assert_eq!(desk.archives().len(), 1, "the GeoPackage has not changed");
}

/// A backup that did not pass its check counts as none: not as sound, not as the same as the source,
/// and not for the rules of what stays.
#[test]
fn a_backup_that_did_not_pass_is_no_backup() {
    let desk = desk("[job.keep]\nlast = 1\n");
    fs::remove_file(desk.path("maps/b.gpkg")).unwrap();
    assert_eq!(at(&desk, "2026-03-01T01:30:00Z", &["run"]).code, 0);
    let good = desk.archives();
    // Pinned for a moment, so that there are two.
    desk.ok(&["pin", "a", "--from", "backups"]);
    change(
        &desk.path("maps/a.gpkg"),
        "CREATE TABLE t(v); INSERT INTO t VALUES (1)",
    );
    assert_eq!(at(&desk, "2026-03-02T01:30:00Z", &["run"]).code, 0);
    let (_, listed) = desk.json(&["list", "--from", "backups"]);
    let oldest = listed[0]["id"].as_str().unwrap().to_owned();
    desk.ok(&["unpin", &oldest, "--from", "backups"]);
    let newest = desk
        .archives()
        .into_iter()
        .find(|path| !good.contains(path))
        .unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    fs::write(&newest, &bytes).unwrap();
    assert_eq!(desk.run(&["verify", "--from", "backups"]).code, 24);

    let status = at(&desk, "2026-03-03T12:00:00Z", &["status", "--json"]);
    assert_eq!(status.code, 3, "{status:?}");
    assert!(
        status.out.contains(&oldest),
        "the older one is the newest sound one: {status:?}"
    );
    let forget = desk.run(&["forget", "--from", "backups", "--keep-last", "1"]);
    assert!(good[0].exists(), "{forget:?}");
    let run = at(&desk, "2026-03-03T13:00:00Z", &["run"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("maps: 1 saved, 0 unchanged"), "{run:?}");

    // What passes again counts again.
    bytes[middle] ^= 1;
    fs::create_dir_all(newest.parent().unwrap()).unwrap();
    fs::write(&newest, &bytes).unwrap();
    desk.ok(&["verify", "--from", "backups"]);
    let (_, listed) = desk.json(&["list", "--from", "backups"]);
    assert!(
        listed
            .iter()
            .all(|backup| backup["verification_failed"].is_null()),
        "{listed:?}"
    );
}

#[test]
fn what_has_gone_and_what_is_from_the_future_is_overdue() {
    let desk = desk("");
    assert_eq!(at(&desk, "2031-01-01T01:30:00Z", &["run"]).code, 0);
    change(&desk.path("maps/a.gpkg"), "CREATE TABLE t(v)");
    fs::rename(desk.path("maps/b.gpkg"), desk.path("b.gpkg")).unwrap();
    let status = at(&desk, "2027-02-20T00:00:00Z", &["status"]);
    assert_eq!(status.code, 3, "{status:?}");
    assert!(status.out.contains("2 sources, 2 overdue"), "{status:?}");
    assert!(
        status.out.contains("it no longer exists; its backups stay"),
        "{status:?}"
    );
}

#[test]
fn a_log_that_cannot_be_written_is_said_and_nothing_else() {
    let desk =
        desk("[job.hooks]\nlog = \"geokeep.toml/runs.log\"\non_success = [\"touch\", \"told\"]\n");
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains("runs.log' was not written"), "{run:?}");
    assert!(desk.path("told").exists());
}

/// A share that is not mounted must not be replaced by a folder of the same name.
#[test]
fn a_folder_that_must_exist_is_not_made() {
    let desk = desk("must_exist = true\n");
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 10, "{run:?}");
    assert!(run.err.contains("share mounted?"), "{run:?}");
    assert!(!desk.path("backups").exists());
    fs::create_dir(desk.path("backups")).unwrap();
    assert_eq!(desk.run(&["run"]).code, 0);
}

/// Hints name what the user of a job can change.
#[test]
fn hints_of_a_job_name_its_keys() {
    let desk = desk("lock_wait = \"200ms\"\n");
    let holder = Connection::open(desk.path("maps/a.gpkg")).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 3, "{run:?}");
    let hint = "or wait longer: lock_wait = \"5m\" in the job";
    assert!(run.err.contains(hint), "{run:?}");
    let run = desk.run(&["backup", "maps/a.gpkg", "--to", "b", "--lock-wait", "200ms"]);
    assert!(
        run.err.contains("or wait longer: --lock-wait 5m\n"),
        "{run:?}"
    );
}

/// An archive that nobody can read is one backup less, and nothing else would tell.
#[test]
fn an_unreadable_newest_archive_is_said() {
    let desk = desk("drill = 100\n");
    assert_eq!(desk.run(&["run"]).code, 0);
    let archive = &desk.archives()[0];
    let bytes = fs::read(archive).unwrap();
    fs::write(archive, &bytes[..500]).unwrap();
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.err.contains("did not pass its check"), "{run:?}");
    let last = run.out.lines().last().unwrap();
    assert!(last.contains("1 with an unreadable backup"), "{run:?}");
    assert!(last.contains("1 that did not pass the test"), "{run:?}");
}

/// What became of the backups is not hidden by a report that cannot be written.
#[test]
fn a_report_that_cannot_be_written_hides_nothing() {
    let desk = desk("report = \"maps/a.gpkg\"\n");
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 25, "{run:?}");
    assert!(
        run.err
            .contains("hint:  choose another name by 'report' in the job")
    );
    assert!(
        run.out.contains("maps: 2 saved, 0 unchanged, 0 failed\n"),
        "{run:?}"
    );
    fs::remove_file(desk.path("maps/b.gpkg")).unwrap();
    assert_eq!(desk.run(&["run"]).code, 3);
}

/// A named pipe in place of the log: to open it would wait for a reader, for ever.
#[cfg(unix)]
#[test]
fn a_log_that_is_no_file_is_said_and_holds_nothing_up() {
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &tiny());
    let pipe = desk.path("log");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let job = "[[job]]\nname = \"maps\"\nsources = [\"maps\"]\nto = \"backups\"\n\
               [job.hooks]\nlog = \"log\"\n";
    fs::write(desk.path("geokeep.toml"), job).unwrap();
    let mut child = desk
        .command(&["run"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if std::time::Instant::now() > until {
            child.kill().unwrap();
            panic!("the run waits for the log");
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let run = common::from_output(child.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains("was not written"), "{run:?}");
}
