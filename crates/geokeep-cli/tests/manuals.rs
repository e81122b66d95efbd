//! Completions and manual pages, as real shells and real `man` programs read them.
#![cfg(unix)]

use crate::common;

use std::fs;
use std::process::{Command, Output};

use common::{Desk, files_below};

/// The output of a program, or `None` with a printed reason if it is not there.
fn output_of(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .output()
    {
        Ok(output) => Some(output),
        Err(e) => {
            testkit::skipped(&format!("{program} does not run: {e}"));
            None
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The verbs that `--help` names, `help` left out.
fn verbs(desk: &Desk) -> Vec<String> {
    let help = desk.ok(&["--help"]);
    let list = help
        .split("Commands:\n")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let verbs = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs: Vec<_> = verbs
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    assert!(verbs.len() > 6, "{help}");
    verbs.into_iter().filter(|verb| verb != "help").collect()
}

#[test]
fn bash_completes() {
    let desk = Desk::new();
    let script = desk.path("geokeep.bash");
    fs::write(&script, desk.ok(&["completions", "bash"])).unwrap();
    // What bash does at the key, with the function that the script registered.
    let body = r#"
source "$1"; shift
registered=$(complete -p geokeep) || exit 1
[[ $registered =~ -F\ ([^ ]+) ]] || exit 1
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"${BASH_REMATCH[1]}" geokeep "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}""#;
    let complete = |words: &[&str]| {
        let fixed = [
            "--norc",
            "-c",
            body,
            "bash",
            script.to_str().unwrap(),
            "geokeep",
        ];
        output_of("bash", &[&fixed, words].concat()).map(|output| {
            assert!(output.status.success(), "{output:?}");
            text(&output.stdout)
        })
    };
    let Some(found) = complete(&["ver"]) else {
        return;
    };
    assert_eq!(found, "verify\nversion\n");
    assert_eq!(complete(&["verify", "--le"]).unwrap(), "--level\n");
    assert_eq!(complete(&["verify", "--level", "f"]).unwrap(), "full\n");
    assert_eq!(complete(&["schedule", "ins"]).unwrap(), "install\n");
    let all = complete(&[""]).unwrap();
    for verb in verbs(&desk) {
        assert!(all.lines().any(|line| line == verb), "{verb}: {all}");
    }
}

#[test]
fn other_shells_read_their_scripts() {
    let desk = Desk::new();
    for (shell, check) in [("zsh", "-n"), ("fish", "--no-execute")] {
        let script = desk.path(shell);
        fs::write(&script, desk.ok(&["completions", shell])).unwrap();
        if let Some(output) = output_of(shell, &[check, script.to_str().unwrap()]) {
            assert!(output.status.success(), "{output:?}");
        }
    }
    let body = "source $argv[1]; complete --do-complete 'geokeep ver'";
    let script = desk.path("fish");
    if let Some(output) = output_of("fish", &["-c", body, script.to_str().unwrap()]) {
        assert!(text(&output.stdout).starts_with("verify\t"), "{output:?}");
    }
    for shell in ["powershell", "elvish"] {
        let script = desk.ok(&["completions", shell]);
        assert!(script.contains("verify"), "{script}");
    }
    assert_eq!(desk.run(&["completions", "cmd"]).code, 2);
}

#[test]
fn every_verb_has_its_page() {
    let desk = Desk::new();
    let said = desk.ok(&["man", "--to", "share/man1"]);
    let pages = files_below(&desk.path("share"));
    assert_eq!(said.lines().count(), pages.len());
    let mut wanted: Vec<_> = verbs(&desk)
        .iter()
        .map(|verb| format!("geokeep-{verb}"))
        .collect();
    wanted.extend(["geokeep", "geokeep-schedule-install"].map(str::to_owned));
    for name in &wanted {
        let page = fs::read_to_string(desk.path(&format!("share/man1/{name}.1"))).unwrap();
        assert!(
            page.contains(&format!(".TH {name} 1 \" \" \"geokeep ")),
            "{page}"
        );
    }
    for page in &pages {
        let page = page.to_str().unwrap();
        if let Some(output) = output_of("mandoc", &["-T", "lint", "-W", "error", page]) {
            assert!(output.status.success(), "{}", text(&output.stdout));
        }
        if let Some(output) = output_of("man", &["--warnings", "-l", page]) {
            assert!(output.status.success(), "{output:?}");
            assert_eq!(text(&output.stderr), "", "{page}");
            assert!(text(&output.stdout).contains("SYNOPSIS"), "{output:?}");
        }
    }
    let (code, objects) = desk.json(&["man", "--to", "share/man1"]);
    assert_eq!((code, objects.len()), (0, pages.len()), "written again");
    fs::write(desk.path("file"), "").unwrap();
    let ended = desk.run(&["man", "--to", "file"]);
    assert_eq!((ended.code, ended.err.lines().count()), (1, 4), "{ended:?}");
}
