//! How a writer works, as a structure and as the arguments of a process.

use std::time::Duration;

use crate::gpkg::Step;

/// The journal mode that the writer sets first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalMode {
    /// As the file says.
    Keep,
    /// A rollback journal, deleted at each commit.
    Delete,
    /// A write-ahead log.
    Wal,
}

/// How much one commit changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Some twenty rows spread over the file.
    Small,
    /// Thousands of rows.
    Large,
    /// Many rows with a cache of a few pages: SQLite takes EXCLUSIVE in the middle of the
    /// transaction and writes half of it to the database file (or, in WAL mode, to the log).
    Spill,
}

/// A lock to take and hold, instead of committing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// `BEGIN IMMEDIATE`: others read, nobody else writes.
    Immediate,
    /// `BEGIN EXCLUSIVE`: in rollback mode nobody else even reads.
    Exclusive,
    /// Inside a transaction of which a part is in the database file already. Killing such a
    /// writer leaves a hot journal (or a log with frames that were never committed).
    Spilled,
}

/// What a writer does. The default commits as fast as it can, in the file's own journal mode,
/// until it is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Pause after each commit. Without any, a reader of a file in rollback mode may find no gap
    /// for many seconds: a test that must get in gives some 60 ms.
    pub every: Duration,
    /// Journal mode that is set first.
    pub journal: JournalMode,
    /// How long SQLite waits for a lock; GDAL's, and so QGIS's, is 5 s.
    pub busy_timeout: Duration,
    /// When to end without being told to.
    pub run_for: Option<Duration>,
    /// Size of a commit.
    pub profile: Profile,
    /// A lock to hold instead of committing.
    pub hold: Option<Hold>,
    /// For the choice of rows.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            every: Duration::ZERO,
            journal: JournalMode::Keep,
            busy_timeout: Duration::from_secs(5),
            run_for: None,
            profile: Profile::Small,
            hold: None,
            seed: 1,
        }
    }
}

impl Profile {
    pub(super) fn step(self) -> Step {
        match self {
            Profile::Small => Step {
                rows: 20,
                inserts: 3,
            },
            Profile::Large => Step {
                rows: 5000,
                inserts: 200,
            },
            Profile::Spill => Step {
                rows: 2000,
                inserts: 50,
            },
        }
    }
}

const JOURNALS: [(&str, JournalMode); 3] = [
    ("keep", JournalMode::Keep),
    ("delete", JournalMode::Delete),
    ("wal", JournalMode::Wal),
];
const PROFILES: [(&str, Profile); 3] = [
    ("small", Profile::Small),
    ("large", Profile::Large),
    ("spill", Profile::Spill),
];
const HOLDS: [(&str, Hold); 3] = [
    ("immediate", Hold::Immediate),
    ("exclusive", Hold::Exclusive),
    ("spilled", Hold::Spilled),
];

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Result<T, String> {
    let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
    let found = table.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| format!("{name}: not one of {names:?}"))
}

fn name_of<T: Copy + PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    table
        .iter()
        .find(|(_, known)| *known == value)
        .expect("every value has a name")
        .0
}

impl Options {
    /// Reads what [`to_args`](Self::to_args) writes: pairs of `--name value`.
    pub fn from_args(args: &[String]) -> Result<Self, String> {
        let mut options = Options::default();
        for pair in args.chunks(2) {
            let [name, value] = pair else {
                return Err(format!("{}: no value", pair[0]));
            };
            let number = || {
                value
                    .parse::<u64>()
                    .map_err(|e| format!("{name} {value}: {e}"))
            };
            match name.as_str() {
                "--every" => options.every = Duration::from_millis(number()?),
                "--journal" => options.journal = named(&JOURNALS, value)?,
                "--busy-timeout" => options.busy_timeout = Duration::from_millis(number()?),
                "--seconds" => {
                    let seconds = value
                        .parse()
                        .ok()
                        .and_then(|s| Duration::try_from_secs_f64(s).ok());
                    options.run_for = Some(seconds.ok_or(format!("{name} {value}: not a time"))?);
                }
                "--profile" => options.profile = named(&PROFILES, value)?,
                "--hold" => options.hold = Some(named(&HOLDS, value)?),
                "--seed" => options.seed = number()?,
                _ => return Err(format!("{name}: unknown")),
            }
        }
        Ok(options)
    }

    /// As arguments of the binary.
    pub fn to_args(&self) -> Vec<String> {
        let mut pairs = vec![
            ("--every", self.every.as_millis().to_string()),
            ("--journal", name_of(&JOURNALS, self.journal).to_owned()),
            ("--busy-timeout", self.busy_timeout.as_millis().to_string()),
            ("--profile", name_of(&PROFILES, self.profile).to_owned()),
            ("--seed", self.seed.to_string()),
        ];
        if let Some(time) = self.run_for {
            pairs.push(("--seconds", time.as_secs_f64().to_string()));
        }
        if let Some(hold) = self.hold {
            pairs.push(("--hold", name_of(&HOLDS, hold).to_owned()));
        }
        pairs
            .into_iter()
            .flat_map(|(name, value)| [name.to_owned(), value])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_the_way_through_arguments() {
        let options = Options {
            every: Duration::from_millis(7),
            journal: JournalMode::Wal,
            busy_timeout: Duration::from_millis(50),
            run_for: Some(Duration::from_millis(1500)),
            profile: Profile::Spill,
            hold: Some(Hold::Spilled),
            seed: 9,
        };
        assert_eq!(Options::from_args(&options.to_args()), Ok(options));
        assert_eq!(Options::from_args(&[]), Ok(Options::default()));
        assert!(Options::from_args(&["--hold".into(), "all".into()]).is_err());
        assert!(Options::from_args(&["--hold".into()]).is_err());
    }
}
