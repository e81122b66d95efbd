//! The texts for the four schedulers: as committed in `data/schedule/` (`UPDATE=1` writes them
//! anew), as real parsers of each form read them, and as a real shell takes them apart.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use geokeep::schedule::{Interval, Plan, ScheduleError, When, cron, launchd, systemd, task};

/// A path with everything that one of the forms gives a meaning to.
const NASTY: &str = r#"/srv/it's "50% of" \\ %h$HOME;a&b <c>`x`/geo keep.toml"#;

fn at(times: &[&str]) -> When {
    When::at(times.iter().map(|t| t.parse().unwrap()).collect())
}

fn every(minutes: u64) -> When {
    When::Every(Interval::new(Duration::from_secs(minutes * 60)).unwrap())
}

fn plan(program: &str, config: &str, jobs: &[&str], when: When) -> Plan {
    let jobs: Vec<String> = jobs.iter().map(|job| (*job).to_owned()).collect();
    Plan::new(Path::new(program), Path::new(config), &jobs, when).unwrap()
}

fn nasty(when: When) -> Plan {
    let program = "/opt/geo keep/100%/$HOME/geokeep";
    plan(program, NASTY, &["parcels", "two words", "$x"], when)
}

#[track_caller]
fn is_as_committed(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/schedule");
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }
    let committed = fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(text, committed, "{name} has changed; UPDATE=1 accepts it");
}

/// The output of a program, or `None` with a printed reason if it is not there.
fn output_of(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(e) => {
            testkit::skipped(&format!("{program} does not run: {e}"));
            None
        }
    }
}

#[test]
fn the_texts_are_as_committed() {
    let daily = nasty(at(&["14:00", "02:30", "2:30"]));
    is_as_committed("geokeep.service", &systemd::service(&daily).unwrap());
    is_as_committed("geokeep.timer", &systemd::timer(&daily));
    is_as_committed("crontab", &cron::block(&daily).unwrap());
    let log = Path::new("/Users/ann/Library/Logs/geokeep & more.log");
    is_as_committed("at.plist", &launchd::agent(&daily, log));
    is_as_committed("every.plist", &launchd::agent(&nasty(every(90)), log));
    is_as_committed("at.xml", &task::task(&windows(at(&["02:30"]))).unwrap());
    is_as_committed("every.xml", &task::task(&windows(every(90))).unwrap());
}

fn windows(when: When) -> Plan {
    let program = r"C:\Program Files\geo & keep\geokeep.exe";
    let config = r"C:\Users\Ann\50% of <all>\geo keep\";
    plan(program, config, &["parcels", r#"a\"b"#], when)
}

#[test]
fn systemd_reads_the_units() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("50% of $HOME; it is/geokeep");
    fs::create_dir(program.parent().unwrap()).unwrap();
    script(&program, "exit 0");
    for when in [at(&["02:30"]), every(15), every(90)] {
        let plan = plan(program.to_str().unwrap(), NASTY, &["parcels"], when);
        let service = folder.path().join(systemd::SERVICE);
        let timer = folder.path().join(systemd::TIMER);
        fs::write(&service, systemd::service(&plan).unwrap()).unwrap();
        fs::write(&timer, systemd::timer(&plan)).unwrap();
        let units = [&timer, &service].map(|path| path.to_str().unwrap());
        let verify = ["verify", "--man=no", units[0], units[1]];
        let mut command = Command::new("systemd-analyze");
        // With this it prints what it made of the units.
        command.args(verify).env("SYSTEMD_LOG_LEVEL", "debug");
        let Ok(output) = command.output() else {
            testkit::skipped("systemd-analyze is not there");
            return;
        };
        assert!(output.status.success(), "{output:?}");
        // It quotes what it prints for a shell.
        let shown = String::from_utf8_lossy(&output.stdout).replace("\\$", "$");
        let path = program.to_str().unwrap();
        assert!(
            shown.contains(path) && shown.contains(" %h$$HOME;"),
            "{shown}"
        );
        let quiet = output_of("systemd-analyze", &verify).unwrap();
        let complaints = String::from_utf8_lossy(&quiet.stderr).into_owned();
        assert!(!complaints.contains("geokeep"), "{complaints}");
    }
}

#[test]
fn systemd_knows_the_times() {
    let times = [at(&["02:30", "23:59"]), every(1), every(15), every(60)];
    for when in times.into_iter().chain([every(120), every(1440)]) {
        let text = systemd::timer(&plan("/g", "/c", &[], when));
        let lines: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("OnCalendar="))
            .collect();
        assert!(!lines.is_empty(), "{text}");
        for line in lines {
            let Some(output) = output_of("systemd-analyze", &["calendar", line]) else {
                return;
            };
            assert!(output.status.success(), "{line}: {output:?}");
        }
    }
    let text = systemd::timer(&plan("/g", "/c", &[], every(90)));
    assert!(text.contains("\nOnUnitActiveSec=90min\n"), "{text}");
    assert!(text.contains("\nOnStartupSec="), "{text}");
}

