//! The sources of the whole workspace, for the tests that read them.

use std::fs;
use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// A path as messages show it: from the root, with `/`.
pub fn name(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", name(path)))
}

/// Every file below `folder` whose name ends with `ending`, sorted.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", name(folder)));
    for entry in entries {
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

pub fn crates() -> Vec<PathBuf> {
    let all = fs::read_dir(root().join("crates")).unwrap();
    let mut all: Vec<_> = all.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

pub fn all_sources() -> Vec<PathBuf> {
    let mut all = files(&root().join("crates"), ".rs");
    all.extend(files(&root().join("fuzz/fuzz_targets"), ".rs"));
    assert!(all.len() > 50, "the sources are not where they should be");
    all
}

/// The lines of a source that end up in the product, numbered: no comments, no unit tests.
pub fn product_lines(text: &str) -> Vec<(usize, String)> {
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

/// Whether `word` stands in `line` on its own and not as the end of a longer name.
pub fn has(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[track_caller]
pub fn none(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}
