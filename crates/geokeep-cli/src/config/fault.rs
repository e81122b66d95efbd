//! What is wrong in a `geokeep.toml`: the line, the column, and what was meant.

use std::path::Path;

use clap::ValueEnum;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::format::{File, Hooks, Job, Keep, Pauses};
use super::read::{Expected, Fault, Read, Wrong};
use crate::args::Method;
use crate::failure::{Failure, shown};

/// Keys are easily written in another table than theirs.
const TABLES: [(&str, &[&str]); 4] = [
    (Job::SHOWN, Job::KEYS),
    (Keep::SHOWN, Keep::KEYS),
    (Pauses::SHOWN, Pauses::KEYS),
    (Hooks::SHOWN, Hooks::KEYS),
];
/// Names that differ by more are not meant.
const LIKE: f64 = 0.75;

pub(super) fn parse(text: &str, path: &Path) -> Result<File, Failure> {
    let read = || {
        let table = DeTable::parse(text).map_err(|e| Wrong {
            at: e.span().unwrap_or(0..0),
            fault: Fault::Syntax(e.message().trim().replace('\n', "; ")),
        })?;
        let at = table.span();
        File::read(&Spanned::new(at, DeValue::Table(table.into_inner())))
    };
    read().map_err(|wrong| explain(&wrong, text, path))
}

fn explain(wrong: &Wrong, text: &str, path: &Path) -> Failure {
    let (line, column) = line_and_column(text, wrong.at.start);
    let hint = hint(wrong, text).unwrap_or_else(|| {
        "see an example with every key explained: geokeep init --config example.toml".to_owned()
    });
    let place = format!("{}, line {line}, column {column} is wrong", shown(path));
    Failure::usage(place, &cause(&wrong.fault), &hint)
}

fn cause(fault: &Fault) -> String {
    match fault {
        Fault::Syntax(said) => format!("it cannot be read as TOML: {said}"),
        Fault::UnknownKey { key, table, .. } => format!("{table} has no key '{key}'"),
        Fault::Missing { key, table } if *table == File::SHOWN => {
            format!("there is no [[{key}]]")
        }
        Fault::Missing { key, table } => format!("{table} has no '{key}', which it must have"),
        Fault::WrongType { expected, found } => {
            format!("{found} stands where {} should stand", expected.as_str())
        }
        Fault::Unfit { value, expected } => format!("'{value}' is not {expected}"),
        Fault::UnknownMethod(name) => {
            format!("there is no method '{name}', but {}", methods().join(", "))
        }
    }
}

/// What to do about it.
fn hint(wrong: &Wrong, text: &str) -> Option<String> {
    let plain = |hint: &str| Some(hint.to_owned());
    match &wrong.fault {
        Fault::Syntax(_) if is_escape(text, wrong.at.start) => {
            plain("write paths of Windows in single quotes: 'D:\\maps'")
        }
        Fault::Missing { key: "job", .. }
        | Fault::WrongType {
            expected: Expected::Tables,
            ..
        } => plain("a job begins with a line [[job]], in two pairs of brackets"),
        Fault::WrongType {
            expected: Expected::Number,
            found: "a text",
        } => plain("write a whole number without quotes"),
        Fault::UnknownKey { key, table, .. }
            if *table == File::SHOWN && ["keep", "hooks", "watch"].contains(&&**key) =>
        {
            plain("these tables are named [job.keep], [job.hooks], [job.watch]")
        }
        Fault::UnknownKey { key, keys, .. } => TABLES
            .iter()
            .find(|(_, keys)| keys.contains(&&**key))
            .map(|(table, _)| format!("'{key}' belongs under {table}"))
            .or_else(|| did_you_mean(key, keys.iter().copied())),
        Fault::UnknownMethod(name) => did_you_mean(name, methods().iter().map(String::as_str)),
        _ => None,
    }
}

fn methods() -> Vec<String> {
    let all = Method::value_variants().iter();
    all.filter_map(|method| Some(method.to_possible_value()?.get_name().to_owned()))
        .collect()
}

/// Whether a backslash stands there, or just before.
fn is_escape(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    [at.checked_sub(1), Some(at)]
        .into_iter()
        .flatten()
        .any(|at| bytes.get(at) == Some(&b'\\'))
}

/// Counted from 1; columns in characters.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