fn script(path: &Path, body: &str) {
    fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// What cron hands to the shell: a bare `%` would end it. Some crons also take one of two
/// backslashes away.
fn as_cron_hands_on(line: &str, takes_backslashes: bool) -> String {
    let command = line.splitn(6, ' ').nth(5).unwrap();
    let (mut text, mut escaped) = (String::new(), false);
    for c in command.chars() {
        if escaped && (c == '%' || (takes_backslashes && c == '\\')) {
            text.pop();
        }
        assert!(escaped || c != '%', "cron ends the command here: {line}");
        escaped = !escaped && c == '\\';
        text.push(c);
    }
    text
}

#[cfg(unix)]
#[test]
fn the_shell_gets_from_cron_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join(r"it's 50% \% \\ of $HOME/geokeep");
    fs::create_dir(program.parent().unwrap()).unwrap();
    let out = folder.path().join("out");
    let body = format!(
        "printf '%s\\n' \"$@\" >'{}'; echo on standard output",
        out.display()
    );
    script(&program, &body);
    let jobs = ["two words", "100%", r"a\", r"\\%\", "'", "-x", ""];
    let plan = plan(program.to_str().unwrap(), NASTY, &jobs, at(&["02:30"]));
    let block = cron::block(&plan).unwrap();
    let line = &cron::lines(block.as_bytes()).unwrap()[0];
    for takes_backslashes in [false, true] {
        let command = as_cron_hands_on(line, takes_backslashes);
        let output = output_of("sh", &["-c", &command]).unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let mut wanted = vec!["run", "--config", NASTY, "--"];
        wanted.extend(jobs);
        let got = fs::read_to_string(&out).unwrap();
        assert_eq!(got, wanted.join("\n") + "\n", "{command}");
    }
}

#[test]
fn foreign_lines_of_a_crontab_stay_byte_for_byte() {
    let first = cron::block(&plan("/g", "/c", &[], at(&["02:30"]))).unwrap();
    let second = cron::block(&plan("/g", "/c", &["b"], every(15))).unwrap();
    for foreign in [
        &b""[..],
        b"MAILTO=ann\n\n0 5 * * * tar \xff\xfe\t \n# geokeep schedule\n",
        b"\r\n1 2 3 4 5 x\r\n",
    ] {
        let with = cron::with(foreign, &first).unwrap();
        assert_eq!(cron::without(&with).unwrap().as_deref(), Some(foreign));
        let again = cron::with(&with, &first).unwrap();
        assert_eq!(again, with, "a second time changes nothing");
        let other = cron::with(&with, &second).unwrap();
        assert_eq!(
            cron::lines(&other).unwrap(),
            ["*/15 * * * * /g run --config /c b >/dev/null"]
        );
        assert_eq!(cron::without(&other).unwrap().as_deref(), Some(foreign));
        assert_eq!(cron::without(foreign).unwrap(), None);
        // What stands after our lines stays after them.
        let more = [&with[..], b"@daily after\n"].concat();
        let more = cron::without(&cron::with(&more, &second).unwrap()).unwrap();
        assert_eq!(more.unwrap(), [foreign, b"@daily after\n"].concat());
    }
    // cron wants a line break at the end.
    assert!(
        cron::with(b"1 2 3 4 5 x", &first)
            .unwrap()
            .starts_with(b"1 2 3 4 5 x\n#")
    );
    for broken in [
        format!("{}\nx\n", cron::BEGIN),
        format!("x\n{}\n", cron::END),
        format!("{}\n{}\n", cron::END, cron::BEGIN),
        format!("{first}{first}"),
    ] {
        let refused = cron::without(broken.as_bytes());
        assert!(
            matches!(refused, Err(ScheduleError::BrokenCrontab)),
            "{broken}"
        );
        assert!(cron::with(broken.as_bytes(), &first).is_err(), "{broken}");
    }
}

#[test]
fn cron_says_which_intervals_it_can() {
    for minutes in [1, 2, 15, 30, 60, 120, 720, 1440] {
        assert!(
            cron::block(&plan("/g", "/c", &[], every(minutes))).is_ok(),
            "{minutes}"
        );
    }
    for minutes in [7, 45, 90, 300, 2880] {
        let refused = cron::block(&plan("/g", "/c", &[], every(minutes))).unwrap_err();
        assert!(
            refused.to_string().contains("15, 20 or 30 minutes"),
            "{refused}"
        );
    }
    for seconds in [0, 30, 90, 31 * 86400 + 60] {
        assert!(
            Interval::new(Duration::from_secs(seconds)).is_err(),
            "{seconds}"
        );
    }
    for wrong in [
        "", "2", "24:00", "2:60", "02:3", "+2:30", "02:30:00", " 2:30",
    ] {
        assert!(
            wrong.parse::<geokeep::schedule::TimeOfDay>().is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn when_cron_runs_next() {
    let next = |when: When, now: &str| {
        let block = cron::block(&plan("/g", "/c", &[], when)).unwrap();
        let lines = cron::lines(block.as_bytes()).unwrap();
        cron::next_run(&lines, &now.parse().unwrap())
            .unwrap()
            .to_string()
    };
    let utc = |text: &str| format!("2026-11-{text}+00:00[UTC]");
    let now = "2026-11-22T14:00:30[UTC]";
    assert_eq!(next(at(&["02:30"]), now), utc("23T02:30:00"));
    assert_eq!(next(at(&["02:30", "14:01"]), now), utc("22T14:01:00"));
    assert_eq!(next(at(&["14:00"]), now), utc("23T14:00:00"));
    assert_eq!(next(every(15), now), utc("22T14:15:00"));
    assert_eq!(next(every(240), now), utc("22T16:00:00"));
    assert_eq!(next(every(1440), now), utc("23T00:00:00"));
    assert_eq!(
        cron::next_run(&["@daily x".to_owned()], &now.parse().unwrap()),
        None
    );
}

fn texts(node: roxmltree::Node<'_, '_>, tag: &str) -> Vec<String> {
    node.descendants()
        .filter(|n| n.has_tag_name(tag) || n.tag_name().name() == tag)
        .map(|n| n.text().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_parser_reads_the_plist() {
    let text = launchd::agent(&nasty(at(&["02:30", "14:00"])), Path::new("/a & b"));
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..Default::default()
    };
    let document = roxmltree::Document::parse_with_options(&text, options).unwrap();
    let root = document.root_element();
    let array = root
        .descendants()
        .find(|n| n.has_tag_name("array"))
        .unwrap();
    let mut wanted = vec!["/opt/geo keep/100%/$HOME/geokeep", "run", "--config", NASTY];
    wanted.extend(["parcels", "two words", "$x"]);
    assert_eq!(texts(array, "string"), wanted);
    assert_eq!(texts(root, "integer"), ["2", "30", "14", "0"]);
    assert!(texts(root, "string").ends_with(&["/a & b".to_owned(), "/a & b".to_owned()]));
}

#[test]
fn a_parser_reads_the_task() {
    let text = task::task(&windows(at(&["02:30"]))).unwrap();
    let bytes = task::utf16(&text);
    assert_eq!(bytes[..4], [0xFF, 0xFE, b'<', 0]);
    let units: Vec<u16> = bytes[2..]
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let text = String::from_utf16(&units).unwrap();
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    let document = roxmltree::Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!(
        texts(root, "Command"),
        [r"C:\Program Files\geo & keep\geokeep.exe"]
    );
    let arguments = r#"run --config "C:\Users\Ann\50% of <all>\geo keep\\" parcels "a\\\"b""#;
    assert_eq!(texts(root, "Arguments"), [arguments]);
    assert_eq!(texts(root, "StartBoundary"), ["2025-01-01T02:30:00"]);
    assert_eq!(texts(root, "StartWhenAvailable"), ["true"]);
    let text = task::task(&windows(every(90))).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    assert_eq!(texts(document.root_element(), "Interval"), ["PT90M"]);
}

#[test]
fn what_no_form_can_hold_is_refused() {
    let new = |path: &str| Plan::new(Path::new("/g"), Path::new(path), &[], every(60)).err();
    assert!(matches!(new("/a\nb"), Some(ScheduleError::Unprintable(_))));
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"/a\xff"));
        assert!(Plan::new(path, Path::new("/c"), &[], every(60)).is_err());
    }
    let quoted = systemd::service(&plan("/it's/g", "/c", &[], every(60)));
    assert!(matches!(quoted, Err(ScheduleError::NotForSystemd(_))));
    let variable = task::task(&plan("C:\\g", "%TEMP%\\c", &[], every(60)));
    assert!(matches!(variable, Err(ScheduleError::NotForTask(_))));
}
