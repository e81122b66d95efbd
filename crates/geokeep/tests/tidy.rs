//! The rules of ARCHITECTURE.md that no compiler checks, and the documents that must keep up with
//! the code. It reads the sources of the whole workspace.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest file in lines.
const LINES_MAX: usize = 600;

/// The stages of the library in the order of the data. Each may use those before it.
const STAGES: [&str; 13] = [
    "source",
    "snapshot",
    "destination",
    "stored",
    "geopackage",
    "verify",
    "backup",
    "diff",
    "restore",
    "inspect",
    "retention",
    "schedule",
    "report",
];

/// What every stage may use.
const FOUNDATION: [&str; 6] = ["durable", "error", "finding", "sqlite", "watch", "words"];

/// What parts of the foundation use themselves. `error` gathers the stages' own errors.
const FOUNDATION_USES: [(&str, &[&str]); 3] = [
    ("watch", &["error"]),
    ("sqlite", &["watch"]),
    ("error", &STAGES),
];

/// Ways of changing a disk that only `durable/` may take.
const WRITES: [&str; 16] = [
    "fs::write",
    "fs::rename",
    "fs::remove_file",
    "fs::remove_dir",
    "fs::create_dir",
    "fs::copy",
    "fs::hard_link",
    "fs::soft_link",
    "fs::symlink(",
    "fs::set_permissions",
    "fs::chown",
    "fs::DirBuilder",
    "File::create",
    "File::options",
    "OpenOptions",
    "tempfile::",
];

/// Ways of opening a database.
const OPENS: [&str; 4] = [
    "Connection::open",
    "sqlite3_open",
    "ATTACH ",
    "Connection::from_handle",
];

/// What a library must leave to its caller.
const CALLERS_OWN: [&str; 11] = [
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
    "dbg!",
    "process::exit",
    "std::env::",
    "env::var",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// A path as messages show it: from the root, with `/`.
fn name(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", name(path)))
}

/// Every file below `folder` whose name ends with `ending`, sorted.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if name(&path).ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn crates() -> Vec<PathBuf> {
    let all = fs::read_dir(root().join("crates")).unwrap();
    let mut all: Vec<_> = all.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

fn all_sources() -> Vec<PathBuf> {
    let mut all = files(&root().join("crates"), ".rs");
    all.extend(files(&root().join("fuzz/fuzz_targets"), ".rs"));
    assert!(all.len() > 50, "the sources are not where they should be");
    all
}

/// The lines of a source that end up in the product, numbered: no comments, no unit tests.
fn product_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut numbered = text.lines().enumerate().peekable();
    while let Some((n, line)) = numbered.next() {
        let line = line.trim();
        if line == "#[cfg(test)]" {
            match numbered.peek() {
                // The module is in a file of its own, or it goes on to the end of this one.
                Some((_, next)) if next.trim_end().ends_with(';') => {
                    numbered.next();
                }
                Some((_, next)) if next.starts_with("mod ") => break,
                _ => {}
            }
        } else if !line.starts_with("//") {
            let code = line.split(" // ").next().unwrap_or_default();
            lines.push((n + 1, code.to_owned()));
        }
    }
    lines
}

fn is_test_file(path: &Path) -> bool {
    path.file_name().is_some_and(|file| file == "tests.rs")
}

/// Whether `word` stands in `line` on its own and not as the end of a longer name.
fn has(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[track_caller]
fn none(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut faults = Vec::new();
    for path in all_sources() {
        let text = read(&path);
        let lines = text.lines().count();
        if name(&path).contains("/src/") && lines > LINES_MAX {
            faults.push(format!("{}: {lines} lines", name(&path)));
        }
        if !text.starts_with("//! ") {
            faults.push(format!("{}: does not open with //!", name(&path)));
        }
    }
    none(
        &faults,
        "a source has at most 600 lines and opens with what it is for",
    );
}

/// The modules that `crate::a`, `crate::{a, b::c}` in `code` name. What `lib.rs` re-exports counts
/// as the module that it comes from.
fn modules_used(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let group = match rest.strip_prefix('{') {
            Some(group) => top_level_items(group),
            None => vec![rest],
        };
        for item in group {
            let item = item.trim_start();
            let end = item.find(|c: char| !c.is_alphanumeric() && c != '_');
            let word = &item[..end.unwrap_or(item.len())];
            let module = match word {
                "" | "self" => continue,
                "Watch" => "watch",
                "Error" | "Kind" => "error",
                other => other,
            };
            used.insert(module.to_owned());
        }
    }
    used
}

