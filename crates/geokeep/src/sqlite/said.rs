//! What SQLite says in words alone: it has one code, `SQLITE_ERROR`, for all of these. Here is the one
//! place that knows the words; others ask for what they mean.

use rusqlite::Error;

/// What a statement could not go on without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// A module, function or collation that this SQLite lacks: no fault of the file.
    Lacking,
    /// A table or column that the file lacks.
    NamesNothing,
    /// A function that an authorizer of ours refuses.
    Refused,
    /// A full-text index that could not be gone through, for another reason than that it is malformed.
    Unable,
}

const WORDS: [(&str, Said); 8] = [
    ("no such module", Said::Lacking),
    ("unknown function", Said::Lacking),
    ("no such function", Said::Lacking),
    ("no such collation", Said::Lacking),
    ("no such table", Said::NamesNothing),
    ("no such column", Said::NamesNothing),
    ("not authorized to use function", Said::Refused),
    ("unable to validate", Said::Unable),
];

/// What a message, or a line of `integrity_check`, means; `None` for all others.
pub(crate) fn said(message: &str) -> Option<Said> {
    let mut words = WORDS.into_iter();
    let (_, said) = words.find(|(words, _)| message.contains(words))?;
    let is_damage = said == Said::Unable && message.contains("malformed");
    (!is_damage).then_some(said)
}

/// The same of an error.
pub(crate) fn said_by(error: &Error) -> Option<Said> {
    match error {
        Error::SqliteFailure(_, Some(message)) => said(message),
        Error::SqlInputError { msg, .. } => said(msg),
        _ => None,
    }
}

/// The number of the page at which the tree begins that a line of `integrity_check` names: by it the
/// schema knows whose tree it is.
pub(crate) fn tree(line: &str) -> Option<u32> {
    let rest = line.strip_prefix("Tree ")?;
    rest.split_once(' ')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use rusqlite::Connection;
    use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

    use super::*;

    /// Each is asked of the SQLite that is built in: should another one have other words, this fails.
    #[test]
    fn sqlite_says_it_in_these_words() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE t(a); CREATE VIEW lost AS SELECT a FROM gone; CREATE VIEW less AS SELECT b FROM t;",
        )
        .unwrap();
        db.authorizer(Some(|context: AuthContext<'_>| match context.action {
            AuthAction::Function {
                function_name: "upper",
            } => Authorization::Deny,
            _ => Authorization::Allow,
        }))
        .unwrap();
        for (sql, expected) in [
            (
                "CREATE VIRTUAL TABLE v USING absent(a)",
                Some(Said::Lacking),
            ),
            ("SELECT absent(1)", Some(Said::Lacking)),
            (
                "SELECT a FROM t ORDER BY a COLLATE absent",
                Some(Said::Lacking),
            ),
            ("SELECT * FROM lost", Some(Said::NamesNothing)),
            ("SELECT * FROM less", Some(Said::NamesNothing)),
            ("SELECT upper('a')", Some(Said::Refused)),
            // A text of the file's own decides nothing.
            ("SELECT 'no such table' FROM", None),
            ("SELECT a FROM t", None),
        ] {
            let ended = db
                .prepare(sql)
                .and_then(|mut s| s.query([])?.next().map(drop));
            assert_eq!(
                ended.as_ref().err().and_then(said_by),
                expected,
                "{sql}: {ended:?}"
            );
        }
    }

    #[test]
    fn an_index_that_is_malformed_is_damaged() {
        let of = |why: &str| {
            format!("unable to validate the inverted index for FTS5 table main.t: {why}")
        };
        assert_eq!(said(&of("out of memory")), Some(Said::Unable));
        assert_eq!(said(&of("database disk image is malformed")), None);
    }
}
