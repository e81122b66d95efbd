//! A run that nobody watches: what is read of it afterwards, who is told, what it leaves out, and
//! that it does not write to the place of a disk that is not there.

use crate::common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use common::{Desk, Ended, ended, tiny};
use rusqlite::Connection;
use serde_json::Value;
use testkit::live_writer::{self, Hold, LiveWriter};

testkit::live_writer_process!();

/// Two maps and a job for them. `more` goes into the job, `top` before it.
fn desk_with(top: &str, more: &str) -> Desk {
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &tiny());
    desk.build("maps/b.gpkg", &tiny());
    configure(&desk, top, more);
    desk
}

fn desk(more: &str) -> Desk {
    desk_with("", more)
}

fn configure(desk: &Desk, top: &str, more: &str) {
    let job = "[[job]]\nname = \"maps\"\nsources = [\"maps\"]\nto = \"backups\"\n";
    fs::write(desk.path("geokeep.toml"), format!("{top}{job}{more}")).unwrap();
}

fn change(path: &Path) {
    let sql = "CREATE TABLE IF NOT EXISTS diary(night); INSERT INTO diary VALUES (1)";
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn lines_with<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    text.lines()
        .filter(|line| line.starts_with(start))
        .collect()
}

/// One line for each file that changed or failed; what needs attention in full, once, at the end;
/// nothing of what stays as it is.
#[test]
fn a_run_says_what_changed_and_then_what_needs_attention() {
    let desk = desk("[job.keep]\nlast = 1\n");
    let first = desk.run(&["run"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(lines_with(&first.out, "saved ").len(), 2, "{first:?}");

    let quiet_night = desk.run(&["run"]);
    assert_eq!(quiet_night.out, "maps: 0 saved, 2 unchanged, 0 failed\n");
    assert_eq!(quiet_night.err, "");
    assert_eq!(desk.run(&["run", "-q"]).out, "");
    let verbose = desk.run(&["run", "-v"]);
    assert_eq!(
        lines_with(&verbose.out, "unchanged").len(),
        2,
        "{verbose:?}"
    );
    assert!(verbose.out.contains("  keep    "), "{verbose:?}");

    change(&desk.path("maps/a.gpkg"));
    fs::write(desk.path("maps/b.gpkg"), "no database").unwrap();
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 3, "{run:?}");
    let out: Vec<_> = run.out.lines().collect();
    assert_eq!(out.len(), 3, "{run:?}");
    assert!(lines_with(&run.out, "saved ")[0].contains("maps/a.gpkg'"));
    let failed = lines_with(&run.out, "FAILED ");
    assert!(failed[0].contains("b.gpkg' is not a GeoPackage"), "{run:?}");
    assert!(out[2].starts_with("maps: 1 saved, 0 unchanged, 1 failed"));
    assert!(!run.out.contains("keep "), "{run:?}");
    assert_eq!(run.err.matches("error: ").count(), 1, "{run:?}");
    assert!(run.err.contains("\ncause: ") && run.err.contains("\nhint:  "));
    // Whoever wants to hear of trouble only hears of all of it.
    let quiet = desk.run(&["run", "-q"]);
    assert_eq!(quiet.code, 3, "{quiet:?}");
    assert!(quiet.err.contains("is not a GeoPackage") && quiet.err.contains("hint:"));
    assert_eq!(quiet.out.lines().count(), 1, "{quiet:?}");
    // Programs get the same as ever.
    let (code, objects) = desk.json(&["run", "-q"]);
    assert_eq!(
        (code, objects.last().unwrap()["kind"].as_str()),
        (3, Some("run"))
    );
}

/// Colours where they are asked for, and never in what goes elsewhere unasked.
#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let desk = desk("");
    fs::write(desk.path("maps/b.gpkg"), "no database").unwrap();
    let coloured = |ended: &Ended| ended.out.contains('\u{1b}') || ended.err.contains('\u{1b}');
    assert!(!coloured(&desk.run(&["run"])));
    assert!(coloured(&desk.run(&["run", "--color", "always"])));
    let json = desk.run(&["run", "--json", "--color", "always"]);
    assert!(
        !json.out.contains('\u{1b}') && json.err.contains('\u{1b}'),
        "{json:?}"
    );
    // An escape in a name stays one that a terminal does not obey.
    let name = desk.path("maps/\u{1b}[31mred.gpkg");
    if fs::write(&name, "no database").is_ok() {
        let run = desk.run(&["run", "--color", "never"]);
        assert!(
            !coloured(&run) && run.out.contains("<U+001B>[31mred"),
            "{run:?}"
        );
    }
}

