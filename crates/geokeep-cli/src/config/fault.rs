//! What is said of a `geokeep.toml` that is wrong: the line, the column, and what was meant.

use std::path::Path;

use geokeep::jobs::config::{ConfigError, Expected, Fault, Unusable, methods, table_of};

use crate::failure::{Failure, shown};

/// Names that differ by more are not meant.
const LIKE: f64 = 0.75;

pub(super) fn explain(error: &ConfigError, path: &Path) -> Failure {
    let path = shown(path);
    let (message, hint) = match error {
        ConfigError::At {
            line,
            column,
            fault,
        } => (
            format!("{path}, line {line}, column {column} is wrong"),
            hint(fault).unwrap_or_else(|| {
                "see an example with every key explained: geokeep init --config example.toml".into()
            }),
        ),
        ConfigError::Unusable(why) => (format!("{path} cannot be used"), remedy(why).into()),
        _ => (format!("{path} cannot be read"), super::OR_ANOTHER.into()),
    };
    Failure::usage(message, &error.to_string(), &hint)
}

/// What to do about it.
fn hint(fault: &Fault) -> Option<String> {
    let plain = |hint: &str| Some(hint.to_owned());
    match fault {
        Fault::Syntax {
            is_escape: true, ..
        } => plain("write paths of Windows in single quotes: 'D:\\maps'"),
        Fault::Missing { key: "job", .. }
        | Fault::WrongType {
            expected: Expected::Tables,
            ..
        } => plain("a job begins with a line [[job]], in two pairs of brackets"),
        Fault::WrongType {
            expected: Expected::Number,
            found: "a text",
        } => plain("write a whole number without quotes"),
        Fault::UnknownKey { key, keys, .. }
            if keys.contains(&"job") && ["keep", "hooks", "watch"].contains(&&**key) =>
        {
            plain("these tables are named [job.keep], [job.hooks], [job.watch]")
        }
        Fault::UnknownKey { key, keys, .. } => table_of(key)
            .map(|table| format!("'{key}' belongs under {table}"))
            .or_else(|| did_you_mean(key, keys.iter().copied())),
        Fault::UnknownMethod { name } => did_you_mean(name, methods().into_iter()),
        _ => None,
    }
}

fn remedy(why: &Unusable) -> &'static str {
    match why {
        Unusable::NoName(_) => "give it a name",
        Unusable::SameName(_) => "give each job a name of its own",
        Unusable::KeepsNothing(_) => "name a rule such as daily = 7, or leave the table out",
        Unusable::EmptyKey { .. } => "give it a name, or leave it out",
        Unusable::NoWay { .. } => "say it under [notices], at the top of the file",
        Unusable::NoSources(_) => "name a file, a folder or a pattern in 'sources'",
        _ => "see an example: geokeep init",
    }
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
    use geokeep::jobs::config::parse;

    fn fault(text: &str) -> Failure {
        match parse(text.into(), Path::new("/"), None) {
            Ok(_) => panic!("accepted: {text}"),
            Err(error) => explain(&error, Path::new("g.toml")),
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
}
