//! What libraries say of a failure is for programmers: "invalid type: string, expected u32 at line 3",
//! "No such file or directory (os error 2)", "malformed database schema (x)". Such texts stood in
//! messages, in reports and in JSON. Here everything fails that can be made to fail, and none of them
//! may be seen.

use crate::common;

use std::fs;
use std::path::Path;

use common::{Desk, ended, first_entry, tiny};
use rusqlite::Connection;

/// Of the standard library, serde, toml, SQLite, and of what prints a value as Rust writes it.
const RAW: [&str; 39] = [
    "os error",
    "expected ",
    "invalid type",
    "invalid value",
    "missing field",
    "unknown field",
    "unknown variant",
    "duplicate field",
    "duplicate key",
    "trailing characters",
    " at line ",
    "EOF while",
    "parse error",
    "No such file",
    "Permission denied",
    "Is a directory",
    "Not a directory",
    "File exists",
    "failed to fill",
    "did not contain valid UTF-8",
    "invalid utf-8",
    "entity not found",
    "database disk image",
    "no such table",
    "no such column",
    "no such function",
    "no such module",
    "malformed database",
    "file is not a database",
    "unable to open",
    "syntax error",
    "SQL logic error",
    "SQLITE_",
    "Error code",
    "Some(",
    "Err(",
    "Error {",
    "IllFormed",
    "panicked at",
];

/// Runs a command and looks at all that it says; whether something was wrong.
#[track_caller]
fn try_it(desk: &Desk, arguments: &[&str]) -> bool {
    let run = ended(desk.command(arguments).env("NO_COLOR", "1"));
    // Neither a panic (101) nor the end by a signal (-1).
    assert!((0..100).contains(&run.code), "{arguments:?}: {run:?}");
    seen(&run.out, arguments);
    seen(&run.err, arguments);
    run.code != 0 || !run.err.is_empty()
}

/// Runs a command that must fail.
#[track_caller]
fn fails(desk: &Desk, arguments: &[&str]) {
    assert!(try_it(desk, arguments), "{arguments:?} found nothing wrong");
}

#[track_caller]
fn seen(text: &str, what: &[&str]) {
    for line in text.lines() {
        let raw: Vec<_> = RAW.iter().filter(|raw| line.contains(**raw)).collect();
        assert!(raw.is_empty(), "{what:?}: {raw:?} in: {line}");
    }
}

fn job(more: &str) -> String {
    format!("[[job]]\nname = \"maps\"\nsources = [\"maps\"]\nto = \"backups\"\n{more}")
}

#[test]
fn configurations() {
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &tiny());
    let mut texts: Vec<Vec<u8>> = [
        "",
        "=",
        "a =",
        "= 3",
        "[[job]",
        "[job",
        "[[job]]\nname = \"x",
        "[[job]]\nname = 'x\n",
        "[[job]]\nname = \"\"\"x",
        "[[job]]\nname = \"\\q\"\n",
        "[[job]]\nsources = [1\n",
        "job = 3",
        "[[job]]\nname = 3\n",
        "[[job]]\nname = \"x\"\nname = \"y\"\n",
        "a b c",
        "[job]\n[job]\n",
        "[[job]]\nname = \"x\" sources = 3",
        "x = 2026-99-99",
        "x = 1__2",
        "x = {a = 1",
        "\u{0}",
        "[[job]]\nname = nightly\n",
        "x = 0xZZ",
        "x = +",
        "x = 99999999999999999999",
        "[a.b]]\n",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    for more in [
        "lock_wait = 3\n",
        "lock_wait = \"soon\"\n",
        "max_loss = -1\n",
        "max_loss = 1.5\n",
        "max_loss = \"20\"\n",
        "drill = 300\n",
        "keep = 2\n",
        "[job.keep]\ndaily = 99999999999\n",
        "[job.keep]\nwithin = \"x\"\n",
        "method = 3\n",
        "must_exist = \"yes\"\n",
        "exclude = \"x\"\n",
        "exclude = [\"[\"]\n",
        "notify = [\"x\"]\n",
        "notify = 3\n",
        "hooks = []\n",
        "report = 3\n",
        "[job.hooks]\non_failure = \"x\"\n",
        "[job.hooks]\nping_url = 3\n",
        "nonsense = 1\n",
    ] {
        texts.push(job(more).into_bytes());
    }
    texts.push(b"[[job]]\nname = \"\xff\"\n".to_vec());
    for text in texts {
        fs::write(desk.path("geokeep.toml"), &text).unwrap();
        for arguments in [&["run"][..], &["status", "--json"]] {
            fails(&desk, arguments);
        }
    }
    fs::remove_file(desk.path("geokeep.toml")).unwrap();
    fs::create_dir(desk.path("geokeep.toml")).unwrap();
    for config in ["geokeep.toml", "nowhere/x.toml", "maps/a.gpkg"] {
        fails(&desk, &["run", "--config", config]);
        fails(&desk, &["init", "--config", config]);
    }
}