/// `script` gives the command a terminal of its own.
fn on_a_terminal(desk: &Desk, command: &str, columns: u16) -> Option<Command> {
    let there = Command::new("script").arg("--version").output();
    if !there.is_ok_and(|found| found.status.success()) || cfg!(not(target_os = "linux")) {
        testkit::skipped("no script(1) that makes a terminal here");
        return None;
    }
    let program = env!("CARGO_BIN_EXE_geokeep");
    let mut script = Command::new("script");
    script
        .args([
            "-qec",
            &format!("stty rows 24 cols {columns}; exec {program} {command}"),
            "/dev/null",
        ])
        .current_dir(desk.root())
        .env("TERM", "xterm-256color")
        .env("TMPDIR", desk.path("tmp"))
        .env("GEOKEEP_MACHINE_ID", desk.path("machine-id"))
        .env("XDG_STATE_HOME", desk.path("state"))
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped());
    Some(script)
}

/// What a terminal shows in the end: the last thing that was written on each line.
fn screen(written: &str) -> Vec<String> {
    let mut text = String::new();
    let mut rest = written.chars().peekable();
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0, 0);
    while let Some(c) = rest.next() {
        match c {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                column = 0;
                if row == lines.len() {
                    lines.push(Vec::new());
                }
            }
            '\u{1b}' if rest.peek() == Some(&'[') => {
                rest.next();
                text.clear();
                let end = loop {
                    let c = rest.next().unwrap();
                    if c.is_ascii_alphabetic() {
                        break c;
                    }
                    text.push(c);
                };
                let number = text.parse().unwrap_or(1);
                match end {
                    'K' if text == "2" => lines[row].clear(),
                    'K' => lines[row].truncate(column),
                    'A' => row = row.saturating_sub(number),
                    _ => {}
                }
            }
            c if c.is_control() => {}
            c => {
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
    }
    let lines = lines.into_iter().map(String::from_iter);
    lines
        .map(|line: String| line.trim_end().to_owned())
        .collect()
}

/// While a file is worked on, the terminal names it and what is done with it; afterwards nothing of
/// that is left, also after Ctrl-C.
#[test]
fn progress_names_the_file_and_leaves_nothing_behind() {
    let desk = Desk::new();
    let path = desk.build("maps/town-with-a-long-name.gpkg", &tiny());
    configure(&desk, "", "lock_wait = \"1h\"\n");
    let hold = live_writer::Options {
        hold: Some(Hold::Exclusive),
        ..Default::default()
    };
    for columns in [40, 100] {
        let writer = LiveWriter::start(&path, &hold);
        let Some(mut command) = on_a_terminal(&desk, "run --color always", columns) else {
            return;
        };
        let mut run = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = run.stdout.take().unwrap();
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(n @ 1..) = std::io::Read::read(&mut output, &mut piece) {
                sender
                    .send(String::from_utf8_lossy(&piece[..n]).into_owned())
                    .unwrap();
            }
        });
        let until = Instant::now() + Duration::from_secs(30);
        let mut written = String::new();
        while !written.contains("waiting") {
            assert!(Instant::now() < until, "{written}");
            written.extend(heard.recv_timeout(Duration::from_millis(200)));
        }
        // As somebody types it: the terminal shows it, and tells the program.
        run.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
        assert!(run.wait().unwrap().code() == Some(130), "{written}");
        written.extend(heard.iter());
        writer.stop();
        let screen = screen(&written);
        let left: Vec<_> = screen
            .iter()
            .filter(|line| line.contains('█') || line.contains(" %"))
            .collect();
        assert!(left.is_empty(), "{columns}: {screen:#?}");
        assert!(
            screen.iter().any(|line| line.contains("maps: 0 saved")),
            "{screen:#?}"
        );
        assert!(written.contains("\u{1b}[1m\u{1b}[31mFAILED"), "{written:?}");
    }
}

