//! What may stand in `geokeep.toml`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use geokeep::retention::{Policy, parse_span};
use serde::{Deserialize, Deserializer};

use crate::args::{Method, duration};
use crate::failure::{Failure, shown};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where it was found.
    #[serde(skip)]
    pub(crate) path: PathBuf,
    /// By what backups know this machine, in place of its own name and its id.
    pub(crate) host: Option<String>,
    pub(crate) job: Vec<Job>,
}

/// What is backed up, where to, and what else happens then.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    pub(crate) name: String,
    /// As on the command line: files, folders, patterns, `@list.txt`.
    pub(crate) sources: Vec<PathBuf>,
    pub(crate) to: PathBuf,
    /// `to` is not made if it is not there.
    #[serde(default)]
    pub(crate) must_exist: bool,
    #[serde(default = "auto", deserialize_with = "method")]
    pub(crate) method: Method,
    #[serde(default = "half_a_minute", deserialize_with = "time")]
    pub(crate) lock_wait: Duration,
    pub(crate) label: Option<String>,
    /// As at the top, for this job.
    pub(crate) host: Option<String>,
    /// The name of the backups, if the job has a single source.
    pub(crate) line: Option<String>,
    #[serde(default)]
    pub(crate) any_sqlite: bool,
    /// Percent of its rows that a layer may lose between two backups without an alarm.
    #[serde(default = "twenty", deserialize_with = "percent")]
    pub(crate) max_loss: u8,
    /// A source whose newest sound backup is older is overdue.
    #[serde(default = "a_day_and_two_hours", deserialize_with = "time")]
    pub(crate) max_age: Duration,
    /// Percent of its backups that each run restores for a test, at least one.
    #[serde(default, deserialize_with = "percent")]
    pub(crate) drill: u8,
    /// A web page that is written after each run.
    pub(crate) report: Option<PathBuf>,
    pub(crate) keep: Option<Keep>,
    #[serde(default)]
    pub(crate) watch: Watch,
    #[serde(default)]
    pub(crate) hooks: Hooks,
}

/// Which backups stay; see `geokeep forget --help`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keep {
    pub(crate) last: Option<u32>,
    pub(crate) hourly: Option<u32>,
    pub(crate) daily: Option<u32>,
    pub(crate) weekly: Option<u32>,
    pub(crate) monthly: Option<u32>,
    pub(crate) yearly: Option<u32>,
    #[serde(default, deserialize_with = "span")]
    pub(crate) within: Option<jiff::Span>,
}

impl Keep {
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            last: self.last.unwrap_or(0),
            hourly: self.hourly.unwrap_or(0),
            daily: self.daily.unwrap_or(0),
            weekly: self.weekly.unwrap_or(0),
            monthly: self.monthly.unwrap_or(0),
            yearly: self.yearly.unwrap_or(0),
            within: self.within,
        }
    }
}

/// When `geokeep watch` makes a backup.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Watch {
    /// So long a file must have been left alone.
    #[serde(deserialize_with = "time")]
    pub(crate) quiet: Duration,
    /// Not more often than once in this time.
    #[serde(deserialize_with = "time")]
    pub(crate) every: Duration,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(10),
            every: Duration::from_secs(300),
        }
    }
}

/// Who hears of a run.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hooks {
    /// A program and its arguments; the run as JSON on its standard input.
    pub(crate) on_success: Option<Vec<String>>,
    pub(crate) on_failure: Option<Vec<String>>,
    /// A dead man's switch: asked for at the start (`/start`), at the end, and on failure (`/fail`).
    pub(crate) ping_url: Option<String>,
    /// The file that holds it.
    pub(crate) ping_url_file: Option<PathBuf>,
    /// The program that prints it.
    pub(crate) ping_url_command: Option<Vec<String>>,
    /// A file to which each run adds one line of JSON.
    pub(crate) log: Option<PathBuf>,
}

fn auto() -> Method {
    Method::Auto
}

fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

fn twenty() -> u8 {
    20
}

