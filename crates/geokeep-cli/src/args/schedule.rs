//! `schedule`: what can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use geokeep::schedule::{Interval, TimeOfDay, When};

#[derive(Debug, Args)]
pub(crate) struct Schedule {
    #[command(subcommand)]
    pub(crate) action: Action,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Run jobs automatically; replaces an existing schedule
    Install(Install),
    /// Remove the schedule; backups stay
    Remove(Which),
    /// Show when it last ran, how that ended, and when it runs next
    Status(Which),
}

#[derive(Debug, Args)]
pub(crate) struct Install {
    /// Jobs to run [default: all of the file]
    #[arg(value_name = "JOB")]
    pub(crate) jobs: Vec<String>,

    #[command(flatten)]
    pub(crate) times: Times,

    /// The configuration [default: geokeep.toml here, else in the user's configuration folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) which: Which,

    /// Only print what would be written
    #[arg(long)]
    pub(crate) print: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Times {
    /// A time of day such as 02:30, local; may be given several times
    #[arg(long, value_name = "HH:MM")]
    at: Vec<TimeOfDay>,

    /// How long from one run to the next: 15m, 1h
    #[arg(long, value_name = "TIME", value_parser = interval)]
    every: Option<Interval>,
}

impl Times {
    pub(crate) fn when(&self) -> When {
        match self.every {
            Some(interval) => When::Every(interval),
            None => When::at(self.at.clone()),
        }
    }
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Which {
    /// Which scheduler to use [default: the one that this system has]
    #[arg(long, value_enum)]
    pub(crate) kind: Option<Scheduler>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scheduler {
    /// A timer of your own systemd (Linux)
    Systemd,
    /// Lines in your crontab (Linux, BSD, macOS)
    Cron,
    /// An agent of launchd (macOS)
    Launchd,
    /// A task of the Task Scheduler (Windows)
    Task,
}

fn interval(text: &str) -> Result<Interval, String> {
    let every: Duration = super::duration(text)?;
    Interval::new(every).map_err(|e| e.to_string())
}