/// What is excluded is not backed up, is no alarm when it was backed up before, and is taken when
/// somebody names it.
#[test]
fn what_is_excluded_is_left_out_and_never_missed() {
    let desk = desk("");
    desk.build("maps/old/c_tmp.gpkg", &tiny());
    desk.build("maps/lost+found/d.gpkg", &tiny());
    fs::write(desk.path("maps/._a.gpkg"), [0, 5, 0x16, 7, 0, 2, 0, 0]).unwrap();
    let run = desk.run(&["run"]);
    assert!(
        run.out.contains("maps: 4 saved, 0 unchanged, 0 failed"),
        "{run:?}"
    );

    configure(&desk, "", "exclude = [\"*_tmp.gpkg\", \"lost+found\"]\n");
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 0, "excluded files are not missed: {run:?}");
    assert!(
        run.out.contains("maps: 0 saved, 2 unchanged, 0 failed"),
        "{run:?}"
    );
    assert!(desk.ok(&["status"]).contains("2 sources, 0 overdue"));

    let out = desk.ok(&[
        "backup",
        "maps",
        "--exclude",
        "old/*",
        "--exclude",
        "lost+found",
        "--to",
        "others",
    ]);
    assert!(out.contains("2 sources: 2 saved"), "{out}");
    let out = desk.ok(&[
        "backup",
        "maps/old/c_tmp.gpkg",
        "--exclude",
        "*_tmp.gpkg",
        "--to",
        "others",
    ]);
    assert!(out.contains("c_tmp"), "{out}");
    let all = desk.run(&["backup", "maps", "--exclude", "*", "--to", "others"]);
    assert!(all.err.contains("that is not excluded"), "{all:?}");
    let whole = desk.path("maps/old");
    let whole = whole.to_str().unwrap();
    let out = desk.ok(&["backup", "maps", "--exclude", whole, "--to", "more"]);
    assert!(out.contains("3 sources: 3 saved"), "{out}");
    let bad = desk.run(&["backup", "maps", "--exclude", "[", "--to", "others"]);
    assert_eq!(bad.code, 2, "{bad:?}");

    configure(&desk, "", "exclude = [\"ok\", \"[\"]\n");
    let bad = desk.run(&["run"]);
    assert!(
        bad.err.contains("line 5, column 18") && bad.err.contains("not a pattern"),
        "{bad:?}"
    );
}

fn status(desk: &Desk) -> (i32, Value) {
    let (code, objects) = desk.json(&["status"]);
    let run = objects
        .into_iter()
        .find(|object| object["kind"] == "last_run");
    (code, run.unwrap_or_default())
}

/// The last run is known, whoever started it, also while it goes on and when it was killed.
#[test]
fn the_last_run_is_known_also_when_it_never_ended() {
    let desk = desk("lock_wait = \"1h\"\n");
    assert_eq!(status(&desk).1, Value::Null);
    assert_eq!(desk.run(&["run"]).code, 0);
    let (code, run) = status(&desk);
    assert_eq!(
        (code, &run["state"], &run["exit"]),
        (0, &"ended".into(), &0.into())
    );
    let path = desk.path("maps/b.gpkg");
    let good = fs::read(&path).unwrap();
    fs::write(&path, "no database").unwrap();
    assert_eq!(desk.run(&["run"]).code, 3);
    let (_, run) = status(&desk);
    assert_eq!((&run["exit"], &run["job"]), (&3.into(), &"maps".into()));
    assert!(
        run["summary"].as_str().unwrap().contains("1 failed"),
        "{run}"
    );
    fs::write(&path, good).unwrap();

    change(&desk.path("maps/a.gpkg"));
    let hold = live_writer::Options {
        hold: Some(Hold::Exclusive),
        ..Default::default()
    };
    let writer = LiveWriter::start(&desk.path("maps/a.gpkg"), &hold);
    let mut command = desk.command(&["run"]);
    let mut run = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while status(&desk).1["state"] != "goes_on" {
        assert!(Instant::now() < until, "it is not said that it goes on");
    }
    run.kill().unwrap();
    run.wait().unwrap();
    writer.stop();
    let (code, last) = status(&desk);
    assert_eq!((code, &last["state"]), (3, &"never_ended".into()), "{last}");
    let words = desk.run(&["status"]);
    assert!(
        words.out.contains("never ended: it was killed"),
        "{words:?}"
    );
    assert_eq!(desk.run(&["run"]).code, 0);
    assert_eq!(status(&desk).1["state"], "ended");
}

