//! What can be wrong in a `geokeep.toml`.

use std::ops::Range;

use crate::snapshot::Method;

/// Why a configuration is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Its bytes are no text.
    #[error("it is neither UTF-8 nor UTF-16 text")]
    NoText,
    /// Something is wrong at a place, both counted from 1; columns in characters.
    #[error("{fault}")]
    At {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// What.
        fault: Fault,
    },
    /// Each part is right, and the whole cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

/// What is wrong at a place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It is no TOML.
    #[error("it cannot be read as TOML: {what}")]
    Syntax {
        /// What is wrong, in words for people.
        what: &'static str,
        /// A backslash stands there: most likely a path of Windows.
        is_escape: bool,
    },
    /// No key of this table is called so.
    #[error("{table} has no key '{key}'")]
    UnknownKey {
        /// The key.
        key: String,
        /// The table, as people call it.
        table: &'static str,
        /// What may stand there.
        keys: &'static [&'static str],
    },
    /// It must be there.
    #[error("{}", missing(key, table))]
    Missing {
        /// The key.
        key: &'static str,
        /// The table, as people call it.
        table: &'static str,
    },
    /// A value of another type.
    #[error("{found} stands where {} should stand", expected.as_str())]
    WrongType {
        /// What should stand there.
        expected: Expected,
        /// What stands there.
        found: &'static str,
    },
    /// A text or number that stands for nothing here.
    #[error("'{value}' is not {expected}")]
    Unfit {
        /// The value.
        value: String,
        /// What could stand there.
        expected: &'static str,
    },
    /// No method is called so.
    #[error("there is no method '{name}', but {}", methods().join(", "))]
    UnknownMethod {
        /// What was written.
        name: String,
    },
}

/// Why a file of which each part is right cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// It names no job.
    #[error("it has no [[job]]")]
    NoJob,
    /// The job at this place, counted from 1, has an empty name.
    #[error("job {0} has an empty name")]
    NoName(usize),
    /// Two jobs have one name.
    #[error("two jobs are called '{0}'")]
    SameName(String),
    /// All its backups would be forgotten.
    #[error("job '{0}' keeps nothing by its 'keep'")]
    KeepsNothing(String),
    /// A name that is given is empty.
    #[error("'{key}' of job '{job}' is empty")]
    EmptyKey {
        /// The key.
        key: &'static str,
        /// The job.
        job: String,
    },
    /// Nobody would hear of it.
    #[error("job '{job}' notifies by {way}, and nothing says '{key}'")]
    NoWay {
        /// The way.
        way: &'static str,
        /// What it needs.
        key: &'static str,
        /// The job.
        job: String,
    },
    /// Nothing would be backed up.
    #[error("job '{0}' has no sources")]
    NoSources(String),
}

/// What may stand behind a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// True or false.
    Flag,
    /// A list.
    List,
    /// A table.
    Table,
    /// Tables of one name.
    Tables,
}

impl Expected {
    fn as_str(self) -> &'static str {
        match self {
            Self::Text => "a text in quotes",
            Self::Number => "a whole number",
            Self::Flag => "true or false",
            Self::List => "a list in brackets",
            Self::Table => "a table",
            Self::Tables => "tables",
        }
    }
}

fn missing(key: &str, table: &str) -> String {
    if key == "job" {
        "there is no [[job]]".to_owned()
    } else {
        format!("{table} has no '{key}', which it must have")
    }
}

/// The name by which geokeep chooses the method itself.
pub(super) const AUTO: &str = "auto";

/// The names of all methods.
#[must_use]
pub fn methods() -> Vec<&'static str> {
    let all = Method::ALL.into_iter().map(Method::as_str);
    std::iter::once(AUTO).chain(all).collect()
}

/// Something wrong at a place, in bytes from the beginning.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) at: Range<usize>,
    pub(super) fault: Fault,
}

impl Wrong {
    /// With the place as people count it.
    pub(super) fn in_text(self, text: &str) -> ConfigError {
        let at = self.at.start;
        let before = text.get(..at).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        ConfigError::At {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            fault: self.fault,
        }
    }
}
