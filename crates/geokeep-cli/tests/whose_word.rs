//! Whose word a run obeys. It took `./geokeep.toml` whoever could write to it, and ran its hooks, as
//! root, too; a dead man's switch counted any page as heard to which a redirect led; an address
//! without a scheme was printed, though it is a secret; and names in a job's list were meant from
//! the folder where the run happened to begin.
#![cfg(unix)]

use crate::common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use common::{Desk, tiny};

const JOB: &str = "[[job]]\nname = \"j\"\nsources = [\"maps\"]\nto = \"backups\"\n";

fn desk(more: &str) -> Desk {
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &tiny());
    fs::write(desk.path("geokeep.toml"), format!("{JOB}{more}")).unwrap();
    desk
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_configuration_that_others_may_write_to_is_not_used() {
    let desk = desk("[job.hooks]\non_success = [\"touch\", \"ran\"]\n");
    let config = desk.path("geokeep.toml");
    chmod(&config, 0o666);
    let at = fs::canonicalize(&config).unwrap();
    let at = at.to_str().unwrap();
    for arguments in [
        &["run"][..],
        &["run", "--config", "geokeep.toml"],
        &["watch", "j"],
        &["status"],
        &["schedule", "install", "--at", "02:30", "--print"],
    ] {
        let run = desk.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        let cause = "others may write to it, and so decide which programs are started";
        assert!(
            run.err.contains("is not used") && run.err.contains(cause),
            "{run:?}"
        );
        assert!(run.err.contains(&format!("chmod go-w {at}")), "{run:?}");
    }
    let (code, lines) = desk.json(&["run"]);
    assert_eq!((code, lines.len()), (2, 1));
    assert_eq!(
        (&lines[0]["kind"], &lines[0]["error"]["kind"]),
        (&"error".into(), &"usage".into())
    );

    chmod(&config, 0o644);
    chmod(desk.root(), 0o777);
    let run = desk.run(&["run"]);
    assert!(
        run.code == 2 && run.err.contains("put another file in its place"),
        "{run:?}"
    );
    assert!(!desk.path("ran").exists() && desk.archives().is_empty());
    chmod(desk.root(), 0o1777);
    let run = desk.run(&["run"]);
    assert!(desk.path("ran").exists(), "{run:?}");
}

#[test]
fn a_configuration_of_somebody_else_is_not_used() {
    let desk = desk("[job.hooks]\non_success = [\"touch\", \"ran\"]\n");
    let config = desk.path("geokeep.toml");
    if std::os::unix::fs::chown(&config, Some(65_533), None).is_err() {
        testkit::skipped("only root can give files away");
        return;
    }
    let run = desk.run(&["run"]);
    assert!(
        run.code == 2 && run.err.contains("it belongs to ") && run.err.contains("chown root"),
        "{run:?}"
    );
    std::os::unix::fs::chown(&config, Some(0), None).unwrap();
    assert_eq!(desk.run(&["run"]).code, 0);
}

/// What `geokeep init` writes is used, whatever new files are open to.
#[test]
fn the_example_is_used_as_it_was_written() {
    let desk = Desk::new();
    for mask in ["022", "002", "000"] {
        let file = format!("{mask}.toml");
        let geokeep = env!("CARGO_BIN_EXE_geokeep");
        let script = format!("umask {mask}; exec {geokeep} init --config {file}");
        let done = std::process::Command::new("sh")
            .args(["-c", &script])
            .current_dir(desk.root())
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        let run = desk.run(&["run", "--config", &file, "nobody"]);
        assert!(run.err.contains("has no job 'nobody'"), "{mask}: {run:?}");
    }
}

/// Answers each request with `answer`, and tells what was asked.
fn server(answer: &'static str) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut first = String::new();
            let mut length = 0;
            let _ = reader.read_line(&mut first);
            loop {
                let mut header = String::new();
                if reader.read_line(&mut header).unwrap_or(0) <= 2 {
                    break;
                }
                let header = header.to_lowercase();
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let _ = reader.read_exact(&mut vec![0; length]);
            let _ = stream.write_all(answer.as_bytes());
            let _ = sender.send(first.trim_end().to_owned());
        }
    });
    (address, asked)
}