/// Where nothing can be remembered, nothing fails for that.
#[test]
fn a_run_needs_no_memory() {
    let desk = desk("");
    fs::write(desk.path("state"), "a file in its place").unwrap();
    assert_eq!(desk.run(&["run"]).code, 0);
    assert_eq!(status(&desk), (0, Value::Null));
}

/// That backups lie on the disk of their sources is said once, and not each night.
#[test]
fn a_destination_on_the_same_disk_is_remarked_once() {
    let desk = desk("");
    let said = |run: &Ended| run.err.contains("same disk as their sources");
    assert!(said(&desk.run(&["run"])));
    change(&desk.path("maps/a.gpkg"));
    assert!(!said(&desk.run(&["run"])));
    assert!(!said(&desk.run(&["run"])));
}

/// A folder on another file system than `place`, if there is one that anybody may write to.
fn another_file_system(place: &Path) -> Option<tempfile::TempDir> {
    let here = geokeep::source::volume(place);
    let folder = tempfile::tempdir_in("/dev/shm").ok();
    let folder = folder.filter(|folder| geokeep::source::volume(folder.path()) != here);
    if folder.is_none() {
        testkit::skipped("no second file system to write to");
    }
    folder
}

/// A disk that is not mounted leaves an empty folder, or none: a run does not write its backups
/// there, where they would fill another disk and be hidden later.
#[cfg(unix)]
#[test]
fn an_unmounted_disk_is_not_written_to() {
    let desk = Desk::new();
    let Some(disk) = another_file_system(desk.root()) else {
        return;
    };
    desk.build("maps/a.gpkg", &tiny());
    // The link stands for what is mounted at that place: it leads to another disk, or it does not.
    let place = desk.path("disk");
    let mount = |to: &Path| {
        let _ = fs::remove_file(&place);
        std::os::unix::fs::symlink(to, &place).unwrap();
    };
    let job = |more: &str| {
        let job = format!(
            "[[job]]\nname = \"maps\"\nsources = [\"maps\"]\nto = \"disk/backups\"\n{more}"
        );
        fs::write(desk.path("geokeep.toml"), job).unwrap();
    };
    job("");
    mount(disk.path());
    let first = desk.run(&["run"]);
    assert_eq!(first.code, 0, "the first time it is made: {first:?}");
    assert!(!first.err.contains("same disk"), "{first:?}");

    let empty = desk.path("empty");
    fs::create_dir(&empty).unwrap();
    mount(&empty);
    for command in [&["run"][..], &["backup", "maps", "--to", "disk/backups"]] {
        let away = desk.run(command);
        assert_eq!(away.code, 10, "{away:?}");
        assert!(away.err.contains("no disk or share is mounted"), "{away:?}");
        assert_eq!(
            fs::read_dir(&empty).unwrap().count(),
            0,
            "nothing is made there"
        );
    }
    // An empty folder that is there does not help; somebody who means it does.
    fs::create_dir(empty.join("backups")).unwrap();
    assert_eq!(desk.run(&["run"]).code, 10);
    // Nor is it what must exist.
    job("must_exist = true\n");
    let asked = ["backup", "maps", "--to", "disk/backups", "--must-exist"];
    for command in [&["run"][..], &asked] {
        assert_eq!(desk.run(command).code, 10);
    }
    assert_eq!(fs::read_dir(empty.join("backups")).unwrap().count(), 0);
    job("must_exist = false\n");
    assert_eq!(desk.run(&["run"]).code, 0);
    job("");
    assert_eq!(desk.run(&["run"]).code, 0, "backups are there by now");
    mount(disk.path());
    assert_eq!(desk.run(&["run"]).code, 0);
}