/// `did you mean 'daily'?`, if something is like it.
pub(super) fn did_you_mean<'a>(wrong: &str, all: impl Iterator<Item = &'a str>) -> Option<String> {
    let like = |name: &str| strsim::jaro_winkler(&wrong.to_lowercase(), &name.to_lowercase());
    let best = all.max_by(|a, b| like(a).total_cmp(&like(b)))?;
    (like(best) >= LIKE).then(|| format!("did you mean '{best}'?"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    fn fault(text: &str) -> Failure {
        match parse(text, Path::new("g.toml")).and_then(|c| c.check(Path::new("g.toml"))) {
            Ok(()) => panic!("accepted: {text}"),
            Err(failure) => failure,
        }
    }

    #[test]
    fn the_place_and_what_was_meant_are_said() {
        let job = "[[job]]\nname = 'a'\nsources = ['x']\nto = 'y'\n";
        for (more, place, hint) in [
            ("lock_wiat = '3s'\n", "line 5, column 1", "'lock_wait'"),
            ("[job.keep]\ndayly = 7\n", "line 6, column 1", "'daily'"),
            (
                "[job.hooks]\non_succes = []\n",
                "line 6, column 1",
                "'on_success'",
            ),
            ("daily = 7\n", "line 5, column 1", "[job.keep]"),
            ("max_age = '26'\n", "line 5, column 11", "geokeep init"),
            (
                "[job.keep]\ndaily = '7'\n",
                "line 6, column 9",
                "without quotes",
            ),
            ("[keep]\ndaily = 7\n", "line 5, column 2", "[job.keep]"),
            (
                "report = \"D:\\maps\"\n",
                "line 5, column 14",
                "single quotes",
            ),
            ("log = 'x'\n", "line 5, column 1", "[job.hooks]"),
            (
                "[job.keep]\nlock_wait = '1s'\n",
                "line 6, column 1",
                "[[job]]",
            ),
            ("method = 'page'\n", "line 5, column 10", "'pages'"),
            ("lock_wait = 'soon'\n", "line 5, column 13", "geokeep init"),
            ("max_loss = 120\n", "line 5, column 12", "geokeep init"),
            ("label = 3\n", "line 5, column 9", "geokeep init"),
            ("label = 'é\n", "line 5", "geokeep init"),
        ] {
            let failure = fault(&format!("{job}{more}"));
            assert!(failure.message.contains(place), "{more}: {failure:?}");
            assert!(
                failure.hint.as_deref().unwrap().contains(hint),
                "{more}: {failure:?}"
            );
        }
    }

    #[test]
    fn what_no_type_says_is_checked() {
        let job = |name: &str| format!("[[job]]\nname = '{name}'\nsources = ['x']\nto = 'y'\n");
        for (text, cause) in [
            (String::new(), "there is no [[job]]"),
            ("job = []".to_owned(), "no [[job]]"),
            (job("a") + &job("a"), "two jobs"),
            (job(""), "empty name"),
            (job("a") + "[job.keep]\ndaily = 0\n", "keeps nothing"),
            (job("a").replace("['x']", "[]"), "no sources"),
            ("[[job]]\nname = 'a'\nto = 'b'\n".to_owned(), "sources"),
        ] {
            let failure = fault(&text);
            assert!(
                failure.cause.as_deref().unwrap().contains(cause),
                "{failure:?}"
            );
        }
    }

    #[test]
    fn what_the_readme_shows_is_accepted() {
        let readme = include_str!("../../../../README.md");
        let (_, rest) = readme.split_once("```toml\n").unwrap();
        let (text, _) = rest.split_once("```").unwrap();
        let path = Path::new("geokeep.toml");
        parse(text, path).and_then(|c| c.check(path)).unwrap();
    }

    /// Every key that the example explains is right, also those that are commented out.
    #[test]
    fn the_example_is_accepted() {
        let path = Path::new("geokeep.toml");
        parse(super::super::EXAMPLE, path)
            .and_then(|c| c.check(path))
            .unwrap();
        let all: Vec<_> = super::super::EXAMPLE
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(code) if code.contains(" = ") || code.starts_with('[') => code,
                _ => line,
            })
            .collect();
        let config = parse(&all.join("\n"), path).unwrap();
        let job = &config.job[0];
        assert!(job.keep.as_ref().unwrap().within.is_some());
        assert!(job.hooks.log.is_some() && job.hooks.ping_url.is_some());
        assert!(config.host.is_some() && job.host.is_some() && job.line.is_some());
        assert!(job.drill > 0 && job.label.is_some() && job.report.is_some());
    }
}
