//! The rules of ARCHITECTURE.md that no compiler checks, and the documents that must keep up with
//! the code. It reads the sources of the whole workspace.

use crate::common::sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sources::{all_sources, crates, files, has, name, none, product_lines, read, root};

/// The longest file in lines.
const LINES_MAX: usize = 450;

/// Ways of changing a disk that only `durable/` may take.
const WRITES: [&str; 32] = [
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
    // The system's own calls, as `rustix` names them.
    "fs::open(",
    "fs::unlink",
    "fs::mkdir",
    "fs::mkfifo",
    "fs::mknod",
    "fs::link",
    "fs::ftruncate",
    "fs::chmod",
    "fs::fchmod",
    "fs::lchown",
    "fs::fchown",
    "fs::setxattr",
    "fs::fsetxattr",
    "fs::lsetxattr",
    "fs::utimens",
    "fs::futimens",
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

fn is_test_file(path: &Path) -> bool {
    path.file_name().is_some_and(|file| file == "tests.rs")
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
        "a source has at most 450 lines and opens with what it is for",
    );
}

/// What ends up in the product of a crate, under whatever heading it stands in the manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let (mut within, mut found) = (false, Vec::new());
    for line in manifest.lines().map(str::trim) {
        if let Some(heading) = line.strip_prefix('[') {
            let heading = heading.split(']').next().unwrap_or_default();
            let in_product = !heading.contains("dev-dependencies");
            within = in_product && heading.ends_with("dependencies");
            let one = heading.split_once("dependencies.");
            found.extend(one.filter(|_| in_product).map(|(_, one)| one.to_owned()));
        } else if within && !line.is_empty() && !line.starts_with('#') {
            let word = line.split(['.', ' ', '=']).next().unwrap_or_default();
            found.push(word.trim_matches('"').to_owned());
        }
    }
    found
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
        let manifest = read(&root().join("crates").join(name).join("Cargo.toml"));
        let all = dependencies(&manifest);
        assert!(!all.is_empty(), "{name}: nothing was read");
        for word in all.iter().filter(|word| banned.contains(&&***word)) {
            faults.push(format!("{name} depends on {word}"));
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
        let one_program = krate.join("tests/main.rs");
        if read(&krate.join("Cargo.toml")).contains("autotests") {
            assert!(one_program.exists(), "{}: turns tests off", name(&krate));
        }
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
        if one_program.exists() {
            roots.retain(|path| path.parent() != one_program.parent() || *path == one_program);
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
    let kinds = strings_of(&read(&src.join("kind.rs")), "=> \"");
    demand(kinds, 10, &scripting, "docs/scripting.md");
    let wire = files(&src.join("wire"), ".rs");
    let mut fields: Vec<_> = wire
        .iter()
        .flat_map(|path| fields_of(&read(path)))
        .collect();
    fields.extend(fields_of(
        &read(&src.join("snapshot/choose.rs")).replace("pub(crate) ", ""),
    ));
    demand(fields, 100, &scripting, "docs/scripting.md");
    let mut fields = fields_of(&read(&src.join("destination/manifest.rs")));
    // In JSON it is called `type`.
    fields.retain(|field| field != "kind");
    fields.extend(fields_of(&read(&src.join("source/identity.rs"))));
    demand(fields, 30, &formats, "docs/formats.md");
    let exits = read(&src.join("wire/exit.rs"));
    let codes = exits
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "))
        .filter(|(name, code)| name.starts_with(char::is_uppercase) && code.parse::<u8>().is_ok())
        .map(|(_, code)| code.to_owned())
        .collect();
    demand(codes, 10, &scripting, "docs/scripting.md");
    none(&faults, "what scripts and readers rely on is documented");
}

/// The anchors that GitHub gives the headings of a document.
fn anchors(text: &str) -> Vec<String> {
    let (mut found, mut in_code) = (Vec::new(), false);
    for line in text.lines() {
        in_code ^= line.starts_with("```");
        let heading = line.trim_start_matches('#').strip_prefix(' ');
        let Some(heading) = heading.filter(|_| !in_code && line.starts_with('#')) else {
            continue;
        };
        let stays = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        let plain: String = heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(stays)
            .collect();
        found.push(plain.replace(' ', "-"));
    }
    found
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
    assert!(documents.len() > 10, "{documents:?}");
    for document in &documents {
        for part in read(document).split("](").skip(1) {
            let link = part.split([')', ' ']).next().unwrap();
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            let has_anchor = || anchors(&read(&path)).iter().any(|one| one == anchor);
            if !path.exists() || !(anchor.is_empty() || has_anchor()) {
                faults.push(format!("{}: {link}", name(document)));
            }
        }
    }
    none(
        &faults,
        "every link leads to a file, and to a heading in it",
    );
}

#[test]
fn the_rules_notice_what_they_are_for() {
    assert!(has("std::fs::write(a)", "fs::write") && !has("offs::write(a)", "fs::write"));
    let system = "rustix::fs::unlinkat(a)";
    assert!(WRITES.iter().any(|write| has(system, write)));
    let manifest = "[dependencies]\na = 1\n[dev-dependencies]\nb = 1\n[dependencies.c]\nd = 1\n\
                    [target.'cfg(windows)'.dependencies]\n\"e\".workspace = true\n";
    assert_eq!(dependencies(manifest), ["a", "c", "e"]);
    assert_eq!(
        anchors("# A b, c\n```\n# d\n```\n## E-_1"),
        ["a-b-c", "e-_1"]
    );
    let text = "// fs::write\nlet a = 1; // fs::write\n#[cfg(test)]\nmod tests {\n fs::write\n}\n";
    let lines = product_lines(text);
    assert_eq!(lines, [(2, "let a = 1;".to_owned())]);
}