/// A server that takes mails: the commands and the mail of each, as they came.
struct Server {
    address: String,
    mails: Receiver<(Vec<String>, String)>,
}

impl Server {
    /// `refuses` is the recipient that it does not take.
    fn start(refuses: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("smtp://{}", listener.local_addr().unwrap());
        let (sender, mails) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that breaks off is no concern of the next one.
                if let Some(mail) = take(stream.unwrap(), refuses) {
                    sender.send(mail).unwrap();
                }
            }
        });
        Self { address, mails }
    }

    fn next(&self) -> (Vec<String>, String) {
        self.mails.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    fn is_idle(&self) -> bool {
        self.mails.recv_timeout(Duration::from_millis(300)).is_err()
    }
}

/// RFC 5321, as much of it as a mail needs.
fn take(stream: TcpStream, refuses: &str) -> Option<(Vec<String>, String)> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    let mut answer = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).ok();
    answer("220 sink.example ESMTP")?;
    let (mut commands, mut mail) = (Vec::new(), None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return Some((commands, mail?));
        }
        let line = line.trim_end().to_owned();
        let verb = line.split(' ').next().unwrap().to_uppercase();
        commands.push(line.clone());
        match verb.as_str() {
            "EHLO" => answer("250-sink.example\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN")?,
            "RCPT" if line.contains(refuses) => answer("550 5.1.1 never heard of SECRET")?,
            "AUTH" => answer("235 2.7.0 welcome")?,
            "DATA" => {
                answer("354 go on")?;
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    reader.read_line(&mut text).ok()?;
                }
                mail = Some(text);
                answer("250 2.0.0 taken")?
            }
            "QUIT" => {
                answer("221 bye");
                return Some((commands, mail?));
            }
            _ => answer("250 2.0.0 fine")?,
        };
    }
}

fn notices(server: &Server, more: &str) -> String {
    format!(
        "[notices]\nmail_to = [\"gis@town.example\", \"Boss <boss@town.example>\"]\n\
         mail_from = \"geokeep@town.example\"\nsmtp = \"{}\"\n{more}\n",
        server.address
    )
}

/// A real conversation with a real server: when something is wrong, and only then unless asked.
#[test]
fn a_mail_tells_what_needs_attention() {
    let server = Server::start("nobody@");
    let desk = desk_with(
        &notices(&server, ""),
        "notify = [\"mail\"]\nreport = \"r.html\"\n",
    );
    assert_eq!(desk.run(&["run"]).code, 0);
    assert!(server.is_idle(), "all is well");
    for n in 0..12 {
        fs::write(desk.path(&format!("maps/bad{n:02}.gpkg")), "no database").unwrap();
    }
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 3, "{run:?}");
    let (commands, mail) = server.next();
    for expected in [
        "MAIL FROM:<geokeep@town.example>",
        "RCPT TO:<gis@town.example>",
        "RCPT TO:<boss@town.example>",
    ] {
        let told = commands.iter().any(|command| command.starts_with(expected));
        assert!(told, "{expected}: {commands:?}");
    }
    assert!(!commands.iter().any(|command| command.starts_with("AUTH")));
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("Subject: geokeep: maps: 12 things need attention"),
        "{head}"
    );
    assert!(head.contains("Auto-Submitted: auto-generated") && head.contains("Date: "));
    assert!(
        body.contains("maps: 0 saved, 2 unchanged, 12 failed"),
        "{body}"
    );
    assert!(
        body.contains("more things") && body.contains("r.html"),
        "{body}"
    );
    let lines = body.trim_end_matches("\r\n.\r\n").replace("=\r\n", "");
    assert!(lines.lines().count() <= 10, "{lines}");

    // Of success only if somebody wants that.
    for n in 0..12 {
        fs::remove_file(desk.path(&format!("maps/bad{n:02}.gpkg"))).unwrap();
    }
    assert_eq!(desk.run(&["run"]).code, 0);
    assert!(server.is_idle());
    let success = notices(&server, "success = true");
    configure(&desk, &success, "notify = [\"mail\"]\n");
    assert_eq!(desk.run(&["run"]).code, 0);
    assert!(server.next().1.contains("all is well"));
}