/// A GeoPackage that something was done to.
fn spoiled(desk: &Desk, name: &str, sql: &str) {
    let path = desk.build(&format!("maps/{name}.gpkg"), &tiny());
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "PRAGMA writable_schema = ON; PRAGMA foreign_keys = OFF; {sql}"
    ))
    .unwrap();
}

#[test]
fn sources() {
    let desk = Desk::new();
    let whole = fs::read(desk.build("whole.gpkg", &tiny())).unwrap();
    fs::create_dir(desk.path("maps")).unwrap();
    let put =
        |name: &str, bytes: &[u8]| fs::write(desk.path(&format!("maps/{name}")), bytes).unwrap();
    put("empty.gpkg", b"");
    put("text.gpkg", b"no database");
    put("cut.gpkg", &whole[..whole.len() / 2 + 100]);
    put("header.gpkg", &whole[..100]);
    for (name, from, length) in [
        ("head", 0, 60),
        ("schema", 100, 900),
        ("page", 3000, 9000),
        ("all", 40, whole.len() - 40),
    ] {
        let mut bytes = whole.clone();
        bytes[from..from + length].fill(0xa5);
        put(&format!("{name}.gpkg"), &bytes);
        put(&format!("journal_{name}.gpkg"), &whole);
        put(
            &format!("journal_{name}.gpkg-journal"),
            &bytes[..length.min(2000)],
        );
        put(&format!("log_{name}.gpkg"), &whole);
        put(&format!("log_{name}.gpkg-wal"), &bytes[..length.min(2000)]);
    }
    for sidecar in ["-wal", "-journal", "-shm"] {
        put(&format!("folder{sidecar}.gpkg"), &whole);
        fs::create_dir(desk.path(&format!("maps/folder{sidecar}.gpkg{sidecar}"))).unwrap();
    }
    fs::create_dir(desk.path("maps/folder.gpkg")).unwrap();
    for (name, sql) in [
        (
            "view",
            "CREATE VIEW v AS SELECT lost FROM nowhere; INSERT INTO gpkg_contents (table_name, data_type) VALUES ('v', 'attributes')",
        ),
        (
            "function",
            "CREATE VIEW f AS SELECT no_such_thing(1) AS x; INSERT INTO gpkg_contents (table_name, data_type) VALUES ('f', 'attributes')",
        ),
        (
            "module",
            "CREATE TABLE m(x); UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE m USING nothing(x)', rootpage = 0 WHERE name = 'm'",
        ),
        (
            "sql",
            "CREATE TABLE s(x); UPDATE sqlite_schema SET sql = 'CREATE TABEL s(' WHERE name = 's'",
        ),
        (
            "type",
            "CREATE TABLE t(x); UPDATE sqlite_schema SET type = 'nothing' WHERE name = 't'",
        ),
        (
            "root",
            "CREATE TABLE r(x); UPDATE sqlite_schema SET rootpage = 99999 WHERE name = 'r'",
        ),
        (
            "rows",
            "UPDATE gpkg_contents SET min_x = 'west', srs_id = 'here', last_change = x'00ff'",
        ),
        ("lost", "DROP TABLE gpkg_spatial_ref_sys"),
        (
            "column",
            "ALTER TABLE gpkg_contents RENAME COLUMN data_type TO kind",
        ),
        (
            "check",
            "CREATE TABLE c(x); UPDATE sqlite_schema SET sql = 'CREATE TABLE c(x, CHECK (unknown(x) > 1))' WHERE name = 'c'",
        ),
        (
            "trigger",
            "CREATE TRIGGER g AFTER INSERT ON gpkg_contents BEGIN INSERT INTO nowhere VALUES (1); END",
        ),
        (
            "geometry",
            "UPDATE gpkg_geometry_columns SET column_name = 'lost', z = 'x'",
        ),
    ] {
        spoiled(&desk, name, sql);
    }
    for (name, text) in [
        ("open", "<qgis><projectlayers><maplayer>"),
        ("cross", "<qgis><a></b></qgis>"),
        (
            "entity",
            "<qgis><projectlayers><maplayer><datasource>&lost;&#xZZ;</datasource></maplayer></projectlayers></qgis>",
        ),
        ("attribute", "<qgis a=b c><projectlayers a=\"&x\"/></qgis>"),
        ("nothing", ""),
    ] {
        fs::write(desk.path(&format!("maps/{name}.qgs")), text).unwrap();
        fs::write(
            desk.path(&format!("maps/{name}.qgz")),
            format!("PK\x03\x04{text}"),
        )
        .unwrap();
    }
    fs::write(desk.path("maps/bytes.qgs"), b"<qgis>\xff\xfe</qgis>").unwrap();
    fs::write(
        desk.path("list.txt"),
        b"nowhere.gpkg\n\0\nmaps/\xff\n@lost.txt\n@maps\nmaps/empty.gpkg/x\n",
    )
    .unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", desk.path("maps/link.gpkg")).unwrap();
        std::os::unix::fs::symlink("loop.gpkg", desk.path("maps/loop.gpkg")).unwrap();
        let fifo = std::process::Command::new("mkfifo")
            .arg(desk.path("maps/pipe.gpkg"))
            .status();
        let _ = fifo;
    }
    let all: Vec<_> = fs::read_dir(desk.path("maps"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let all: Vec<_> = all.iter().map(|path| path.to_str().unwrap()).collect();
    let named = |first: &[&'static str], last: &[&'static str]| -> Vec<String> {
        let words = first.iter().chain(&all).chain(last);
        words.map(|word| (*word).to_owned()).collect()
    };
    let typed = |words: &[String]| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        fails(&desk, &words);
    };
    typed(&named(&["backup"], &["--to", "backups"]));
    typed(&named(
        &["backup"],
        &["--to", "backups", "--json", "--any-sqlite"],
    ));
    typed(&named(&["inspect"], &[]));
    typed(&named(&["inspect", "--json"], &[]));
    for method in ["online", "vacuum"] {
        typed(&named(
            &["backup"],
            &[
                "--to",
                "others",
                "--lock-wait",
                "0s",
                "--any-sqlite",
                "--method",
                method,
            ],
        ));
    }
    for source in [
        "@list.txt",
        "@nowhere.txt",
        "@maps",
        "nowhere",
        "maps/[.gpkg",
        "maps/a**b",
        "nowhere/*.gpkg",
        "maps/empty.gpkg/x",
    ] {
        fails(&desk, &["backup", source, "--to", "backups"]);
        fails(&desk, &["inspect", source]);
        fails(&desk, &["diff", source, "whole.gpkg"]);
    }
    let wrong = all
        .iter()
        .filter(|path| path.ends_with("e.gpkg"))
        .filter(|path| try_it(&desk, &["diff", path, "whole.gpkg", "--json"]));
    assert!(wrong.count() > 0);
    fs::write(desk.path("geokeep.toml"), job("report = \"r.html\"\n")).unwrap();
    fails(&desk, &["run"]);
    fails(&desk, &["run", "--json"]);
    fails(&desk, &["status"]);
    // What was saved of all this is as it should be.
    try_it(&desk, &["verify", "--from", "backups"]);
    try_it(&desk, &["list", "--from", "backups", "--json"]);
    seen(
        &fs::read_to_string(desk.path("r.html")).unwrap(),
        &["the report"],
    );
}