/// The comma-separated items of a group whose `{` has been read.
fn top_level_items(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    items
}

fn may_use(module: &str, other: &str) -> bool {
    let place = |name: &str| STAGES.iter().position(|stage| *stage == name);
    if module == other {
        return true;
    }
    match (place(module), place(other)) {
        (Some(here), Some(there)) => there < here,
        (Some(_), None) => FOUNDATION.contains(&other),
        (None, _) => FOUNDATION_USES
            .iter()
            .any(|(name, uses)| *name == module && uses.contains(&other)),
    }
}

#[test]
fn imports_go_one_way() {
    let src = root().join("crates/geokeep/src");
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for path in files(&src, ".rs") {
        let below = name(path.strip_prefix(&src).unwrap());
        let module = below.split('/').next().unwrap().trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        seen.insert(module.to_owned());
        let code: Vec<_> = product_lines(&read(&path))
            .into_iter()
            .map(|(_, line)| line)
            .collect();
        for other in modules_used(&code.join("\n")) {
            if !may_use(module, &other) {
                faults.push(format!("{}: uses {other}", name(&path)));
            }
        }
    }
    let known: BTreeSet<_> = STAGES.iter().chain(&FOUNDATION).copied().collect();
    for module in &seen {
        if !known.contains(&**module) {
            faults.push(format!("{module}: has no place in the order of stages yet"));
        }
    }
    none(
        &faults,
        "a stage uses only the stages before it, and the foundation",
    );
}

#[test]
fn the_library_lists_its_stages_in_the_order_of_the_data() {
    let text = read(&root().join("crates/geokeep/src/lib.rs"));
    let listed: Vec<_> = text
        .lines()
        .filter_map(|line| {
            line.trim_start_matches("pub ")
                .strip_prefix("mod ")?
                .strip_suffix(';')
        })
        .filter(|module| STAGES.contains(module))
        .collect();
    assert_eq!(listed, STAGES);
}

#[test]
fn crates_know_only_what_they_should() {
    let rules: [(&str, &[&str]); 2] = [
        // The container knows nothing of databases, the library nothing of commands.
        ("sozip", &["geokeep", "rusqlite", "serde", "clap"]),
        ("geokeep", &["clap", "indicatif", "ctrlc", "geokeep-cli"]),
    ];
    let mut faults = Vec::new();
    for (name, banned) in rules {
        let text = read(&root().join("crates").join(name).join("Cargo.toml"));
        let dependencies = text.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("[dev-dependencies]").next().unwrap();
        for line in dependencies.lines() {
            let word = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if banned.contains(&word) {
                faults.push(format!("{name} depends on {word}"));
            }
        }
    }
    none(&faults, "crates depend one way");
}

#[test]
fn only_durable_changes_a_disk() {
    let mut faults = Vec::new();
    for krate in ["geokeep", "geokeep-cli", "sozip"] {
        for path in files(&root().join("crates").join(krate).join("src"), ".rs") {
            if name(&path).contains("/durable/") || is_test_file(&path) {
                continue;
            }
            for (n, line) in product_lines(&read(&path)) {
                for write in WRITES.iter().filter(|write| has(&line, write)) {
                    faults.push(format!("{}:{n}: {write}", name(&path)));
                }
                // `use std::fs::{write, …}` would hide the name.
                if let Some(group) = line.split("fs::{").nth(1) {
                    for word in group.split([',', '}', ' ']) {
                        if WRITES.contains(&&*format!("fs::{word}")) {
                            faults.push(format!("{}:{n}: fs::{word}", name(&path)));
                        }
                    }
                }
            }
        }
    }
    none(
        &faults,
        "only durable/ creates, renames or removes; others ask a Disk",
    );
}