/// The password is given to the server, and to nobody else: no log, no JSON, no message.
#[test]
fn a_password_is_for_the_server_alone() {
    let server = Server::start("nobody@");
    let secret = "smtp_user = \"geokeep\"\nsmtp_password_file = \"password\"";
    let desk = desk_with(
        &notices(&server, secret),
        "notify = [\"mail\"]\n[job.hooks]\nlog = \"runs.log\"\n",
    );
    fs::write(desk.path("password"), "open-sesame\n").unwrap();
    let sent = desk.run(&["notify", "--test"]);
    assert_eq!(sent.code, 0, "{sent:?}");
    let (commands, mail) = server.next();
    // "\0geokeep\0open-sesame" in Base64.
    let login = "AUTH PLAIN AGdlb2tlZXAAb3Blbi1zZXNhbWU=";
    assert!(commands.contains(&login.to_owned()), "{commands:?}");
    assert!(mail.contains("this is a test"), "{mail}");

    // A server that refuses, one that is not there, one without TLS: said, without what it said.
    fs::write(desk.path("maps/b.gpkg"), "no database").unwrap();
    let top = notices(&server, secret).replace("gis@", "nobody@");
    let away = top.replace(&server.address, "smtp://127.0.0.1:9");
    let no_tls = top.replace("smtp://", "smtps://");
    for (top, why) in [
        (top, "(550)"),
        (away, "no connection to the server"),
        (no_tls, "connection"),
    ] {
        configure(
            &desk,
            &top,
            "notify = [\"mail\"]\n[job.hooks]\nlog = \"runs.log\"\n",
        );
        let run = desk.run(&["run", "--json"]);
        assert_eq!(run.code, 3, "{run:?}");
        assert!(run.err.contains("nobody was notified by mail"), "{run:?}");
        assert!(run.err.contains(why), "{why}: {run:?}");
        let log = fs::read_to_string(desk.path("runs.log")).unwrap();
        for text in [&run.out, &run.err, &log] {
            assert!(
                !text.contains("sesame") && !text.contains("SECRET"),
                "{text}"
            );
        }
        let (code, tried) = desk.json(&["notify", "--test"]);
        assert_eq!((code, &tried[0]["sent"]), (3, &false.into()), "{tried:?}");
    }
}