/// An archive in form, with this manifest.
fn archive_with(path: &Path, database: &[u8], manifest: &[u8]) {
    let mut writer = sozip::ArchiveWriter::new(fs::File::create(path).unwrap());
    let options = sozip::Options::default();
    let visit = &mut |_: &[u8]| {};
    writer
        .add(
            "a.gpkg",
            Some(0),
            &mut &database[..],
            None,
            &options,
            None,
            visit,
        )
        .unwrap();
    writer
        .add_stored("manifest.json", Some(0), manifest)
        .unwrap();
    writer.finish().unwrap();
}

#[test]
fn destinations_and_what_lies_there() {
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &tiny());
    desk.ok(&["backup", "maps/a.gpkg", "--to", "backups"]);
    let archive = desk.archives().remove(0);
    let good = fs::read(&archive).unwrap();
    let database = first_entry(&archive);
    // Each of these may go through with what is there, but not all of them.
    let look = || {
        let mut wrong = 0;
        for arguments in [
            &["list", "--from", "backups"][..],
            &["list", "--from", "backups", "a", "--json"],
            &["verify", "--from", "backups"],
            &["verify", "--from", "backups", "--level", "drill", "--json"],
            &[
                "restore", "a", "--from", "backups", "--to", "out.gpkg", "--force",
            ],
            &["diff", "a", "maps/a.gpkg", "--from", "backups"],
            &["report", "--from", "backups"],
            &["report", "--from", "backups", "--html", "r.html"],
            &["forget", "--from", "backups", "--keep-last", "1"],
            &["pin", "a", "--from", "backups"],
            &["backup", "maps/a.gpkg", "--to", "backups"],
        ] {
            wrong += u32::from(try_it(&desk, arguments));
        }
        assert!(wrong > 0);
        if let Ok(page) = fs::read_to_string(desk.path("r.html")) {
            seen(&page, &["the report"]);
        }
    };
    for manifest in [
        "",
        "{",
        "[]",
        "{}",
        "3",
        "{\"format\":\"geokeep\"}",
        "{\"format\":3,\"version\":1}",
        "{\"format\":\"geokeep\",\"version\":\"one\"}",
        "{\"format\":\"geokeep\",\"version\":-1}",
        "{\"format\":\"geokeep\",\"version\":99}",
        "{\"format\":\"geokeep\",\"version\":1}",
        "{\"format\":\"geokeep\",\"version\":1,\"id\":4,\"name\":[]}",
        "\u{0}",
        "{\"a\":1,}",
    ] {
        archive_with(&archive, &database, manifest.as_bytes());
        look();
    }
    for at in [0, good.len() / 3, good.len() / 2, good.len() - 30] {
        let mut bytes = good.clone();
        bytes[at..at + 20].fill(0x5a);
        fs::write(&archive, &bytes).unwrap();
        look();
        fs::write(&archive, &good[..at]).unwrap();
        look();
    }
    fs::remove_file(&archive).unwrap();
    fs::create_dir(&archive).unwrap();
    look();
    fs::remove_dir(&archive).unwrap();
    fs::write(&archive, &good).unwrap();
    let _ = fs::remove_file(desk.path("backups/.geokeep.lock"));
    let _ = fs::create_dir(desk.path("backups/.geokeep.lock"));
    look();
    fs::write(desk.path("geokeep.toml"), job("[job.keep]\nlast = 1\n")).unwrap();
    fails(&desk, &["run"]);
    fs::write(desk.path("file"), "a file").unwrap();
    for to in ["file", "file/below", "maps/a.gpkg", "/proc/nowhere", "maps"] {
        fails(&desk, &["backup", "maps/a.gpkg", "--to", to]);
        // A folder may well be one without backups.
        assert_ne!(try_it(&desk, &["list", "--from", to]), to == "maps");
        fails(&desk, &["verify", "--from", to]);
        fails(&desk, &["report", "--from", "backups", "--html", to]);
        fails(&desk, &["restore", "a", "--from", "backups", "--to", to]);
        fails(
            &desk,
            &[
                "restore",
                "a",
                "--from",
                "backups",
                "--to",
                &format!("{to}/x.gpkg"),
            ],
        );
        try_it(&desk, &["man", "--to", to]);
        fails(
            &desk,
            &[
                "diff",
                "a",
                "maps/a.gpkg",
                "--from",
                "backups",
                "--to",
                &format!("{to}/x.csv"),
            ],
        );
        fails(&desk, &["adopt", "a", to, "--from", "backups"]);
    }
    for name in ["b", "a@yesterday", "a@2026-99-99", "ffff", "", "a@"] {
        fails(
            &desk,
            &["restore", name, "--from", "backups", "--to", "new.gpkg"],
        );
        fails(&desk, &["pin", name, "--from", "backups"]);
    }
    let nowhere = desk.path("file");
    for arguments in [
        &[
            "backup",
            "maps/a.gpkg",
            "--to",
            "backups",
            "--force",
            "--method",
            "copy",
        ][..],
        &["verify", "--from", "backups", "--level", "drill"],
        &["diff", "a", "maps/a.gpkg", "--from", "backups"],
    ] {
        let failed = ended(desk.command(arguments).env("TMPDIR", &nowhere));
        assert!((0..100).contains(&failed.code), "{arguments:?}: {failed:?}");
        seen(&failed.out, arguments);
        seen(&failed.err, arguments);
    }
}