/// Whatever is opened was written by others: one place hardens all connections and lets them be
/// interrupted.
#[test]
fn only_one_file_opens_databases() {
    let mut faults = Vec::new();
    let mut sources = files(&root().join("crates/geokeep/src"), ".rs");
    sources.extend(files(&root().join("crates/geokeep-cli/src"), ".rs"));
    for path in sources.iter().filter(|path| !is_test_file(path)) {
        let file = name(path);
        let only_there = ["geokeep/src/sqlite.rs", "geokeep/src/sqlite/confined.rs"];
        if only_there.iter().any(|there| file.ends_with(there)) {
            continue;
        }
        for (n, code) in product_lines(&read(path)) {
            if OPENS.iter().any(|word| has(&code, word)) {
                faults.push(format!("{file}:{n}: {}", code.trim()));
            }
        }
    }
    none(&faults, "a connection is opened by sqlite.rs alone");
}

#[test]
fn the_library_leaves_terminal_environment_and_clock_to_its_caller() {
    let mut faults = Vec::new();
    for krate in ["geokeep", "sozip"] {
        for path in files(&root().join("crates").join(krate).join("src"), ".rs") {
            if is_test_file(&path) {
                continue;
            }
            for (n, line) in product_lines(&read(&path)) {
                for word in CALLERS_OWN.iter().filter(|word| has(&line, word)) {
                    faults.push(format!("{}:{n}: {word}", name(&path)));
                }
            }
        }
    }
    none(
        &faults,
        "the library neither prints nor exits nor reads environment and clock",
    );
}

#[test]
fn open_work_names_its_issue() {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut faults = Vec::new();
    for path in all_sources() {
        for (n, line) in read(&path).lines().enumerate() {
            for word in words {
                if has(line, word) && !line.contains(&format!("{word}(#")) {
                    faults.push(format!("{}:{}: {word}", name(&path), n + 1));
                }
            }
        }
    }
    none(
        &faults,
        "a note of open work has the number of its issue: (#12)",
    );
}

/// The files that the module declarations of `file` lead to.
fn submodules(file: &Path) -> Vec<PathBuf> {
    let folder = file.parent().unwrap();
    let stem = file.file_stem().unwrap();
    let mut found = Vec::new();
    let mut path_given = None;
    for line in read(file).lines() {
        let line = line.trim();
        if let Some(path) = line.strip_prefix("#[path = \"") {
            path_given = path.split('"').next().map(|path| folder.join(path));
        }
        let declared = line
            .trim_start_matches("pub ")
            .trim_start_matches("pub(crate) ")
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(';'));
        if let Some(module) = declared {
            found.extend(path_given.take());
            for place in [folder.to_owned(), folder.join(stem)] {
                found.push(place.join(format!("{module}.rs")));
                found.push(place.join(module).join("mod.rs"));
            }
        }
    }
    found.retain(|path| path.is_file());
    found
}

#[test]
fn every_source_is_compiled() {
    let mut compiled = BTreeSet::new();
    let mut all = BTreeSet::new();
    for krate in crates() {
        let manifest = read(&krate.join("Cargo.toml"));
        assert!(
            !manifest.contains("autotests"),
            "{}: turns tests off",
            name(&krate)
        );
        let mut roots = vec![
            krate.join("src/lib.rs"),
            krate.join("src/main.rs"),
            krate.join("build.rs"),
        ];
        for folder in ["src/bin", "tests", "examples", "benches"] {
            for entry in fs::read_dir(krate.join(folder)).into_iter().flatten() {
                roots.push(entry.unwrap().path());
            }
        }
        roots.retain(|path| path.extension().is_some_and(|e| e == "rs") && path.is_file());
        while let Some(file) = roots.pop() {
            if compiled.insert(file.clone()) {
                roots.extend(submodules(&file));
            }
        }
        all.extend(files(&krate, ".rs"));
    }
    let left: Vec<_> = all
        .difference(&compiled)
        .map(|path| name(path))
        .filter(|name| !name.contains("/target/"))
        .collect();
    none(&left, "no module or test leads to these files");
}

