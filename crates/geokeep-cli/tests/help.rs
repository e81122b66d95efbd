//! The full `--help` of the command and of each verb, as committed in `data/help.txt`. With
//! `UPDATE=1` the file is written anew.

use crate::common;

use std::path::Path;

use common::Desk;

#[test]
fn help_is_as_committed() {
    let desk = Desk::new();
    let mut text = String::new();
    for verb in [
        "",
        "backup",
        "inspect",
        "list",
        "verify",
        "diff",
        "restore",
        "report",
        "run",
        "watch",
        "status",
        "notify",
        "init",
        "forget",
        "pin",
        "unpin",
        "adopt",
        "schedule",
        "schedule install",
        "schedule remove",
        "schedule status",
        "completions",
        "man",
    ] {
        let arguments: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
        let out = desk.ok(&arguments);
        text.push_str(&format!(
            "$ geokeep {}\n{}\n",
            arguments.join(" "),
            out.trim_end()
        ));
        text.push('\n');
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/help.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap();
    assert!(
        text == committed,
        "the help has changed; UPDATE=1 accepts it:\n{text}"
    );
}

#[test]
fn no_arguments_is_wrong_usage() {
    let desk = Desk::new();
    let ended = desk.run(&[]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("Usage: geokeep"), "{ended:?}");
    assert_eq!(desk.run(&["backup"]).code, 2);
    assert_eq!(
        desk.run(&["backup", "a.gpkg", "--to", "b", "--lock-wait", "soon"])
            .code,
        2
    );
    assert_eq!(
        desk.run(&["backup", "a.gpkg", "--to", "b", "--jobs", "0"])
            .code,
        2
    );
    assert_eq!(desk.run(&["frobnicate"]).code, 2);
    assert_eq!(desk.run(&["--version"]).code, 0);
}
