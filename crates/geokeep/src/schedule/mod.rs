//! When backups are made by themselves: from a plan to what the scheduler of each system wants to
//! read. Texts only; who calls hands them to the scheduler.

pub mod cron;
pub mod launchd;
pub mod systemd;
pub mod task;

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use crate::kind::Kind;

/// Why there is no schedule of this form.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// Not `HH:MM`.
    #[error("'{0}' is not a time of day such as 02:30")]
    TimeOfDay(String),
    /// Less than a minute, more than 31 days, or not in whole minutes.
    #[error("'every' takes whole minutes, from 1m to 744h")]
    Interval,
    /// A path or a name that a scheduler's file cannot hold.
    #[error("'{}' has a character that no schedule can hold", .0.escape_debug())]
    Unprintable(String),
    /// An interval that does not divide an hour or a day.
    #[error(
        "cron counts in parts of an hour or of a day: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30 \
         minutes, or 1, 2, 3, 4, 6, 8, 12 or 24 hours"
    )]
    NotForCron,
    /// systemd runs no program of that name.
    #[error("systemd runs no program with a quote or a backslash in its path: {0}")]
    NotForSystemd(String),
    /// The Task Scheduler would put in the value of a variable.
    #[error("the Task Scheduler would replace what stands between two percent signs: {0}")]
    NotForTask(String),
    /// The begin of our lines in a crontab without their end, or the other way round.
    #[error(
        "the lines between '{}' and '{}' are not whole",
        cron::BEGIN,
        cron::END
    )]
    BrokenCrontab,
}

impl ScheduleError {
    /// What scripts decide by.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::BrokenCrontab => Kind::ScheduleFailed,
            _ => Kind::Usage,
        }
    }
}

/// A time of day, local, to the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    hour: u8,
    minute: u8,
}

impl FromStr for TimeOfDay {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let part = |part: &str, below: u8| {
            let digits = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
            part.parse().ok().filter(|n| digits && *n < below)
        };
        text.split_once(':')
            .and_then(|(hour, minute)| {
                Some(Self {
                    hour: part(hour, 24)?,
                    minute: part(minute, 60).filter(|_| minute.len() == 2)?,
                })
            })
            .ok_or_else(|| ScheduleError::TimeOfDay(text.to_owned()))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// A distance between two runs, in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    minutes: u64,
}

/// An interval that meets the full hour or midnight again and again.
enum Regular {
    Minutes(u64),
    Hours(u64),
}

impl Interval {
    /// At least a minute, at most 31 days: what the Task Scheduler takes.
    pub fn new(every: Duration) -> Result<Self, ScheduleError> {
        let minutes = every.as_secs() / 60;
        let whole = Duration::from_secs(minutes * 60) == every;
        if whole && (1..=31 * 24 * 60).contains(&minutes) {
            Ok(Self { minutes })
        } else {
            Err(ScheduleError::Interval)
        }
    }

    fn regular(self) -> Option<Regular> {
        match (self.minutes, self.minutes / 60) {
            (minutes, 0) if 60 % minutes == 0 => Some(Regular::Minutes(minutes)),
            (minutes, hours @ 1..=24) if minutes % 60 == 0 && 24 % hours == 0 => {
                Some(Regular::Hours(hours))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.minutes / 60, self.minutes % 60) {
            (hours, 0) => write!(f, "{hours}h"),
            _ => write!(f, "{}m", self.minutes),
        }
    }
}

/// When runs begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Each day at these times.
    At(Vec<TimeOfDay>),
    /// Again and again.
    Every(Interval),
}

impl When {
    /// Each day at these times, in order, each once.
    #[must_use]
    pub fn at(mut times: Vec<TimeOfDay>) -> Self {
        times.sort_unstable();
        times.dedup();
        Self::At(times)
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(times) => {
                let times: Vec<_> = times.iter().map(ToString::to_string).collect();
                write!(f, "each day at {}", times.join(", "))
            }
            Self::Every(interval) => write!(f, "every {interval}"),
        }
    }
}

/// What is to be run, and when.
#[derive(Debug, Clone)]
pub struct Plan {
    program: String,
    config: String,
    jobs: Vec<String>,
    when: When,
}

impl Plan {
    /// `program` runs the `jobs` of `config`, or all of them if there are none. Both paths must be
    /// absolute: a scheduler starts programs in folders of its own.
    pub fn new(
        program: &Path,
        config: &Path,
        jobs: &[String],
        when: When,
    ) -> Result<Self, ScheduleError> {
        Ok(Self {
            program: printable(program.to_str(), program)?,
            config: printable(config.to_str(), config)?,
            jobs: jobs
                .iter()
                .map(|job| printable(Some(job), Path::new(job)))
                .collect::<Result<_, _>>()?,
            when,
        })
    }

    /// What follows the program.
    fn arguments(&self) -> Vec<&str> {
        let mut all = vec!["run", "--config", &self.config];
        if self.jobs.iter().any(|job| job.starts_with('-')) {
            all.push("--");
        }
        all.extend(self.jobs.iter().map(String::as_str));
        all
    }
}

/// Line breaks end a line of every one of these files, whatever is written around them.
fn printable(text: Option<&str>, path: &Path) -> Result<String, ScheduleError> {
    text.filter(|text| !text.chars().any(char::is_control))
        .map(str::to_owned)
        .ok_or_else(|| ScheduleError::Unprintable(path.to_string_lossy().into_owned()))
}

/// Characters that mean nothing but themselves to a shell and to systemd.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@,".contains(c);
    !text.is_empty() && text.chars().all(plain)
}