/// All `word`s of lines like `=> "word",` in a source.
fn strings_of(text: &str, arrow: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim().split_once(arrow)?.1.split('"').next())
        .map(str::to_owned)
        .collect()
}

/// The public fields of the structs in a source.
fn fields_of(text: &str) -> Vec<String> {
    let field = |line: &str| {
        let (field, kind) = line.trim().strip_prefix("pub ")?.split_once(": ")?;
        let plain = field.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        (plain && kind.ends_with(',')).then(|| field.to_owned())
    };
    text.lines().filter_map(field).collect()
}

#[test]
fn the_documents_name_what_the_code_has() {
    let src = root().join("crates/geokeep/src");
    let cli = root().join("crates/geokeep-cli/src");
    let scripting = read(&root().join("docs/scripting.md"));
    let formats = read(&root().join("docs/formats.md"));
    let mut faults = Vec::new();
    let mut demand = |words: Vec<String>, least: usize, text: &str, document: &str| {
        assert!(words.len() >= least, "nothing found for {document}");
        for word in words {
            if !text.contains(&format!("`{word}`")) {
                faults.push(format!("{document}: `{word}` is missing"));
            }
        }
    };
    let kinds = strings_of(&read(&src.join("error.rs")), "=> \"");
    demand(kinds, 10, &scripting, "docs/scripting.md");
    let mut fields = fields_of(&read(&cli.join("render/json.rs")).replace("pub(crate) ", "pub "));
    fields.extend(fields_of(
        &read(&src.join("snapshot/choose.rs")).replace("pub(crate) ", ""),
    ));
    demand(fields, 20, &scripting, "docs/scripting.md");
    let mut fields = fields_of(&read(&src.join("destination/manifest.rs")));
    // In JSON it is called `type`.
    fields.retain(|field| field != "kind");
    fields.extend(fields_of(&read(&src.join("source/identity.rs"))));
    demand(fields, 30, &formats, "docs/formats.md");
    let exits = read(&cli.join("failure.rs"));
    let codes = exits
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "))
        .filter(|(name, code)| name.starts_with(char::is_uppercase) && code.parse::<u8>().is_ok())
        .map(|(_, code)| code.to_owned())
        .collect();
    demand(codes, 10, &scripting, "docs/scripting.md");
    none(&faults, "what scripts and readers rely on is documented");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = files(&root().join("docs"), ".md");
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "md") {
            documents.push(path);
        }
    }
    for folder in ["examples", "bench", "tests"] {
        documents.extend(files(&root().join(folder), ".md"));
    }
    let mut faults = Vec::new();
    for document in documents {
        for part in read(&document).split("](").skip(1) {
            let link = part.split([')', ' ']).next().unwrap();
            let file = link.split('#').next().unwrap();
            if file.is_empty() || link.contains("://") {
                continue;
            }
            if !document.parent().unwrap().join(file).exists() {
                faults.push(format!("{}: {link}", name(&document)));
            }
        }
    }
    none(&faults, "every link leads to a file");
}

#[test]
fn the_rules_notice_what_they_are_for() {
    assert!(may_use("verify", "stored") && !may_use("stored", "verify"));
    assert!(may_use("restore", "backup") && !may_use("backup", "restore"));
    assert!(may_use("source", "sqlite") && !may_use("durable", "source"));
    assert!(may_use("error", "verify") && !may_use("sqlite", "error"));
    let used = modules_used("use crate::{sqlite, verify::{a, b}};\nlet x = crate::Watch::new();");
    let used: Vec<_> = used.iter().map(String::as_str).collect();
    assert_eq!(used, ["sqlite", "verify", "watch"]);
    assert!(has("std::fs::write(a)", "fs::write") && !has("offs::write(a)", "fs::write"));
    let text = "// fs::write\nlet a = 1; // fs::write\n#[cfg(test)]\nmod tests {\n fs::write\n}\n";
    let lines = product_lines(text);
    assert_eq!(lines, [(2, "let a = 1;".to_owned())]);
}