fn a_day_and_two_hours() -> Duration {
    Duration::from_secs(26 * 3600)
}

/// As on the command line, but with a unit: `max_age = "26"` is hardly meant as seconds.
fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let has_unit = text.ends_with(|last: char| !last.is_ascii_digit());
    duration(&text).ok().filter(|_| has_unit).ok_or_else(|| {
        serde::de::Error::custom(format!("'{text}' is not a time such as 30s, 5m or 26h"))
    })
}

fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Option<jiff::Span>, D::Error> {
    let text = String::deserialize(from)?;
    let span = parse_span(&text);
    span.map(Some).ok_or_else(|| {
        serde::de::Error::custom(format!("'{text}' is not a span such as 30d or 1y6m"))
    })
}

fn percent<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    let value = i64::deserialize(from)?;
    u8::try_from(value)
        .ok()
        .filter(|percent| *percent <= 100)
        .ok_or_else(|| serde::de::Error::custom(format!("{value} is not a percentage, 0 to 100")))
}

fn method<'de, D: Deserializer<'de>>(from: D) -> Result<Method, D::Error> {
    use clap::ValueEnum;
    let name = String::deserialize(from)?;
    Method::from_str(&name, false).map_err(|_| {
        let all = Method::value_variants().iter();
        let all = all.filter_map(|m| Some(m.to_possible_value()?.get_name().to_owned()));
        let all: Vec<_> = all.collect();
        serde::de::Error::custom(format!(
            "unknown method `{name}`, expected one of {}",
            all.join(", ")
        ))
    })
}

impl Config {
    /// What no type says.
    pub(super) fn check(&self, path: &Path) -> Result<(), Failure> {
        let wrong = |cause: String, hint: &str| {
            Err(Failure::usage(
                format!("{} cannot be used", shown(path)),
                &cause,
                hint,
            ))
        };
        for (n, job) in self.job.iter().enumerate() {
            if job.name.is_empty() {
                return wrong(format!("job {} has an empty name", n + 1), "give it a name");
            }
            if self.job[..n].iter().any(|other| other.name == job.name) {
                return wrong(
                    format!("two jobs are called '{}'", job.name),
                    "give each job a name of its own",
                );
            }
            if job
                .keep
                .as_ref()
                .is_some_and(|keep| keep.policy().is_empty())
            {
                return wrong(
                    format!("job '{}' keeps nothing by its 'keep'", job.name),
                    "name a rule such as daily = 7, or leave the table out",
                );
            }
            for (key, name) in [
                ("host", &job.host),
                ("line", &job.line),
                ("host", &self.host),
            ] {
                if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
                    return wrong(
                        format!("'{key}' of job '{}' is empty", job.name),
                        "give it a name, or leave it out",
                    );
                }
            }
            if job.sources.is_empty() {
                return wrong(
                    format!("job '{}' has no sources", job.name),
                    "name a file, a folder or a pattern in 'sources'",
                );
            }
        }
        if self.job.is_empty() {
            return wrong(
                "it has no [[job]]".to_owned(),
                "see an example: geokeep init",
            );
        }
        Ok(())
    }

    /// Makes paths absolute: they are meant from the file's own folder, `~` is the user's home.
    pub(super) fn resolve(&mut self, folder: &Path, home: Option<&Path>) {
        let resolved = |path: &Path| match (path.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => folder.join(path),
        };
        for job in &mut self.job {
            job.host = job.host.take().or_else(|| self.host.clone());
            job.to = resolved(&job.to);
            for source in &mut job.sources {
                let text = source.to_string_lossy();
                *source = match text.strip_prefix('@') {
                    Some(list) => {
                        let mut at = std::ffi::OsString::from("@");
                        at.push(resolved(Path::new(list)));
                        at.into()
                    }
                    None => resolved(source),
                };
            }
            let files = [
                &mut job.report,
                &mut job.hooks.log,
                &mut job.hooks.ping_url_file,
            ];
            for file in files.into_iter().flatten() {
                *file = resolved(file);
            }
        }
    }
}