#[test]
fn a_switch_hears_only_what_its_own_address_answers() {
    for (answer, heard, says) in [
        (
            "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
            true,
            "",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            false,
            "leads to another address (302)",
        ),
        (
            "HTTP/1.1 308 Moved\r\nlocation: /login\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            false,
            "leads to another address (308)",
        ),
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            false,
            "(404)",
        ),
        (
            "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            false,
            "the answer was 500",
        ),
        (
            "SSH-2.0-OpenSSH_9.2p1 SECRET\r\n\r\n",
            false,
            "the answer is not understood",
        ),
    ] {
        let (address, asked) = server(answer);
        let desk = desk(&format!(
            "[job.hooks]\nping_url = \"http://me:SECRET@{address}/SECRET?a=1\"\n"
        ));
        let run = desk.run(&["run"]);
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(
            run.err.matches("was not heard").count(),
            if heard { 0 } else { 2 },
            "{answer}: {run:?}"
        );
        assert!(run.err.contains(says), "{says}: {run:?}");
        assert!(
            !run.err.contains("SECRET") && !run.err.contains(&address),
            "{run:?}"
        );
        let next = || asked.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(next(), "POST /SECRET/start?a=1 HTTP/1.1");
        assert_eq!(next(), "POST /SECRET?a=1 HTTP/1.1");
        assert!(asked.try_recv().is_err(), "no redirect is followed");
    }
}

#[test]
fn no_message_shows_the_address() {
    for hook in [
        "ping_url = \"SECRET\"",
        "ping_url = \"hc-ping.com/SECRET\"",
        "ping_url = \"http://SECRET host/x\"",
        "ping_url = \"http://SECRET.invalid/x\"",
        "ping_url = \"https://127.0.0.1:9/SECRET\"",
        "ping_url = \"gopher://127.0.0.1/SECRET\"",
        "ping_url = [\"http://SECRET\"]",
        "ping_url = http://127.0.0.1/SECRET",
        "on_success = [\"false\", \"http://127.0.0.1/SECRET\"]",
        "on_success = [\"./none\", \"http://127.0.0.1/SECRET\"]",
    ] {
        let desk = desk(&format!("[job.hooks]\n{hook}\n"));
        let run = desk.run(&["run", "--json"]);
        let said = run.err.contains("warning: the ") || run.code == 2;
        assert!(said, "{hook}: {run:?}");
        assert!(
            !run.err.contains("SECRET") && !run.out.contains("SECRET"),
            "{hook}: {run:?}"
        );
    }
}

/// Hooks with a lot to read, and little wish to.
#[test]
fn a_program_that_reads_nothing_holds_nothing_up() {
    let desk = desk(
        "[job.hooks]\non_failure = [\"sh\", \"-c\", \"exec <&-; sleep 1; touch ended\"]\nlog = \"log\"\n",
    );
    for n in 0..80 {
        fs::write(desk.path(&format!("maps/no{n:0200}.gpkg")), "x").unwrap();
    }
    let run = desk.run(&["run"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(desk.path("ended").exists());
    let told = fs::metadata(desk.path("log")).unwrap().len();
    assert!(told > 1 << 16, "more than a pipe holds: {told}");
}

#[test]
fn a_list_in_a_job_means_the_same_from_anywhere() {
    let desk = Desk::new();
    desk.build("conf/maps/town.gpkg", &tiny());
    fs::create_dir(desk.path("conf/lists")).unwrap();
    fs::create_dir(desk.path("other")).unwrap();
    fs::write(
        desk.path("conf/lists/night.txt"),
        "\u{feff}../maps/town.gpkg\r\n~/home.gpkg\r\n",
    )
    .unwrap();
    desk.build("home/home.gpkg", &tiny());
    let job = JOB.replace("\"maps\"", "\"@lists/night.txt\"");
    // A configuration, too, may be written by an editor of Windows.
    let wide: Vec<u8> = format!("\u{feff}{job}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(desk.path("conf/geokeep.toml"), wide).unwrap();
    for (folder, config) in [
        ("conf", "geokeep.toml"),
        ("other", "../conf/geokeep.toml"),
        ("", "conf/geokeep.toml"),
    ] {
        let mut command = desk.command(&["run", "--config", config]);
        let run = common::ended(
            command
                .current_dir(desk.path(folder))
                .env("HOME", desk.path("home")),
        );
        assert_eq!(run.code, 0, "{run:?}");
        let found = ["j: 2 saved, 0 unchanged", "j: 0 saved, 2 unchanged"];
        assert!(found.iter().any(|found| run.out.contains(found)), "{run:?}");
    }
    assert!(desk.path("conf/backups/town").is_dir());
}
