//! `geokeep.toml`: the jobs that run without anyone.
//!
//! Whoever can write to that file commands those who run it: the caller finds it, and decides whose
//! word it takes.

mod fault;
mod format;
mod read;
mod way;

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use fault::Wrong;
pub use fault::{ConfigError, Expected, Fault, Unusable, methods};
use format::File;
pub use format::{Hooks, Job, Keep, Notices, Pauses};
pub use read::Bytes;
use read::Read;
pub use way::Way;

use crate::words::as_utf8;

/// An example that explains every key.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Keys are easily written in another table than theirs.
const TABLES: [(&str, &[&str]); 5] = [
    (Job::SHOWN, Job::KEYS),
    (Keep::SHOWN, Keep::KEYS),
    (Pauses::SHOWN, Pauses::KEYS),
    (Hooks::SHOWN, Hooks::KEYS),
    (Notices::SHOWN, Notices::KEYS),
];

/// Reads the jobs from the bytes of a file that lies in `folder`, from which its paths are meant;
/// `~` in them is `home`.
///
/// # Errors
/// [`ConfigError`], at the first thing that is wrong.
pub fn parse(bytes: Vec<u8>, folder: &Path, home: Option<&Path>) -> Result<Vec<Job>, ConfigError> {
    let text = String::from_utf8(as_utf8(bytes)).map_err(|_| ConfigError::NoText)?;
    let mut file = read(&text).map_err(|wrong| wrong.in_text(&text))?;
    file.check()?;
    file.resolve(folder, home);
    Ok(file.job)
}

fn read(text: &str) -> Result<File, Wrong> {
    let table = DeTable::parse(text).map_err(|e| {
        let at = e.span().unwrap_or(0..0);
        let is_escape = is_escape(text, at.start);
        let what = in_words(e.message());
        let fault = Fault::Syntax { what, is_escape };
        Wrong { at, fault }
    })?;
    let at = table.span();
    File::read(&Spanned::new(at, DeValue::Table(table.into_inner())))
}

/// What the parser says is for programmers: of its words only those count by which people find the
/// place.
fn in_words(said: &str) -> &'static str {
    let kinds = [
        ("duplicate", "this key stands there twice"),
        ("string", "a text is not closed, or holds what it must not"),
        ("array", "a list is not closed, or a comma is missing"),
        (
            "table",
            "the name of a table is not closed, or stands there twice",
        ),
        ("`=`", "a key, = and a value should stand there"),
        ("key", "a key, = and a value should stand there"),
        ("newline", "a line should end there"),
        ("value", "a value should stand there: a text needs quotes"),
    ];
    let found = kinds.into_iter().find(|(word, _)| said.contains(word));
    found.map_or("it is not understood", |(_, words)| words)
}

/// Whether a backslash stands there, or just before.
fn is_escape(text: &str, at: usize) -> bool {
    let near = [at.checked_sub(1), Some(at)];
    let mut near = near.into_iter().flatten();
    near.any(|at| text.as_bytes().get(at) == Some(&b'\\'))
}

/// The table in which a key may stand, as people call it.
#[must_use]
pub fn table_of(key: &str) -> Option<&'static str> {
    let mut tables = TABLES.iter();
    let (table, _) = tables.find(|(_, keys)| keys.contains(&key))?;
    Some(table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn what_the_readme_shows_is_accepted() {
        let readme = include_str!("../../../../../README.md");
        let (_, rest) = readme.split_once("```toml\n").unwrap();
        let (text, _) = rest.split_once("```").unwrap();
        parse(text.into(), Path::new("/"), None).unwrap();
    }

    /// Every key that the example explains is right, also those that are commented out.
    #[test]
    fn the_example_is_accepted() {
        parse(EXAMPLE.into(), Path::new("/"), None).unwrap();
        let all: Vec<_> = EXAMPLE
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(code) if code.contains(" = ") || code.starts_with('[') => code,
                _ => line,
            })
            .collect();
        let jobs = parse(all.join("\n").into(), Path::new("/"), None).unwrap();
        let job = &jobs[0];
        assert!(job.keep.as_ref().unwrap().within.is_some());
        assert!(job.hooks.log.is_some() && job.hooks.ping_url.is_some());
        assert!(job.host.is_some() && job.line.is_some());
        assert!(job.must_exist.is_some() && !job.exclude.is_empty());
        let notices = job.notices.as_ref().unwrap();
        assert!(job.notify.len() == 3 && notices.smtp_password_file.is_some());
        assert!(job.drill > 0 && job.label.is_some() && job.report.is_some());
    }
}