/// A program gets the text for people; the system's sendmail gets the mail.
#[cfg(unix)]
#[test]
fn a_program_and_sendmail_are_told() {
    use std::os::unix::fs::PermissionsExt;
    let top =
        "[notices]\nmail_to = [\"gis@town.example\"]\ncommand = [\"sh\", \"-c\", \"cat > told\"]\n";
    let desk = desk_with(top, "notify = [\"mail\", \"command\"]\n");
    let sendmail = desk.path("bin/sendmail");
    fs::create_dir(desk.path("bin")).unwrap();
    fs::write(
        &sendmail,
        "#!/bin/sh\necho \"$@\" > arguments\ncat > mail\n",
    )
    .unwrap();
    fs::set_permissions(&sendmail, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(desk.path("maps/b.gpkg"), "no database").unwrap();
    let path = format!(
        "{}:{}",
        desk.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let run = ended(desk.command(&["run"]).env("PATH", path));
    assert_eq!(run.code, 3, "{run:?}");
    assert!(!run.err.contains("nobody was notified"), "{run:?}");
    let told = fs::read_to_string(desk.path("told")).unwrap();
    assert!(
        told.starts_with("geokeep: maps: 1 thing needs attention\n\n"),
        "{told}"
    );
    assert!(told.contains("b.gpkg' is not a GeoPackage"), "{told}");
    let mail = fs::read_to_string(desk.path("mail")).unwrap();
    assert!(
        mail.contains("To: gis@town.example") && mail.contains("b.gpkg"),
        "{mail}"
    );
    let arguments = fs::read_to_string(desk.path("arguments")).unwrap();
    assert!(arguments.ends_with("-- gis@town.example\n"), "{arguments}");
}

/// What a job needs for its ways is asked for before anything is run.
#[test]
fn a_way_that_lacks_something_is_refused() {
    for (top, ways, said) in [
        ("", "notify = [\"mail\"]\n", "'mail_to'"),
        (
            "[notices]\nsuccess = true\n",
            "notify = [\"command\"]\n",
            "'command'",
        ),
        (
            "",
            "notify = [\"pigeon\"]\n",
            "one of mail, desktop, command",
        ),
        ("", "mail_to = [\"a@b\"]\n", "belongs under [notices]"),
    ] {
        let desk = desk_with(top, ways);
        let run = desk.run(&["run"]);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(said), "{said}: {run:?}");
    }
    let desk = desk("");
    let none = desk.run(&["notify", "--test"]);
    assert!(
        none.code == 2 && none.err.contains("notify = ["),
        "{none:?}"
    );
}

/// A desktop of its own: a bus, and what shows the notices on it, which writes down what it shows.
#[cfg(target_os = "linux")]
#[test]
fn the_desktop_shows_it() {
    const SHOWS: &str = "
import dbus, dbus.service, dbus.mainloop.glib, sys
from gi.repository import GLib
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
class Desktop(dbus.service.Object):
    @dbus.service.method('org.freedesktop.Notifications', in_signature='susssasa{sv}i', out_signature='u')
    def Notify(self, app, n, icon, summary, body, actions, hints, timeout):
        open('shown', 'w').write('\\n'.join([app, summary, body, str(int(hints.get('urgency', 1)))]))
        return 1
    @dbus.service.method('org.freedesktop.Notifications', out_signature='ssss')
    def GetServerInformation(self):
        return ('test', 'test', '1', '1.2')
bus = dbus.SessionBus()
name = dbus.service.BusName('org.freedesktop.Notifications', bus)
desktop = Desktop(bus, '/org/freedesktop/Notifications')
open('ready', 'w').write('')
GLib.MainLoop().run()
";
    let desk = desk("notify = [\"desktop\"]\n");
    let nowhere = format!("unix:path={}", desk.path("no-bus").display());
    let away = ended(
        desk.command(&["notify", "--test"])
            .env("DBUS_SESSION_BUS_ADDRESS", nowhere),
    );
    assert_eq!(away.code, 3, "{away:?}");
    assert!(away.err.contains("no desktop of this user"), "{away:?}");

    let python = ["/usr/bin/python3", "python3"].into_iter().find(|python| {
        let asked = Command::new(python)
            .args(["-c", "import dbus, gi"])
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|asked| asked.success())
    });
    let bus = Command::new("dbus-daemon")
        .arg("--version")
        .output()
        .is_ok();
    let (Some(python), true) = (python, bus) else {
        testkit::skipped("no dbus-daemon, or no Python with dbus and gi");
        return;
    };
    fs::write(desk.path("maps/b.gpkg"), "no database").unwrap();
    let address = format!("unix:path={}", desk.path("bus").display());
    let mut bus = Command::new("dbus-daemon")
        .args(["--session", "--nofork", "--address", &address])
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let wait_for = |name: &str| {
        while !desk.path(name).exists() {
            assert!(Instant::now() < until, "{name} did not come");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for("bus");
    let mut shows = Command::new(python)
        .args(["-c", SHOWS])
        .current_dir(desk.root())
        .env("DBUS_SESSION_BUS_ADDRESS", &address)
        .spawn()
        .unwrap();
    wait_for("ready");
    let run = ended(
        desk.command(&["run"])
            .env("DBUS_SESSION_BUS_ADDRESS", &address),
    );
    let shown = fs::read_to_string(desk.path("shown"));
    for process in [&mut shows, &mut bus] {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    assert_eq!(run.code, 3, "{run:?}");
    let shown = shown.unwrap_or_else(|e| panic!("{e}: {run:?}"));
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(
        &lines[..2],
        ["geokeep", "geokeep: maps: 1 thing needs attention"]
    );
    assert!(shown.contains("b.gpkg' is not a GeoPackage"), "{shown}");
    assert_eq!(lines.last(), Some(&"2"), "it is urgent");
}
