//! What is wrong in a `geokeep.toml`: the line, the column, and what was meant.

use std::path::Path;

use super::format::Config;
use crate::failure::{Failure, shown};

/// Keys that stand in a table of their own, and are easily written elsewhere.
const TABLES: [(&str, &[&str]); 4] = [
    (
        "[[job]]",
        &["name", "sources", "to", "method", "lock_wait", "line"],
    ),
    (
        "[job.keep]",
        &[
            "last", "hourly", "daily", "weekly", "monthly", "yearly", "within",
        ],
    ),
    ("[job.watch]", &["quiet", "every"]),
    (
        "[job.hooks]",
        &[
            "on_success",
            "on_failure",
            "ping_url",
            "ping_url_file",
            "ping_url_command",
            "log",
        ],
    ),
];
/// Names that differ by more are not meant.
const LIKE: f64 = 0.75;

pub(super) fn parse(text: &str, path: &Path) -> Result<Config, Failure> {
    toml::from_str(text).map_err(|e| explain(&e, text, path))
}

fn explain(error: &toml::de::Error, text: &str, path: &Path) -> Failure {
    let message = error.message().trim().replace('\n', "; ");
    let place = error.span().map_or_else(String::new, |span| {
        let (line, column) = line_and_column(text, span.start);
        format!(", line {line}, column {column}")
    });
    let hint = plainly(&message)
        .or_else(|| meant(&message))
        .unwrap_or_else(|| {
            "see an example with every key explained: geokeep init --config example.toml".to_owned()
        });
    Failure::usage(format!("{}{place} is wrong", shown(path)), &message, &hint)
}

/// What to do about faults that the parser names in a programmer's words.
fn plainly(message: &str) -> Option<String> {
    let hint = if message.contains("missing escaped value") || message.contains("escape") {
        "write paths of Windows in single quotes: 'D:\\maps'"
    } else if message.contains("missing field `job`")
        || message.contains("map, expected a sequence")
    {
        "a job begins with a line [[job]], in two pairs of brackets"
    } else if message.contains("unknown field `keep`")
        || message.contains("unknown field `hooks`")
        || message.contains("unknown field `watch`")
    {
        "these tables are named [job.keep], [job.hooks], [job.watch]"
    } else if message.contains("string") && message.contains("expected u32") {
        "write a whole number without quotes"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

/// Counted from 1; columns in characters.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

/// From "unknown field `dayly`, expected one of `daily`, `weekly`": the nearest.
fn meant(message: &str) -> Option<String> {
    let (wrong, rest) = message.split_once(" expected ")?;
    let quoted = |text: &str| -> Vec<String> {
        let parts = text.split(['`', '\'']).skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    let wrong = quoted(wrong).pop()?;
    if message.starts_with("unknown field")
        && let Some((table, _)) = TABLES.iter().find(|(_, keys)| keys.contains(&&*wrong))
    {
        return Some(format!("'{wrong}' belongs under {table}"));
    }
    let mut all = quoted(rest);
    if all.is_empty() {
        all = rest.split([',', ' ']).map(str::to_owned).collect();
    }
    did_you_mean(&wrong, all.iter().map(String::as_str))
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
            (String::new(), "missing field"),
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