#[test]
fn those_who_hear_of_a_run() {
    let desk = Desk::new();
    desk.build("maps/a.gpkg", &tiny());
    fs::write(desk.path("maps/b.gpkg"), "no database").unwrap();
    let top = "[notices]\nmail_to = [\"gis@town.example\"]\nmail_from = \"me@town.example\"\n\
               command = [\"nowhere/at/all\"]\n";
    for more in [
        "smtp = \"smtp://127.0.0.1:9\"\n",
        "smtp = \"smtps://no-such-machine.invalid\"\n",
        "smtp = \"nothing\"\n",
        "smtp = \"smtp://127.0.0.1\"\nsmtp_user = \"x\"\nsmtp_password_file = \"nowhere\"\n",
        "smtp = \"smtp://127.0.0.1\"\nsmtp_user = \"x\"\nsmtp_password_file = \"maps\"\n",
    ] {
        let hooks = "notify = [\"mail\", \"desktop\", \"command\"]\nreport = \"nowhere/r.html\"\n\
                     [job.hooks]\non_failure = [\"maps\"]\nlog = \"nowhere/log\"\n\
                     ping_url = \"http://127.0.0.1:9/x\"\n";
        fs::write(
            desk.path("geokeep.toml"),
            format!("{top}{more}{}", job(hooks)),
        )
        .unwrap();
        let bus = format!("unix:path={}", desk.path("no-bus").display());
        for arguments in [
            &["run"][..],
            &["notify", "--test"],
            &["notify", "--test", "--json"],
        ] {
            let failed = ended(
                desk.command(arguments)
                    .env("DBUS_SESSION_BUS_ADDRESS", &bus),
            );
            assert_ne!(failed.code, 0, "{failed:?}");
            seen(&failed.out, arguments);
            seen(&failed.err, arguments);
        }
    }
}
